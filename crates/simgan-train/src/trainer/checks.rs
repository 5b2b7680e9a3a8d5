//! What is checked and chosen before a trainer is built.

use candle_core::Device;
use simgan_data::BitDepth;

use crate::memory::{self, Need};
use crate::{Channels, DataRange, DataSize, Sources, ToneKind, TrainConfig, TrainError};

/// Logs how much memory the run needs, and returns an error if the machine lacks it.
pub(super) fn check_memory(
    sources: &Sources,
    config: &TrainConfig,
    device: &Device,
) -> Result<(), TrainError> {
    let need = Need::of(config, sources.synthetic.spec().size())?;
    tracing::info!("training needs {need}");
    match memory::machine() {
        // What a GPU holds is unknown here.
        Some(memory) if device.is_cpu() => need.check(config, memory),
        _ => Ok(()),
    }
}

/// Checks that the images of both domains fit each other and the configuration.
pub(super) fn check_sources(sources: &Sources, config: &TrainConfig) -> Result<(), TrainError> {
    let (synthetic, real) = (sources.synthetic.spec(), sources.real.spec());
    if synthetic.size() != real.size() {
        let (synthetic, real) = (synthetic.size().to_string(), real.size().to_string());
        return Err(TrainError::SizesDiffer { synthetic, real });
    }
    let (found, expected) = (ToneKind::of(sources.tone.as_ref()), config.data.tone);
    if found != expected {
        return Err(TrainError::OtherTone { found, expected });
    }
    let expected = config.data.channels.number().unwrap_or(synthetic.channels);
    match [synthetic.channels, real.channels].into_iter().find(|found| *found != expected) {
        Some(found) => Err(TrainError::Channels { found, expected }),
        None => Ok(()),
    }
}

/// Replaces what is still "auto" by what the opened sources have.
pub(super) fn settled(mut config: TrainConfig, sources: &Sources) -> Result<TrainConfig, TrainError> {
    let specs = [sources.synthetic.spec(), sources.real.spec()];
    let data = &mut config.data;
    if data.channels == Channels::Auto {
        data.channels = Channels::of_number(specs[0].channels).unwrap_or(Channels::Auto);
    }
    if data.tone == ToneKind::Auto {
        data.tone = ToneKind::of(sources.tone.as_ref());
    }
    if data.size == DataSize::Auto {
        data.size = DataSize::Pixels(specs[0].size());
    }
    if data.range == DataRange::Auto {
        if specs.iter().any(|spec| spec.depth != BitDepth::Eight) {
            return Err(TrainError::NoRange);
        }
        data.range = DataRange::Full;
    }
    Ok(config)
}
