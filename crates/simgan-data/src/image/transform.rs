use super::{Fit, Orientation, Size};
use crate::image::resize::Window;

/// A geometric transform of an image, which its annotations follow.
#[derive(Clone, Copy, Debug)]
pub struct Transform {
    from: Size,
    step: Step,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Crops a part and scales it.
    Window(Window),
    /// Rotates or mirrors the image.
    Orientation(Orientation),
}

impl Transform {
    /// The transform that [`Image::resized`](crate::Image::resized) applies to an image of size `from`.
    #[must_use]
    pub fn resize(from: Size, to: Size, fit: Fit) -> Self {
        Self { from, step: Step::Window(Window::new(from, to, fit)) }
    }

    /// Crops a part of an image of size `from` at its original scale. The part may extend beyond the image.
    #[must_use]
    pub fn part(from: Size, left: f64, top: f64, size: Size) -> Self {
        Self { from, step: Step::Window(Window::of_part(left, top, size)) }
    }

    /// The transform that [`Image::oriented`](crate::Image::oriented) applies to an image of size `from`.
    #[must_use]
    pub fn orient(from: Size, orientation: Orientation) -> Self {
        Self { from, step: Step::Orientation(orientation) }
    }

    /// Width and height before the transform.
    #[must_use]
    pub fn from(&self) -> Size {
        self.from
    }

    /// Width and height after the transform.
    #[must_use]
    pub fn to(&self) -> Size {
        match &self.step {
            Step::Window(window) => window.size(),
            Step::Orientation(orientation) => orientation.size(self.from),
        }
    }

    /// The rotation and mirroring; [`Orientation::UPRIGHT`] for a crop or resize.
    #[must_use]
    pub fn orientation(&self) -> Orientation {
        match self.step {
            Step::Window(_) => Orientation::UPRIGHT,
            Step::Orientation(orientation) => orientation,
        }
    }

    /// Maps a point of the image to the transformed one, possibly outside it.
    #[must_use]
    pub fn point(&self, point: [f32; 2]) -> [f32; 2] {
        match &self.step {
            Step::Window(window) => window.map(point),
            Step::Orientation(orientation) => orientation.point(self.from, point),
        }
    }

    /// [`Transform::point`] in double precision, for label files that hold more digits than `f32`.
    #[must_use]
    pub fn point_exact(&self, point: [f64; 2]) -> [f64; 2] {
        match &self.step {
            Step::Window(window) => window.map_exact(point),
            Step::Orientation(orientation) => orientation.point_exact(self.from, point),
        }
    }

    /// The inverse of [`Transform::point`].
    #[must_use]
    pub fn source(&self, point: [f32; 2]) -> [f32; 2] {
        match &self.step {
            Step::Window(window) => window.unmap(point),
            Step::Orientation(orientation) => orientation.source(self.from, point),
        }
    }
}
