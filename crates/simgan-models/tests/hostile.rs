//! Files of a refiner that are damaged or made to do harm: each is refused by name, before it takes memory.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use candle_core::{Device, Tensor};
use simgan_models::run_folder::{FileMark, find_refiner, read_checkpoint};
use simgan_models::{
    Layout, ModelError, Parameters, Refiner, RefinerConfig, load_refiner, read_tensors_within, save_refiner,
    write_tensors,
};
use tempfile::TempDir;

const SMALL: RefinerConfig = RefinerConfig { features: 4, blocks: 1, ..RefinerConfig::eye_gaze() };

/// A folder with a small refiner.
fn saved() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let parameters = Parameters::new(0, &Device::Cpu);
    Refiner::new(&SMALL, 1, parameters.var_builder()).unwrap();
    save_refiner(folder.path(), &SMALL, 1, &parameters.tensors()).unwrap();
    folder
}

/// Adds the `state.toml` of a checkpoint, which vouches for the two files, and `more` lines.
fn seal(folder: &Path, more: &str) {
    let files = ["refiner.safetensors", "refiner.toml"];
    let marks: BTreeMap<_, _> = files.map(|name| (name, FileMark::of(&folder.join(name)).unwrap())).into();
    let marks = toml::to_string(&BTreeMap::from([("files", marks)])).unwrap();
    fs::write(folder.join("state.toml"), format!("format_version = 1\n{marks}{more}")).unwrap();
}

fn refused(folder: &Path) -> String {
    load_refiner(folder, &Device::Cpu).unwrap_err().to_string()
}

/// Each of these would take gigabytes, or overflow, if the network were built first.
#[test]
fn sizes_that_the_weights_do_not_have_are_refused_by_name() {
    let folder = saved();
    let path = folder.path().join("refiner.toml");
    let text = fs::read_to_string(&path).unwrap();
    for (now, part) in [
        ("features = 20000", "`refiner.features` cannot be 20000"),
        ("features = 4096", "`stem.weight` has shape [4, 1, 3, 3]"),
        ("blocks = 1000000000", "`refiner.blocks` cannot be 1000000000"),
        ("blocks = 256", "`blocks.1.conv1.weight` is missing"),
        ("blocks = 0", "unknown parameter `blocks.0.conv1.bias`"),
        ("kernel = 99999", "`refiner.kernel` cannot be 99999"),
        ("channels = 9223372036854775807", "1 to 64 channels"),
        ("channels = 64", "`stem.weight` has shape"),
        ("channels = -1", "invalid value"),
    ] {
        let key = now.split_once(" =").unwrap().0;
        let changed: Vec<_> =
            text.lines().map(|line| if line.starts_with(&format!("{key} =")) { now } else { line }).collect();
        fs::write(&path, changed.join("\n")).unwrap();
        let error = refused(folder.path());
        assert!(error.contains(part) && error.contains("refiner."), "{now}: {error}");
    }
}

#[test]
fn a_flipped_bit_is_found_wherever_a_checkpoint_is_opened_from() {
    let folder = saved();
    seal(folder.path(), "");
    load_refiner(folder.path(), &Device::Cpu).unwrap();
    for name in ["refiner.safetensors", "refiner.toml"] {
        let path = folder.path().join(name);
        let good = fs::read(&path).unwrap();
        let mut bytes = good.clone();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
        let error = refused(folder.path());
        assert!(error.contains(&format!("{name} is damaged")), "{error}");
        assert!(error.contains(&folder.path().display().to_string()), "{error}");
        fs::write(&path, good).unwrap();
    }
    fs::write(folder.path().join("state.toml"), "format_version = 1\n[files]\n").unwrap();
    assert!(refused(folder.path()).contains("does not know refiner.toml"));
    fs::write(folder.path().join("state.toml"), "format_version = 9\n[files]\n").unwrap();
    assert!(refused(folder.path()).contains("format version 9"));
}

#[test]
fn a_state_names_only_files_of_its_folder() {
    let folder = saved();
    for name in ["../secret", "/dev/zero", "a/b", "..", ""] {
        seal(folder.path(), &format!("[files.\"{name}\"]\nbytes = 1\ncrc32c = 1\n"));
        let error = read_checkpoint::<toml::Table>(folder.path()).unwrap_err().to_string();
        assert!(error.contains("is no file of it"), "{name}: {error}");
    }
}

#[cfg(unix)]
#[test]
fn links_and_pipes_are_not_followed() {
    let folder = saved();
    for name in ["refiner.safetensors", "refiner.toml", "state.toml"] {
        let path = folder.path().join(name);
        let good = fs::read(&path).ok();
        for target in ["/dev/zero", "refiner.toml.moved", "pipe"] {
            let _ = fs::remove_file(&path);
            match target {
                "pipe" => {
                    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
                }
                target => std::os::unix::fs::symlink(target, &path).unwrap(),
            }
            let error = refused(folder.path());
            assert!(error.contains("not a plain file") && error.contains(name), "{error}");
        }
        fs::remove_file(&path).unwrap();
        good.map_or(Ok(()), |bytes| fs::write(&path, bytes)).unwrap();
    }
    load_refiner(folder.path(), &Device::Cpu).unwrap();
}

/// A header of 100 GB, or a state of a gigabyte, is refused by its length alone: sparse files take no room.
#[test]
fn lengths_are_bounded_before_anything_is_read() {
    let folder = saved();
    let weights = folder.path().join("refiner.safetensors");
    let good = fs::read(&weights).unwrap();
    let mut lying = good.clone();
    lying[..8].copy_from_slice(&(100u64 << 30).to_le_bytes());
    fs::write(&weights, &lying).unwrap();
    assert!(refused(folder.path()).contains("damaged or not a model file"));
    let sparse = fs::File::options().write(true).open(&weights).unwrap();
    sparse.set_len(1 << 40).unwrap();
    assert!(refused(folder.path()).contains("1099511627776 bytes, of which it can need no more than"));
    fs::write(&weights, &good).unwrap();
    fs::File::create(folder.path().join("state.toml")).unwrap().set_len(1 << 30).unwrap();
    assert!(refused(folder.path()).contains("1073741824 bytes"));
}

#[test]
fn a_file_larger_than_its_tensors_can_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("history.safetensors");
    let images = Tensor::zeros((600, 1, 30, 30), candle_core::DType::F32, &Device::Cpu).unwrap();
    write_tensors(&path, &[("images".to_owned(), images)]).unwrap();
    read_tensors_within(&path, 4 * 600 * 900, &Device::Cpu).unwrap();
    let error = read_tensors_within(&path, 1000, &Device::Cpu).unwrap_err();
    assert!(matches!(error, ModelError::Io { .. }) && error.to_string().contains("history"), "{error}");
}

#[test]
fn a_layout_is_known_without_memory() {
    let large = RefinerConfig { features: 4096, blocks: 256, kernel: 31, ..SMALL };
    let layout = Layout::of(|vb| Refiner::new(&large, 1, vb)).unwrap();
    assert!(layout.count() > 1 << 42);
    let parameters = Parameters::new(0, &Device::Cpu);
    Refiner::new(&SMALL, 1, parameters.var_builder()).unwrap();
    let layout = Layout::of(|vb| Refiner::new(&SMALL, 1, vb)).unwrap();
    assert_eq!((layout.count(), &layout), (parameters.count() as u64, &parameters.layout()));
}

#[test]
fn the_best_checkpoint_lies_in_the_run() {
    let run = tempfile::tempdir().unwrap();
    fs::create_dir_all(run.path().join("checkpoints")).unwrap();
    let outside = saved();
    seal(outside.path(), "");
    let best = format!("version = 1\nstep = 1\ncheckpoint = \"{}\"\n", outside.path().display());
    fs::write(run.path().join("best.toml"), best).unwrap();
    let error = find_refiner(run.path()).unwrap_err().to_string();
    assert!(error.contains("no checkpoint yet"), "{error}");
}
