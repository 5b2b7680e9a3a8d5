//! From strips and tiles to planes.

use super::layout::{Colour, Layout, Refusal};
use super::{Tiff, chunk};
use crate::image::{Image, Pixels};

/// A kind of value that images are made of.
trait Value: Copy + Default {
    /// Reads a row of values.
    fn unpack(row: &[u8], layout: &Layout) -> Vec<Self>;
}

impl Value for u8 {
    fn unpack(row: &[u8], layout: &Layout) -> Vec<Self> {
        if layout.bits == 8 {
            return row.to_vec();
        }
        let (n, mask) = (8 / layout.bits, (1u8 << layout.bits) - 1);
        // Gray fills the range of 8 bits; an index stays.
        let scale = if matches!(layout.colour, Colour::Palette(_)) { 1 } else { 255 / mask };
        let values = |byte: &u8| {
            let byte = *byte;
            (1..=n).map(move |i| (byte >> (8 - i * layout.bits) & mask) * scale)
        };
        row.iter().flat_map(values).collect()
    }
}

impl Value for u16 {
    fn unpack(row: &[u8], layout: &Layout) -> Vec<Self> {
        let little = layout.form.little;
        let value = |&digits| if little { Self::from_le_bytes(digits) } else { Self::from_be_bytes(digits) };
        row.as_chunks().0.iter().map(value).collect()
    }
}

impl Value for f32 {
    fn unpack(row: &[u8], layout: &Layout) -> Vec<Self> {
        let little = layout.form.little;
        let value = |&digits| if little { Self::from_le_bytes(digits) } else { Self::from_be_bytes(digits) };
        row.as_chunks().0.iter().map(value).collect()
    }
}

impl Tiff {
    /// Decodes the image as stored, and its alpha.
    pub(in crate::image) fn decode(&self, bytes: &[u8]) -> Result<(Image, Option<Pixels>), Refusal> {
        let layout = &self.layout;
        let (colour, alpha) = match layout.bits {
            _ if layout.is_float => split(layout, planes::<f32>(layout, bytes)?, Pixels::F32),
            16 => {
                let mut values = planes::<u16>(layout, bytes)?;
                if layout.colour == Colour::WhiteIsZero {
                    let n = layout.size.width * layout.size.height;
                    values[..n].iter_mut().for_each(|value| *value = u16::MAX - *value);
                }
                split(layout, values, Pixels::U16)
            }
            _ => {
                let mut values = planes::<u8>(layout, bytes)?;
                let n = layout.size.width * layout.size.height;
                match &layout.colour {
                    Colour::WhiteIsZero => values[..n].iter_mut().for_each(|value| *value = 255 - *value),
                    Colour::Palette(palette) => {
                        let channel = |c| values.iter().map(move |value| palette[usize::from(*value)][c]);
                        let rgb = (0..3).flat_map(channel).collect();
                        values = rgb;
                    }
                    Colour::Gray | Colour::Rgb => {}
                }
                split(layout, values, Pixels::U8)
            }
        };
        Ok((Image::new(layout.channels().0, layout.size.height, layout.size.width, colour), alpha))
    }
}

fn split<T>(
    layout: &Layout,
    mut planes: Vec<T>,
    pixels: impl Fn(Vec<T>) -> Pixels,
) -> (Pixels, Option<Pixels>) {
    let (channels, has_alpha) = layout.channels();
    let alpha = has_alpha.then(|| planes.split_off(channels * layout.size.width * layout.size.height));
    (pixels(planes), alpha.map(pixels))
}

/// Decodes all strips or tiles, each value to its place in planes.
fn planes<T: Value>(layout: &Layout, bytes: &[u8]) -> Result<Vec<T>, Refusal> {
    let n_pixels = layout.size.width * layout.size.height;
    let mut values = vec![T::default(); layout.n_samples * n_pixels];
    let n_together = layout.n_together();
    for (first, planes) in values.chunks_exact_mut(n_together * n_pixels).enumerate() {
        for i in 0..layout.n_chunks() {
            place(layout, i, &rows(layout, bytes, first * layout.n_chunks() + i, i)?, planes);
        }
    }
    Ok(values)
}

/// The rows of a strip or tile that lie within the image: `index` counts over the file, `i` over the image.
fn rows(layout: &Layout, bytes: &[u8], index: usize, i: usize) -> Result<Vec<u8>, Refusal> {
    let cut = || Refusal::Damaged("it ends too early".to_owned());
    let top = i / layout.size.width.div_ceil(layout.chunk.width) * layout.chunk.height;
    let n_bytes = layout.row_bytes() * layout.chunk.height.min(layout.size.height - top);
    let start = usize::try_from(layout.offsets[index]).map_err(|_| cut())?;
    let stored = bytes.get(start..).ok_or_else(cut)?;
    let length = layout.lengths.as_ref().and_then(|lengths| lengths.get(index));
    // Files without lengths, or with zeros, exist; what the pixels need is then what there is.
    let length = length.map_or(stored.len(), |length| *length as usize);
    let stored = if length == 0 { stored } else { stored.get(..length).ok_or_else(cut)? };
    let mut rows = chunk::unpacked(stored, layout, n_bytes);
    if rows.len() < n_bytes {
        return Err(cut());
    }
    if layout.predictor != 1 {
        rows.chunks_exact_mut(layout.row_bytes()).for_each(|row| chunk::restore(row, layout));
    }
    Ok(rows)
}

/// Copies the rows of strip or tile `i` to planes.
fn place<T: Value>(layout: &Layout, i: usize, rows: &[u8], planes: &mut [T]) {
    let (width, n) = (layout.size.width, layout.n_together());
    let n_across = width.div_ceil(layout.chunk.width);
    let (left, top) = (i % n_across * layout.chunk.width, i / n_across * layout.chunk.height);
    let columns = layout.chunk.width.min(width - left);
    for (y, row) in rows.chunks_exact(layout.row_bytes()).enumerate() {
        let row = T::unpack(row, layout);
        for (c, plane) in planes.chunks_exact_mut(width * layout.size.height).enumerate() {
            let line = &mut plane[(top + y) * width + left..][..columns];
            line.iter_mut().zip(row[c..].iter().step_by(n)).for_each(|(to, from)| *to = *from);
        }
    }
}
