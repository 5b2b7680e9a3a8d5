/// Counts the frames of a GIF file by its blocks, without decoding any. A damaged file may give fewer.
///
/// # Errors
/// A frame reaches beyond the image: a decoder would take memory for what the frame claims; or a block is of an
/// unknown kind.
pub(super) fn n_frames(bytes: &[u8]) -> Result<usize, &'static str> {
    let at = |at: usize| bytes.get(at).copied().map(usize::from);
    let number = |place: usize| Some(at(place)? | at(place + 1)? << 8);
    let (Some(width), Some(height), Some(flags)) = (number(6), number(8), at(10)) else { return Ok(0) };
    let (mut place, mut n_frames) = (13 + palette_bytes(flags), 0);
    while let Some(block) = at(place) {
        place += 1;
        match block {
            EXTENSION => place += 1,
            FRAME => {
                let sides = [0, 2, 4, 6].map(|offset| number(place + offset));
                let ([Some(left), Some(top), Some(wide), Some(high)], Some(flags)) = (sides, at(place + 8))
                else {
                    break;
                };
                if left + wide > width || top + high > height {
                    return Err("a frame reaches beyond the image");
                }
                n_frames += 1;
                place += 9 + palette_bytes(flags) + 1;
            }
            PADDING => continue,
            TRAILER => break,
            // A decoder may go on where this count would not.
            _ => return Err("it has a block of an unknown kind"),
        }
        // The block's data, in parts that begin with their length; an empty one ends it.
        while let Some(length) = at(place) {
            place += 1 + length;
            if length == 0 {
                break;
            }
        }
    }
    Ok(n_frames)
}

const EXTENSION: usize = 0x21;
const FRAME: usize = 0x2C;
const TRAILER: usize = 0x3B;
const PADDING: usize = 0;

/// Bytes of the palette that flags announce.
fn palette_bytes(flags: usize) -> usize {
    if flags & 0x80 == 0 { 0 } else { 3 << ((flags & 7) + 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gif(frames: &[[u16; 4]]) -> Vec<u8> {
        let mut bytes = b"GIF89a\x0d\x00\x07\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff".to_vec();
        for sides in frames {
            bytes.extend(b"\x21\xf9\x04\x00\x00\x00\x00\x00\x2c");
            bytes.extend(sides.iter().flat_map(|side| side.to_le_bytes()));
            bytes.extend(b"\x00\x02\x02\x4c\x01\x00");
        }
        bytes.push(0x3B);
        bytes
    }

    #[test]
    fn frames_are_counted_and_stay_within_the_image() {
        assert_eq!(n_frames(&gif(&[[0, 0, 13, 7]])), Ok(1));
        assert_eq!(n_frames(&gif(&[[0, 0, 13, 7], [3, 2, 4, 5]])), Ok(2));
        assert!(n_frames(&gif(&[[0, 0, 0x8600, 0x6800]])).is_err());
        assert!(n_frames(&gif(&[[10, 0, 4, 7]])).is_err());
        let mut padded = gif(&[[0, 0, 13, 8]]);
        padded.insert(19, 0);
        assert!(n_frames(&padded).is_err(), "bytes of zero are passed over");
        let whole = gif(&[[0, 0, 13, 7]]);
        assert!((0..whole.len()).all(|end| n_frames(&whole[..end]).is_ok()));
    }
}
