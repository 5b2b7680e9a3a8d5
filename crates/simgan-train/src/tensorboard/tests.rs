use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use super::proto::{FileVersion, Scalars, SessionStart, TaggedImage, event};
use super::*;

fn golden_dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/tensorboard")
}

/// 200 bytes, so that their length takes a varint of two bytes.
fn image_bytes() -> Vec<u8> {
    (0..200).collect()
}

#[test]
fn records_equal_those_of_tensorboards_own_writer() {
    let bytes = image_bytes();
    let image = PngImage { height: 2, width: 3, channels: 1, bytes: &bytes };
    let ours = [
        event(1.5, 0, &FileVersion),
        event(2.25, 81, &SessionStart),
        event(3.125, 300, &Scalars(&[("refiner/loss", 0.75), ("refiner/change", -0.1)])),
        event(4.0, 1 << 40, &TaggedImage { tag: "samples", image }),
    ]
    .map(|payload| record(&payload))
    .concat();
    let theirs = fs::read(golden_dir().join("case.tfevents")).unwrap();
    assert_eq!(ours, theirs);
}

#[test]
fn files_sort_in_the_order_of_creation() {
    let dir = tempfile::tempdir().unwrap();
    let paths: Vec<_> = (0..20).map(|_| Writer::create(dir.path()).unwrap().path().to_owned()).collect();
    assert!(paths.is_sorted());
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 20);
}

/// Runs only if `SIMGAN_TEST_PYTHON` names a Python with tensorboard installed.
#[test]
fn tensorboard_reads_what_a_killed_and_resumed_run_wrote() {
    let Some(python) = std::env::var_os("SIMGAN_TEST_PYTHON") else {
        eprintln!("skipped: SIMGAN_TEST_PYTHON is unset");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let bytes = image_bytes();
    let image = PngImage { height: 2, width: 3, channels: 1, bytes: &bytes };
    let mut writer = Writer::create(dir.path()).unwrap();
    for step in [10, 20, 30] {
        writer.scalars(step, &[("refiner/loss", step as f32)]).unwrap();
        writer.image(step, "samples", image).unwrap();
    }
    let truncated = fs::metadata(writer.path()).unwrap().len() - 7;
    writer.file.set_len(truncated).unwrap();

    let mut writer = Writer::resume(dir.path(), 21).unwrap();
    writer.scalars(30, &[("refiner/loss", 0.5), ("history/images", 64.0)]).unwrap();
    let output = Command::new(python)
        .arg(golden_dir().join("export.py"))
        .arg("read")
        .arg(dir.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    let expected = json!({
        "scalars": {"refiner/loss": [[10, 10.0], [20, 20.0], [30, 0.5]], "history/images": [[30, 64.0]]},
        "images": {"samples": [[10, 3, 2, 200], [20, 3, 2, 200]]},
    });
    assert_eq!(seen, expected);
}
