use serde::Serialize;

use super::eyeball::Hit;
use super::raster::{DepthBuffer, Window};
use super::{Camera, Scene, SeenEye};
use crate::math::{Vec3, vec3};

/// The visible parts of iris and pupil: those inside the image and not behind lids or other skin. Lashes and
/// highlights hide nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Visibility {
    /// Visible share of the area within the limbus, in [0, 1].
    pub iris: f32,
    /// Visible share of the pupil's area, in [0, 1].
    pub pupil: f32,
    /// Whether each point of [`Landmarks::iris`](crate::Landmarks::iris) is visible.
    pub iris_points: Vec<bool>,
    /// Whether each point of [`Landmarks::pupil`](crate::Landmarks::pupil) is visible.
    pub pupil_points: Vec<bool>,
}

/// Samples along each side of the square round the iris in which areas are counted.
const SIDE: usize = 48;
/// Skin this close in front of the eye hides nothing, because the lids' edges touch the eye.
const TOUCHING_MM: f32 = 0.05;

impl Visibility {
    /// Determines the visible parts; `contours` are those of iris and pupil in pixels.
    pub(crate) fn new<A>(scene: &Scene<A>, camera: &Camera, contours: [&[[f32; 3]]; 2]) -> Self {
        let eye = scene.eye.seen_from(&camera.rotation);
        let middle = eye.axis * scene.eye.limbus_offset;
        // The square is a tenth wider than the limbus.
        let per_mm = SIDE as f32 / (2.2 * scene.eye.limbus_radius);
        let close =
            Camera { center: [middle.x, middle.y], px_per_mm: per_mm, width: SIDE, height: SIDE, ..*camera };
        let patch = Patch { camera, close: &close, eye: &eye, depth: nearest_depth(scene, &close) };
        let [iris, pupil] = patch.shares();
        let [iris_points, pupil_points] = contours.map(|contour| patch.seen(contour));
        Self { iris, pupil, iris_points, pupil_points }
    }
}

/// Returns z of the nearest triangle at each pixel, ignoring the eyeball; −∞ where there is none.
pub(crate) fn nearest_depth<A>(scene: &Scene<A>, camera: &Camera) -> Vec<f32> {
    let corner = |position: &Vec3| camera.corner(camera.view(*position));
    let corners: Vec<Vec3> = scene.positions.iter().map(corner).collect();
    let window = Window::whole(camera.width, camera.height);
    DepthBuffer::of_mesh(&window, &corners, &scene.triangles).into_depth()
}

/// The square round the iris.
struct Patch<'a> {
    camera: &'a Camera,
    close: &'a Camera,
    eye: &'a SeenEye,
    depth: Vec<f32>,
}

impl Patch<'_> {
    /// Returns the visible shares of iris and pupil.
    fn shares(&self) -> [f32; 2] {
        let (mut all, mut seen) = ([0_u32; 2], [0_u32; 2]);
        for (idx, depth) in self.depth.iter().enumerate() {
            let (x, y) = self.close.unproject((idx % SIDE) as f32 + 0.5, (idx / SIDE) as f32 + 0.5);
            let Some(hit) = self.eye.hit(x, y) else { continue };
            let is_seen = self.is_clear(&hit, *depth) && self.is_in_image(&hit);
            for (part, is_inside) in [self.in_limbus(x, y), self.in_pupil(&hit)].into_iter().enumerate() {
                all[part] += u32::from(is_inside);
                seen[part] += u32::from(is_inside && is_seen);
            }
        }
        [0, 1].map(|part| seen[part] as f32 / all[part].max(1) as f32)
    }

    fn in_limbus(&self, x: f32, y: f32) -> bool {
        let (axis, eye) = (self.eye.axis, &self.eye.eye);
        // z of the limbus' plane at (x, y); the bound keeps it finite for an eye seen from the side.
        let z = (eye.limbus_offset - axis.x * x - axis.y * y) / axis.z.max(0.05);
        x * x + y * y + z * z - eye.limbus_offset * eye.limbus_offset < eye.limbus_radius * eye.limbus_radius
    }

    fn in_pupil(&self, hit: &Hit) -> bool {
        let seen = self.eye.seen(hit);
        let radius = self.eye.eye.pupil_radius;
        hit.on_cornea && seen.x * seen.x + seen.y * seen.y < radius * radius
    }

    fn is_clear(&self, hit: &Hit, skin: f32) -> bool {
        hit.position.z > skin - TOUCHING_MM
    }

    fn is_in_image(&self, hit: &Hit) -> bool {
        let at = self.camera.project(hit.position);
        (0.0..=self.camera.width as f32).contains(&at.x) && (0.0..=self.camera.height as f32).contains(&at.y)
    }

    /// Returns whether each point of a contour is visible.
    fn seen(&self, contour: &[[f32; 3]]) -> Vec<bool> {
        let is_seen = |[x, y, _]: &[f32; 3]| {
            let (x, y) = self.camera.unproject(*x, *y);
            let at = self.close.project(vec3(x, y, 0.0));
            let [col, row] = [at.x, at.y].map(|place| (place.max(0.0) as usize).min(SIDE - 1));
            let hit = self.eye.hit(x, y);
            hit.is_some_and(|hit| self.is_clear(&hit, self.depth[row * SIDE + col]) && self.is_in_image(&hit))
        };
        contour.iter().map(is_seen).collect()
    }
}
