//! Sample grids: the same few images at regular intervals, to follow a run by eye.

use candle_core::Tensor;
use simgan_data::{Image, Sheet, SheetLayout, Size};

use crate::TrainError;

/// Images in one row of a grid.
pub(crate) const GRID_COLUMNS: usize = 8;
/// Narrower images are magnified, by the smallest whole factor and without smoothing, to at least this width
/// in pixels.
const MIN_TILE_WIDTH: usize = 128;
/// Pixels between images.
const GAP: usize = 4;

/// Draws four rows of images: synthetic, refined, refined − synthetic, real.
///
/// The first three images of a column belong together; the real image below is unrelated. The scale is fixed:
/// −1 is black, 1 is white. In the row of differences, middle gray means no change, and black or white a
/// change of at least half the range.
///
/// All inputs are `(N, C, H, W)` in [−1, 1] with equal C; synthetic and refined images have equal size.
pub(crate) fn sample_grid(synthetic: &Tensor, refined: &Tensor, real: &Tensor) -> Result<Image, TrainError> {
    let difference = (refined - synthetic)?.clamp(-1f32, 1f32)?;
    let rows = [synthetic, refined, &difference, real];
    let (n, channels, height, width) = synthetic.dims4()?;
    let mut sheet = Sheet::new(SheetLayout {
        size: Size { width, height },
        channels,
        least_width: MIN_TILE_WIDTH,
        columns: n,
        rows: rows.len(),
        blocks: 1,
        gap: GAP,
        block_gap: 0,
        margin: GAP,
    });
    for (row, images) in rows.into_iter().enumerate() {
        for (column, image) in images.flatten_from(1)?.to_vec2::<f32>()?.iter().enumerate() {
            sheet.paste(row, column, image);
        }
    }
    Ok(sheet.into_image())
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use simgan_data::Pixels;

    use super::*;

    fn images(values: &[f32]) -> Tensor {
        // Two images of one channel, 2 rows × 64 columns, each image one value but for its top left pixel,
        // −1.
        let mut pixels = Vec::new();
        for value in values {
            let start = pixels.len();
            pixels.extend(vec![*value; 128]);
            pixels[start] = -1.0;
        }
        Tensor::from_vec(pixels, (values.len(), 1, 2, 64), &Device::Cpu).unwrap()
    }

    #[test]
    fn rows_and_scale_are_as_documented() {
        let grid = sample_grid(&images(&[0.0, 0.5]), &images(&[0.0, 1.0]), &images(&[-0.5, 0.25])).unwrap();
        let spec = grid.spec();
        assert_eq!((spec.height, spec.width), (4 * (2 * 2 + 4) + 4, 2 * (128 + 4) + 4));
        let Pixels::U8(pixels) = grid.pixels() else { panic!("8 bit") };
        let at = |row: usize, column: usize, y: usize, x: usize| {
            pixels[(row * 8 + 4 + y) * spec.width + column * 132 + 4 + x]
        };
        let centers: Vec<u8> = (0..4).flat_map(|row| [at(row, 0, 3, 70), at(row, 1, 3, 70)]).collect();
        assert_eq!(centers, [128, 191, 128, 255, 128, 191, 64, 159]);
        assert_eq!([at(0, 0, 0, 0), at(0, 0, 1, 1), at(0, 0, 1, 2), at(0, 0, 2, 1)], [0, 0, 128, 128]);
        assert_eq!(pixels[0], 255, "the gap");
    }
}
