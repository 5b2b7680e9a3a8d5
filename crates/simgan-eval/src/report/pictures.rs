use std::path::Path;

use candle_core::Tensor;
use simgan_data::{BitDepth, Direction, Image, ImageFile, ImageFormat, ImageSpec};

use crate::{EvalError, angle_deg};

/// Images of the grid are magnified by whole numbers to at least this width.
const GRID_WIDTH: usize = 120;
/// Those with arrows to this.
const CASE_WIDTH: usize = 220;
/// Pixels between images.
const GAP: usize = 4;
/// Length of an arrow, as a share of the image's width, of a gaze across the line of sight.
const ARROW: f64 = 0.7;

/// Where the eye looks.
pub(super) const TRUE_COLOR: [f32; 3] = [-0.6, 0.8, -0.6];
/// Where the network says that it looks.
pub(super) const PREDICTED_COLOR: [f32; 3] = [1.0, -0.5, -0.6];

/// Blocks of images one under the other, each a row of `(N, C, H, W)` in [−1, 1].
pub(super) fn rows(rows: &[Tensor]) -> Result<Vec<u8>, EvalError> {
    let mut sheet: Option<Sheet> = None;
    for (row, images) in rows.iter().enumerate() {
        let (n_images, _, height, width) = images.dims4()?;
        let sheet =
            sheet.get_or_insert_with(|| Sheet::new(n_images, rows.len(), [height, width], GRID_WIDTH));
        for column in 0..n_images {
            sheet.paste(&images.get(column)?, row, column)?;
        }
    }
    sheet.map_or_else(|| Err(EvalError::Picture("no images".to_owned())), Sheet::png)
}

/// One test image that was judged wrong.
pub(super) struct Case {
    /// Its place among the test images.
    pub(super) idx: usize,
    pub(super) truth: Direction,
    pub(super) predicted: Direction,
    pub(super) error_deg: f64,
}

/// The `count` worst cases, worst first.
pub(super) fn worst(predicted: &[Direction], truth: &[Direction], count: usize) -> Vec<Case> {
    let pairs = predicted.iter().zip(truth).enumerate();
    let case = |(idx, (predicted, truth)): (usize, (&Direction, &Direction))| Case {
        idx,
        truth: *truth,
        predicted: *predicted,
        error_deg: angle_deg(*predicted, *truth),
    };
    let mut cases: Vec<_> = pairs.map(case).collect();
    cases.sort_by(|a, b| b.error_deg.total_cmp(&a.error_deg));
    cases.truncate(count);
    cases
}

/// The cases' images with both directions drawn from the middle, `columns` in a row.
pub(super) fn cases(images: &Tensor, cases: &[Case], columns: usize) -> Result<Vec<u8>, EvalError> {
    let (_, _, height, width) = images.dims4()?;
    let mut sheet = Sheet::new(columns, cases.len().div_ceil(columns), [height, width], CASE_WIDTH);
    for (place, case) in cases.iter().enumerate() {
        let (row, column) = (place / columns, place % columns);
        sheet.paste(&images.get(case.idx)?, row, column)?;
        sheet.arrow(row, column, case.truth, TRUE_COLOR);
        sheet.arrow(row, column, case.predicted, PREDICTED_COLOR);
    }
    sheet.png()
}

/// A white page of equal tiles in colour; values in [−1, 1], planar.
struct Sheet {
    tile: [usize; 2],
    scale: usize,
    height: usize,
    width: usize,
    planes: [Vec<f32>; 3],
}

impl Sheet {
    /// `size` is an image's height and width.
    fn new(columns: usize, rows: usize, [height, width]: [usize; 2], least_width: usize) -> Self {
        let scale = least_width.div_ceil(width);
        let tile = [height * scale, width * scale];
        let (height, width) = (rows * (tile[0] + GAP) + GAP, columns * (tile[1] + GAP) + GAP);
        let planes = [(); 3].map(|()| vec![1.0; height * width]);
        Self { tile, scale, height, width, planes }
    }

    fn corner(&self, row: usize, column: usize) -> [usize; 2] {
        [row * (self.tile[0] + GAP) + GAP, column * (self.tile[1] + GAP) + GAP]
    }

    /// An image `(C, H, W)`, gray or RGB.
    fn paste(&mut self, image: &Tensor, row: usize, column: usize) -> Result<(), EvalError> {
        let ([top, left], scale) = (self.corner(row, column), self.scale);
        let channels = image.to_vec3::<f32>()?;
        for (idx, plane) in self.planes.iter_mut().enumerate() {
            let channel = &channels[idx.min(channels.len() - 1)];
            for y in 0..self.tile[0] {
                let line = &mut plane[(top + y) * self.width + left..][..self.tile[1]];
                line.iter_mut().enumerate().for_each(|(x, value)| *value = channel[y / scale][x / scale]);
            }
        }
        Ok(())
    }

    /// A line from the tile's middle to where the gaze points, thicker at its end.
    fn arrow(&mut self, row: usize, column: usize, gaze: Direction, color: [f32; 3]) {
        let [top, left] = self.corner(row, column);
        let [x, y, _] = gaze.vector().map(f64::from);
        let [height, width] = self.tile.map(|side| side as f64);
        for step in 0..=400 {
            let share = f64::from(step) / 400.0;
            let radius = if step >= 380 { 3.0 } else { 1.0 };
            let at = [height / 2.0 + share * ARROW * width * y, width / 2.0 + share * ARROW * width * x];
            self.dot([top, left], at, radius, color);
        }
    }

    /// A disc at a place of a tile; what lies outside the tile is not drawn.
    fn dot(&mut self, corner: [usize; 2], at: [f64; 2], radius: f64, color: [f32; 3]) {
        let reach = radius as i64;
        for dy in -reach..=reach {
            for dx in -reach..=reach {
                let [y, x] = [at[0] + dy as f64, at[1] + dx as f64];
                let is_inside = y >= 0.0 && x >= 0.0 && y < self.tile[0] as f64 && x < self.tile[1] as f64;
                if is_inside && (dx * dx + dy * dy) as f64 <= radius * radius {
                    let pixel = (corner[0] + y as usize) * self.width + corner[1] + x as usize;
                    self.planes.iter_mut().zip(color).for_each(|(plane, value)| plane[pixel] = value);
                }
            }
        }
    }

    fn png(self) -> Result<Vec<u8>, EvalError> {
        let Self { height, width, planes, .. } = self;
        let spec = ImageSpec { channels: 3, height, width, depth: BitDepth::Eight };
        let image = Image::from_unit(spec, &planes.concat());
        Ok(ImageFile::new(image, ImageFormat::Png).encode(Path::new("picture.png"))?)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    fn decoded(png: &[u8]) -> (ImageSpec, Vec<f32>) {
        let file = ImageFile::decode(png, Path::new("test.png")).unwrap();
        (file.image().spec(), file.image().to_unit())
    }

    #[test]
    fn images_stand_in_rows() {
        let row = |level: f32| {
            (Tensor::ones((2, 1, 3, 50), candle_core::DType::F32, &Device::Cpu).unwrap() * f64::from(level))
                .unwrap()
        };
        let (spec, values) = decoded(&rows(&[row(-1.0), row(0.2)]).unwrap());
        // 50 pixels are magnified three times.
        assert_eq!((spec.channels, spec.height, spec.width), (3, 2 * 13 + 4, 2 * 154 + 4));
        let at = |y: usize, x: usize| values[y * spec.width + x];
        assert_eq!([at(0, 0), at(4, 4), at(12, 153), at(4, 154)], [1.0, -1.0, -1.0, 1.0]);
        assert!((at(20, 200) - 0.2).abs() < 0.01);
        assert!(rows(&[]).is_err());
    }

    #[test]
    fn the_worst_case_comes_first_with_both_directions() {
        let gaze = |yaw: f32| Direction::from_pitch_yaw(0.0, yaw);
        let truth = [gaze(0.0), gaze(0.3), gaze(0.0)];
        let predicted = [gaze(0.1), gaze(-0.3), gaze(0.0)];
        let worst = worst(&predicted, &truth, 2);
        assert_eq!(worst.iter().map(|case| case.idx).collect::<Vec<_>>(), [1, 0]);
        let images = Tensor::zeros((3, 1, 60, 120), candle_core::DType::F32, &Device::Cpu).unwrap();
        let (spec, values) = decoded(&cases(&images, &worst, 2).unwrap());
        let color =
            |y: usize, x: usize| [0, 1, 2].map(|plane| values[(plane * spec.height + y) * spec.width + x]);
        // A positive yaw looks to the image's left; the middle of the tile, twice as large, is at (64, 124).
        let [left, right] = [color(64, 100), color(64, 148)];
        assert!(left[1] > 0.5 && left[0] < 0.0, "{left:?}");
        assert!(right[0] > 0.5 && right[1] < 0.0, "{right:?}");
    }
}
