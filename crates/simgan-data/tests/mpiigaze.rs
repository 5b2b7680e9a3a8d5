//! MPIIGaze: a synthetic data set in its layout, compared with SciPy, and the real one if available.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use safetensors::SafeTensors;
use simgan_data::{
    AnnotationsExt, DataError, Fitted, ImageFile, Loader, LoaderOptions, MpiiGaze, MpiiGazeOptions, OnError,
    PackOptions, Persons, Pixels, Registry, Sample, Sampler, Source, SourceRequest, Subset, Target, Want,
    pack,
};

struct Case {
    bytes: Vec<u8>,
    root: tempfile::TempDir,
}

impl Case {
    /// Unpacks the synthetic data set.
    fn new() -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/mpiigaze/case.safetensors");
        let case = Self { bytes: std::fs::read(path).unwrap(), root: tempfile::tempdir().unwrap() };
        for (name, tensor) in case.tensors().tensors() {
            if let Some(name) = name.strip_prefix("files/") {
                let path = case.root.path().join(name);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, tensor.data()).unwrap();
            }
        }
        case
    }

    fn tensors(&self) -> SafeTensors<'_> {
        SafeTensors::deserialize(&self.bytes).unwrap()
    }

    fn open(&self, options: &MpiiGazeOptions) -> Result<MpiiGaze, DataError> {
        MpiiGaze::open(self.root.path(), options)
    }

    fn vectors(&self, name: &str) -> Vec<[f32; 3]> {
        let floats = self
            .tensors()
            .tensor(name)
            .unwrap()
            .data()
            .as_chunks()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b))
            .collect::<Vec<_>>();
        floats.as_chunks().0.to_vec()
    }
}

fn open_by_registry(path: &Path) -> Arc<dyn Source> {
    Registry::default().open(&SourceRequest::new(path.to_str().unwrap())).unwrap()
}

fn samples(source: &dyn Source) -> Vec<Sample> {
    (0..source.len()).map(|i| source.sample(i, Want::Labels).unwrap()).collect()
}

fn names(source: &MpiiGaze) -> Vec<String> {
    samples(source).into_iter().map(|sample| sample.name).collect()
}

#[test]
fn everything_is_what_scipy_reads_mirrored() {
    let case = Case::new();
    for memory in [0, 1 << 30] {
        let source = case.open(&MpiiGazeOptions { memory, ..MpiiGazeOptions::default() }).unwrap();
        assert_eq!((source.len(), source.persons()), (12, vec!["p00", "p07"]));
        let (gaze, pose) = (case.vectors("gaze"), case.vectors("pose"));
        let tensors = case.tensors();
        let images = tensors.tensor("images").unwrap();
        for (i, sample) in samples(&source).into_iter().enumerate() {
            assert_eq!(sample.image.spec(), source.spec());
            assert_eq!(sample.image.pixels(), &Pixels::U8(images.data()[i * 2160..][..2160].to_vec()), "{i}");
            assert_eq!(sample.annotations.gaze().unwrap().vector(), gaze[i], "{i}");
            assert_eq!(sample.annotations.head_pose().unwrap(), pose[i], "{i}");
        }
    }
}

#[test]
fn packed_it_gives_the_same_batches() {
    let case = Case::new();
    let source = Arc::new(case.open(&MpiiGazeOptions::default()).unwrap());
    let target = Target { size: Some("55x35".parse().unwrap()), ..Target::default() };
    let raw: Arc<dyn Source> = Arc::new(Fitted::new(source, target));
    let path = case.root.path().join("packed.safetensors");
    pack(&*raw, &path, &PackOptions::default(), &mut |_, _| {}).unwrap();
    let packed = open_by_registry(&path);
    let options = LoaderOptions { batch: 5, want: Want::Labels, ..LoaderOptions::default() };
    let [mut raw, mut packed] =
        [raw, packed].map(|source| Loader::new(source, Sampler::new(12, 1), options).unwrap());
    for _ in 0..6 {
        let expected = raw.next_batch().unwrap();
        assert!(expected.annotations.iter().all(|known| known.gaze().is_some()));
        assert_eq!(packed.next_batch().unwrap(), expected);
    }
}

#[test]
fn samples_are_named_and_selected() {
    let case = Case::new();
    let select =
        |persons, subset| case.open(&MpiiGazeOptions { persons, subset, ..MpiiGazeOptions::default() });
    let p07 = vec!["p07".to_owned()];
    let only = select(Persons::Only(p07.clone()), Subset::All).unwrap();
    assert_eq!(
        names(&only),
        ["p07/day11/0001-left", "p07/day11/0001-right", "p07/day11/0003-left", "p07/day11/0003-right"]
    );
    assert_eq!(only.sample(3, Want::Labels).unwrap().record.unwrap()["person"], "p07");
    let except = select(Persons::Except(p07), Subset::All).unwrap();
    assert_eq!(except.len(), 8);
    let subset = select(Persons::All, Subset::Evaluation).unwrap();
    let expected =
        ["p00/day01/0005-left", "p00/day01/0001-right", "p00/day02/0001-left", "p07/day11/0003-right"];
    assert_eq!(names(&subset), expected);
    let unknown = select(Persons::Only(vec!["p99".to_owned()]), Subset::All).err().unwrap().to_string();
    assert!(unknown.contains("no person p99") && unknown.contains("p00, p07"), "{unknown}");
}

/// One day and one person's folder hold the corresponding samples of the whole, under the same names.
#[test]
fn a_part_is_a_source() {
    let case = Case::new();
    let normalized = case.root.path().join("Data/Normalized");
    let all = samples(&case.open(&MpiiGazeOptions::default()).unwrap());
    for (part, n) in
        [("", 12), ("p00", 8), ("p00/day01.mat", 6), ("p00/day02.mat", 2), ("p07", 4), ("p07/day11.mat", 4)]
    {
        let source = open_by_registry(&normalized.join(part));
        let prefix = part.trim_end_matches(".mat");
        let expected: Vec<_> = all.iter().filter(|sample| sample.name.starts_with(prefix)).cloned().collect();
        assert_eq!(expected.len(), n, "{part}");
        assert_eq!(samples(&*source), expected, "{part}");
    }
    let refusal = |part: &str, options: &MpiiGazeOptions| {
        MpiiGaze::open(&normalized.join(part), options).err().unwrap().to_string()
    };
    let subset = MpiiGazeOptions { subset: Subset::Evaluation, ..MpiiGazeOptions::default() };
    for part in ["", "p00"] {
        assert!(refusal(part, &subset).contains("MPIIGaze's own folder"), "{}", refusal(part, &subset));
    }
    let p07 =
        MpiiGazeOptions { persons: Persons::Only(vec!["p07".to_owned()]), ..MpiiGazeOptions::default() };
    assert!(refusal("p00/day01.mat", &p07).contains("no person p07, only p00"));
    std::fs::write(normalized.join("p00/other.mat"), "no MATLAB file").unwrap();
    assert!(refusal("p00/other.mat", &MpiiGazeOptions::default()).contains("other.mat"));
}

#[test]
fn damaged_files_are_named() {
    let case = Case::new();
    let day = case.root.path().join("Data/Normalized/p00/day01.mat");
    let mut n_bad = 0;
    for (name, tensor) in case.tensors().tensors() {
        let Some(what) = name.strip_prefix("bad/") else { continue };
        n_bad += 1;
        std::fs::write(&day, tensor.data()).unwrap();
        let error = case.open(&MpiiGazeOptions::default()).err().unwrap().to_string();
        let word = match what {
            "no right" => "right eyes: it has no field \"gaze\"",
            "no image" => "no field \"image\"",
            "size" => "[2, 35, 60] instead of 2×36×60",
            "number" => "[2, 36, 60] instead of 1×36×60",
            "doubles" => "does not hold bytes",
            "nan" => "holds NaN",
            _ => "at byte",
        };
        assert!(error.contains("day01.mat") && error.contains(word), "{what}: {error}");
    }
    assert_eq!(n_bad, 7);
}

#[test]
fn damaged_files_are_left_out_if_wished() {
    let case = Case::new();
    let day = |name: &str| case.root.path().join("Data/Normalized").join(name);
    let skip = |subset| MpiiGazeOptions { subset, on_error: OnError::Skip, ..MpiiGazeOptions::default() };
    let all = names(&case.open(&skip(Subset::All)).unwrap());
    std::fs::write(day("p00/day01.mat"), "no MATLAB file").unwrap();
    for (subset, n) in [(Subset::All, 6), (Subset::Evaluation, 2)] {
        let error = case.open(&MpiiGazeOptions { on_error: OnError::Fail, ..skip(subset) }).err().unwrap();
        let hint = error.hint().unwrap().to_string();
        assert!(
            error.to_string().contains("day01.mat") && hint.contains("skip such files"),
            "{error}; {hint}"
        );
        let source = case.open(&skip(subset)).unwrap();
        let left: Vec<String> = names(&source);
        assert!(left.iter().all(|name| all.contains(name) && !name.contains("p00/day01")), "{left:?}");
        assert_eq!((left.len(), source.skipped().len()), (n, 1));
        assert!(source.skipped()[0].to_string().contains("day01.mat"));
    }
    std::fs::write(day("p00/day02.mat"), "").unwrap();
    std::fs::write(day("p07/day11.mat"), "").unwrap();
    let error = case.open(&skip(Subset::All)).err().unwrap().to_string();
    assert!(error.contains("day01.mat"), "{error}");
}

#[test]
fn bad_lists_and_other_folders_are_named() {
    let case = Case::new();
    let list = case.root.path().join("Evaluation Subset/sample list for eye image/p00.txt");
    let options = MpiiGazeOptions { subset: Subset::Evaluation, ..MpiiGazeOptions::default() };
    for (text, expected) in [
        ("day01/0001.jpg middle", "line 1"),
        ("\nday09/0001.jpg left", "line 2 names day09"),
        ("day01/0002.jpg left", "0002.jpg is not in it"),
    ] {
        std::fs::write(&list, text).unwrap();
        let error = case.open(&options).err().unwrap();
        assert!(error.to_string().contains(expected) && error.hint().is_some(), "{error}");
    }
    let other = tempfile::tempdir().unwrap();
    assert!(MpiiGaze::is_at(case.root.path()) && !MpiiGaze::is_at(other.path()));
    let error = MpiiGaze::open(other.path(), &MpiiGazeOptions::default()).err().unwrap().to_string();
    assert!(error.contains("no MPIIGaze"), "{error}");
}

/// `$SIMGAN_TEST_DATA/mpiigaze/crops_p00` holds the same images as the day files: right eyes mirrored, left
/// eyes first.
#[test]
fn the_real_day_files_hold_the_real_crops() {
    let Some(root) = std::env::var_os("SIMGAN_TEST_DATA").map(|root| Path::new(&root).join("mpiigaze"))
    else {
        return println!("skipped: SIMGAN_TEST_DATA is not set");
    };
    let source = MpiiGaze::open(&root, &MpiiGazeOptions::default()).unwrap();
    assert_eq!(source.len(), 1500);
    let mut found: Vec<Pixels> =
        samples(&source).into_iter().map(|sample| sample.image.pixels().clone()).collect();
    let crop = |i| ImageFile::open(&root.join(format!("crops_p00/{i:04}.png"))).unwrap();
    let mut expected: Vec<Pixels> = (1..=1500).map(|i| crop(i).image().pixels().clone()).collect();
    let key = |pixels: &Pixels| match pixels {
        Pixels::U8(values) => values.clone(),
        _ => Vec::new(),
    };
    found.sort_by_key(key);
    expected.sort_by_key(key);
    assert!(found == expected);
    assert_eq!(
        source.sample(0, Want::Labels).unwrap().annotations.head_pose(),
        None,
        "zero stands for unknown"
    );
}
