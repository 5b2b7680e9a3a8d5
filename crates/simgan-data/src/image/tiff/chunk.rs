//! The bytes of a strip or tile: compression and prediction, in both directions.

use std::io::{Read, Write};

use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use weezl::BitOrder;

use super::layout::{Compression, Layout};

/// Undoes the compression of a strip or tile; the result has at most `n_bytes` and may be shorter if the
/// data are damaged.
pub(super) fn unpacked(stored: &[u8], layout: &Layout, n_bytes: usize) -> Vec<u8> {
    let mut stored = stored.to_vec();
    if layout.reversed {
        stored.iter_mut().for_each(|byte| *byte = byte.reverse_bits());
    }
    match layout.compression {
        Compression::None => stored.truncate(n_bytes),
        Compression::Lzw => return lzw(&stored, n_bytes),
        Compression::PackBits => return unpacked_bits(&stored, n_bytes),
        Compression::Deflate => {
            let mut values = Vec::new();
            // What was inflated before the damage shows how much there is; the caller counts it.
            let _ = ZlibDecoder::new(&stored[..]).take(n_bytes as u64).read_to_end(&mut values);
            return values;
        }
    }
    stored
}

fn lzw(stored: &[u8], n_bytes: usize) -> Vec<u8> {
    // Before TIFF 6, LZW put the first bit last. Its first code, "clear", tells.
    let is_old = stored.len() > 1 && stored[0] == 0 && stored[1] & 1 == 1;
    let mut decoder = if is_old {
        weezl::decode::Decoder::new(BitOrder::Lsb, 8)
    } else {
        weezl::decode::Decoder::with_tiff_size_switch(BitOrder::Msb, 8)
    };
    let (mut values, mut at) = (Vec::new(), 0);
    let mut block = vec![0; n_bytes.min(1 << 16)];
    while values.len() < n_bytes {
        let step = (n_bytes - values.len()).min(block.len());
        let result = decoder.decode_bytes(&stored[at..], &mut block[..step]);
        values.extend_from_slice(&block[..result.consumed_out]);
        at += result.consumed_in;
        // The clear code at the start, for one, gives no values.
        if result.status.is_err() || result.consumed_in + result.consumed_out == 0 {
            break;
        }
    }
    values
}

fn unpacked_bits(stored: &[u8], n_bytes: usize) -> Vec<u8> {
    let mut values = Vec::new();
    let mut at = 0;
    while let Some(&head) = stored.get(at).filter(|_| values.len() < n_bytes) {
        at += 1;
        match head {
            0..=127 => {
                let end = (at + usize::from(head) + 1).min(stored.len());
                values.extend_from_slice(&stored[at.min(end)..end]);
                at = end;
            }
            128 => {}
            129.. => {
                let Some(&value) = stored.get(at) else { break };
                values.resize(values.len() + 257 - usize::from(head), value);
                at += 1;
            }
        }
    }
    values.truncate(n_bytes);
    values
}

/// Compresses rows of `row_bytes` bytes each.
pub(super) fn packed(rows: &[u8], compression: Compression, row_bytes: usize) -> std::io::Result<Vec<u8>> {
    match compression {
        Compression::None => Ok(rows.to_vec()),
        Compression::Lzw => weezl::encode::Encoder::with_tiff_size_switch(BitOrder::Msb, 8)
            .encode(rows)
            .map_err(std::io::Error::other),
        Compression::Deflate => {
            let mut encoder = ZlibEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(rows)?;
            encoder.finish()
        }
        Compression::PackBits => Ok(rows.chunks(row_bytes).flat_map(packed_bits).collect()),
    }
}

/// Packs one row: runs of three or more equal bytes, and what lies between them.
fn packed_bits(row: &[u8]) -> Vec<u8> {
    let mut packed = Vec::new();
    let (mut plain, mut at) = (0, 0);
    while at < row.len() {
        let run = row[at..].iter().take(128).take_while(|byte| **byte == row[at]).count();
        if run >= 3 {
            literal(&mut packed, &row[plain..at]);
            packed.extend([(257 - run) as u8, row[at]]);
            plain = at + run;
        }
        at += run;
    }
    literal(&mut packed, &row[plain..]);
    packed
}

fn literal(packed: &mut Vec<u8>, bytes: &[u8]) {
    for bytes in bytes.chunks(128) {
        packed.push((bytes.len() - 1) as u8);
        packed.extend_from_slice(bytes);
    }
}

/// Undoes the prediction of a row.
pub(super) fn restore(row: &mut [u8], layout: &Layout) {
    let n = layout.n_together();
    match (layout.predictor, layout.bits) {
        (2, 8) => {
            for i in n..row.len() {
                row[i] = row[i].wrapping_add(row[i - n]);
            }
        }
        (2, 16) => summed::<2>(row, n, layout.form.little),
        (2, 32) => summed::<4>(row, n, layout.form.little),
        (3, _) => {
            for i in n..row.len() {
                row[i] = row[i].wrapping_add(row[i - n]);
            }
            let planes = row.to_vec();
            let n_values = row.len() / 4;
            for (i, value) in row.chunks_exact_mut(4).enumerate() {
                let digit = |byte: usize| planes[byte * n_values + i];
                value.copy_from_slice(&[0, 1, 2, 3].map(digit));
                if layout.form.little {
                    value.reverse();
                }
            }
        }
        _ => {}
    }
}

/// Predicts a row, the inverse of [`restore`].
pub(super) fn predict(row: &mut [u8], layout: &Layout) {
    let n = layout.n_together();
    match (layout.predictor, layout.bits) {
        (2, 8) => {
            for i in (n..row.len()).rev() {
                row[i] = row[i].wrapping_sub(row[i - n]);
            }
        }
        (2, 16) => differences::<2>(row, n, layout.form.little),
        (2, 32) => differences::<4>(row, n, layout.form.little),
        (3, _) => {
            let values = row.to_vec();
            let n_values = row.len() / 4;
            for (i, value) in values.chunks_exact(4).enumerate() {
                for byte in 0..4 {
                    row[byte * n_values + i] = value[if layout.form.little { 3 - byte } else { byte }];
                }
            }
            for i in (n..row.len()).rev() {
                row[i] = row[i].wrapping_sub(row[i - n]);
            }
        }
        _ => {}
    }
}

fn summed<const N: usize>(row: &mut [u8], n: usize, little: bool) {
    for i in n..row.len() / N {
        let sum = number::<N>(row, i, little).wrapping_add(number::<N>(row, i - n, little));
        put::<N>(row, i, little, sum);
    }
}

fn differences<const N: usize>(row: &mut [u8], n: usize, little: bool) {
    for i in (n..row.len() / N).rev() {
        let difference = number::<N>(row, i, little).wrapping_sub(number::<N>(row, i - n, little));
        put::<N>(row, i, little, difference);
    }
}

fn number<const N: usize>(row: &[u8], i: usize, little: bool) -> u32 {
    let digit = |value: u32, byte: &u8| value << 8 | u32::from(*byte);
    let digits = &row[i * N..][..N];
    if little { digits.iter().rev().fold(0, digit) } else { digits.iter().fold(0, digit) }
}

fn put<const N: usize>(row: &mut [u8], i: usize, little: bool, value: u32) {
    for byte in 0..N {
        let place = if little { byte } else { N - 1 - byte };
        row[i * N + place] = (value >> (8 * byte)) as u8;
    }
}
