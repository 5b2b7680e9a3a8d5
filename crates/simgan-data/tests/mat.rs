//! MATLAB files: comparison with SciPy on its own test files, and damage of every kind.
//!
//! The files are expected in `$SIMGAN_TEST_DATA/mat/scipy`; if the variable is not set, these tests print
//! that they are skipped and pass.

#![expect(clippy::print_stdout, reason = "a test says that it is skipped")]

mod common;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};
use simgan_data::mat::{self, Array, Data, Limits, Numbers, Variable};

use common::damage::damage;

fn corpus() -> Option<PathBuf> {
    let Some(root) = std::env::var_os("SIMGAN_TEST_DATA") else {
        println!("skipped: SIMGAN_TEST_DATA is not set");
        return None;
    };
    Some(PathBuf::from(root).join("mat/scipy"))
}

fn describe(array: &Array) -> Value {
    let dims = &array.dims;
    match &array.data {
        Data::Real(values) => json!({"class": class(values), "dims": dims, "values": numbers(values)}),
        Data::Complex(real, imaginary) => json!({
            "class": class(real), "dims": dims, "values": numbers(real), "imaginary": numbers(imaginary),
        }),
        Data::Logical(values) => json!({"class": "logical", "dims": dims, "values": values}),
        Data::Text(units) => {
            json!({"class": "char", "dims": dims, "values": String::from_utf16_lossy(units)})
        }
        Data::Cell(values) => json!({"class": "cell", "dims": dims, "values": all(values)}),
        Data::Struct { class, fields, values } => json!({
            "class": class.as_deref().unwrap_or("struct"), "dims": dims, "fields": fields, "values": all(values),
        }),
        Data::Sparse { rows, columns, values } => {
            let values = Array { dims: vec![1, rows.len()], data: (**values).clone() };
            json!({"class": "sparse", "dims": dims, "rows": rows, "columns": columns, "values": describe(&values)})
        }
        Data::Opaque(_) => json!({"class": "opaque"}),
    }
}

fn all(arrays: &[Array]) -> Vec<Value> {
    arrays.iter().map(describe).collect()
}

fn class(numbers: &Numbers) -> &'static str {
    match numbers {
        Numbers::F64(_) => "double",
        Numbers::F32(_) => "single",
        Numbers::I8(_) => "int8",
        Numbers::U8(_) => "uint8",
        Numbers::I16(_) => "int16",
        Numbers::U16(_) => "uint16",
        Numbers::I32(_) => "int32",
        Numbers::U32(_) => "uint32",
        Numbers::I64(_) => "int64",
        Numbers::U64(_) => "uint64",
    }
}

fn numbers(numbers: &Numbers) -> Vec<Value> {
    let float = |value: f64| {
        if value.fract() == 0.0 { json!(value) } else { json!(format!("{:016x}", value.to_bits())) }
    };
    match numbers {
        Numbers::F64(values) => values.iter().map(|&value| float(value)).collect(),
        Numbers::F32(values) => values.iter().map(|&value| float(f64::from(value))).collect(),
        Numbers::I64(values) => values.iter().map(|&value| json!(value)).collect(),
        Numbers::U64(values) => values.iter().map(|&value| json!(value)).collect(),
        other => other.to_f64().into_iter().map(|value| json!(value as i64)).collect(),
    }
}

#[test]
fn scipys_files_have_scipys_values() {
    let Some(corpus) = corpus() else { return };
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/mat/case.json");
    let golden: BTreeMap<String, Value> = serde_json::from_slice(&std::fs::read(golden).unwrap()).unwrap();
    let mut different = Vec::new();
    for (name, expected) in &golden {
        let read = mat::read(&std::fs::read(corpus.join(name)).unwrap(), &Limits::default());
        let found = match (&read, expected) {
            (Err(error), Value::String(_)) => {
                let text = error.to_string();
                assert!(text.contains(" at byte ") && text.contains("save(…, '-v7')"), "{name}: {text}");
                json!("skipped")
            }
            (Err(_), _) => Value::Null,
            (Ok(variables), _) => variables
                .iter()
                .map(|Variable { name, array }| json!({"name": name, "value": describe(array)}))
                .collect(),
        };
        if found != *expected {
            let text = found.to_string();
            let at = text.bytes().zip(expected.to_string().bytes()).take_while(|(a, b)| a == b).count();
            let cut = |value: &Value| {
                value.to_string().chars().skip(at.saturating_sub(50)).take(200).collect::<String>()
            };
            different.push(format!("{name}: {:?}\n  {}\n  {}", read.err(), cut(&found), cut(expected)));
        }
    }
    assert!(golden.len() > 100 && different.is_empty(), "{}", different.join("\n"));
}

/// Converts another reader's numbers; `None` for complex ones.
fn plain(data: &matfile::NumericData) -> Option<Numbers> {
    use matfile::NumericData as Other;
    Some(match data {
        Other::Int8 { real, imag: None } => Numbers::I8(real.clone()),
        Other::UInt8 { real, imag: None } => Numbers::U8(real.clone()),
        Other::Int16 { real, imag: None } => Numbers::I16(real.clone()),
        Other::UInt16 { real, imag: None } => Numbers::U16(real.clone()),
        Other::Int32 { real, imag: None } => Numbers::I32(real.clone()),
        Other::UInt32 { real, imag: None } => Numbers::U32(real.clone()),
        Other::Int64 { real, imag: None } => Numbers::I64(real.clone()),
        Other::UInt64 { real, imag: None } => Numbers::U64(real.clone()),
        Other::Single { real, imag: None } => Numbers::F32(real.clone()),
        Other::Double { real, imag: None } => Numbers::F64(real.clone()),
        _ => return None,
    })
}

#[test]
fn flat_numeric_files_are_what_another_reader_reads() {
    let Some(corpus) = corpus() else { return };
    let mut n_compared = 0;
    for entry in std::fs::read_dir(corpus).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let Ok(variables) = mat::read(&bytes, &Limits::default()) else { continue };
        // The other reader does not support structs, cells and text, and panics on some files.
        let Ok(Ok(other)) = std::panic::catch_unwind(|| matfile::MatFile::parse(&bytes[..])) else {
            continue;
        };
        for array in other.arrays() {
            let ours = variables.iter().find(|variable| variable.name == array.name()).unwrap();
            if let (Data::Real(numbers), Some(expected)) = (&ours.array.data, plain(array.data())) {
                assert_eq!(ours.array.dims, *array.size(), "{}", ours.name);
                assert_eq!(numbers.to_f64(), expected.to_f64(), "{}", ours.name);
                n_compared += 1;
            }
        }
    }
    assert!(n_compared >= 10, "{n_compared}");
}

/// `SIMGAN_MUTATIONS` sets how many times each file is damaged.
#[test]
fn damaged_files_are_errors_within_the_limits() {
    let Some(corpus) = corpus() else { return };
    let n: u64 = std::env::var("SIMGAN_MUTATIONS").map_or(200, |n| n.parse().unwrap());
    let limits = Limits { bytes: 1 << 22, ..Limits::default() };
    for name in [
        "testcellnest_6.1_SOL2.mat",
        "teststructarr_7.4_GLNX86.mat",
        "testsparsecomplex_6.5.1_GLNX86.mat",
        "testunicode_7.1_GLNX86.mat",
        "testobject_6.1_SOL2.mat",
        "big_endian.mat",
        "some_functions.mat",
    ] {
        let file = std::fs::read(corpus.join(name)).unwrap();
        for seed in 0..n {
            // Keep the header, which only identifies the format, and damage what follows.
            let mut damaged = file[..128].to_vec();
            damaged.extend(damage(&file[128..], seed));
            if let Err(error) = mat::read(&damaged, &limits) {
                assert!(error.offset <= damaged.len(), "{error}");
            }
        }
        for length in 0..file.len().min(2000) {
            if let Err(error) = mat::read(&file[..length], &limits) {
                assert!(error.offset <= length, "{error}");
            }
        }
    }
}

/// Makes a file of one variable with this content.
fn file_of(content: &[u8]) -> Vec<u8> {
    let mut file = vec![b' '; 124];
    file.extend(b"\0\x01IM");
    file.extend(14u32.to_le_bytes());
    file.extend((content.len() as u32).to_le_bytes());
    file.extend(content);
    file
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Flags, sizes and an empty name.
fn start(class: u32, height: u32, width: u32) -> Vec<u32> {
    vec![6, 8, class, 0, 5, 8, height, width, 1, 0]
}

#[test]
fn lies_about_sizes_take_no_memory() {
    let limits = Limits { bytes: 1 << 16, ..Limits::default() };
    let doubles = [start(6, 30_000, 30_000), vec![9, 7_200_000_000u64 as u32]].concat();
    let cells = start(1, 60_000, 60_000);
    let sizes = start(6, u32::MAX, u32::MAX);
    let structs =
        [start(2, 100_000, 1), vec![5 | 4 << 16, 4, 1, 4, u32::from_le_bytes(*b"one\0"), 0]].concat();
    for content in [doubles, cells, sizes, structs] {
        let error = mat::read(&file_of(&words(&content)), &limits).unwrap_err();
        assert!(error.offset >= 128, "{error}");
    }
}

#[test]
fn limits_hold() {
    let mut nested = words(&[start(6, 0, 0), vec![9, 0]].concat());
    for _ in 0..40 {
        let inner = nested;
        nested = words(&[start(1, 1, 1), vec![14, inner.len() as u32]].concat());
        nested.extend(inner);
    }
    let file = file_of(&nested);
    let error = mat::read(&file, &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("deeper than the limit of 32"), "{error}");
    let deep = Limits { depth: 50, ..Limits::default() };
    assert!(mat::read(&file, &deep).is_ok());
    let error = mat::read(&file, &Limits { arrays: 5, ..deep }).unwrap_err().to_string();
    assert!(error.contains("more than the limit of 5 arrays"), "{error}");
    let error = mat::read(&file, &Limits { bytes: 500, ..deep }).unwrap_err().to_string();
    assert!(error.contains("limit of 500 bytes"), "{error}");
}

#[test]
fn small_integers_stand_for_doubles_and_rows_are_columns() {
    // A 2×3 double stored as bytes 1 to 6: MATLAB shows [1 3 5; 2 4 6].
    let mut content = words(&[start(6, 2, 3), vec![2, 6]].concat());
    content.extend([1, 2, 3, 4, 5, 6, 0, 0]);
    let variables = mat::read(&file_of(&content), &Limits::default()).unwrap();
    assert_eq!(variables[0].array.data, Data::Real(Numbers::F64(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0])));
    let mut content = words(&[start(4, 2, 2), vec![2 | 4 << 16]].concat());
    content.extend(b"acbd");
    let variables = mat::read(&file_of(&content), &Limits::default()).unwrap();
    assert_eq!(variables[0].array.to_rows(), Some(vec!["ab".to_owned(), "cd".to_owned()]));
}

#[test]
fn other_files_are_told() {
    let mut hdf = vec![b' '; 124];
    hdf.extend(b"\0\x02IM");
    for (file, expected) in [
        (&hdf[..], "7.3"),
        (b"\x89HDF\r\n", "7.3"),
        (b"", "too short"),
        (&[0; 200], "level 4"),
        (&[1; 200], "make no sense"),
    ] {
        let error = mat::read(file, &Limits::default()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
