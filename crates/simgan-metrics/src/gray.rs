use candle_core::{DType, Tensor};

use crate::MetricsError;

/// A gray image, row by row.
pub(crate) struct Gray {
    pub(crate) pixels: Vec<f32>,
    pub(crate) height: usize,
    pub(crate) width: usize,
}

/// Converts images of eyes `(N, C, H, W)` as [`grays`] does.
///
/// # Errors
///
/// If height or width is under 15 pixels, too small for an eye.
pub(crate) fn eye_grays(images: &Tensor) -> Result<Vec<Gray>, MetricsError> {
    let (_, _, height, width) = images.dims4()?;
    if height.min(width) < 15 {
        return Err(MetricsError::Mismatch(format!(
            "images of {width}×{height} are too small to find an iris"
        )));
    }
    grays(images)
}

/// Converts images `(N, C, H, W)` to gray ones, by the mean over channels.
///
/// # Errors
///
/// If the images do not have four dimensions, or have no pixels.
pub(crate) fn grays(images: &Tensor) -> Result<Vec<Gray>, MetricsError> {
    let (_, channels, height, width) = images.dims4()?;
    if channels * height * width == 0 {
        return Err(MetricsError::Mismatch("the images have no pixels".to_owned()));
    }
    let gray = images.mean(1)?.to_dtype(DType::F32)?.flatten_from(1)?.to_vec2::<f32>()?;
    Ok(gray.into_iter().map(|pixels| Gray { pixels, height, width }).collect())
}

impl Gray {
    /// Returns the brightness at a point, interpolated bilinearly. The first pixel's centre is (0.5, 0.5);
    /// beyond the border, edge pixels are replicated.
    pub(crate) fn at(&self, x: f64, y: f64) -> f64 {
        let (x, y) =
            ((x - 0.5).clamp(0.0, (self.width - 1) as f64), (y - 0.5).clamp(0.0, (self.height - 1) as f64));
        let (column, row) = (x as usize, y as usize);
        let (right, below) = ((column + 1).min(self.width - 1), (row + 1).min(self.height - 1));
        let pixel = |row: usize, column: usize| f64::from(self.pixels[row * self.width + column]);
        let (fx, fy) = (x - column as f64, y - row as f64);
        let above = pixel(row, column) * (1.0 - fx) + pixel(row, right) * fx;
        above * (1.0 - fy) + (pixel(below, column) * (1.0 - fx) + pixel(below, right) * fx) * fy
    }

    /// Returns the image moved right and down, interpolated bilinearly; edge pixels are replicated.
    pub(crate) fn moved(&self, [right, down]: [f64; 2]) -> Self {
        let moved = |idx: usize| {
            let (row, column) = (idx / self.width, idx % self.width);
            self.at(column as f64 + 0.5 - right, row as f64 + 0.5 - down) as f32
        };
        let pixels = (0..self.pixels.len()).map(moved).collect();
        Self { pixels, height: self.height, width: self.width }
    }
}
