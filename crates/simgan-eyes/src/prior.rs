use serde::{Deserialize, Serialize};
use simgan_data::LEVEL_PITCH_DEG;

use crate::random::Stream;
use crate::{EyesError, Range, SimulatorConfig};

/// Normal distributions of gaze and head pose, in degrees. A configuration that has one draws from it, and its
/// ranges of these angles only limit what is drawn.
///
/// Gaze and head are correlated in yaw and in pitch, and independent otherwise. The head's pitch is 0 where the
/// face is upright and faces the camera.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PosePrior {
    /// Mean of the gaze's yaw.
    pub gaze_yaw_mean_deg: f32,
    /// Standard deviation of the gaze's yaw, 0 to 30.
    pub gaze_yaw_deviation_deg: f32,
    /// Mean of the gaze's pitch.
    pub gaze_pitch_mean_deg: f32,
    /// Standard deviation of the gaze's pitch, 0 to 30.
    pub gaze_pitch_deviation_deg: f32,
    /// Mean of the head's yaw.
    pub head_yaw_mean_deg: f32,
    /// Standard deviation of the head's yaw, 0 to 30.
    pub head_yaw_deviation_deg: f32,
    /// Mean of the head's pitch.
    pub head_pitch_mean_deg: f32,
    /// Standard deviation of the head's pitch, 0 to 30.
    pub head_pitch_deviation_deg: f32,
    /// Correlation of gaze and head in yaw, −1 to 1.
    pub yaw_correlation: f32,
    /// Correlation of gaze and head in pitch, −1 to 1.
    pub pitch_correlation: f32,
}

/// One draw from a [`PosePrior`], in degrees.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Angles {
    pub(crate) gaze_yaw: f32,
    pub(crate) gaze_pitch: f32,
    pub(crate) head_yaw: f32,
    pub(crate) head_pitch: f32,
}

impl Angles {
    /// Clips each angle to its range.
    pub(crate) fn clipped(self, config: &SimulatorConfig) -> Self {
        let clip = |angle: f32, range: Range| angle.clamp(range.low, range.high);
        Self {
            gaze_yaw: clip(self.gaze_yaw, config.gaze_yaw_deg),
            gaze_pitch: clip(self.gaze_pitch, config.gaze_pitch_deg),
            head_yaw: clip(self.head_yaw, config.head_yaw_deg),
            head_pitch: clip(self.head_pitch, config.head_pitch_deg),
        }
    }
}

impl PosePrior {
    /// MPIIGaze's persons p01 to p14: the 42,000 eyes of the evaluation subset less p00's, right eyes mirrored.
    /// p00 is left out, so that networks trained with this prior can be tested on p00.
    pub(crate) const LAPTOP: Self = Self {
        gaze_yaw_mean_deg: 0.1,
        gaze_yaw_deviation_deg: 8.7,
        gaze_pitch_mean_deg: -8.8,
        gaze_pitch_deviation_deg: 5.2,
        head_yaw_mean_deg: -3.7,
        head_yaw_deviation_deg: 11.9,
        head_pitch_mean_deg: 9.7 - LEVEL_PITCH_DEG,
        head_pitch_deviation_deg: 13.6,
        yaw_correlation: 0.16,
        pitch_correlation: -0.06,
    };

    pub(crate) fn draw(&self, rng: &mut Stream) -> Angles {
        let mut pair = |correlation: f32| {
            let (first, other) = (rng.bell(), rng.bell());
            (first, correlation * first + (1.0 - correlation * correlation).sqrt() * other)
        };
        let (gaze_yaw, head_yaw) = pair(self.yaw_correlation);
        let (gaze_pitch, head_pitch) = pair(self.pitch_correlation);
        Angles {
            gaze_yaw: self.gaze_yaw_mean_deg + self.gaze_yaw_deviation_deg * gaze_yaw,
            gaze_pitch: self.gaze_pitch_mean_deg + self.gaze_pitch_deviation_deg * gaze_pitch,
            head_yaw: self.head_yaw_mean_deg + self.head_yaw_deviation_deg * head_yaw,
            head_pitch: self.head_pitch_mean_deg + self.head_pitch_deviation_deg * head_pitch,
        }
    }

    /// # Errors
    /// Returns the first setting that cannot be drawn from.
    pub(crate) fn check(&self) -> Result<(), EyesError> {
        let (mean, deviation, correlation) = (
            |setting, value| (setting, value, -60.0..=60.0, "-60 to 60"),
            |setting, value| (setting, value, 0.0..=30.0, "0 to 30"),
            |setting, value| (setting, value, -1.0..=1.0, "-1 to 1"),
        );
        let limits = [
            mean("normal.gaze_yaw_mean_deg", self.gaze_yaw_mean_deg),
            mean("normal.gaze_pitch_mean_deg", self.gaze_pitch_mean_deg),
            mean("normal.head_yaw_mean_deg", self.head_yaw_mean_deg),
            mean("normal.head_pitch_mean_deg", self.head_pitch_mean_deg),
            deviation("normal.gaze_yaw_deviation_deg", self.gaze_yaw_deviation_deg),
            deviation("normal.gaze_pitch_deviation_deg", self.gaze_pitch_deviation_deg),
            deviation("normal.head_yaw_deviation_deg", self.head_yaw_deviation_deg),
            deviation("normal.head_pitch_deviation_deg", self.head_pitch_deviation_deg),
            correlation("normal.yaw_correlation", self.yaw_correlation),
            correlation("normal.pitch_correlation", self.pitch_correlation),
        ];
        match limits.into_iter().find(|(_, value, limit, _)| !limit.contains(value)) {
            Some((setting, value, _, reason)) => {
                Err(EyesError::Setting { setting, value: value.to_string(), reason })
            }
            None => Ok(()),
        }
    }
}

impl SimulatorConfig {
    /// Draws gaze and head pose as MPIIGaze's persons at their laptops do. The widest poses are clipped, and
    /// drawn anew where the eye would turn further in the head than eyes do.
    #[must_use]
    pub(crate) fn laptop(self) -> Self {
        Self {
            normal: Some(PosePrior::LAPTOP),
            gaze_yaw_deg: Range::new(-35.0, 35.0),
            gaze_pitch_deg: Range::new(-30.0, 12.0),
            head_yaw_deg: Range::new(-40.0, 33.0),
            head_pitch_deg: Range::new(-30.0, 30.0),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SimulatorName;
    use crate::parameters::Pose;

    const N: u64 = 5000;

    /// Mean and standard deviation.
    fn moments(values: &[f32]) -> (f32, f32) {
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let square = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f32>();
        (mean, (square / values.len() as f32).sqrt())
    }

    fn correlation(a: &[f32], b: &[f32]) -> f32 {
        let ((a_mean, a_deviation), (b_mean, b_deviation)) = (moments(a), moments(b));
        let products = a.iter().zip(b).map(|(a, b)| (a - a_mean) * (b - b_mean));
        products.sum::<f32>() / (a.len() as f32 * a_deviation * b_deviation)
    }

    /// The published table of persons p01 to p14: mean and standard deviation, the head's pitch as published.
    /// Four standard errors are allowed.
    #[test]
    fn draws_have_the_statistics_of_the_table() {
        let mut rng = Stream::new(3, "test/prior", 0);
        let draws: Vec<Angles> = (0..N).map(|_| PosePrior::LAPTOP.draw(&mut rng)).collect();
        let angles = |angle: fn(&Angles) -> f32| draws.iter().map(angle).collect::<Vec<f32>>();
        let (gaze_yaw, gaze_pitch) = (angles(|draw| draw.gaze_yaw), angles(|draw| draw.gaze_pitch));
        let (head_yaw, head_pitch) =
            (angles(|draw| draw.head_yaw), angles(|draw| draw.head_pitch + LEVEL_PITCH_DEG));
        let table = [
            (&gaze_yaw, 0.1, 8.7),
            (&gaze_pitch, -8.8, 5.2),
            (&head_yaw, -3.7, 11.9),
            (&head_pitch, 9.7, 13.6),
        ];
        let root = (N as f32).sqrt();
        for (values, mean, deviation) in table {
            let found = moments(values);
            assert!((found.0 - mean).abs() < 4.0 * deviation / root, "{found:?}: mean {mean}");
            assert!((found.1 - deviation).abs() < 4.0 * deviation / root * 0.71, "{found:?}: {deviation}");
        }
        for (found, expected) in [
            (correlation(&gaze_yaw, &head_yaw), 0.16),
            (correlation(&gaze_pitch, &head_pitch), -0.06),
            (correlation(&gaze_yaw, &gaze_pitch), 0.02),
        ] {
            assert!((found - expected).abs() < 4.0 / root, "{found} instead of {expected}");
        }
    }

    /// Leaving out what eyes cannot do, and clipping, lower the head's pitch by 1.1° and narrow it by 8 %.
    #[test]
    fn the_preset_draws_from_the_table_within_its_limits() {
        let config = "unityeyes:laptop".parse::<SimulatorName>().unwrap().config();
        let poses: Vec<Pose> =
            (0..N).map(|index| Pose::sample(&config, &mut Stream::new(1, "unityeyes/pose", index))).collect();
        let angles = |angle: fn(&Pose) -> f32| poses.iter().map(angle).collect::<Vec<f32>>();
        for (values, mean, deviation, range) in [
            (angles(|pose| pose.gaze_yaw_deg), 0.1, 8.7, config.gaze_yaw_deg),
            (angles(|pose| pose.gaze_pitch_deg), -8.8, 5.2, config.gaze_pitch_deg),
            (angles(|pose| pose.head_yaw_deg), -3.7, 11.9, config.head_yaw_deg),
            (angles(|pose| pose.head_pitch_deg), -5.3, 13.6, config.head_pitch_deg),
        ] {
            assert!(values.iter().all(|value| (range.low..=range.high).contains(value)));
            let found = moments(&values);
            assert!((found.0 - mean).abs() < 1.5, "{found:?}: mean {mean}");
            assert!((0.9..1.03).contains(&(found.1 / deviation)), "{found:?}: {deviation}");
        }
    }

    #[test]
    fn mean_and_deviation_are_settings() {
        let mut config = "unityeyes:laptop".parse::<SimulatorName>().unwrap().config();
        config.set("normal.head_pitch_mean_deg=-2").unwrap();
        config.set("normal.head_pitch_deviation_deg=0").unwrap();
        config.check().unwrap();
        let pose = Pose::sample(&config, &mut Stream::new(1, "unityeyes/pose", 4));
        assert_eq!(pose.head_pitch_deg, -2.0);
        config.set("normal.yaw_correlation=1.5").unwrap();
        let error = config.check().unwrap_err().to_string();
        assert!(error.contains("normal.yaw_correlation") && error.contains("-1 to 1"), "{error}");
        let mut plain = "unityeyes:mpiigaze".parse::<SimulatorName>().unwrap().config();
        let error = plain.set("normal.head_pitch_mean_deg=-2").unwrap_err().to_string();
        assert!(error.contains("no such setting"), "{error}");
    }
}
