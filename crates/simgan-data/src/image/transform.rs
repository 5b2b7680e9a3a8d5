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

/// Rounding errors of places in pixels are smaller.
const TINY: f64 = 1e-6;

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

    /// Whether it leaves out a part of the image.
    #[must_use]
    pub fn crops(&self) -> bool {
        let (from, to) = (self.from, self.to());
        let corners = [[0.0; 2], [from.width as f64, from.height as f64]].map(|own| self.point_exact(own));
        let sides = [to.width as f64, to.height as f64];
        let is_out = |point: [f64; 2]| {
            point.iter().zip(sides).any(|(place, side)| *place < -TINY || *place > side + TINY)
        };
        corners.into_iter().any(is_out)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crop_is_told() {
        let from = Size { width: 40, height: 30 };
        let crops = |to: &str, fit| Transform::resize(from, to.parse().unwrap(), fit).crops();
        assert!(crops("30x30", Fit::Cover) && crops("40x10", Fit::Cover));
        assert!(!crops("20x15", Fit::Cover) && !crops("30x30", Fit::Stretch));
        assert!(!Transform::orient(from, Orientation::MIRRORED).crops());
        assert!(Transform::part(from, 1.0, 0.0, from).crops());
    }
}
