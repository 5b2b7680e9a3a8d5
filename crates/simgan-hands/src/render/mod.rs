//! Depth images: each hull is met by the rays of the pixels in its window, and the nearest surface counts.

mod cone;
mod plane;

use self::cone::Cone;
use self::plane::Facet;
use crate::camera::Camera;
use crate::math::Vec3;
use crate::solid::{Ball, Solid};

/// Depths along the camera's axis in mm, row by row; infinite where nothing is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Depths {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) values: Vec<f32>,
}

impl Depths {
    /// The smallest window around what is not infinite; empty if all is.
    pub(crate) fn occupied(&self) -> Window {
        let mut found = Window { left: self.width, right: 0, top: self.height, bottom: 0 };
        for (row, line) in self.values.chunks_exact(self.width).enumerate() {
            let is_thing = |value: &f32| value.is_finite();
            let (Some(first), Some(last)) = (line.iter().position(is_thing), line.iter().rposition(is_thing))
            else {
                continue;
            };
            (found.left, found.right) = (found.left.min(first), found.right.max(last + 1));
            (found.top, found.bottom) = (found.top.min(row), row + 1);
        }
        found
    }

    /// Nothing seen by a camera yet.
    fn empty(camera: &Camera) -> Self {
        let (width, height) = (camera.width, camera.height);
        Self { width, height, values: vec![f32::INFINITY; width * height] }
    }

    /// The depth at a point in pixels; `None` outside the image.
    pub(crate) fn at(&self, [x, y]: [f32; 2]) -> Option<f32> {
        let is_inside = x >= 0.0 && y >= 0.0 && x < self.width as f32 && y < self.height as f32;
        is_inside.then(|| self.values[y as usize * self.width + x as usize])
    }

    /// The depths at another camera's pixels, taken from the nearest pixels of this one's.
    pub(crate) fn resampled(&self, own: &Camera, other: &Camera) -> Self {
        let nearest = |ray: f32, first: f32, size: usize| {
            ((ray - first) * own.px_per_unit() + 0.5).clamp(0.0, (size - 1) as f32) as usize
        };
        let columns: Vec<usize> =
            (0..other.width).map(|col| nearest(other.ray_x(col), own.ray_x(0), self.width)).collect();
        let rows = (0..other.height).map(|row| nearest(other.ray_y(row), own.ray_y(0), self.height));
        let values = rows.flat_map(|row| columns.iter().map(move |col| row * self.width + col));
        let values = values.map(|at| self.values[at]).collect();
        Self { width: other.width, height: other.height, values }
    }

    /// Lowers the depths in a window of pixels to those of a surface; infinity and NaN mean "not met".
    fn meet(&mut self, pixels: Window, camera: &Camera, surface: impl Fn(f32, f32) -> f32) {
        for row in pixels.top..pixels.bottom.max(pixels.top) {
            let y = camera.ray_y(row);
            let line = &mut self.values[row * self.width..][pixels.left..pixels.right.max(pixels.left)];
            for (col, value) in (pixels.left..).zip(line) {
                let depth = surface(camera.ray_x(col), y);
                if depth < *value {
                    *value = depth;
                }
            }
        }
    }
}

/// Columns from `left` and rows from `top`, without `right` and `bottom`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) left: usize,
    pub(crate) right: usize,
    pub(crate) top: usize,
    pub(crate) bottom: usize,
}

/// Renders a solid in camera coordinates.
pub(crate) fn render(solid: &Solid, camera: &Camera) -> Depths {
    let mut depths = Depths::empty(camera);
    for [a, b] in &solid.pairs {
        let balls = [solid.balls[*a], solid.balls[*b]];
        let cone = Cone::new(balls);
        depths.meet(window_of(&balls, camera), camera, |x, y| cone.depth(x, y));
    }
    for [a, b, c] in &solid.triples {
        let balls = [solid.balls[*a], solid.balls[*b], solid.balls[*c]];
        for facet in Facet::of(balls).into_iter().flatten() {
            depths.meet(window_of(&facet.corners(), camera), camera, |x, y| facet.depth(x, y));
        }
    }
    depths
}

/// The pixels that the hull of some balls can cover.
fn window_of(balls: &[Ball], camera: &Camera) -> Window {
    let mut low = [f32::INFINITY; 2];
    let mut high = [f32::NEG_INFINITY; 2];
    for Ball { center, radius } in balls {
        // A ball at depth z spans at most its radius over the depth of its nearest point.
        let near = (center.z - radius).max(1.0);
        let [x, y] = camera.project(*center);
        let [cx, cy] = camera.ray_of(*center);
        let reach = |c: f32| radius / near * (1.0 + c * c).sqrt() * camera.px_per_unit() + 1.0;
        for (axis, (at, c)) in [(x, cx), (y, cy)].into_iter().enumerate() {
            low[axis] = low[axis].min(at - reach(c));
            high[axis] = high[axis].max(at + reach(c));
        }
    }
    let clip = |value: f32, size: usize| value.clamp(0.0, size as f32) as usize;
    Window {
        left: clip(low[0], camera.width),
        right: clip(high[0] + 1.0, camera.width),
        top: clip(low[1], camera.height),
        bottom: clip(high[1] + 1.0, camera.height),
    }
}

/// The ray through a pixel reaches depth `z` at `z` times this.
fn ray(x: f32, y: f32) -> Vec3 {
    crate::math::vec3(x, y, 1.0)
}
