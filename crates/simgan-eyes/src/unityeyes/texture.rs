use std::path::Path;

use image::{ImageReader, Limits, RgbImage, imageops};

use crate::EyesError;
use crate::math::{Color, vec3};

/// A square colour texture in display values, with smaller copies.
pub(super) struct Texture {
    levels: Vec<Level>,
}

/// A texture at one resolution. A texel's lowest byte is red, followed by green and blue.
#[derive(Clone)]
pub(super) struct Level {
    side: usize,
    texels: Vec<u32>,
}

impl Texture {
    /// Rows and columns of the largest copy: 7.9 texels per mm of skin, as many as an eye crop needs.
    pub(super) const SIDE: usize = 512;
    /// Number of copies, each half the size of the one before.
    const N_LEVELS: usize = 3;

    /// Reads a PNG and scales it to [`Self::SIDE`].
    ///
    /// # Errors
    /// Fails if the file is missing, damaged, too large or not square.
    pub(super) fn read(path: &Path) -> Result<Self, EyesError> {
        Ok(Self::from_image(&read_image(path)?))
    }

    fn from_image(image: &RgbImage) -> Self {
        let texel = |pixel: &image::Rgb<u8>| u32::from_le_bytes([pixel.0[0], pixel.0[1], pixel.0[2], 0]);
        let mut levels = vec![Level { side: Self::SIDE, texels: image.pixels().map(texel).collect() }];
        while levels.len() < Self::N_LEVELS {
            levels.push(levels[levels.len() - 1].halved());
        }
        Self { levels }
    }

    /// Returns the smallest copy with at least `texels_per_mm`, where the largest has `finest` per mm; else
    /// the largest.
    pub(super) fn level(&self, texels_per_mm: f32, finest: f32) -> &Level {
        let fits = |level: &&Level| finest * level.side as f32 >= texels_per_mm * Self::SIDE as f32;
        self.levels.iter().rev().find(fits).unwrap_or(&self.levels[0])
    }

    /// The largest copy.
    pub(super) fn finest(&self) -> &Level {
        &self.levels[0]
    }

    /// Changes every texel: `f` maps its index and colour (display values) to the new colour.
    pub(super) fn modify(&mut self, f: impl Fn(usize, Color) -> Color) {
        for (idx, texel) in self.levels[0].texels.iter_mut().enumerate() {
            let [r, g, b, _] = texel.to_le_bytes().map(|value| f32::from(value) / 255.0);
            let color = f(idx, vec3(r, g, b));
            let [r, g, b] = [color.x, color.y, color.z].map(|value| (value * 255.0 + 0.5) as u8);
            *texel = u32::from_le_bytes([r, g, b, 0]);
        }
        for idx in 1..self.levels.len() {
            self.levels[idx] = self.levels[idx - 1].halved();
        }
    }
}

impl Level {
    fn halved(&self) -> Self {
        let side = self.side / 2;
        let mean = |idx: usize| {
            let first = idx / side * 2 * self.side + idx % side * 2;
            let group = [first, first + 1, first + self.side, first + self.side + 1];
            let sum: u64 = group.iter().map(|idx| wide(self.texels[*idx])).sum();
            let [r, g, b, _] = [0, 16, 32, 48].map(|shift| (((sum >> shift) as u16 + 2) / 4) as u8);
            u32::from_le_bytes([r, g, b, 0])
        };
        Self { side, texels: (0..side * side).map(mean).collect() }
    }

    /// A mixture with a texture of the same size, `share` (0 to 1) of which is `other`.
    pub(super) fn mixed(&self, other: &Self, share: f32) -> Self {
        // Red and blue are mixed together, then green: each byte needs eight free bits above it for the
        // products.
        let (theirs, apart) = ((share * 256.0) as u32, 0xFF_00FF);
        let ours = 256 - theirs;
        let mix = |(a, b): (&u32, &u32)| {
            let red_blue = ((a & apart) * ours + (b & apart) * theirs) >> 8 & apart;
            let green = ((a >> 8 & 0xFF) * ours + (b >> 8 & 0xFF) * theirs) & 0xFF00;
            red_blue | green
        };
        Self { side: self.side, texels: self.texels.iter().zip(&other.texels).map(mix).collect() }
    }

    /// Returns the display values at a coordinate, bilinear in 16ths of a texel. v = 0 is the bottom row; the
    /// border repeats.
    pub(super) fn at(&self, [u, v]: [f32; 2]) -> Color {
        const STEPS: usize = 16;
        let side = self.side as f32;
        // NaN becomes 0, so that every coordinate lies in the texture.
        let place = |t: f32| {
            let steps = ((t * side - 0.5).clamp(0.0, side - 1.0) * STEPS as f32) as i32 as usize;
            let texel = (steps / STEPS).min(self.side - 2);
            (texel, (steps - texel * STEPS) as u64)
        };
        let ((col, right), (row, down)) = (place(u), place(1.0 - v));
        let (left, up) = (STEPS as u64 - right, STEPS as u64 - down);
        let first = row * self.side + col;
        let (upper, lower) = (&self.texels[first..first + 2], &self.texels[first + self.side..][..2]);
        // The weights add up to 256, so each channel's sum fits its 16 bits.
        let sum = wide(upper[0]) * (left * up)
            + wide(upper[1]) * (right * up)
            + wide(lower[0]) * (left * down)
            + wide(lower[1]) * (right * down);
        let [r, g, b] = [0, 16, 32].map(|shift| f32::from((sum >> shift) as u16));
        vec3(r, g, b) * (1.0 / (255.0 * 256.0))
    }

    /// Returns the red channel of a texel, 0 to 1.
    pub(super) fn red(&self, idx: usize) -> f32 {
        f32::from(self.texels[idx] as u8) / 255.0
    }
}

/// Spreads a texel's bytes to 16 bits each.
fn wide(texel: u32) -> u64 {
    let texel = u64::from(texel);
    (texel & 0xFF) | (texel & 0xFF00) << 8 | (texel & 0xFF_0000) << 16
}

/// Reads a square PNG and scales it to [`Texture::SIDE`].
pub(super) fn read_image(path: &Path) -> Result<RgbImage, EyesError> {
    let bad = |reason: String| EyesError::Asset { path: path.to_owned(), reason };
    let file = std::fs::File::open(path).map_err(|error| bad(error.to_string()))?;
    let mut reader = ImageReader::with_format(std::io::BufReader::new(file), image::ImageFormat::Png);
    // A damaged header must not make the decoder allocate gigabytes.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn texture() -> Texture {
        let side = Texture::SIDE as u32;
        Texture::from_image(&RgbImage::from_fn(side, side, |x, y| {
            image::Rgb([(x / 2) as u8, (y / 2) as u8, 255])
        }))
    }

    /// On every level, interpolating a ramp gives the ramp. v counts from the bottom.
    #[test]
    fn textures_are_read_between_their_texels() {
        let texture = texture();
        for level in &texture.levels {
            for (u, v) in [(0.5, 0.5), (0.3, 0.8), (0.77, 0.123)] {
                let color = level.at([u, v]);
                assert!((color.x - u * 256.0 / 255.0).abs() < 6e-3, "{} {u}: {}", level.side, color.x);
                assert!(
                    (color.y - (1.0 - v) * 256.0 / 255.0).abs() < 6e-3,
                    "{} {v}: {}",
                    level.side,
                    color.y
                );
                assert_eq!(color.z, 1.0);
            }
            for outside in [[-3.0, 9.0], [7.0, -1e9], [f32::NAN, 0.0]] {
                assert_eq!(level.at(outside).z, 1.0);
            }
        }
    }

    #[test]
    fn textures_are_mixed_channel_by_channel() {
        let level = |texel: u32| Level { side: 1, texels: vec![texel] };
        assert_eq!(level(0x00FF_10FF).mixed(&level(0x0000_F001), 0.25).texels, [0x00BF_48BF]);
        assert_eq!(level(0x00FF_10FF).mixed(&level(0x0000_F001), 1.0).texels, [0x0000_F001]);
    }

    #[test]
    fn the_copy_fits_the_image() {
        let texture = texture();
        for (texels_per_mm, side) in [(1.9, 128), (3.0, 256), (3.9, 256), (4.1, 512), (30.0, 512)] {
            assert_eq!(texture.level(texels_per_mm, 7.9).side, side);
        }
    }
}
