//! A render's record: UnityEyes' JSON, and an object of our own for what that lacks.

use serde_json::{Value, json};
use simgan_data::Gaze;

use crate::config::SimulatorConfig;
use crate::landmarks::{Landmarks, unity_camera_euler, unity_euler};
use crate::math::vec3;
use crate::parameters::{Parameters, Subject};

/// Version of the `simgan` object.
pub(crate) const FORMAT: u32 = 1;

/// What a record describes.
pub(crate) struct Described<'a> {
    pub(crate) simulator: &'a str,
    pub(crate) config: &'a SimulatorConfig,
    pub(crate) index: usize,
    pub(crate) parameters: &'a Parameters,
    pub(crate) landmarks: &'a Landmarks,
    pub(crate) gaze: Gaze,
}

impl Described<'_> {
    /// The whole record.
    pub(crate) fn json(&self) -> Value {
        let marks = self.landmarks;
        json!({
            "interior_margin_2d": self.points(marks.margin()),
            "caruncle_2d": self.points(&marks.caruncle),
            "iris_2d": self.points(&marks.iris),
            "eye_details": self.eye_details(),
            "lighting_details": self.lighting_details(),
            "eye_region_details": self.eye_region_details(),
            "head_pose": tuple(&unity_camera_euler(&self.parameters.pose.head())),
            "simgan": self.own(),
        })
    }

    /// UnityEyes' form: "(x, y, depth)" with y from the bottom in pixels and depth in cm.
    fn points<'p>(&self, points: impl IntoIterator<Item = &'p [f32; 3]>) -> Vec<String> {
        let height = self.config.height as f32;
        points.into_iter().map(|[x, y, depth]| tuple(&[*x, height - y, depth / 10.0])).collect()
    }

    fn eye_details(&self) -> Value {
        let [x, y, z] = self.gaze.vector();
        let (pupil_size, iris_size, iris_texture) = match &self.parameters.subject {
            Subject::Procedural(who) => {
                (who.pupil_mm, who.identity.iris_size, format!("procedural_{}", who.identity_idx))
            }
            Subject::Unityeyes(who) => (who.pupil_size, who.iris_size, who.iris_name().to_owned()),
        };
        json!({
            "look_vec": tuple(&[x, -y, z, 0.0]),
            "pupil_size": format!("{pupil_size:.7}"),
            "iris_size": format!("{iris_size:.7}"),
            "iris_texture": iris_texture,
        })
    }

    fn eye_region_details(&self) -> Value {
        let (coefficients, texture) = match &self.parameters.subject {
            Subject::Procedural(who) => (&[][..], format!("procedural_{}", who.identity_idx)),
            Subject::Unityeyes(who) => (&who.coefficients[..], format!("{}_color", who.skin_name())),
        };
        let coefficients: Vec<String> = coefficients.iter().map(ToString::to_string).collect();
        json!({ "pca_shape_coeffs": coefficients, "primary_skin_texture": texture })
    }

    fn lighting_details(&self) -> Value {
        let light = &self.parameters.light;
        let towards = self.parameters.pose.head().transposed().apply(light.direction);
        let [x, y] = unity_euler(-vec3(-towards.x, towards.y, towards.z));
        json!({
            "skybox_texture": "procedural",
            "skybox_exposure": format!("{:.6}", 1.0),
            "skybox_rotation": "0",
            "ambient_intensity": format!("{:.6}", light.ambient),
            "light_rotation": format!("({x:.1}, {y:.1}, 0.0)"),
            "light_intensity": format!("{:.7}", light.intensity),
        })
    }

    /// Numbers in pixels from the top left, angles in degrees, and all that was drawn.
    fn own(&self) -> Value {
        let marks = self.landmarks;
        let flat = |points: &[[f32; 3]]| points.iter().map(|[x, y, _]| json!([x, y])).collect::<Vec<_>>();
        let point = |[x, y, _]: [f32; 3]| json!([x, y]);
        json!({
            "format": FORMAT,
            "simulator": self.simulator,
            "seed": self.config.seed,
            "index": self.index,
            "size": [self.config.width, self.config.height],
            "crop_mm": self.config.crop_mm,
            "gaze": self.gaze.vector(),
            "gaze_pitch_deg": self.parameters.pose.gaze_pitch_deg,
            "gaze_yaw_deg": self.parameters.pose.gaze_yaw_deg,
            "eye_center": point(marks.eye_center),
            "iris_center": point(marks.iris_center),
            "pupil_center": point(marks.pupil_center),
            "iris": flat(&marks.iris),
            "pupil": flat(&marks.pupil),
            "upper_lid": flat(&marks.upper_lid),
            "lower_lid": flat(&marks.lower_lid),
            "parameters": self.parameters,
        })
    }
}

fn tuple(values: &[f32]) -> String {
    let values: Vec<String> = values.iter().map(|value| format!("{value:.4}")).collect();
    format!("({})", values.join(", "))
}
