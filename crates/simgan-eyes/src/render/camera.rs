use crate::math::{Rotation, Vec3, vec3};

/// An orthographic camera: a rotation, a framing and an image size.
///
/// View coordinates are mm with x right, y up and z towards the camera; pixels count from the top left corner of the image, so
/// that the middle of the first pixel is (0.5, 0.5).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Camera {
    /// From the head's frame to the view's.
    pub(crate) rotation: Rotation,
    /// The point in view coordinates that the middle of the image shows.
    pub(crate) center: [f32; 2],
    pub(crate) px_per_mm: f32,
    pub(crate) width: usize,
    pub(crate) height: usize,
    /// From the camera to the eyeball's centre, for the depth in labels.
    pub(crate) distance_mm: f32,
}

impl Camera {
    /// Rotates a point of the head into view coordinates.
    pub(crate) fn view(&self, point: Vec3) -> Vec3 {
        self.rotation.apply(point)
    }

    /// Where a view point lies in the image, in pixels, with its depth along the camera's axis in mm.
    pub(crate) fn project(&self, view: Vec3) -> Vec3 {
        vec3(
            self.width as f32 * 0.5 + (view.x - self.center[0]) * self.px_per_mm,
            self.height as f32 * 0.5 - (view.y - self.center[1]) * self.px_per_mm,
            self.distance_mm - view.z,
        )
    }

    /// The view's x and y at a point of the image.
    pub(crate) fn unproject(&self, x: f32, y: f32) -> (f32, f32) {
        (
            (x - self.width as f32 * 0.5) / self.px_per_mm + self.center[0],
            (self.height as f32 * 0.5 - y) / self.px_per_mm + self.center[1],
        )
    }

    /// The same framing at another resolution.
    pub(crate) fn scaled(&self, factor: f32, width: usize, height: usize) -> Self {
        Self { px_per_mm: self.px_per_mm * factor, width, height, ..*self }
    }
}
