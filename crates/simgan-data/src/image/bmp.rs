use std::ops::Range;

/// Whether a BMP file has a palette of grays only, which is how BMP stores gray images.
pub(super) fn is_gray(bytes: &[u8]) -> bool {
    palette(bytes).is_some_and(|entries| {
        !entries.is_empty() && entries.iter().all(|entry| entry[0] == entry[1] && entry[1] == entry[2])
    })
}

/// Whether a BMP file has a palette.
pub(super) fn has_palette(bytes: &[u8]) -> bool {
    palette(bytes).is_some()
}

/// Where the pixels per metre stand, horizontally and vertically.
const RESOLUTION: Range<usize> = 38..46;

/// The pixels per metre, as stored; `None` if the header is too short for them.
pub(super) fn resolution(bytes: &[u8]) -> Option<[u8; 8]> {
    let header = u32::from_le_bytes(bytes.get(14..18)?.try_into().ok()?);
    (header >= 40).then(|| bytes.get(RESOLUTION)?.try_into().ok())?
}

/// Sets the pixels per metre of an encoded file.
pub(super) fn set_resolution(file: &mut [u8], resolution: [u8; 8]) {
    if let Some(place) = file.get_mut(RESOLUTION) {
        place.copy_from_slice(&resolution);
    }
}

/// The palette's entries, each in blue, green, red order; `None` if the file has none or is truncated.
fn palette(bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let u16_at = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let u32_at = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    let header = usize::try_from(u32_at(14)?).ok()?;
    // The OS/2 header of 12 bytes has shorter fields and palette entries of 3 bytes instead of 4.
    let is_core = header == 12;
    let bits = u16_at(if is_core { 24 } else { 28 })?;
    if !(1..=8).contains(&bits) {
        return None;
    }
    let n_used = if is_core { 0 } else { u32_at(46)? as usize };
    // 0 means a full palette.
    let n = if (1..=256).contains(&n_used) { n_used } else { 1 << bits };
    let entry = if is_core { 3 } else { 4 };
    let start = header.checked_add(14)?;
    Some(bytes.get(start..start.checked_add(n * entry)?)?.chunks_exact(entry).collect())
}
