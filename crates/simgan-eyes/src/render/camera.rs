use crate::math::{Rotation, Vec3, vec3};

/// An orthographic camera: a rotation, a framing and an image size.
///
/// View coordinates are in mm with x right, y up and z towards the camera. Pixel coordinates count from the
/// image's top left corner; the middle of the first pixel is at (0.5, 0.5).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Camera {
    /// Rotation from the head's frame to the view's.
    pub(crate) rotation: Rotation,
    /// View coordinates of the image's middle.
    pub(crate) center: [f32; 2],
    pub(crate) px_per_mm: f32,
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// Distance from the camera to the eyeball's centre; sets only the depth in labels.
    pub(crate) distance_mm: f32,
}

impl Camera {
    /// Rotates a point of the head into view coordinates.
    pub(crate) fn view(&self, point: Vec3) -> Vec3 {
        self.rotation.apply(point)
    }

    /// Projects a view point to pixels, with the depth along the camera's axis in mm as z.
    pub(crate) fn project(&self, view: Vec3) -> Vec3 {
        vec3(
            self.width as f32 * 0.5 + (view.x - self.center[0]) * self.px_per_mm,
            self.height as f32 * 0.5 - (view.y - self.center[1]) * self.px_per_mm,
            self.distance_mm - view.z,
        )
    }

    /// Projects a view point to samples of a grid, with z towards the camera in mm.
    pub(crate) fn corner(&self, view: Vec3) -> Vec3 {
        let at = self.project(view);
        vec3(at.x, at.y, view.z)
    }

    /// Returns the view's x and y in mm at a point of the image.
    pub(crate) fn unproject(&self, x: f32, y: f32) -> (f32, f32) {
        (
            (x - self.width as f32 * 0.5) / self.px_per_mm + self.center[0],
            (self.height as f32 * 0.5 - y) / self.px_per_mm + self.center[1],
        )
    }

    /// Keeps the framing at another resolution.
    pub(crate) fn scaled(&self, factor: f32, width: usize, height: usize) -> Self {
        Self { px_per_mm: self.px_per_mm * factor, width, height, ..*self }
    }
}
