//! Image files: round trips through every format, and damage of every kind.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use image::{DynamicImage, ImageBuffer};
use proptest::prelude::*;
use simgan_data::{BitDepth, DataError, Image, ImageFile, ImageFormat, ImageSpec, Pixels};

const PATH: &str = "eye.img";

fn decode(bytes: &[u8]) -> Result<ImageFile, DataError> {
    ImageFile::decode(bytes, Path::new(PATH))
}

fn encode(image: &DynamicImage, format: image::ImageFormat) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    image.write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// A 5×3 picture of each colour type, smooth so that JPEG preserves it.
fn pictures() -> Vec<DynamicImage> {
    let smooth = |x: u32, y: u32, c: u32| (40 + 20 * x + 13 * y + 5 * c) as u8;
    let sixteen = |x: u32, y: u32, c: u32| u16::from(smooth(x, y, c)) * 257 + 11;
    vec![
        DynamicImage::ImageLuma8(ImageBuffer::from_fn(5, 3, |x, y| [smooth(x, y, 0)].into())),
        DynamicImage::ImageLumaA8(ImageBuffer::from_fn(5, 3, |x, y| {
            [smooth(x, y, 0), smooth(y, x, 3)].into()
        })),
        DynamicImage::ImageRgb8(ImageBuffer::from_fn(5, 3, |x, y| [0, 1, 2].map(|c| smooth(x, y, c)).into())),
        DynamicImage::ImageRgba8(ImageBuffer::from_fn(5, 3, |x, y| {
            [0, 1, 2, 9].map(|c| smooth(x, y, c)).into()
        })),
        DynamicImage::ImageLuma16(ImageBuffer::from_fn(5, 3, |x, y| [sixteen(x, y, 0)].into())),
        DynamicImage::ImageLumaA16(ImageBuffer::from_fn(5, 3, |x, y| {
            [sixteen(x, y, 0), sixteen(y, x, 3)].into()
        })),
        DynamicImage::ImageRgb16(ImageBuffer::from_fn(5, 3, |x, y| {
            [0, 1, 2].map(|c| sixteen(x, y, c)).into()
        })),
        DynamicImage::ImageRgba16(ImageBuffer::from_fn(5, 3, |x, y| {
            [0, 1, 2, 9].map(|c| sixteen(x, y, c)).into()
        })),
    ]
}

/// Every format with every picture it can hold. The files are those of the `image` crate or, of formats that
/// we write ourselves, our own; `layouts.rs` reads those of other programs.
fn files() -> Vec<(ImageFormat, DynamicImage, Vec<u8>)> {
    let mut files = Vec::new();
    for picture in pictures() {
        let sixteen = picture.color().bytes_per_pixel() / picture.color().channel_count() == 2;
        let (alpha, color) = (picture.color().has_alpha(), picture.color().has_color());
        let png = encode(&picture, image::ImageFormat::Png);
        let own = |format| {
            let image = decode(&png).unwrap().into_image();
            (format, picture.clone(), ImageFile::new(image, format).encode(Path::new(PATH)).unwrap())
        };
        if !alpha {
            files.extend([own(ImageFormat::Tiff), own(ImageFormat::Pnm)]);
        }
        if !sixteen && (color || !alpha) {
            files.push((ImageFormat::Bmp, picture.clone(), encode(&picture, image::ImageFormat::Bmp)));
        }
        if !sixteen && !alpha {
            files.push(own(ImageFormat::Jpeg));
        }
        if !sixteen && color {
            files.push((ImageFormat::WebP, picture.clone(), encode(&picture, image::ImageFormat::WebP)));
        }
        files.push((ImageFormat::Png, picture, png));
    }
    files
}

/// Value `c` of pixel `(x, y)` in a file; alpha is the last value.
fn value(file: &ImageFile, c: usize, x: usize, y: usize) -> u16 {
    let spec = file.image().spec();
    let at = |pixels: &Pixels, i: usize| match pixels {
        Pixels::U8(values) => u16::from(values[i]),
        Pixels::U16(values) => values[i],
        Pixels::F32(_) => unreachable!("whole numbers"),
    };
    if c < spec.channels {
        at(file.image().pixels(), (c * spec.height + y) * spec.width + x)
    } else {
        at(file.alpha().unwrap(), y * spec.width + x)
    }
}

#[test]
fn every_kind_is_read_as_it_is() {
    for (format, picture, bytes) in files() {
        let file = decode(&bytes).unwrap();
        let spec = file.image().spec();
        let color = picture.color();
        let what = format!("{format:?} {color:?}");
        assert_eq!(file.format(), format, "{what}");
        assert_eq!((spec.width, spec.height), (5, 3), "{what}");
        assert_eq!(spec.channels, if color.has_color() { 3 } else { 1 }, "{what}");
        assert_eq!(file.alpha().is_some(), color.has_alpha(), "{what}");
        let sixteen = spec.depth == BitDepth::Sixteen;
        assert_eq!(sixteen, color.bytes_per_pixel() / color.channel_count() == 2, "{what}");
        let tolerance = if format == ImageFormat::Jpeg { 6 } else { 0 };
        let stored = picture.as_bytes();
        let n = usize::from(color.channel_count());
        for (i, (y, x, c)) in
            (0..3).flat_map(|y| (0..5).flat_map(move |x| (0..n).map(move |c| (y, x, c)))).enumerate()
        {
            let expected = if sixteen {
                u16::from_ne_bytes([stored[2 * i], stored[2 * i + 1]])
            } else {
                u16::from(stored[i])
            };
            assert!(value(&file, c, x, y).abs_diff(expected) <= tolerance, "{what} at {x} {y} {c}");
        }
    }
}

#[test]
fn every_kind_is_written_as_it_was_read() {
    let folder = tempfile::tempdir().unwrap();
    for (format, picture, bytes) in files() {
        let file = decode(&bytes).unwrap();
        let path = folder.path().join("eye");
        file.save(&path).unwrap();
        let again = ImageFile::open(&path).unwrap();
        let what = format!("{format:?} {:?}", picture.color());
        if format == ImageFormat::Jpeg {
            assert_eq!(again.image().spec(), file.image().spec(), "{what}");
            let (a, b) = (again.image().to_unit(), file.image().to_unit());
            assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 0.05), "{what}");
        } else {
            assert_eq!(again, file, "{what}");
        }
        assert_eq!(ImageFile::probe(&path).unwrap(), file.image().spec(), "{what}");
    }
}

#[test]
fn alpha_stays_when_the_image_changes() {
    let file = decode(&encode(&pictures()[3], image::ImageFormat::Png)).unwrap();
    let spec = file.image().spec();
    let alpha = file.alpha().cloned();
    let black = Image::from_unit(spec, &[-1.0; 45]);
    let again = decode(&file.with_image(black.clone()).encode(Path::new(PATH)).unwrap()).unwrap();
    assert_eq!((again.image(), again.alpha().cloned()), (&black, alpha));
}

#[test]
fn sixteen_bits_do_not_become_eight() {
    let image = Image::new(1, 1, 1, Pixels::U16(vec![1]));
    for format in [ImageFormat::Jpeg, ImageFormat::Bmp] {
        let error = ImageFile::new(image.clone(), format).encode(Path::new("a.jpg")).unwrap_err().to_string();
        assert!(error.contains("a.jpg") && error.contains("PNG and TIFF"), "{error}");
    }
}

#[test]
fn one_pixel_is_an_image() {
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Tiff, ImageFormat::Bmp, ImageFormat::Pnm]
    {
        let file = ImageFile::new(Image::new(1, 1, 1, Pixels::U8(vec![77])), format);
        let again = decode(&file.encode(Path::new(PATH)).unwrap()).unwrap();
        assert_eq!(again.image(), file.image(), "{format:?}");
    }
}

#[test]
fn a_file_cut_anywhere_is_an_error_that_names_it() {
    for (format, picture, bytes) in files() {
        for length in 0..bytes.len() {
            match decode(&bytes[..length]) {
                Err(error) => assert!(error.to_string().contains(PATH), "{error}"),
                // Data after the pixels (PNG's end chunk, TIFF's directory padding) may be missing.
                Ok(file) => {
                    let whole = decode(&bytes).unwrap();
                    assert_eq!(file, whole, "{format:?} {:?} {length}", picture.color());
                }
            }
        }
    }
}

#[test]
fn what_is_no_image_is_said() {
    for (bytes, expected) in
        [(&b""[..], "empty"), (b"hello, world", "not a PNG"), (b"\0\0\0\x0CjP  \r\n\x87\n", "not a PNG")]
    {
        let error = decode(bytes).unwrap_err();
        assert!(error.hint().is_some(), "{error}");
        let error = error.to_string();
        assert!(error.contains(expected) && error.contains(PATH), "{error}");
    }
    let error = ImageFile::open(Path::new("does/not/exist.png")).unwrap_err().to_string();
    assert!(error.contains("does/not/exist.png"), "{error}");
}

#[test]
fn floating_point_survives_with_what_was_not_measured() {
    let values = vec![0.0, -1.5, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e-40];
    let image = Image::new(1, 2, 3, Pixels::F32(values));
    let file = ImageFile::new(image.clone(), ImageFormat::Tiff).encode(Path::new(PATH)).unwrap();
    assert_eq!(decode(&file).unwrap().image(), &image);
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::Pnm] {
        let error = ImageFile::new(image.clone(), format).encode(Path::new(PATH)).unwrap_err().to_string();
        assert!(error.contains("floating point; TIFF"), "{error}");
    }
}

#[test]
fn extensions_of_images_are_read_or_named() {
    for extension in ["png", "JPG", "jfif", "jpe", "pgm", "ppm", "tif", "webp", "gif"] {
        assert!(ImageFormat::of_extension(extension).is_some(), "{extension}");
        assert_eq!(ImageFormat::not_read(extension), None, "{extension}");
    }
    assert_eq!(ImageFormat::not_read("JP2"), Some("JPEG 2000"));
    assert_eq!(ImageFormat::not_read("json"), None);
    let error = ImageFile::decode(b"\0\0\0\x0CjP  \r\n\x87\n", Path::new("a.jp2")).unwrap_err().to_string();
    assert!(error.contains(".jp2 is JPEG 2000"), "{error}");
}

#[test]
fn an_absurd_size_is_refused_before_memory_is_taken() {
    let mut bytes = ImageFile::new(Image::new(3, 1, 1, Pixels::U8(vec![0; 3])), ImageFormat::Bmp)
        .encode(Path::new(PATH))
        .unwrap();
    bytes[18..22].copy_from_slice(&60_000u32.to_le_bytes());
    bytes[22..26].copy_from_slice(&60_000u32.to_le_bytes());
    let error = decode(&bytes).unwrap_err().to_string();
    assert!(error.contains("60000×60000"), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_image_survives_the_lossless_formats(
        rgb: bool, sixteen: bool, width in 1usize..20, height in 1usize..20, seed: u16,
    ) {
        let channels = if rgb { 3 } else { 1 };
        let values = (0..channels * width * height).map(|i| (i as u16).wrapping_mul(seed | 1));
        let depth = if sixteen { BitDepth::Sixteen } else { BitDepth::Eight };
        let pixels = if sixteen { Pixels::U16(values.collect()) } else { Pixels::U8(values.map(|v| v as u8).collect()) };
        let image = Image::new(channels, height, width, pixels);
        prop_assert_eq!(image.spec(), ImageSpec { channels, height, width, depth });
        for format in [ImageFormat::Png, ImageFormat::Tiff, ImageFormat::Bmp, ImageFormat::Pnm] {
            if sixteen && format == ImageFormat::Bmp {
                continue;
            }
            let file = ImageFile::new(image.clone(), format);
            let again = decode(&file.encode(Path::new(PATH)).unwrap()).unwrap();
            prop_assert_eq!(again.image(), &image);
        }
    }
}
