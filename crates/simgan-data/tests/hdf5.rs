//! Files in the layouts of Kaggle's eye-gaze set and of BlenderProc, made by `golden/hdf5/export.py`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::damage::damage;
use simgan_data::{AnnotationsExt, Pixels, Registry, Source, SourceRequest, Want};

const ROWS: usize = 5;
const COLUMNS: usize = 7;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/hdf5").join(name)
}

fn open(path: &Path) -> Result<Arc<dyn Source>, String> {
    let (registry, path) = (Registry::default(), path.to_str().unwrap());
    assert_eq!(registry.find(path).unwrap().layout().name(), "hdf5");
    registry.open(&SourceRequest::new(path)).map_err(|error| error.to_string())
}

/// The pixels of image `i` in the script.
fn pixels(i: usize) -> Pixels {
    let at = |n: usize| ((i * 37 + n / COLUMNS * 11 + n % COLUMNS * 3) % 251) as u8;
    Pixels::U8((0..ROWS * COLUMNS).map(at).collect())
}

#[test]
fn images_come_by_name_with_their_directions() {
    let eyes = open(&golden("gaze.h5")).unwrap();
    let spec = eyes.spec();
    assert_eq!((eyes.len(), spec.channels, spec.height, spec.width), (11, 1, ROWS, COLUMNS));
    let names = ["0", "1", "10", "2", "3", "4", "5", "6", "7", "8", "9"];
    for (index, name) in names.iter().enumerate() {
        let sample = eyes.sample(index, Want::Labels).unwrap();
        let i: usize = name.parse().unwrap();
        assert_eq!((&*sample.name, sample.image.pixels()), (*name, &pixels(i)));
        let [x, y, z] = sample.annotations.gaze().unwrap().vector().map(f64::from);
        let (right, up) = (0.1 * i as f64 - 0.5, 0.05 * i as f64);
        assert!((x + z * right).abs() < 1e-6 && (y - z * up).abs() < 1e-6 && z < 0.0, "{name}: {x} {y} {z}");
    }
}

#[test]
fn floating_point_numbers_reach_from_0_to_1() {
    for (name, has_gaze) in [("real_gaze.h5", false), ("three.h5", true)] {
        let eyes = open(&golden(name)).unwrap();
        assert_eq!(eyes.len(), 3);
        for i in 0..3 {
            let sample = eyes.sample(i, Want::Labels).unwrap();
            assert_eq!(sample.image.pixels(), &pixels(i), "{name}");
            assert_eq!(sample.annotations.gaze().is_some(), has_gaze, "{name}");
        }
    }
}

#[test]
fn anything_else_is_told() {
    for (name, words) in [
        ("short_look_vec.h5", "\"look_vec\" is [2, 4] instead of [3, 3]"),
        ("zero_look_vec.h5", "no direction"),
        ("integer_look_vec.h5", "\"look_vec\": its numbers are"),
        ("sizes.h5", "image 1 is [4, 7] instead of [5, 7]"),
        ("stack.h5", "image 0 is [11, 5, 7] instead of rows and columns"),
        ("bright_floats.h5", "image 0: 111 is not within 0 to 1"),
        ("integers.h5", "image 0: its numbers are"),
        ("empty.h5", "holds no data set"),
        ("no_group.h5", "no group \"image\""),
    ] {
        let error = open(&golden(name)).err().unwrap();
        assert!(error.contains(name) && error.contains(words), "{name}: {error}");
    }
}

#[test]
fn a_folder_of_blenderproc_s_renders_is_a_source() {
    let registry = Registry::default();
    let path = golden("blenderproc");
    let found = registry.find(path.to_str().unwrap()).unwrap();
    assert_eq!(found.layout().name(), "blenderproc");
    let renders = found.open(&SourceRequest::new("")).unwrap();
    let spec = renders.spec();
    assert_eq!((renders.len(), spec.channels, spec.height, spec.width), (3, 3, ROWS, COLUMNS));
    for (index, number) in [0, 2, 10].into_iter().enumerate() {
        let sample = renders.sample(index, Want::Labels).unwrap();
        assert_eq!(sample.name, number.to_string(), "in the order of their numbers");
        let at = |n: usize| {
            let (c, y, x) = (n / (ROWS * COLUMNS), n / COLUMNS % ROWS, n % COLUMNS);
            ((number * 37 + y * 11 + x * 3 + c * 50) % 251) as u8
        };
        assert_eq!(sample.image.pixels(), &Pixels::U8((0..3 * ROWS * COLUMNS).map(at).collect()));
    }
    let one = open(&golden("blenderproc/2.hdf5")).unwrap();
    assert_eq!((one.len(), one.name(0).unwrap()), (1, "2".to_owned()));
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(golden("gaze.h5"), folder.path().join("0.hdf5")).unwrap();
    let error = registry.open(&SourceRequest::new(folder.path().to_str().unwrap())).err().unwrap();
    assert!(
        error.to_string().contains("0.hdf5") && error.to_string().contains("no data set \"colors\""),
        "{error}"
    );
}

#[test]
fn damaged_files_are_errors_or_other_values() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.h5");
    for name in ["gaze.h5", "real_gaze.h5"] {
        let bytes = std::fs::read(golden(name)).unwrap();
        for length in (0..bytes.len()).step_by(97) {
            std::fs::write(&path, &bytes[..length]).unwrap();
            let _ = open(&path);
        }
        let mut n_errors = 0;
        for seed in 0..300 {
            std::fs::write(&path, damage(&bytes, seed)).unwrap();
            n_errors += usize::from(open(&path).is_err());
        }
        assert!(n_errors > 20, "{n_errors}");
    }
}
