use serde::{Deserialize, Serialize};

use super::Assets;
use super::assets::{IRISES, SKINS};
use super::topology::N_MODES;
use crate::EyesError;
use crate::math::lerp;
use crate::random::Stream;
use crate::ranges::FaceRanges;

/// One face of UnityEyes: shape, skin, iris.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Subject {
    /// Coefficients of the shape model's 20 modes.
    pub(crate) coefficients: Vec<f32>,
    /// Index of the face's textures.
    pub(crate) skin: usize,
    /// Index of the iris's texture.
    pub(crate) iris: usize,
    /// Scale of the limbus.
    pub(crate) iris_size: f32,
    /// UnityEyes' texture factor of the pupil; positive widens it.
    pub(crate) pupil_size: f32,
    /// Brightness of the eyeball's texture.
    pub(crate) eyeball: f32,
    /// Brightness of the iris relative to the eyeball.
    pub(crate) iris_brightness: f32,
    /// Opacity of the upper lashes, 0 to 1.
    pub(crate) lash_opacity: f32,
    /// Share of the gaze's pitch by which the lids turn.
    pub(crate) lid_follow: f32,
    /// Angle by which the lids are lowered in addition.
    pub(crate) lid_play_deg: f32,
    /// How far a blink has closed the lids, 0 to 1.
    pub(crate) lids_closed: f32,
}

impl Subject {
    pub(crate) fn sample(assets: &Assets, ranges: &FaceRanges, rng: &mut Stream) -> Self {
        const BROWN: usize = 1;
        // The order of the draws is fixed: another one would change every face.
        let deviations = assets.geometry.deviations.iter();
        let coefficients =
            deviations.map(|deviation| rng.normal(0.0, *deviation * ranges.shape_scale)).collect();
        let any_iris = rng.below(IRISES.len() as u32) as usize;
        Self {
            coefficients,
            skin: rng.below(SKINS.len() as u32) as usize,
            iris: if rng.chance(0.5) { BROWN } else { any_iris },
            iris_size: rng.within(ranges.iris_size),
            pupil_size: rng.normal(ranges.pupil_mean, ranges.pupil_deviation),
            lid_play_deg: rng.normal(ranges.lid_mean_deg, ranges.lid_deviation_deg),
            lids_closed: 0.0,
            lid_follow: rng.within(ranges.lid_follow),
            lash_opacity: rng.within(ranges.lash_opacity),
            eyeball: rng.within(ranges.eyeball),
            iris_brightness: rng.within(ranges.iris),
        }
    }

    /// Checks a subject that may come from a record.
    ///
    /// # Errors
    /// Fails if the assets cannot show such a subject.
    pub(crate) fn check(&self, assets: &Assets) -> Result<(), EyesError> {
        let bad = |setting, value: String, reason| Err(EyesError::Setting { setting, value, reason });
        if self.coefficients.len() != N_MODES || !self.coefficients.iter().all(|value| value.abs() < 1.0) {
            return bad("coefficients", format!("{:?}", self.coefficients), "20 numbers under 1");
        }
        if self.skin >= assets.skins.len() {
            return bad("skin", self.skin.to_string(), "an index of UnityEyes' 20 skins");
        }
        if self.iris >= assets.irises.len() {
            return bad("iris", self.iris.to_string(), "an index of UnityEyes' 5 irises");
        }
        if !(self.iris_size > 0.5 && self.iris_size < 1.5) {
            return bad("iris_size", self.iris_size.to_string(), "0.5 to 1.5");
        }
        Ok(())
    }

    /// Returns the angle below the horizon that the lids follow. It is limited so that only a blink, or a
    /// gaze as far down, closes them.
    pub(super) fn lid_pitch_deg(&self, down_deg: f32) -> f32 {
        const ALMOST_CLOSED_DEG: f32 = 22.0;
        const CLOSED_DEG: f32 = 46.0;
        let open = (down_deg * self.lid_follow + self.lid_play_deg).min(ALMOST_CLOSED_DEG.max(down_deg));
        lerp(open, CLOSED_DEG, self.lids_closed)
    }

    pub(crate) fn skin_name(&self) -> &'static str {
        SKINS.get(self.skin).copied().unwrap_or("unknown")
    }

    pub(crate) fn iris_name(&self) -> &'static str {
        IRISES.get(self.iris).copied().unwrap_or("unknown")
    }

    /// Returns the pupil's radius in the iris plane: the texture's own, stretched as UnityEyes' shader
    /// stretches it.
    pub(super) fn pupil_mm(&self) -> f32 {
        (3.18 * self.iris_size / (1.0 - 0.63 * self.pupil_size)).clamp(1.4, 4.4)
    }
}
