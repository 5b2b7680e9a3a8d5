//! What a file says besides its pixels is still said after another image has taken their place.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use simgan_data::{Fit, Image, ImageFile, ImageFormat, Orientation, Pixels, Size};

const PATH: &str = "eye.img";

fn decode(bytes: &[u8]) -> ImageFile {
    ImageFile::decode(bytes, Path::new(PATH)).unwrap()
}

fn encode(file: &ImageFile) -> Vec<u8> {
    file.encode(Path::new(PATH)).unwrap()
}

/// A smooth RGB image.
fn rgb(width: usize, height: usize) -> Image {
    let value =
        |i: usize| (40 + 3 * (i % width) + 5 * (i / width % height) + 20 * (i / width / height)) as u8;
    Image::new(3, height, width, Pixels::U8((0..3 * width * height).map(value).collect()))
}

/// EXIF data that ask for a quarter turn, with a width and a thumbnail.
fn exif() -> Vec<u8> {
    let entry = |tag: u16, kind: u16, value: u32| {
        [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &1u32.to_le_bytes(), &value.to_le_bytes()].concat()
    };
    let main = [entry(0x0112, 3, 6), entry(0x8769, 4, 38)].concat();
    let camera = [entry(0xA002, 4, 16), entry(0xA003, 4, 8)].concat();
    [b"II\x2A\0\x08\0\0\0\x02\0", &main[..], &68u32.to_le_bytes(), b"\x02\0", &camera, &[0; 12]].concat()
}

fn png_chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let mut sum = flate2::Crc::new();
    sum.update(kind);
    sum.update(data);
    [&(data.len() as u32).to_be_bytes(), &kind[..], data, &sum.sum().to_be_bytes()].concat()
}

fn segment(marker: u8, data: &[u8]) -> Vec<u8> {
    [&[0xFF, marker], &(data.len() as u16 + 2).to_be_bytes()[..], data].concat()
}

fn contains(file: &[u8], part: &[u8]) -> bool {
    file.windows(part.len()).any(|window| window == part)
}

/// A file with further bytes at a place.
fn with(file: &[u8], at: usize, further: &[u8]) -> Vec<u8> {
    [&file[..at], further, &file[at..]].concat()
}

fn brighter(file: ImageFile) -> ImageFile {
    let values: Vec<f32> = file.image().to_unit().iter().map(|value| value + 0.1).collect();
    let image = Image::from_unit(file.image().spec(), &values);
    file.with_image(image)
}

#[test]
fn a_png_keeps_its_chunks_and_its_frame() {
    let chunks = [
        png_chunk(b"gAMA", &45455u32.to_be_bytes()),
        png_chunk(b"pHYs", &[0, 0, 11, 19, 0, 0, 11, 19, 1]),
        png_chunk(b"tEXt", b"Software\0renderer"),
        png_chunk(b"eXIf", &exif()),
        png_chunk(b"teSt", b"a private chunk"),
    ];
    let plain = encode(&ImageFile::new(rgb(16, 8), ImageFormat::Png));
    let file = decode(&with(&plain, 33, &chunks.concat()));
    assert_eq!(Some(file.orientation()), Orientation::from_exif(6));
    assert_eq!(file.image().spec().size(), Size { width: 8, height: 16 }, "upright");
    let written = encode(&brighter(file.clone()));
    for chunk in &chunks {
        assert!(contains(&written, chunk));
    }
    assert_eq!(written[16..24], plain[16..24], "width and height as stored");
    assert_eq!(encode(&file), with(&plain, 33, &chunks.concat()), "nothing else changes");
}

#[test]
fn a_jpeg_keeps_its_segments_tables_and_subsampling() {
    let mut plain = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut plain, 71);
    encoder.set_sampling_factor(jpeg_encoder::SamplingFactor::F_2_1);
    let values = vec![99; 3 * 16 * 8];
    encoder.encode(&values, 16, 8, jpeg_encoder::ColorType::Rgb).unwrap();
    let segments = [
        segment(0xE1, &[b"Exif\0\0", &exif()[..]].concat()),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta/>"),
        segment(0xE2, b"ICC_PROFILE\0\x01\x01profile"),
        segment(0xFE, b"a comment"),
    ];
    let file = decode(&with(&plain, 20, &segments.concat()));
    let written = encode(&brighter(file));
    for kept in &segments {
        assert!(contains(&written, kept));
    }
    // Density, in the file's own segment; frame with 4:2:2; both tables.
    assert_eq!(written[..20], plain[..20]);
    let part = |marker: u8| {
        let at = plain.windows(2).position(|pair| pair == [0xFF, marker]).unwrap();
        let length = usize::from(u16::from_be_bytes([plain[at + 2], plain[at + 3]]));
        plain[at..at + 2 + length].to_vec()
    };
    assert!(contains(&written, &part(0xC0)) && contains(&written, &part(0xDB)));
}

#[test]
fn a_new_jpeg_has_full_chroma() {
    let written = encode(&ImageFile::new(rgb(16, 8), ImageFormat::Jpeg));
    assert!(contains(&written, &[0x11, 0, 1, 0x11, 1, 2, 0x11, 1]), "4:4:4");
}

#[test]
fn a_bmp_keeps_its_resolution() {
    let mut bytes = encode(&ImageFile::new(rgb(3, 2), ImageFormat::Bmp));
    bytes[38..46].copy_from_slice(&[1, 2, 3, 0, 4, 5, 6, 0]);
    assert_eq!(encode(&decode(&bytes)), bytes);
}

#[test]
fn another_size_corrects_exif() {
    let chunk = png_chunk(b"eXIf", &exif());
    let plain = encode(&ImageFile::new(rgb(16, 8), ImageFormat::Png));
    let file = decode(&with(&plain, 33, &chunk));
    let smaller = file.image().resized(Size { width: 4, height: 8 }, Fit::Stretch);
    let written = encode(&file.with_resized(Size { width: 4, height: 8 }, Fit::Stretch));
    let again = decode(&written);
    assert_eq!(again.image(), &smaller);
    assert!(contains(&written, &[0x02, 0xA0, 4, 0, 1, 0, 0, 0, 8, 0, 0, 0]), "EXIF's width, as stored");
    assert!(contains(&written, &[0x03, 0xA0, 4, 0, 1, 0, 0, 0, 4, 0, 0, 0]), "EXIF's height");
    assert!(!contains(&written, &68u32.to_le_bytes()), "no thumbnail");
}

#[test]
fn alpha_is_resized_with_its_image() {
    let pam = b"P7\nWIDTH 2\nHEIGHT 2\nDEPTH 2\nMAXVAL 255\nTUPLTYPE GRAYSCALE_ALPHA\nENDHDR\n";
    let file = decode(&[&pam[..], &[10, 200, 20, 200, 30, 200, 40, 200]].concat());
    let again = decode(&encode(&file.with_resized(Size { width: 3, height: 1 }, Fit::Stretch)));
    assert_eq!(again.alpha(), Some(&Pixels::U8(vec![200; 3])));
    assert_eq!(again.image().spec().size(), Size { width: 3, height: 1 });
}

#[test]
fn a_palette_is_told() {
    let pixels = Image::new(3, 1, 2, Pixels::U8(vec![1, 2, 3, 4, 5, 6]));
    let gif = decode(&encode(&ImageFile::new(pixels.clone(), ImageFormat::Gif)));
    assert_eq!((gif.image(), gif.has_palette()), (&pixels, true));
    assert!(!decode(&encode(&ImageFile::new(pixels, ImageFormat::Png))).has_palette());
}
