use super::directory::Entry;
use super::*;
use crate::image::Pixels;

fn entry(tag: u16, kind: u16, count: u64, bytes: &[u8]) -> Entry {
    Entry { tag, kind, count, bytes: bytes.to_vec(), sub: None }
}

/// Tags of many kinds, with EXIF data of their own.
fn tags(form: Form) -> Vec<Entry> {
    let comment = entry(0x9286, 7, 9, b"a comment");
    let exif = Directory { entries: vec![comment, form.entry(0xA002, 4, &[640])] };
    vec![
        entry(270, 2, 12, b"description\0"),
        form.entry(tag::ORIENTATION, 3, &[1]),
        entry(282, 5, 1, &[1, 2, 3, 4, 5, 6, 7, 8]),
        entry(33550, 12, 3, &[7; 24]),
        Entry { sub: Some(exif), ..form.entry(34665, if form.big { 18 } else { 4 }, &[0]) },
        entry(34735, 3, 4, &[1; 8]),
        entry(42113, 2, 5, b"-999\0"),
    ]
}

#[test]
fn tags_are_copied_byte_for_byte_whatever_the_form() {
    for (little, big) in [(true, false), (false, false), (true, true), (false, true)] {
        let form = Form { little, big };
        let mut tiff = Tiff::plain();
        tiff.layout.form = form;
        tiff.directory.entries = tags(form);
        let spec = ImageSpec { channels: 1, height: 1, width: 2, depth: BitDepth::Eight };
        let file = tiff.encode(spec, false, vec![3, 4]).unwrap();
        let mut read = Tiff::of(&file).unwrap();
        assert_eq!(read.layout.form, form);
        let written: Vec<_> = tags(form).into_iter().map(|tag| (tag, form)).collect();
        for (tag, _) in written {
            let found = read.directory.get(tag.tag).unwrap();
            assert_eq!(found.sub, tag.sub);
            assert!(found.bytes == tag.bytes || tag.sub.is_some(), "{}", tag.tag);
        }
        assert_eq!(read.decode(&file).unwrap().0.pixels(), &Pixels::U8(vec![3, 4]));
        read.resize(Size { width: 20, height: 10 });
        let exif = read.directory.get(34665).unwrap().sub.clone().unwrap();
        assert_eq!(exif.number(form, 0xA002), Some(20));
    }
}

#[test]
fn the_compressions_undo_themselves() {
    let values: Vec<u8> = (0..400).map(|i| if i % 50 < 30 { 7 } else { i as u8 }).collect();
    for compression in [
        layout::Compression::None,
        layout::Compression::Lzw,
        layout::Compression::Deflate,
        layout::Compression::PackBits,
    ] {
        let mut tiff = Tiff::plain();
        tiff.layout.compression = compression;
        let spec = ImageSpec { channels: 1, height: 4, width: 100, depth: BitDepth::Eight };
        let file = tiff.encode(spec, false, values.clone()).unwrap();
        let read = Tiff::of(&file).unwrap();
        assert_eq!(read.layout.compression, compression);
        assert_eq!(read.decode(&file).unwrap().0.pixels(), &Pixels::U8(values.clone()), "{compression:?}");
    }
}

#[test]
fn directories_that_turn_back_end() {
    let spec = ImageSpec { channels: 1, height: 1, width: 1, depth: BitDepth::Eight };
    let mut file = Tiff::plain().encode(spec, false, vec![1]).unwrap();
    let first = file[4..8].to_vec();
    let end = file.len();
    file[end - 4..].copy_from_slice(&first);
    let refusal = Tiff::of(&file).unwrap_err();
    assert_eq!(refusal, Refusal::Damaged("its directories overlap".to_owned()));
}
