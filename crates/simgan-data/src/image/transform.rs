use super::{Fit, Orientation, Size};
use crate::image::resize::Window;

/// How the pixels of an image moved, so that its annotations can follow them.
#[derive(Clone, Copy, Debug)]
pub struct Transform {
    from: Size,
    step: Step,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// A part was cut out and scaled.
    Window(Window),
    /// The image was turned or mirrored.
    Orientation(Orientation),
}

impl Transform {
    /// What [`Image::resized`](crate::Image::resized) does to an image of size `from`.
    #[must_use]
    pub fn resize(from: Size, to: Size, fit: Fit) -> Self {
        Self { from, step: Step::Window(Window::new(from, to, fit)) }
    }

    /// A part of an image of size `from`, cut out at its own scale. It may reach beyond the image.
    #[must_use]
    pub fn part(from: Size, left: f64, top: f64, size: Size) -> Self {
        Self { from, step: Step::Window(Window::of_part(left, top, size)) }
    }

    /// What [`Image::oriented`](crate::Image::oriented) does to an image of size `from`.
    #[must_use]
    pub fn orient(from: Size, orientation: Orientation) -> Self {
        Self { from, step: Step::Orientation(orientation) }
    }

    /// Width and height of the image before.
    #[must_use]
    pub fn from(&self) -> Size {
        self.from
    }

    /// Width and height of the image afterwards.
    #[must_use]
    pub fn to(&self) -> Size {
        match &self.step {
            Step::Window(window) => window.size(),
            Step::Orientation(orientation) => orientation.size(self.from),
        }
    }

    /// How the image was turned or mirrored: [`Orientation::UPRIGHT`] if it was only cut and scaled.
    #[must_use]
    pub fn orientation(&self) -> Orientation {
        match self.step {
            Step::Window(_) => Orientation::UPRIGHT,
            Step::Orientation(orientation) => orientation,
        }
    }

    /// Where a point of the image lies afterwards; it may lie outside.
    #[must_use]
    pub fn point(&self, point: [f32; 2]) -> [f32; 2] {
        match &self.step {
            Step::Window(window) => window.map(point),
            Step::Orientation(orientation) => orientation.point(self.from, point),
        }
    }

    /// The opposite of [`Transform::point`].
    #[must_use]
    pub fn source(&self, point: [f32; 2]) -> [f32; 2] {
        match &self.step {
            Step::Window(window) => window.unmap(point),
            Step::Orientation(orientation) => orientation.source(self.from, point),
        }
    }
}
