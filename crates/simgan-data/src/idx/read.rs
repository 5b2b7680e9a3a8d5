use std::fs::File;
use std::io::{BufRead, BufReader, Error, ErrorKind, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::DataError;

/// Maximum number of values in a file; twenty times MNIST's.
const MAX_VALUES: u64 = 1 << 30;

/// The content of an IDX file of bytes with `N` dimensions.
pub(super) struct Content<const N: usize> {
    pub(super) dimensions: [usize; N],
    pub(super) values: Vec<u8>,
}

/// Reads a file, packed by gzip or not; `what` names what it should hold.
///
/// Nothing is allocated for what the header announces: values are read until there are more than announced.
pub(super) fn read<const N: usize>(path: &Path, what: &str) -> Result<Content<N>, DataError> {
    let io = |error| DataError::io(path, error);
    let failed = |reason| DataError::Dataset { path: path.to_owned(), reason };
    // A pipe or device may never end, or wait for ever.
    if !std::fs::metadata(path).map_err(io)?.is_file() {
        return Err(io(Error::new(ErrorKind::InvalidInput, "not a regular file")));
    }
    let mut file = BufReader::new(File::open(path).map_err(io)?);
    if file.fill_buf().map_err(io)?.starts_with(&[0x1f, 0x8b]) {
        parse(MultiGzDecoder::new(file), what).map_err(failed)
    } else {
        parse(file, what).map_err(failed)
    }
}

fn parse<const N: usize>(mut reader: impl Read, what: &str) -> Result<Content<N>, String> {
    let mut magic = [0; 4];
    reader.read_exact(&mut magic).map_err(cut)?;
    let [0, 0, kind, n_dimensions] = magic else {
        return Err("no IDX file: it does not begin with two zeros".to_owned());
    };
    if kind != 0x08 {
        return Err(format!("its values are {}; only bytes are read", name_of(kind)));
    }
    if usize::from(n_dimensions) != N {
        return Err(format!("it has {n_dimensions} dimensions instead of {N}, so it holds no {what}"));
    }
    let mut dimensions = [0; N];
    for dimension in &mut dimensions {
        let mut bytes = [0; 4];
        reader.read_exact(&mut bytes).map_err(cut)?;
        *dimension = u32::from_be_bytes(bytes) as usize;
    }
    let n_values = dimensions.iter().try_fold(1_u64, |n, dimension| n.checked_mul(*dimension as u64));
    let sides = dimensions.map(|dimension| dimension.to_string()).join("×");
    let Some(n_values) = n_values.filter(|n| (1..=MAX_VALUES).contains(n)) else {
        return Err(format!("its header announces {sides} values, which is not within 1 to {MAX_VALUES}"));
    };
    let mut values = Vec::new();
    reader.take(n_values + 1).read_to_end(&mut values).map_err(cut)?;
    match (values.len() as u64).cmp(&n_values) {
        std::cmp::Ordering::Less => {
            Err(format!("it ends after {} of the {sides} values that its header announces", values.len()))
        }
        std::cmp::Ordering::Greater => {
            Err(format!("it holds more than the {sides} values that its header announces"))
        }
        std::cmp::Ordering::Equal => Ok(Content { dimensions, values }),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the argument of `map_err`")]
fn cut(error: Error) -> String {
    format!("damaged or cut short ({error})")
}

/// The name of a type of values.
fn name_of(kind: u8) -> String {
    match kind {
        0x09 => "signed bytes".to_owned(),
        0x0b => "16-bit whole numbers".to_owned(),
        0x0c => "32-bit whole numbers".to_owned(),
        0x0d => "32-bit floating point".to_owned(),
        0x0e => "64-bit floating point".to_owned(),
        other => format!("of the unknown kind {other:#04x}"),
    }
}
