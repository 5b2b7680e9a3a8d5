//! The random values drawn for one image, from which it can be rendered again.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use simgan_data::LEVEL_PITCH_DEG;

use crate::config::{Domain, Finishing, SimulatorConfig};
use crate::math::{Rotation, Vec3, direction, pitch_yaw};
use crate::prior::Angles;
use crate::random::Stream;
use crate::ranges::LightRanges;
use crate::render::Light;
use crate::sensor::Sensor;
use crate::unityeyes::{self, Assets};
use crate::{EyesError, config::GazeFrame, procedural};

/// Every value drawn for one image. A record stores them exactly, in `simgan.parameters`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameters {
    pub(crate) subject: Subject,
    pub(crate) pose: Pose,
    pub(crate) light: Light,
    /// Seed of the lashes, which differ between two images of one person.
    pub(crate) detail: u32,
    pub(crate) sensor: Option<Sensor>,
}

/// The person, by the provider of the geometry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Subject {
    Procedural(Box<procedural::Subject>),
    Unityeyes(unityeyes::Subject),
}

/// Gaze and head relative to the camera, in degrees, and the crop's offset.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pose {
    pub(crate) gaze_pitch_deg: f32,
    pub(crate) gaze_yaw_deg: f32,
    pub(crate) head_pitch_deg: f32,
    pub(crate) head_yaw_deg: f32,
    pub(crate) head_roll_deg: f32,
    pub(crate) offset_mm: [f32; 2],
}

impl Parameters {
    /// Draws the parameters of an image of the procedural eye.
    pub(crate) fn procedural(domain: Domain, config: &SimulatorConfig, index: u64) -> Self {
        let seed = config.seed;
        // Pose, light and sensor have a stream each, so that a change in one's draws leaves the others as
        // they are.
        let (pose_stream, light_stream, ranges) = match domain {
            Domain::Eyes => ("eyes/pose", "eyes/light", LightRanges::EYES),
            Domain::Camera => ("camera/pose", "camera/light", LightRanges::CAMERA),
        };
        let mut rng = Stream::new(seed, pose_stream, index);
        let identity_idx = rng.below(config.identities);
        let pose = Pose::sample(config, &mut rng);
        let subject = procedural::Subject::sample(seed, domain, identity_idx, &mut rng);
        let has_sensor = domain == Domain::Camera || config.finishing == Finishing::Camera;
        let sensor = has_sensor.then(|| Sensor::sample(&mut Stream::new(seed, "camera/sensor", index)));
        let ranges = config.light.unwrap_or(ranges);
        let light = Light::sample(&ranges, &mut Stream::new(seed, light_stream, index));
        Self { subject: Subject::Procedural(Box::new(subject)), pose, light, detail: rng.bits(), sensor }
    }

    /// Draws the parameters of an image of UnityEyes' faces.
    pub(crate) fn unityeyes(assets: &Assets, config: &SimulatorConfig, index: u64) -> Self {
        let mut rng = Stream::new(config.seed, "unityeyes/pose", index);
        let pose = Pose::sample(config, &mut rng);
        let mut subject_rng = Stream::new(config.seed, "unityeyes/subject", index);
        let subject = unityeyes::Subject::sample(assets, &config.face, &mut subject_rng);
        let mut light_rng = Stream::new(config.seed, "unityeyes/light", index);
        let ranges = config.light.unwrap_or(LightRanges::UNITYEYES);
        let light = Light::sample(&ranges, &mut light_rng);
        let sensor = (config.finishing == Finishing::Camera)
            .then(|| Sensor::sample(&mut Stream::new(config.seed, "unityeyes/sensor", index)));
        Self { subject: Subject::Unityeyes(subject), pose, light, detail: rng.bits(), sensor }
    }
}

impl Parameters {
    /// Checks parameters that may come from a record.
    ///
    /// # Errors
    /// Fails on a number that is never drawn, such as one that is not finite.
    pub(crate) fn check(&self) -> Result<(), EyesError> {
        // JSON reaches every number, those of later fields included.
        let all =
            serde_json::to_value(self).map_err(|error| EyesError::Record { reason: error.to_string() })?;
        check_numbers("parameters", &all)
    }
}

/// Checks that all numbers but seeds are moderate.
fn check_numbers(name: &str, value: &Value) -> Result<(), EyesError> {
    const LIMIT: f64 = 400.0;
    let is_free = ["detail", "identity_idx", "texture_seed", "seed"].contains(&name);
    match value {
        Value::Object(fields) => fields.iter().try_for_each(|(name, value)| check_numbers(name, value)),
        Value::Array(values) => values.iter().try_for_each(|value| check_numbers(name, value)),
        Value::Number(number) if is_free || number.as_f64().is_some_and(|value| value.abs() <= LIMIT) => {
            Ok(())
        }
        // Serialization turns NaN and infinity into null, which is otherwise only an absent option.
        Value::Null if !["sensor", "glasses"].contains(&name) => bad_number(name, "not finite"),
        Value::Number(number) => bad_number(name, &number.to_string()),
        _ => Ok(()),
    }
}

fn bad_number(name: &str, value: &str) -> Result<(), EyesError> {
    Err(EyesError::Record { reason: format!("its \"{name}\" is {value}") })
}

impl Pose {
    /// Draws until the eye's rotation in the head is one that eyes can make. Clamps the rotation if none
    /// comes up.
    pub(crate) fn sample(config: &SimulatorConfig, rng: &mut Stream) -> Self {
        const EYE_PITCH_DEG: f32 = 30.0;
        const EYE_YAW_DEG: f32 = 35.0;
        const DRAWS: usize = 40;
        let mut pose = Self::draw(config, rng);
        for _ in 0..DRAWS {
            let (pitch, yaw) = pitch_yaw(pose.gaze_in_head());
            if pitch.to_degrees().abs() <= EYE_PITCH_DEG && yaw.to_degrees().abs() <= EYE_YAW_DEG {
                return pose;
            }
            pose = Self::draw(config, rng);
        }
        let (pitch, yaw) = pitch_yaw(pose.gaze_in_head());
        let limit = |angle: f32, limit: f32| angle.clamp(-limit.to_radians(), limit.to_radians());
        let inside = direction(limit(pitch, EYE_PITCH_DEG), limit(yaw, EYE_YAW_DEG));
        let gaze = pose.head().apply(inside);
        pose.looking(gaze)
    }

    fn draw(config: &SimulatorConfig, rng: &mut Stream) -> Self {
        // In the order of their draws, which every image depends on.
        let Angles { gaze_pitch, gaze_yaw, head_pitch, head_yaw } = match &config.normal {
            None => Angles {
                gaze_pitch: rng.within(config.gaze_pitch_deg),
                gaze_yaw: rng.within(config.gaze_yaw_deg),
                head_pitch: rng.within(config.head_pitch_deg),
                head_yaw: rng.within(config.head_yaw_deg),
            },
            Some(prior) => prior.draw(rng).clipped(config),
        };
        let pose = Self {
            gaze_pitch_deg: gaze_pitch,
            gaze_yaw_deg: gaze_yaw,
            head_pitch_deg: head_pitch,
            head_yaw_deg: head_yaw,
            head_roll_deg: rng.within(config.head_roll_deg),
            offset_mm: [rng.within(config.offset_x_mm), rng.within(config.offset_y_mm)],
        };
        match config.gaze_frame {
            GazeFrame::Camera => pose,
            GazeFrame::Head => {
                let gaze = pose.head().apply(pose.gaze_in_view());
                pose.looking(gaze)
            }
        }
    }

    /// Replaces the gaze, given as a unit vector in view coordinates.
    fn looking(self, gaze: Vec3) -> Self {
        let (pitch, yaw) = pitch_yaw(gaze);
        Self { gaze_pitch_deg: pitch.to_degrees(), gaze_yaw_deg: yaw.to_degrees(), ..self }
    }

    /// The rotation from the head's frame (x to the outer corner, y up, z out of the face) to the view's (x
    /// right, y up, z to the camera).
    pub(crate) fn head(&self) -> Rotation {
        Rotation::from_pitch_yaw_roll(
            self.head_pitch_deg.to_radians(),
            self.head_yaw_deg.to_radians(),
            self.head_roll_deg.to_radians(),
        )
    }

    /// The head's rotation as MPIIGaze stores it: a rotation vector, in radians, from its face model (x right, y
    /// down, z into the head) to the camera (x right, y down, z away). The model's third axis points
    /// [`LEVEL_PITCH_DEG`] up in an upright head.
    pub(crate) fn head_vector(&self) -> [f32; 3] {
        let flip = Rotation::about_x(std::f32::consts::PI);
        let tilt = Rotation::about_x(-LEVEL_PITCH_DEG.to_radians());
        (flip * self.head() * flip * tilt).vector()
    }

    /// The gaze as a unit vector in view coordinates.
    pub(crate) fn gaze_in_view(&self) -> Vec3 {
        direction(self.gaze_pitch_deg.to_radians(), self.gaze_yaw_deg.to_radians())
    }

    /// The gaze as a unit vector in the head's frame.
    pub(crate) fn gaze_in_head(&self) -> Vec3 {
        self.head().transposed().apply(self.gaze_in_view())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The third column of a rotation vector's matrix (Rodrigues' formula).
    fn third_axis([x, y, z]: [f32; 3]) -> [f32; 3] {
        let angle = (x * x + y * y + z * z).sqrt().max(1e-9);
        let [x, y, z] = [x, y, z].map(|value| value / angle);
        let (s, c) = angle.sin_cos();
        [s * y + (1.0 - c) * x * z, -s * x + (1.0 - c) * y * z, c + (1.0 - c) * z * z]
    }

    /// Read as MPIIGaze's code reads it, the vector tells the head's yaw, and its pitch on top of an upright head's.
    #[test]
    fn the_heads_vector_reads_as_mpiigazes() {
        for (pitch, yaw) in [(0.0, 0.0), (12.0, 0.0), (0.0, -25.0), (-9.5, 17.5)] {
            let pose = Pose {
                gaze_pitch_deg: 0.0,
                gaze_yaw_deg: 0.0,
                head_pitch_deg: pitch,
                head_yaw_deg: yaw,
                head_roll_deg: 0.0,
                offset_mm: [0.0; 2],
            };
            let [x, y, z] = third_axis(pose.head_vector());
            assert!((y.asin().to_degrees() - pitch - LEVEL_PITCH_DEG).abs() < 1e-2, "{pitch}: {y}");
            assert!((x.atan2(z).to_degrees() - yaw).abs() < 1e-2, "{yaw}: {x} {z}");
        }
    }
}
