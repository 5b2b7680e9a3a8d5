/// What stands in the markers of a JPEG file.
pub(super) struct Markers {
    /// Colour components of the frame: 1 gray, 3 colour, 4 CMYK.
    pub(super) n_components: u8,
    /// Whether the end marker is there. Decoders fill what is missing with gray instead of failing.
    pub(super) complete: bool,
}

/// Walks the markers of a JPEG file; `None` if they make no sense.
pub(super) fn markers(bytes: &[u8]) -> Option<Markers> {
    let mut at = 2;
    let mut n_components = 0;
    let found = |n_components, complete| (n_components > 0).then_some(Markers { n_components, complete });
    loop {
        let Some(marker) = next_marker(bytes, &mut at) else { return found(n_components, false) };
        match marker {
            0xD9 => return found(n_components, true),
            0xD0..=0xD8 | 0x01 => {}
            _ => {
                let Some(length) = bytes.get(at..at + 2) else { return found(n_components, false) };
                let is_frame = matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC);
                if is_frame && n_components == 0 {
                    n_components = *bytes.get(at + 7)?;
                }
                at += usize::from(u16::from_be_bytes([length[0], length[1]]));
            }
        }
    }
}

/// The next marker from `at` on, skipping coded data, and moves `at` behind it.
fn next_marker(bytes: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        let rest = bytes.get(*at..)?;
        *at += rest.iter().position(|&byte| byte == 0xFF)? + 1;
        let marker = *bytes.get(*at)?;
        // 00 is a stuffed data byte, FF is padding before a marker.
        if marker != 0 && marker != 0xFF {
            *at += 1;
            return Some(marker);
        }
    }
}
