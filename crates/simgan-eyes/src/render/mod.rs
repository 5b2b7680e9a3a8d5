//! The renderer core: renders a provider's [`Scene`] in a [`Light`] through a [`Camera`].

mod camera;
mod eyeball;
mod hair;
mod light;
mod mesh;
mod raster;
mod scene;
mod shading;
mod shadow;
#[cfg(test)]
mod tests;
mod visibility;

pub(crate) use self::camera::Camera;
pub(crate) use self::eyeball::{Eyeball, Front, SeenEye, across};
pub(crate) use self::hair::Hair;
pub(crate) use self::light::Light;
pub(crate) use self::scene::{Appearance, Finish, Margin, Scene};
pub use self::visibility::Visibility;
#[cfg(test)]
pub(crate) use self::visibility::nearest_depth;

use self::shading::Shading;
use crate::math::{Color, Vec3};
use simgan_data::{Image, Pixels};

/// The colours of an image, row by row: linear as rendered, display values once developed.
pub(crate) struct Canvas {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<Color>,
}

impl Canvas {
    /// The display values as an image of 8 bits, gray or RGB.
    pub(crate) fn to_image(&self, channels: usize) -> Image {
        let byte = |value: f32| (value * 255.0 + 0.5) as u8;
        let values: Vec<u8> = if channels == 1 {
            self.pixels.iter().map(|pixel| byte(pixel.luma())).collect()
        } else {
            let planes: [fn(&Color) -> f32; 3] = [|p| p.x, |p| p.y, |p| p.z];
            planes.iter().flat_map(|plane| self.pixels.iter().map(move |pixel| byte(plane(pixel)))).collect()
        };
        Image::new(channels, self.height, self.width, Pixels::U8(values))
    }
}

/// Renders a scene with `supersample`² samples per pixel, in bands of rows so that the samples stay in the
/// cache.
pub(crate) fn render<A: Appearance>(
    scene: &Scene<A>,
    light: &Light,
    camera: &Camera,
    supersample: usize,
) -> Canvas {
    const BAND_SAMPLES: usize = 1 << 15;
    let factor = supersample as f32;
    let fine = camera.scaled(factor, camera.width * supersample, camera.height * supersample);
    // With an even `supersample`, 2×2 samples share one shading; every sample still counts at outlines.
    let block = if supersample.is_multiple_of(2) { 2 } else { 1 };
    let shading = Shading::new(scene, light, &fine);
    // A band holds whole rows of pixels.
    let band = (BAND_SAMPLES / fine.width / supersample).max(1) * supersample;
    let mut pixels = Vec::with_capacity(camera.width * camera.height);
    for top in (0..fine.height).step_by(band) {
        let mut samples = shading.samples(top..(top + band).min(fine.height), block);
        hair::draw(&mut samples, &scene.hairs, &fine, top);
        pixels.extend(averaged(&samples, supersample));
    }
    Canvas { width: camera.width, height: camera.height, pixels }
}

/// Averages each pixel's `supersample`² samples.
fn averaged(samples: &Canvas, supersample: usize) -> Vec<Color> {
    let (width, height) = (samples.width / supersample, samples.height / supersample);
    let mut pixels = vec![Vec3::default(); width * height];
    for (row_idx, row) in samples.pixels.chunks_exact(samples.width).enumerate() {
        let start = row_idx / supersample * width;
        for (pixel, group) in pixels[start..start + width].iter_mut().zip(row.chunks_exact(supersample)) {
            *pixel += group.iter().fold(Vec3::default(), |sum, color| sum + *color);
        }
    }
    let share = 1.0 / (supersample * supersample) as f32;
    pixels.iter_mut().for_each(|pixel| *pixel = *pixel * share);
    pixels
}
