//! Comparison with Pillow: files written by other programs, and resizing.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use safetensors::SafeTensors;
use simgan_data::{Fit, Folder, FolderOptions, Image, ImageFile, Pixels, Size, Source, Want};

fn golden(case: &str) -> Vec<u8> {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "tests/golden", case, "case.safetensors"].iter().collect();
    std::fs::read(path).unwrap()
}

/// Makes a gray or RGB image from values `[height, width]` or `[height, width, channels]`.
fn image(shape: &[usize], values: &[u8]) -> Image {
    let channels = shape.get(2).copied().unwrap_or(1);
    let planar = (0..channels).flat_map(|c| values.iter().skip(c).step_by(channels).copied()).collect();
    Image::new(channels, shape[0], shape[1], Pixels::U8(planar))
}

fn largest_difference(a: &Image, b: &Image) -> f32 {
    assert_eq!(a.spec(), b.spec());
    a.to_unit().iter().zip(b.to_unit()).map(|(a, b)| (a - b).abs() * 127.5).fold(0.0, f32::max)
}

#[test]
fn files_of_other_programs_are_read_or_refused() {
    let file = golden("image_files");
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let mut names =
        tensors.names().into_iter().filter_map(|name| name.strip_suffix(".file")).collect::<Vec<_>>();
    names.sort_unstable();
    assert_eq!(names.len(), 16);
    for name in names {
        let bytes = tensors.tensor(&format!("{name}.file")).unwrap().data();
        let read = ImageFile::decode(bytes, Path::new(name));
        let Ok(expected) = tensors.tensor(&format!("{name}.pixels")) else {
            let error = read.unwrap_err();
            assert!(error.to_string().contains(name) && error.hint().is_some(), "{error}");
            continue;
        };
        let read = read.unwrap();
        let difference = largest_difference(read.image(), &image(expected.shape(), expected.data()));
        // JPEG decoders may round differently.
        assert!(difference <= if name.starts_with("jpeg") { 4.0 } else { 0.01 }, "{name}: {difference}");
        assert_eq!(read.alpha().is_some(), name == "png_transparent", "{name}");
        let path = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(path.path(), bytes).unwrap();
        assert_eq!(ImageFile::probe(path.path()).unwrap(), read.image().spec(), "{name}");
    }
}

#[test]
fn resizing_is_pillows() {
    let file = golden("resize");
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let get =
        |name: String| tensors.tensor(&name).map(|tensor| image(tensor.shape(), tensor.data())).unwrap();
    for case in 0..4 {
        let input = get(format!("{case}.input"));
        for (fit, name) in [(Fit::Stretch, "stretch"), (Fit::Cover, "cover")] {
            let expected = get(format!("{case}.{name}"));
            let Size { width, height } = expected.spec().size();
            let difference = largest_difference(&input.resized(Size { width, height }, fit), &expected);
            // Pillow rounds to 8 bits between its two passes.
            assert!(difference <= 1.01, "{case} {name}: {difference}");
        }
    }
}

#[test]
fn gray_values_of_jpeg_files_are_pillows() {
    let file = golden("luma");
    let tensors = SafeTensors::deserialize(&file).unwrap();
    let names: Vec<&str> =
        tensors.names().into_iter().filter_map(|name| name.strip_suffix(".file")).collect();
    assert_eq!(names.len(), 10);
    for name in names {
        let folder = tempfile::tempdir().unwrap();
        let bytes = tensors.tensor(&format!("{name}.file")).unwrap().data();
        std::fs::write(folder.path().join("1.jpg"), bytes).unwrap();
        let options = FolderOptions { channels: Some(1), ..FolderOptions::default() };
        let folder = Folder::open(folder.path(), &options).unwrap();
        let gray = tensors.tensor(&format!("{name}.gray")).unwrap();
        let read = folder.sample(0, Want::Image).unwrap().image;
        assert_eq!(read.spec(), folder.spec(), "{name}");
        // Pillow converts by way of RGB, which is rounded.
        let difference = largest_difference(&read, &image(gray.shape(), gray.data()));
        assert!(difference <= 2.01, "{name}: {difference}");
    }
}
