//! A pinhole camera that shows a window of the Kinect's field.

use simgan_data::Size;

use crate::config::HandsConfig;
use crate::math::Vec3;
use crate::render::Window;

/// The pixels of a window: rays are (x, y, 1) with x = `left` + (column + ½) `pitch`, y alike.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Camera {
    pub(crate) width: usize,
    pub(crate) height: usize,
    left: f32,
    top: f32,
    pitch: f32,
}

impl Camera {
    /// The window of the crop: `crop_mm` wide at the distance of its middle.
    pub(crate) fn crop(config: &HandsConfig, middle: Vec3) -> Self {
        let Size { width, height } = config.size;
        let pitch = config.crop_mm / middle.z / width as f32;
        let [x, y] = [middle.x / middle.z, middle.y / middle.z];
        let (left, top) = (x - 0.5 * width as f32 * pitch, y - 0.5 * height as f32 * pitch);
        Self { width, height, left, top, pitch }
    }

    /// The window of a sensor's own pixels, `pitch` apart, that covers this one. Its first pixel's column and
    /// row in the sensor are multiples of `cell`.
    pub(crate) fn covering(&self, pitch: f32, cell: usize) -> Self {
        let first = |from: f32| (from / pitch / cell as f32).floor() * cell as f32;
        let (left, top) = (first(self.left), first(self.top));
        let last = |from: f32, size: usize| ((from + size as f32 * self.pitch) / pitch).ceil();
        let (right, bottom) = (last(self.left, self.width), last(self.top, self.height));
        Self {
            width: (right - left).max(1.0) as usize,
            height: (bottom - top).max(1.0) as usize,
            left: left * pitch,
            top: top * pitch,
            pitch,
        }
    }

    /// The window of some of its pixels.
    pub(crate) fn part(&self, pixels: Window) -> Self {
        Self {
            width: pixels.right - pixels.left,
            height: pixels.bottom - pixels.top,
            left: self.left + pixels.left as f32 * self.pitch,
            top: self.top + pixels.top as f32 * self.pitch,
            ..*self
        }
    }

    /// Column and row of the first pixel, if pixels are counted from the middle of the sensor.
    pub(crate) fn first_px(&self) -> [i32; 2] {
        [self.left, self.top].map(|from| (from / self.pitch).round() as i32)
    }

    pub(crate) fn ray_x(&self, col: usize) -> f32 {
        // By way of 32 bits: processors convert four of them at once.
        self.left + (col as i32 as f32 + 0.5) * self.pitch
    }

    pub(crate) fn ray_y(&self, row: usize) -> f32 {
        self.top + (row as f32 + 0.5) * self.pitch
    }

    /// Pixels per unit of x / z.
    pub(crate) fn px_per_unit(&self) -> f32 {
        1.0 / self.pitch
    }

    /// The ray through a point.
    pub(crate) fn ray_of(&self, point: Vec3) -> [f32; 2] {
        [point.x / point.z, point.y / point.z]
    }

    /// A point's place in pixels; the first pixel's centre is (0.5, 0.5).
    pub(crate) fn project(&self, point: Vec3) -> [f32; 2] {
        let [x, y] = self.ray_of(point);
        [(x - self.left) / self.pitch, (y - self.top) / self.pitch]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::vec3;

    #[test]
    fn a_point_projects_onto_its_ray() {
        let config = HandsConfig { size: Size { width: 100, height: 60 }, ..HandsConfig::default() };
        let camera = Camera::crop(&config, vec3(50.0, -20.0, 600.0));
        assert_eq!(camera.project(vec3(50.0, -20.0, 600.0)).map(f32::round), [50.0, 30.0]);
        let [x, y] = camera.project(vec3(camera.ray_x(7), camera.ray_y(11), 1.0) * 650.0);
        assert!((x - 7.5).abs() < 1e-3 && (y - 11.5).abs() < 1e-3, "{x}, {y}");
    }

    #[test]
    fn a_sensors_window_covers_the_crop() {
        let crop = Camera::crop(&HandsConfig::default(), vec3(50.0, -20.0, 600.0));
        let sensor = crop.covering(1.0 / 585.5, 3);
        let corners = |camera: &Camera| {
            let (right, bottom) = (camera.width as f32, camera.height as f32);
            [
                camera.left,
                camera.top,
                -(camera.left + right * camera.pitch),
                -(camera.top + bottom * camera.pitch),
            ]
        };
        assert!(corners(&sensor).iter().zip(corners(&crop)).all(|(outer, inner)| *outer <= inner + 1e-6));
        assert!(sensor.first_px().iter().all(|px| px % 3 == 0));
        assert!((292..=300).contains(&sensor.width), "{}", sensor.width);
    }
}
