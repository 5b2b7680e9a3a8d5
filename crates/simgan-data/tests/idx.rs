//! Files in the format of MNIST, made here.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::damage::damage;
use flate2::Compression;
use flate2::write::GzEncoder;
use simgan_data::{AnnotationsExt, DataError, Pixels, Registry, Source, SourceRequest, Want, names};
use tempfile::TempDir;

const SHAPE: [u32; 3] = [6, 4, 5];

fn idx(kind: u8, shape: &[u32], values: &[u8]) -> Vec<u8> {
    let sides = shape.iter().flat_map(|side| side.to_be_bytes());
    [0, 0, kind, shape.len() as u8].into_iter().chain(sides).chain(values.iter().copied()).collect()
}

/// Asymmetric images of 5 × 4 pixels; `shift` tells two files apart.
fn images(shift: u8) -> Vec<u8> {
    let values: Vec<u8> = (0..6 * 4 * 5).map(|i| (i * 37 % 251) as u8 ^ shift).collect();
    idx(8, &SHAPE, &values)
}

fn labels() -> Vec<u8> {
    idx(8, &[6], &[7, 2, 1, 0, 4, 9])
}

fn packed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn open(path: &Path) -> Result<Arc<dyn Source>, DataError> {
    let registry = Registry::default();
    let found = registry.find(path.to_str().unwrap()).unwrap();
    assert_eq!(found.layout().name(), "idx");
    found.open(&SourceRequest::new(""))
}

/// A folder of files.
struct Files(TempDir);

impl Files {
    fn new(files: &[(&str, Vec<u8>)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// The bits that tell which file of [`images`] a source reads, if its images and labels are right.
fn check(source: &dyn Source, are_labelled: bool) -> u8 {
    let spec = source.spec();
    assert_eq!((source.len(), spec.channels, spec.height, spec.width), (6, 1, 4, 5));
    let mut shift = 0;
    for (index, class) in [7, 2, 1, 0, 4, 9].into_iter().enumerate() {
        let sample = source.sample(index, Want::Labels).unwrap();
        let Pixels::U8(pixels) = sample.image.pixels() else { panic!("bytes") };
        shift = pixels[0] ^ (index * 20 * 37 % 251) as u8;
        let expected = (0..20).map(|i| ((index * 20 + i) * 37 % 251) as u8 ^ shift);
        assert!(pixels.iter().copied().eq(expected));
        assert_eq!(sample.annotations.class(names::CLASS), are_labelled.then_some(class));
        assert_eq!(sample.name, index.to_string());
        assert!(source.sample(index, Want::Image).unwrap().annotations.is_empty());
    }
    shift
}

#[test]
fn a_folder_means_its_training_images_and_a_file_itself() {
    let files = Files::new(&[
        ("raw/t10k-images-idx3-ubyte.gz", packed(&images(1))),
        ("raw/t10k-labels-idx1-ubyte.gz", packed(&labels())),
        ("raw/train-images-idx3-ubyte", images(2)),
        ("raw/train-images-idx3-ubyte.gz", packed(&images(4))),
        ("raw/train-labels-idx1-ubyte.gz", packed(&labels())),
        ("readme.txt", b"digits".to_vec()),
    ]);
    for folder in ["", "raw"] {
        assert_eq!(check(&*open(&files.path(folder)).unwrap(), true), 2, "the unpacked training images");
    }
    for (name, shift) in [("t10k-images-idx3-ubyte.gz", 1), ("train-images-idx3-ubyte.gz", 4)] {
        assert_eq!(check(&*open(&files.path("raw").join(name)).unwrap(), true), shift);
    }
}

#[test]
fn images_without_labels_are_images() {
    let files = Files::new(&[("mine.idx3-ubyte", images(0))]);
    assert_eq!(check(&*open(&files.path("")).unwrap(), false), 0);
}

#[test]
fn folders_that_can_mean_several_things_are_told() {
    let files = Files::new(&[("a-images-idx3-ubyte", images(0)), ("b-images-idx3-ubyte", images(1))]);
    let error = open(&files.path("")).err().unwrap();
    let (hint, error) = (error.hint().unwrap().to_string(), error.to_string());
    assert!(error.contains("a-images") && error.contains("b-images") && hint.contains("mean"), "{error}");
    let labels = Files::new(&[("train-labels-idx1-ubyte", labels())]);
    let error = Registry::default().open(&SourceRequest::new(format!("idx:{}", labels.0.path().display())));
    assert!(error.err().unwrap().to_string().contains("no IDX file of images"));
    let error = open(&labels.path("train-labels-idx1-ubyte")).err().unwrap().to_string();
    assert!(error.contains("1 dimensions instead of 3, so it holds no images"), "{error}");
}

#[test]
fn what_is_no_file_of_images_is_named() {
    let whole = images(0);
    let huge = idx(8, &[u32::MAX, u32::MAX, u32::MAX], &[0; 9]);
    let cases: [(Vec<u8>, &str); 12] = [
        (Vec::new(), "cut short"),
        (whole[..9].to_vec(), "cut short"),
        (whole[..70].to_vec(), "ends after 54 of the 6×4×5 values"),
        ([&whole[..], b"x"].concat(), "more than the 6×4×5 values"),
        (b"\x89PNG....".to_vec(), "two zeros"),
        (idx(0x0d, &SHAPE, &[0; 480]), "32-bit floating point"),
        (idx(0x77, &SHAPE, &[]), "unknown kind 0x77"),
        (idx(8, &[6, 4, 5, 3], &[0; 360]), "4 dimensions instead of 3"),
        (idx(8, &[0, 4, 5], &[]), "0×4×5"),
        (huge, "not within 1 to"),
        (idx(8, &[1, 1, 20_000], &[0; 20_000]), "20000×1"),
        (packed(&whole)[..40].to_vec(), "cut short"),
    ];
    for (bytes, expected) in cases {
        let files = Files::new(&[("train-images-idx3-ubyte", bytes)]);
        let error = open(&files.path("train-images-idx3-ubyte")).err().unwrap();
        assert!(error.hint().is_some());
        let error = error.to_string();
        assert!(
            error.contains("train-images-idx3-ubyte: ") && error.contains(expected),
            "{expected}: {error}"
        );
    }
}

/// A packed file of 40 kB that would inflate to 40 MB is given up after the values that it announces.
#[test]
fn a_file_is_inflated_no_further_than_it_announces() {
    let bomb = packed(&[images(0), vec![0; 40 << 20]].concat());
    let files = Files::new(&[("train-images-idx3-ubyte.gz", bomb)]);
    let error = open(&files.path("")).err().unwrap().to_string();
    assert!(error.contains("more than the 6×4×5 values"), "{error}");
}

/// Whoever wants only images is not stopped by damaged labels.
#[test]
fn labels_that_do_not_fit_are_named_when_wanted() {
    for (bytes, expected) in [
        (idx(8, &[5], &[0; 5]), "5 labels for the 6 images"),
        (idx(8, &[6], &[0; 4]), "ends after 4 of the 6 values"),
        (images(0), "3 dimensions instead of 1, so it holds no labels"),
    ] {
        let files = Files::new(&[("train-images-idx3-ubyte", images(0)), ("train-labels-idx1-ubyte", bytes)]);
        let source = open(&files.path("")).unwrap();
        source.sample(3, Want::Image).unwrap();
        let error = source.sample(3, Want::Labels).unwrap_err().to_string();
        assert!(error.contains("train-labels-idx1-ubyte: ") && error.contains(expected), "{error}");
    }
}

#[test]
fn damaged_files_are_errors_or_other_values() {
    for bytes in [images(0), packed(&images(0))] {
        let files = Files::new(&[("train-images-idx3-ubyte", bytes.clone())]);
        let path = files.path("train-images-idx3-ubyte");
        let mut n_errors = 0;
        for seed in 0..400 {
            std::fs::write(&path, damage(&bytes, seed)).unwrap();
            match open(&path) {
                Ok(source) => drop(source.sample(source.len() - 1, Want::Labels).unwrap()),
                Err(_) => n_errors += 1,
            }
        }
        assert!(n_errors > 100, "{n_errors}");
    }
}

/// A part of the real MNIST, if the third-party test data are there.
#[test]
fn mnist_is_read() {
    let Some(data) = std::env::var_os("SIMGAN_TEST_DATA").map(PathBuf::from) else {
        println!("skipped: SIMGAN_TEST_DATA is not set");
        return;
    };
    let folder = data.join("mnist");
    if !folder.exists() {
        println!("skipped: {} is not there", folder.display());
        return;
    }
    for path in [folder.clone(), folder.join("t10k-images-idx3-ubyte.gz")] {
        let source = open(&path).unwrap();
        assert_eq!(source.spec().size().to_string(), "28x28");
        let mut counts = [0; 10];
        for index in 0..source.len() {
            let sample = source.sample(index, Want::Labels).unwrap();
            counts[sample.annotations.class(names::CLASS).unwrap() as usize] += 1;
        }
        assert!(counts.iter().all(|n| *n > source.len() / 15), "{counts:?}");
    }
}
