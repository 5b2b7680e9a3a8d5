//! A render's record: UnityEyes' JSON with an additional object `simgan`.

use serde::Deserialize;
use serde_json::{Value, json};
use simgan_data::{Annotations, Direction, Vector, names};

use crate::config::SimulatorConfig;
use crate::landmarks::{Landmarks, unity_camera_euler, unity_euler};
use crate::math::vec3;
use crate::parameters::{Parameters, Subject};
use crate::render::Visibility;
use crate::simulator::Labelled;
use crate::{EyesError, SimulatorName};

/// Version of the `simgan` object.
pub(crate) const FORMAT: u32 = 2;

/// Contents of a record.
pub(crate) struct Described<'a> {
    pub(crate) simulator: &'a str,
    pub(crate) config: &'a SimulatorConfig,
    pub(crate) index: usize,
    pub(crate) parameters: &'a Parameters,
    pub(crate) landmarks: &'a Landmarks,
    pub(crate) visibility: &'a Visibility,
    pub(crate) gaze: Direction,
}

/// The part of a record from which its image can be rendered again.
///
/// ```
/// use simgan_eyes::{Recorded, SimulatorName};
///
/// let name: SimulatorName = "builtin:eyes".parse()?;
/// let eyes = name.open(name.config())?;
/// let recorded = Recorded::from_json(&eyes.record(3))?;
/// let again = recorded.name.open(recorded.config)?.render_parameters(recorded.parameters)?;
/// assert_eq!(again.image, eyes.render(3).image);
/// # Ok::<(), simgan_eyes::EyesError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Recorded {
    /// The simulator.
    pub name: SimulatorName,
    /// Settings with the recorded size and framing. The ranges are defaults, as nothing is drawn again.
    pub config: SimulatorConfig,
    /// Every value drawn for the image.
    pub parameters: Parameters,
}

impl Recorded {
    /// Reads a record of [`Simulator::record`](crate::Simulator::record).
    ///
    /// # Errors
    /// Fails if the record has no valid object `simgan` or is of another version.
    pub fn from_json(record: &Value) -> Result<Self, EyesError> {
        let bad = |reason: String| EyesError::Record { reason };
        let own = record.get("simgan").ok_or_else(|| bad("it has no object \"simgan\"".to_owned()))?;
        if own["format"] != FORMAT {
            return Err(bad(format!("its format is {}, this program's is {FORMAT}", own["format"])));
        }
        let name = own["simulator"].as_str().unwrap_or_default().parse()?;
        let config = SimulatorConfig::deserialize(&own["view"]).map_err(|error| bad(error.to_string()))?;
        let parameters =
            Parameters::deserialize(&own["parameters"]).map_err(|error| bad(error.to_string()))?;
        Ok(Self { name, config, parameters })
    }
}

impl Described<'_> {
    /// Returns the whole record.
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

    /// Formats points as UnityEyes does: "(x, y, depth)", in pixels with y counted from the bottom, and in
    /// cm.
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
            "pupil_size": number(pupil_size),
            "iris_size": number(iris_size),
            "iris_texture": iris_texture,
        })
    }

    fn eye_region_details(&self) -> Value {
        let (coefficients, texture) = match &self.parameters.subject {
            Subject::Procedural(who) => (&[][..], format!("procedural_{}", who.identity_idx)),
            Subject::Unityeyes(who) => (&who.coefficients[..], format!("{}_color", who.skin_name())),
        };
        let coefficients: Vec<String> = coefficients.iter().copied().map(number).collect();
        json!({ "pca_shape_coeffs": coefficients, "primary_skin_texture": texture })
    }

    fn lighting_details(&self) -> Value {
        let light = &self.parameters.light;
        let towards = self.parameters.pose.head().transposed().apply(light.direction);
        let [x, y] = unity_euler(-vec3(-towards.x, towards.y, towards.z));
        json!({
            "skybox_texture": "procedural",
            "skybox_exposure": number(1.0),
            "skybox_rotation": "0",
            "ambient_intensity": number(light.ambient),
            "light_rotation": format!("({x:.1}, {y:.1}, 0.0)"),
            "light_intensity": number(light.intensity),
        })
    }

    /// The object `simgan`: positions in pixels from the top left, angles in degrees, and every value drawn.
    fn own(&self) -> Value {
        let marks = self.landmarks;
        // UnityEyes writes four decimals too.
        let rounded = |value: f32| (f64::from(value) * 1e4).round() / 1e4;
        let point = |[x, y, _]: [f32; 3]| json!([rounded(x), rounded(y)]);
        let flat = |points: &[[f32; 3]]| points.iter().copied().map(point).collect::<Vec<_>>();
        let mut own = json!({
            "format": FORMAT,
            "simulator": self.simulator,
            "seed": self.config.seed,
            "index": self.index,
            "view": self.view(),
            "gaze": self.gaze.vector(),
            "gaze_pitch_deg": self.parameters.pose.gaze_pitch_deg,
            "gaze_yaw_deg": self.parameters.pose.gaze_yaw_deg,
            "px_per_mm": marks.px_per_mm,
            "eye_center": point(marks.eye_center),
            "iris_center": point(marks.iris_center),
            "pupil_center": point(marks.pupil_center),
            "iris": flat(&marks.iris),
            "pupil": flat(&marks.pupil),
            "upper_lid": flat(&marks.upper_lid),
            "lower_lid": flat(&marks.lower_lid),
            "caruncle": flat(&marks.caruncle),
            "visibility": self.visibility,
            "parameters": self.parameters,
        });
        if self.config.film_frames > 0 {
            let [film, frame] = self.config.film_of(self.index);
            own["film"] = json!({ "number": film, "frame": frame });
        }
        own
    }

    /// Size and framing: the settings on which an image depends in addition to its parameters.
    fn view(&self) -> Value {
        let SimulatorConfig { width, height, channels, supersample, crop_mm, aim, finishing, .. } =
            self.config;
        json!({
            "width": width,
            "height": height,
            "channels": channels,
            "supersample": supersample,
            "crop_mm": crop_mm,
            "aim": aim,
            "finishing": finishing,
        })
    }
}

fn tuple(values: &[f32]) -> String {
    let values: Vec<String> = values.iter().map(|value| format!("{value:.4}")).collect();
    format!("({})", values.join(", "))
}

/// Formats a number as UnityEyes' runtime (.NET's `G7`) does: seven digits, with an exponent if it is very
/// small or large.
fn number(value: f32) -> String {
    let text = format!("{value:.6e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trimmed = |text: &str| text.trim_end_matches('0').trim_end_matches('.').to_owned();
    // `G7` has no exponent from 1e-4 up to 1e7.
    if (-4..7).contains(&exponent) {
        let plain = format!("{value:.*}", (6 - exponent) as usize);
        return if plain.contains('.') { trimmed(&plain) } else { plain };
    }
    // .NET writes the exponent with its sign and at least two digits.
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}E{sign}{:02}", trimmed(digits), exponent.abs())
}

impl Labelled {
    /// The annotations of a sample: landmarks, gaze, and the head's pose.
    pub(crate) fn annotations(&self, parameters: &Parameters) -> Annotations {
        let mut annotations = self.landmarks.annotations();
        annotations.insert(names::GAZE.into(), self.gaze.into());
        annotations.insert(names::HEAD_POSE.into(), Vector::rotation(parameters.pose.head_vector()).into());
        annotations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers from a record that UnityEyes wrote, and others as .NET's `G7` formats them.
    #[test]
    fn numbers_are_written_as_unityeyes_does() {
        for text in [
            "-0.01061361",
            "0.009601755",
            "0.0175013",
            "0.0002127625",
            "1.924006E-17",
            "1.15163",
            "231",
            "0",
            "1",
            "1.234567E-06",
            "-2.5E+08",
            "1234567",
            "9.5E-05",
        ] {
            assert_eq!(number(text.parse().unwrap()), text);
        }
    }
}
