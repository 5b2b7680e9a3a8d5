//! Randomly damaged files give errors, never a panic.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::path::{Path, PathBuf};

use common::damage::damage;
use safetensors::SafeTensors;
use simgan_data::{Image, ImageFile, ImageFormat, Pixels};

/// Small files of every kind, from other programs and, with 16 bits, our own.
fn files() -> Vec<Vec<u8>> {
    let case: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "tests/golden/image_files/case.safetensors"].iter().collect();
    let case = std::fs::read(case).unwrap();
    let tensors = SafeTensors::deserialize(&case).unwrap();
    let mut names = tensors.names();
    names.sort_unstable();
    let of_others = names.into_iter().filter(|name| name.ends_with(".file"));
    let mut files: Vec<Vec<u8>> =
        of_others.map(|name| tensors.tensor(name).unwrap().data().to_vec()).collect();
    for format in [ImageFormat::Png, ImageFormat::Tiff] {
        let image = Image::new(3, 2, 5, Pixels::U16((0..30).map(|i| i * 2000).collect()));
        files.push(ImageFile::new(image, format).encode(Path::new("eye")).unwrap());
    }
    files
}

/// Changes, deletes, inserts and truncates bytes. `SIMGAN_MUTATIONS` sets the number of mutations per file.
#[test]
fn no_damage_makes_the_decoder_panic() {
    let n: u64 = std::env::var("SIMGAN_MUTATIONS").map_or(300, |n| n.parse().unwrap());
    for bytes in files() {
        for seed in 0..n {
            if let Err(error) = ImageFile::decode(&damage(&bytes, seed), Path::new("eye")) {
                assert!(error.to_string().starts_with("eye: "), "{error}");
            }
        }
    }
}
