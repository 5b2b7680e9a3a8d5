//! Randomly damaged files give errors, never a panic.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::{Path, PathBuf};

use common::damage::damage;
use safetensors::SafeTensors;
use simgan_data::ImageFile;

/// Small files of every kind, of a case's `export.py`.
fn files(case: &str) -> Vec<Vec<u8>> {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "tests/golden", case, "case.safetensors"].iter().collect();
    let case = std::fs::read(path).unwrap();
    let tensors = SafeTensors::deserialize(&case).unwrap();
    let mut names = tensors.names();
    names.sort_unstable();
    let files = names.into_iter().filter(|name| name.ends_with(".file"));
    files.map(|name| tensors.tensor(name).unwrap().data().to_vec()).collect()
}

/// Changes, deletes, inserts and truncates bytes. `SIMGAN_MUTATIONS` sets the number of mutations per file.
#[test]
fn no_damage_makes_the_decoder_panic() {
    let n: u64 = std::env::var("SIMGAN_MUTATIONS").map_or(300, |n| n.parse().unwrap());
    let check = |bytes: &[u8], n: u64| {
        for seed in 0..n {
            let damaged = damage(bytes, seed);
            match ImageFile::decode(&damaged, Path::new("eye")) {
                Err(error) => assert!(error.to_string().starts_with("eye: "), "{error}"),
                // What was read can be written, whatever else the file says.
                Ok(file) => drop(file.encode(Path::new("eye")).unwrap()),
            }
            let _ = ImageFile::probe_bytes(&damaged, Path::new("eye"));
        }
    };
    files("image_files").iter().for_each(|bytes| check(bytes, n));
    files("layouts").iter().for_each(|bytes| check(bytes, n / 10));
}
