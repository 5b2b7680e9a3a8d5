use simgan_data::{Annotation, Annotations, names};

use crate::math::{Rotation, Vec3, vec3};
use crate::render::{Camera, Scene, SeenEye};

/// Positions of the eye's parts: x and y in pixels from the image's top left corner (the middle of the first
/// pixel is at 0.5), and the depth along the camera's axis in mm. Parts may be hidden and may lie outside the
/// image.
#[derive(Clone, Debug, PartialEq)]
pub struct Landmarks {
    /// Pixels per mm. The camera is orthographic, so the scale does not depend on the depth.
    pub px_per_mm: f32,
    /// The eyeball's centre.
    pub eye_center: [f32; 3],
    /// The middle of the limbus.
    pub iris_center: [f32; 3],
    /// The middle of the pupil, seen through the cornea.
    pub pupil_center: [f32; 3],
    /// The limbus: 32 points from the image's left over the top.
    pub iris: Vec<[f32; 3]>,
    /// The pupil's edge, seen through the cornea: 32 points from the image's left over the top.
    pub pupil: Vec<[f32; 3]>,
    /// The upper lid's margin from the inner to the outer corner.
    pub upper_lid: Vec<[f32; 3]>,
    /// The lower lid's margin from the inner to the outer corner.
    pub lower_lid: Vec<[f32; 3]>,
    /// The outline of the caruncle, in the inner corner: 7 points.
    pub caruncle: Vec<[f32; 3]>,
}

/// Points of a contour; UnityEyes' limbus has as many.
const N_CONTOUR: usize = 32;

impl Landmarks {
    /// UnityEyes' 16 points of the lids' margin: inner corner, upper lid, outer corner, lower lid.
    pub(crate) fn margin(&self) -> impl Iterator<Item = &[f32; 3]> {
        // UnityEyes' own margins have 9 points each, those of the procedural eye 33.
        let step = (self.upper_lid.len() - 1) / 8;
        let lower = self.lower_lid.iter().rev().step_by(step).skip(1).take(7);
        self.upper_lid.iter().step_by(step).chain(lower)
    }

    /// The annotations that data sets share: the points of lid margin, caruncle and iris, in pixels.
    #[must_use]
    pub fn annotations(&self) -> Annotations {
        fn flat<'a>(points: impl IntoIterator<Item = &'a [f32; 3]>) -> Annotation {
            points.into_iter().map(|[x, y, _]| [*x, *y]).collect::<Vec<_>>().into()
        }
        Annotations::from([
            (names::LID_MARGIN.into(), flat(self.margin())),
            (names::CARUNCLE.into(), flat(&self.caruncle)),
            (names::IRIS.into(), flat(&self.iris)),
        ])
    }

    pub(crate) fn new<A>(scene: &Scene<A>, camera: &Camera) -> Self {
        let eye = scene.eye.seen_from(&camera.rotation);
        let project = |view: Vec3| <[f32; 3]>::from(camera.project(view));
        let line = |points: &[Vec3]| points.iter().map(|point| project(camera.view(*point))).collect();
        let contour = |points: Vec<Vec3>| points.into_iter().map(project).collect();
        Self {
            px_per_mm: camera.px_per_mm,
            eye_center: project(vec3(0.0, 0.0, 0.0)),
            iris_center: project(eye.axis * scene.eye.limbus_offset),
            pupil_center: project(eye.apparent(0.0, 0.0)),
            iris: contour(eye.limbus(N_CONTOUR)),
            pupil: contour(eye.pupil(N_CONTOUR)),
            upper_lid: line(&scene.margin.upper),
            lower_lid: line(&scene.margin.lower),
            caruncle: line(&scene.caruncle),
        }
    }
}

/// Returns the unit vector of the gaze in the coordinates of `simgan_data::Direction` (y down, z away from
/// the camera).
pub(crate) fn gaze_vector(eye: &SeenEye) -> [f32; 3] {
    [eye.axis.x, -eye.axis.y, -eye.axis.z]
}

/// Computes the camera's Euler angles in degrees, as in UnityEyes' `head_pose`. In UnityEyes' world x points
/// to the inner corner, opposite to ours.
pub(crate) fn unity_camera_euler(head: &Rotation) -> [f32; 3] {
    let unity = |v: Vec3| vec3(-v.x, v.y, v.z);
    let (up, forward) = (unity(head.row(1)), -unity(head.row(2)));
    let [x, y] = unity_euler(forward);
    let turn = Rotation::about_y(y.to_radians()) * Rotation::about_x(x.to_radians());
    let (right, top) = (turn.apply(vec3(1.0, 0.0, 0.0)), turn.apply(vec3(0.0, 1.0, 0.0)));
    [x, y, degrees(libm::atan2f(-up.dot(right), up.dot(top)))]
}

/// Computes the Euler angles (x, y) in degrees that turn Unity's +z axis to `forward`, given in Unity's axes.
pub(crate) fn unity_euler(forward: Vec3) -> [f32; 2] {
    [degrees(libm::asinf((-forward.y).clamp(-1.0, 1.0))), degrees(libm::atan2f(forward.x, forward.z))]
}

/// Converts an angle to degrees in [0, 360).
fn degrees(radians: f32) -> f32 {
    let degrees = radians.to_degrees();
    // Adding 0.0 turns −0.0 into 0.0, which is written without a sign.
    if degrees < 0.0 { degrees + 360.0 } else { degrees + 0.0 }
}
