//! Everything that is drawn for one image; an image can be rendered again from it.

use serde::{Deserialize, Serialize};

use crate::config::{Domain, SimulatorConfig};
use crate::math::{Color, Rotation, Vec3, vec3};
use crate::procedural::Identity;
use crate::random::Stream;
use crate::render::Light;
use crate::sensor::Sensor;

/// All that was drawn for one image. Serialized in a record's `simgan.parameters`, exactly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameters {
    pub(crate) identity_idx: u32,
    pub(crate) identity: Identity,
    pub(crate) pose: Pose,
    pub(crate) lids: Lids,
    /// Pupil radius in mm, before the cornea magnifies it.
    pub(crate) pupil_mm: f32,
    pub(crate) light: Light,
    /// Seed of what differs between two pictures of one person: hairs, grain.
    pub(crate) detail: u32,
    pub(crate) sensor: Option<Sensor>,
}

/// Gaze, head and crop; angles in degrees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Pose {
    pub(crate) gaze_pitch_deg: f32,
    pub(crate) gaze_yaw_deg: f32,
    pub(crate) head_pitch_deg: f32,
    pub(crate) head_yaw_deg: f32,
    pub(crate) head_roll_deg: f32,
    pub(crate) offset_mm: [f32; 2],
}

/// How far the lids are open, and how strictly they follow the eye.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lids {
    /// Added to the person's own opening.
    pub(crate) upper_mm: f32,
    pub(crate) lower_mm: f32,
    /// mm that a lid moves for each mm that the iris moves.
    pub(crate) upper_follow: f32,
    pub(crate) lower_follow: f32,
}

impl Parameters {
    pub(crate) fn sample(domain: Domain, config: &SimulatorConfig, index: u64) -> Self {
        let seed = config.seed;
        let (pose_stream, light_stream, sensor_stream) = match domain {
            Domain::Eyes => ("eyes/pose", "eyes/light", "eyes/sensor"),
            Domain::Camera => ("camera/pose", "camera/light", "camera/sensor"),
        };
        let mut rng = Stream::new(seed, pose_stream, index);
        let identity_idx = rng.below(config.identities);
        let identity = Identity::sample(seed, domain, identity_idx);
        let pose = Pose::sample(config, &mut rng);
        let mut light_rng = Stream::new(seed, light_stream, index);
        Self {
            identity_idx,
            identity,
            pose,
            lids: Lids::sample(&mut rng),
            pupil_mm: rng.uniform(1.2, 2.9),
            light: Light::sample(domain, &mut light_rng),
            detail: rng.bits(),
            sensor: (domain == Domain::Camera)
                .then(|| Sensor::sample(&mut Stream::new(seed, sensor_stream, index))),
        }
    }
}

impl Pose {
    /// Draws until the eye-in-head rotation is one that eyes make; clamps it if none comes up.
    fn sample(config: &SimulatorConfig, rng: &mut Stream) -> Self {
        const EYE_PITCH_DEG: f32 = 27.0;
        const EYE_YAW_DEG: f32 = 34.0;
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
        let (pitch, yaw) = pitch_yaw(pose.head().apply(inside));
        Self { gaze_pitch_deg: pitch.to_degrees(), gaze_yaw_deg: yaw.to_degrees(), ..pose }
    }

    fn draw(config: &SimulatorConfig, rng: &mut Stream) -> Self {
        Self {
            gaze_pitch_deg: rng.within(config.gaze_pitch_deg),
            gaze_yaw_deg: rng.within(config.gaze_yaw_deg),
            head_pitch_deg: rng.within(config.head_pitch_deg),
            head_yaw_deg: rng.within(config.head_yaw_deg),
            head_roll_deg: rng.within(config.head_roll_deg),
            offset_mm: [rng.within(config.offset_mm), rng.within(config.offset_mm)],
        }
    }

    /// From the head's frame (x to the outer corner, y up, z out of the face) to the view's (x right, y up, z to the camera).
    pub(crate) fn head(&self) -> Rotation {
        Rotation::from_pitch_yaw_roll(
            self.head_pitch_deg.to_radians(),
            self.head_yaw_deg.to_radians(),
            self.head_roll_deg.to_radians(),
        )
    }

    /// Unit vector in view coordinates.
    pub(crate) fn gaze_in_view(&self) -> Vec3 {
        direction(self.gaze_pitch_deg.to_radians(), self.gaze_yaw_deg.to_radians())
    }

    pub(crate) fn gaze_in_head(&self) -> Vec3 {
        self.head().transposed().apply(self.gaze_in_view())
    }
}

/// The direction with that pitch (up) and yaw (towards −x), y up and z towards the viewer.
pub(crate) fn direction(pitch: f32, yaw: f32) -> Vec3 {
    Rotation::from_pitch_yaw_roll(pitch, yaw, 0.0).apply(vec3(0.0, 0.0, 1.0))
}

/// The inverse of [`direction`] for a unit vector.
pub(crate) fn pitch_yaw(direction: Vec3) -> (f32, f32) {
    (libm::asinf(direction.y.clamp(-1.0, 1.0)), libm::atan2f(-direction.x, direction.z))
}

impl Lids {
    fn sample(rng: &mut Stream) -> Self {
        Self {
            upper_mm: rng.normal(0.0, 0.75),
            lower_mm: rng.normal(0.0, 0.4),
            upper_follow: rng.uniform(0.5, 1.0),
            lower_follow: rng.uniform(0.25, 0.55),
        }
    }
}

/// A colour of the given luma, with the hue of `color`.
pub(crate) fn with_luma(color: Color, luma: f32) -> Color {
    color * (luma / color.luma())
}
