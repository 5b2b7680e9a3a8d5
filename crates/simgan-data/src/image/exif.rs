//! EXIF data: the few values in them that depend on the pixels.

use image::metadata::Orientation as Exif;

use super::tiff::Form;
use super::{Orientation, Size};

/// The orientation that EXIF data ask for.
pub(super) fn orientation(exif: &[u8]) -> Orientation {
    let tag = Exif::from_exif_chunk(exif).map_or(1, Exif::to_exif);
    Orientation::from_exif(tag).unwrap_or(Orientation::UPRIGHT)
}

/// Corrects the width and height that EXIF data give, and drops the thumbnail, which shows the old size.
pub(super) fn resize(exif: &mut [u8], size: Size) {
    let Some((form, Ok(first))) = Form::of(exif).filter(|(form, _)| !form.big) else { return };
    let first = first as usize;
    let camera = set_sizes(exif, form, first, size);
    if let Some(camera) = camera {
        set_sizes(exif, form, camera, size);
    }
    // The thumbnail is the second directory; its bytes stay, unreferenced.
    let n_entries = form.number(exif, first..first.saturating_add(2)).unwrap_or(0) as usize;
    let next = first.saturating_add(2 + 12 * n_entries);
    if let Some(next) = exif.get_mut(next..next.saturating_add(4)) {
        next.fill(0);
    }
}

/// Corrects the sizes in the directory at `at`; returns the offset of the camera's own directory.
fn set_sizes(exif: &mut [u8], form: Form, at: usize, size: Size) -> Option<usize> {
    let n_entries = form.number(exif, at..at.checked_add(2)?)? as usize;
    let mut camera = None;
    for entry in (0..n_entries).map(|i| at + 2 + 12 * i) {
        let tag = form.number(exif, entry..entry + 2)?;
        let kind = form.number(exif, entry + 2..entry + 4)?;
        let value = match tag {
            0x0100 | 0xA002 => size.width,
            0x0101 | 0xA003 => size.height,
            0x8769 => {
                camera = form.number(exif, entry + 8..entry + 12).map(|at| at as usize);
                continue;
            }
            _ => continue,
        };
        let width = if kind == 3 { 2 } else { 4 };
        let digits = form.digits(value as u64, width);
        exif.get_mut(entry + 8..entry + 8 + width)?.copy_from_slice(&digits);
    }
    camera
}

#[cfg(test)]
mod tests {
    use super::*;

    /// EXIF data of two directories and the camera's own, little-endian.
    fn sample() -> Vec<u8> {
        let entry = |tag: u16, kind: u16, value: u32| {
            [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &1u32.to_le_bytes(), &value.to_le_bytes()].concat()
        };
        let mut exif = b"II\x2A\0\x08\0\0\0".to_vec();
        exif.extend([&2u16.to_le_bytes()[..], &entry(0x0112, 3, 6), &entry(0x8769, 4, 38)].concat());
        exif.extend(68u32.to_le_bytes()); // the thumbnail's directory
        exif.extend([&2u16.to_le_bytes()[..], &entry(0xA002, 4, 640), &entry(0xA003, 3, 480)].concat());
        exif.extend([0; 12]);
        exif
    }

    #[test]
    fn the_size_is_corrected_and_the_thumbnail_dropped() {
        let mut exif = sample();
        let turned = orientation(&exif);
        resize(&mut exif, Size { width: 70_000, height: 30 });
        assert_eq!(exif[48..52], 70_000u32.to_le_bytes());
        assert_eq!(exif[60..62], 30u16.to_le_bytes());
        assert_eq!(exif[34..38], [0; 4]);
        assert_eq!((orientation(&exif), Some(turned)), (turned, Orientation::from_exif(6)));
    }

    #[test]
    fn damaged_data_stay_as_they_are() {
        let exif = sample();
        for length in 0..exif.len() {
            let mut cut = exif[..length].to_vec();
            resize(&mut cut, Size { width: 1, height: 1 });
            assert_eq!(cut.len(), length);
        }
    }
}
