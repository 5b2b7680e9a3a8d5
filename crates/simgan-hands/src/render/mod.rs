//! Depth images: the rays of the pixels inside its outline meet each surface, and the nearest one counts.

mod ball;
mod cone;
mod outline;
mod plane;

use self::cone::Cone;
use self::outline::Outline;
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

    /// Lowers the depths inside an outline to those of a surface; infinity and NaN mean "not met".
    fn meet(&mut self, outline: &Outline, camera: &Camera, surface: impl Fn(f32, f32) -> f32) {
        for row in outline.window.top..outline.window.bottom {
            let (y, span) = (camera.ray_y(row), outline.columns(row));
            let line = &mut self.values[row * self.width..][span.clone()];
            for (col, value) in span.zip(line) {
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
    for surface in surfaces(solid) {
        let outline = surface.outline(camera);
        match &surface {
            Surface::Ball(ball) => depths.meet(&outline, camera, |x, y| ball.depth(x, y)),
            Surface::Cone(cone) => depths.meet(&outline, camera, |x, y| cone.depth(x, y)),
            Surface::Facet(facet) => depths.meet(&outline, camera, |x, y| facet.depth(x, y)),
        }
    }
    depths
}

/// The depths that [`render`] gives the pixels of some points; `None` outside the image.
pub(crate) fn depths_at(solid: &Solid, camera: &Camera, points: &[[f32; 2]]) -> Vec<Option<f32>> {
    let surfaces: Vec<Surface> = surfaces(solid).collect();
    let depth = |[x, y]: &[f32; 2]| {
        let is_inside = *x >= 0.0 && *y >= 0.0 && *x < camera.width as f32 && *y < camera.height as f32;
        let ray = is_inside.then(|| [camera.ray_x(*x as usize), camera.ray_y(*y as usize)]);
        // `f32::min` passes NaN over.
        ray.map(|[x, y]| surfaces.iter().map(|surface| surface.depth(x, y)).fold(f32::INFINITY, f32::min))
    };
    points.iter().map(depth).collect()
}

/// A part of a solid's surface.
enum Surface {
    Ball(Ball),
    Cone(Cone),
    Facet(Facet),
}

/// Each ball, the side of each pair's hull, and the flat sides of each triple's that face the camera. Hulls
/// share balls, which are met once.
fn surfaces(solid: &Solid) -> impl Iterator<Item = Surface> {
    let balls = solid.balls.iter().map(|ball| Surface::Ball(*ball));
    let ball = |idx: &usize| solid.balls[*idx];
    let cones = solid.pairs.iter().filter_map(move |[a, b]| Cone::new([ball(a), ball(b)]));
    let facets = solid.triples.iter().flat_map(move |[a, b, c]| Facet::of([ball(a), ball(b), ball(c)]));
    let facing = facets.flatten().filter(Facet::faces_camera);
    balls.chain(cones.map(Surface::Cone)).chain(facing.map(Surface::Facet))
}

impl Surface {
    fn depth(&self, x: f32, y: f32) -> f32 {
        match self {
            Self::Ball(ball) => ball.depth(x, y),
            Self::Cone(cone) => cone.depth(x, y),
            Self::Facet(facet) => facet.depth(x, y),
        }
    }

    fn outline(&self, camera: &Camera) -> Outline {
        match self {
            Self::Ball(ball) => Outline::new(&[*ball], camera),
            Self::Cone(cone) => Outline::new(&cone.balls(), camera),
            Self::Facet(facet) => Outline::new(&facet.corners(), camera),
        }
    }
}

/// The ray through a pixel reaches depth `z` at `z` times this.
fn ray(x: f32, y: f32) -> Vec3 {
    crate::math::vec3(x, y, 1.0)
}
