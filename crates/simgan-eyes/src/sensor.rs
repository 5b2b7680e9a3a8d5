//! Simulates a cheap camera, which makes `builtin:camera` look photographed.

use serde::{Deserialize, Serialize};

use crate::compression;
use crate::math::{Color, Vec3, smoothstep, vec3};
use crate::random::Stream;
use crate::render::Canvas;

/// The camera of one image, glasses and JPEG compression included.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sensor {
    /// Sensor pixels per pixel of the final image, along each axis.
    pub(crate) resolution: f32,
    /// Standard deviation of the lens' blur in sensor pixels.
    pub(crate) blur_px: f32,
    /// Motion during the exposure in sensor pixels.
    pub(crate) motion_px: [f32; 2],
    pub(crate) exposure: f32,
    pub(crate) contrast: f32,
    /// Standard deviation of the noise as a share of the full range.
    pub(crate) noise: f32,
    /// Change of the relative brightness across the whole picture, along x and y.
    pub(crate) falloff: [f32; 2],
    /// JPEG quality, 1 to 100.
    pub(crate) quality: f32,
    pub(crate) equalize: bool,
    pub(crate) glasses: Option<Glasses>,
    pub(crate) seed: u32,
}

/// Glasses, drawn over the picture as a rim and a reflection. Lengths are in mm on the face from the crop's
/// middle, y up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Glasses {
    pub(crate) center: [f32; 2],
    pub(crate) half_size: [f32; 2],
    pub(crate) rim_mm: f32,
    pub(crate) brightness: f32,
    pub(crate) glare: [f32; 2],
    pub(crate) glare_intensity: f32,
}

impl Sensor {
    pub(crate) fn sample(rng: &mut Stream) -> Self {
        // The order of the draws, here the order of the fields, is fixed: another one would change every
        // image.
        Self {
            resolution: rng.uniform(0.65, 1.1),
            blur_px: rng.uniform(0.4, 0.85),
            motion_px: [rng.normal(0.0, 0.4), rng.normal(0.0, 0.25)],
            exposure: rng.uniform(0.7, 1.8),
            contrast: rng.uniform(0.7, 1.3),
            noise: rng.uniform(0.002, 0.016),
            falloff: [rng.uniform(-0.5, 0.5), rng.uniform(-0.3, 0.3)],
            quality: rng.uniform(65.0, 95.0),
            equalize: rng.chance(0.97),
            glasses: if rng.chance(0.15) { Some(Glasses::sample(rng)) } else { None },
            seed: rng.bits(),
        }
    }

    /// Returns the sensor's width and height for a final image of the given size.
    pub(crate) fn size(&self, width: usize, height: usize) -> (usize, usize) {
        let scaled = |length: usize| ((length as f32 * self.resolution).round() as usize).max(4);
        (scaled(width), scaled(height))
    }

    /// Takes the picture: turns linear colours at the sensor's size into display values in [0, 1] at the
    /// final size.
    pub(crate) fn expose(&self, mut scene: Canvas, px_per_mm: f32, width: usize, height: usize) -> Canvas {
        if let Some(glasses) = &self.glasses {
            glasses.draw(&mut scene, px_per_mm);
        }
        let blurred = blur(&scene, self.blur_px, self.motion_px);
        let mut picture = self.develop(blurred);
        self.add_noise(&mut picture);
        compression::compress(&mut picture, self.quality);
        let mut picture = resized(&picture, width, height);
        if self.equalize {
            equalize(&mut picture);
        }
        picture
    }

    /// Applies exposure, falloff and the tone curve.
    fn develop(&self, mut picture: Canvas) -> Canvas {
        let (width, height) = (picture.width as f32, picture.height as f32);
        for (idx, pixel) in picture.pixels.iter_mut().enumerate() {
            let (x, y) =
                ((idx % picture.width) as f32 / width - 0.5, (idx / picture.width) as f32 / height - 0.5);
            let gain = self.exposure * (1.0 + self.falloff[0] * x + self.falloff[1] * y).max(0.2);
            *pixel = map(*pixel, |value| {
                let display = (value * gain).max(0.0).sqrt();
                // A soft shoulder keeps highlights from clipping at once.
                let shoulder = display / (1.0 + 0.18 * display * display);
                ((shoulder - 0.45) * self.contrast + 0.45).clamp(0.0, 1.0)
            });
        }
        picture
    }

    /// Adds noise, mostly gray and stronger in dark parts.
    fn add_noise(&self, picture: &mut Canvas) {
        let mut rng = Stream::new(u64::from(self.seed), "sensor noise", 0);
        for pixel in &mut picture.pixels {
            let gray = rng.bell();
            let color = vec3(gray + 0.4 * rng.bell(), gray, gray + 0.5 * rng.bell()) * self.noise;
            *pixel += color.times(map(*pixel, |value| 1.5 - value));
        }
    }
}

impl Glasses {
    fn sample(rng: &mut Stream) -> Self {
        Self {
            center: [rng.normal(1.0, 2.5), rng.normal(-3.0, 2.5)],
            half_size: [rng.uniform(17.0, 26.0), rng.uniform(9.5, 17.0)],
            rim_mm: rng.uniform(0.6, 2.6),
            brightness: if rng.chance(0.65) { rng.uniform(0.0, 0.05) } else { rng.uniform(0.3, 1.2) },
            glare: [rng.uniform(-14.0, 14.0), rng.uniform(-9.0, 9.0)],
            glare_intensity: if rng.chance(0.5) { rng.uniform(0.1, 0.9) } else { 0.0 },
        }
    }

    fn draw(&self, picture: &mut Canvas, px_per_mm: f32) {
        let (width, height) = (picture.width, picture.height);
        for (idx, pixel) in picture.pixels.iter_mut().enumerate() {
            let x = ((idx % width) as f32 + 0.5 - width as f32 * 0.5) / px_per_mm;
            let y = (height as f32 * 0.5 - (idx / width) as f32 - 0.5) / px_per_mm;
            let (gx, gy) = (x - self.glare[0], (y - self.glare[1]) + 0.5 * (x - self.glare[0]));
            let glare = smoothstep(1.0, 0.4, gx.abs() / 5.0) * smoothstep(1.0, 0.4, gy.abs() / 2.5);
            *pixel += Vec3::splat(glare * self.glare_intensity * 0.5);
            let rim = self.rim_cover(x, y, 0.5 / px_per_mm);
            *pixel = pixel.lerp(Vec3::splat(self.brightness), rim);
        }
    }

    /// Returns the share of a pixel covered by the rim, a band along a rounded rectangle.
    fn rim_cover(&self, x: f32, y: f32, half_px_mm: f32) -> f32 {
        let corner = 0.6 * self.half_size[1];
        let dx = ((x - self.center[0]).abs() - self.half_size[0] + corner).max(0.0);
        let dy = ((y - self.center[1]).abs() - self.half_size[1] + corner).max(0.0);
        let inside_x = (x - self.center[0]).abs() - self.half_size[0];
        let inside_y = (y - self.center[1]).abs() - self.half_size[1];
        let outline =
            if dx > 0.0 && dy > 0.0 { (dx * dx + dy * dy).sqrt() - corner } else { inside_x.max(inside_y) };
        smoothstep(half_px_mm, -half_px_mm, outline.abs() - self.rim_mm * 0.5)
    }
}

fn map(color: Color, f: impl Fn(f32) -> f32) -> Color {
    vec3(f(color.x), f(color.y), f(color.z))
}

/// Applies a Gaussian blur, widened along each axis by the motion.
fn blur(picture: &Canvas, deviation_px: f32, motion_px: [f32; 2]) -> Canvas {
    // Motion blur is a box of half-width `motion`, whose variance is motion² / 3.
    let [along_x, along_y] =
        motion_px.map(|motion| kernel((deviation_px * deviation_px + motion * motion / 3.0).sqrt()));
    let across = convolved(picture, &along_x, 1, 0);
    convolved(&across, &along_y, 0, 1)
}

/// Radius of the blur's kernel in pixels: over three standard deviations, which are at most 1.2 px with
/// motion.
const RADIUS: isize = 4;

fn kernel(deviation: f32) -> [f32; 2 * RADIUS as usize + 1] {
    let weights = std::array::from_fn(|idx| {
        let x = (idx as isize - RADIUS) as f32 / deviation.max(0.05);
        libm::expf(-0.5 * x * x)
    });
    let sum: f32 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}

fn convolved(picture: &Canvas, kernel: &[f32], step_x: isize, step_y: isize) -> Canvas {
    let (width, height) = (picture.width as isize, picture.height as isize);
    let mut pixels = Vec::with_capacity(picture.pixels.len());
    for row in 0..height {
        for col in 0..width {
            let mut sum = Vec3::default();
            for (idx, weight) in kernel.iter().enumerate() {
                let along = idx as isize - RADIUS;
                let x = (col + along * step_x).clamp(0, width - 1);
                let y = (row + along * step_y).clamp(0, height - 1);
                sum += picture.pixels[(y * width + x) as usize] * *weight;
            }
            pixels.push(sum);
        }
    }
    Canvas { width: picture.width, height: picture.height, pixels }
}

/// Resizes bilinearly with aligned pixel middles.
fn resized(picture: &Canvas, width: usize, height: usize) -> Canvas {
    let axis = |to: usize, n_to: usize, n_from: usize| {
        let at = ((to as f32 + 0.5) * n_from as f32 / n_to as f32 - 0.5).clamp(0.0, (n_from - 1) as f32);
        let low = (at as usize).min(n_from - 2);
        (low, at - low as f32)
    };
    let mut pixels = Vec::with_capacity(width * height);
    for row in 0..height {
        let (y, fy) = axis(row, height, picture.height);
        for col in 0..width {
            let (x, fx) = axis(col, width, picture.width);
            let at = |dx: usize, dy: usize| picture.pixels[(y + dy) * picture.width + x + dx];
            pixels.push(at(0, 0).lerp(at(1, 0), fx).lerp(at(0, 1).lerp(at(1, 1), fx), fy));
        }
    }
    Canvas { width, height, pixels }
}

/// Equalizes the histogram of the luma on 256 levels, as in MPIIGaze's normalized crops. Colours keep their
/// ratios.
pub(crate) fn equalize(picture: &mut Canvas) {
    let level = |color: Color| (color.luma().clamp(0.0, 1.0) * 255.0).round() as usize;
    let mut counts = [0_usize; 256];
    for pixel in &picture.pixels {
        counts[level(*pixel)] += 1;
    }
    let darkest = counts.iter().copied().find(|count| *count > 0).unwrap_or(0);
    let rest = (picture.pixels.len() - darkest).max(1) as f32;
    let mut below = 0;
    let table = counts.map(|count| {
        below += count;
        below.saturating_sub(darkest) as f32 / rest
    });
    for pixel in &mut picture.pixels {
        let luma = pixel.luma().max(1e-3);
        *pixel = *pixel * (table[level(*pixel)] / luma);
    }
}
