//! Opens a run's sources with uniform size, channels and range, and chooses these where the configuration
//! leaves them to the images.

mod choose;
mod recipe;
#[cfg(test)]
mod tests;
mod tone;

use std::sync::Arc;

use simgan_data::{
    Augmentation, Augmented, Concat, Fitted, Registry, Role, Source, SourceRequest, Target, Tone, Toned,
};

pub use self::choose::{Chosen, choose};
pub use self::recipe::resolve;
use crate::streams::Purpose;
use crate::{DataConfig, DataSize, Flip, TrainConfig, TrainError};

/// The two image domains of a run.
#[derive(Clone)]
pub struct Sources {
    /// The images that R refines, with `tone` applied.
    pub synthetic: Arc<dyn Source>,
    /// The images that refined ones should look like.
    pub real: Arc<dyn Source>,
    /// The tone that the synthetic images have got, if any.
    pub tone: Option<Tone>,
}

impl Sources {
    /// Opens the configured sources with the configured size, channels and range, the synthetic ones with the
    /// configured tone; changed at random in training if the configuration says so.
    ///
    /// # Errors
    /// As [`open_all`]; or images are smaller than `data.random_crop`; or `data.tone` is "match" and no real
    /// image can be read.
    pub fn open(config: &TrainConfig, registry: &Registry) -> Result<Self, TrainError> {
        let TrainConfig { data, seed, .. } = config;
        let synthetic = open_all(&data.synthetic, data, Role::Synthetic, *seed, registry)?;
        let real = open_all(&data.real, data, Role::Real, *seed, registry)?;
        let tone = data.tone.measured(&*real)?;
        let toned: Arc<dyn Source> = match &tone {
            Some(tone) => Arc::new(Toned::new(synthetic, tone.clone())),
            None => synthetic,
        };
        Ok(Self {
            // A part of an image has the tones of the whole, as in refining.
            synthetic: augmented(toned, data, Purpose::AugmentSynthetic.seed(*seed))?,
            real: augmented(real, data, Purpose::AugmentReal.seed(*seed))?,
            tone,
        })
    }
}

/// Wraps a source in the augmentation of `data`, if it has any.
fn augmented(source: Arc<dyn Source>, data: &DataConfig, seed: u64) -> Result<Arc<dyn Source>, TrainError> {
    let augmentation = Augmentation { flip: data.flip == Flip::Horizontal, crop: data.random_crop.0, seed };
    if !augmentation.is_on() {
        return Ok(source);
    }
    Ok(Arc::new(Augmented::new(source, augmentation)?))
}

/// Opens several sources as one, converted to the size, channels and range of `data`. What is "auto" there
/// stays as the images have it; [`choose`] decides it.
///
/// # Errors
/// As [`Registry::open`]; or `specs` is empty; or the images differ in size while `data.size` is `"source"`.
pub fn open_all(
    specs: &[String],
    data: &DataConfig,
    role: Role,
    seed: u64,
    registry: &Registry,
) -> Result<Arc<dyn Source>, TrainError> {
    let size = match data.size {
        DataSize::Auto | DataSize::Source => None,
        DataSize::Pixels(size) => Some(size),
    };
    let (channels, crop, on_error) = (data.channels.number(), data.crop, data.on_error);
    let target = Target { size, fit: data.fit, channels, range: data.range.fixed() };
    let mut sources: Vec<Arc<dyn Source>> = Vec::new();
    for spec in specs {
        let request =
            SourceRequest { role, size, channels, crop, seed, on_error, ..SourceRequest::new(spec) };
        sources.push(Arc::new(Fitted::new(registry.open(&request)?, target)));
    }
    match sources.len() {
        1 => Ok(sources.remove(0)),
        _ => Ok(Arc::new(Concat::new(sources)?)),
    }
}
