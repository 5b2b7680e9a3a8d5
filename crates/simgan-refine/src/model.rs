//! Finds and loads the refiner: the named checkpoint, or a run's best checkpoint, else its newest intact one.

use std::path::{Path, PathBuf};

use candle_core::Device;
use simgan_data::{Tone, ToneReference, ValueRange};
use simgan_models::run_folder::find_refiner;
use simgan_models::{
    NoiseSource, Precision, Refiner, ToneStage, load_refiner, load_refiner_images, refiner_crc32c,
};

use super::RefineError;

/// A trained refiner, read from a checkpoint.
#[derive(Clone)]
pub struct RefineModel {
    pub(super) refiner: Refiner,
    pub(super) range: Option<ValueRange>,
    pub(super) noise: NoiseSource,
    pub(super) tone: Option<Tone>,
    pub(super) folder: PathBuf,
    pub(super) crc32c: String,
    pub(super) device: Device,
}

impl RefineModel {
    /// Loads the refiner of a checkpoint or a run. A run gives its best checkpoint if it has an intact one
    /// (`best.toml`), else its newest intact one.
    ///
    /// # Errors
    /// Fails if `path` holds no checkpoint or only damaged ones, or if the refiner has neither 1 nor 3
    /// channels.
    pub fn open(path: &Path, device: &Device) -> Result<Self, RefineError> {
        let folder = find_refiner(path)?;
        let refiner = load_refiner(&folder, device)?;
        let channels = refiner.channels();
        if !matches!(channels, 1 | 3) {
            return Err(RefineError::Channels { path: folder, channels });
        }
        let images = load_refiner_images(&folder)?;
        let range = images.range.and_then(|[min, max]| ValueRange::new(min, max));
        let tone = images.tone.and_then(tone_of);
        let noise = NoiseSource::default();
        let crc32c = refiner_crc32c(&folder)?;
        Ok(Self { refiner, range, tone, noise, crc32c, folder, device: device.clone() })
    }

    /// Returns the model with other noise: other refined images of the same synthetic ones.
    ///
    /// # Errors
    /// The refiner takes no noise.
    pub fn with_noise(&self, noise: NoiseSource) -> Result<Self, RefineError> {
        match self.refiner.takes_noise() {
            false => Err(RefineError::NoNoise { path: self.folder.clone() }),
            true => Ok(Self { noise, ..self.clone() }),
        }
    }

    /// Returns the model computed in a precision.
    ///
    /// # Errors
    /// The device does not compute in it.
    pub fn with_precision(self, precision: Precision) -> Result<Self, RefineError> {
        precision.check(&self.device)?;
        Ok(Self { refiner: self.refiner.with_precision(precision), ..self })
    }

    /// The stored values that stand for −1 and 1 before the network; `None` is the whole scale of each image's
    /// bit depth.
    #[must_use]
    pub fn range(&self) -> Option<ValueRange> {
        self.range
    }

    /// The tone that images get before the network; `None` leaves theirs.
    #[must_use]
    pub fn tone(&self) -> Option<&Tone> {
        self.tone.as_ref()
    }

    /// The network. Its parameters track no gradients.
    #[must_use]
    pub fn refiner(&self) -> &Refiner {
        &self.refiner
    }

    /// The checkpoint's folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

/// Reading has checked the percentiles.
fn tone_of(stage: ToneStage) -> Option<Tone> {
    match stage {
        ToneStage::Equalize {} => Some(Tone::Equalize),
        ToneStage::Match { percentiles } => ToneReference::from_percentiles(percentiles).map(Tone::Match),
    }
}
