use std::path::Path;

use image::{ImageReader, Limits, RgbImage, imageops};

use crate::EyesError;
use crate::math::{Color, vec3};

/// A square colour texture in display values.
pub(super) struct Texture {
    side: usize,
    pixels: Vec<[u8; 3]>,
}

impl Texture {
    /// Rows and columns that a crop of eye size needs: 7.9 texels a mm of skin.
    pub(super) const SIDE: usize = 512;

    /// Reads a PNG and shrinks it to [`Self::SIDE`].
    ///
    /// # Errors
    /// A file that is missing, damaged, too large, or not square.
    pub(super) fn read(path: &Path) -> Result<Self, EyesError> {
        Ok(Self::from_image(&read_image(path)?))
    }

    fn from_image(image: &RgbImage) -> Self {
        Self { side: Self::SIDE, pixels: image.pixels().map(|pixel| pixel.0).collect() }
    }

    /// Display values at a coordinate, bilinear; the border is repeated, v = 0 is the bottom row.
    pub(super) fn at(&self, [u, v]: [f32; 2]) -> Color {
        let last = (self.side - 1) as f32;
        let x = (u * self.side as f32 - 0.5).clamp(0.0, last);
        let y = ((1.0 - v) * self.side as f32 - 0.5).clamp(0.0, last);
        let (col, row) = ((x as usize).min(self.side - 2), (y as usize).min(self.side - 2));
        let (fx, fy) = (x - col as f32, y - row as f32);
        let texel = |idx: usize| {
            let [r, g, b] = self.pixels[idx];
            vec3(f32::from(r), f32::from(g), f32::from(b))
        };
        let top = row * self.side + col;
        let upper = texel(top).lerp(texel(top + 1), fx);
        let lower = texel(top + self.side).lerp(texel(top + self.side + 1), fx);
        upper.lerp(lower, fy) * (1.0 / 255.0)
    }

    /// Changes every texel: `f` gets its index and its colour in display values.
    pub(super) fn modify(&mut self, f: impl Fn(usize, Color) -> Color) {
        for (idx, pixel) in self.pixels.iter_mut().enumerate() {
            let [r, g, b] = pixel.map(|value| f32::from(value) / 255.0);
            let color = f(idx, vec3(r, g, b));
            *pixel = [color.x, color.y, color.z].map(|value| (value * 255.0).round().clamp(0.0, 255.0) as u8);
        }
    }

    /// The red channel of a texel, 0 to 1.
    pub(super) fn red(&self, idx: usize) -> f32 {
        f32::from(self.pixels[idx][0]) / 255.0
    }
}

/// Reads a PNG at [`Texture::SIDE`].
pub(super) fn read_image(path: &Path) -> Result<RgbImage, EyesError> {
    let bad = |reason: String| EyesError::Asset { path: path.to_owned(), reason };
    let file = std::fs::File::open(path).map_err(|error| bad(error.to_string()))?;
    let mut reader = ImageReader::with_format(std::io::BufReader::new(file), image::ImageFormat::Png);
    let mut limits = Limits::default();
    (limits.max_image_width, limits.max_image_height) = (Some(4096), Some(4096));
    limits.max_alloc = Some(256 << 20);
    reader.limits(limits);
    let image = reader.decode().map_err(|error| bad(error.to_string()))?.into_rgb8();
    let (width, height) = image.dimensions();
    if width != height {
        return Err(bad(format!("{width}×{height} pixels: a texture is square")));
    }
    let side = Texture::SIDE as u32;
    Ok(if width == side { image } else { imageops::thumbnail(&image, side, side) })
}
