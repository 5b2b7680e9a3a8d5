use std::sync::Arc;

use candle_core::{Device, Tensor};
use simgan_data::{Loader, LoaderOptions, Sampler, Source};

use crate::Sources;
use crate::grid::GRID_COLUMNS;
use crate::streams::Purpose;
use crate::{DataConfig, TrainError};

/// The images in every sample grid of a run, drawn once from their own stream.
pub(super) struct SampleInputs {
    pub(super) synthetic: Tensor,
    pub(super) real: Tensor,
}

impl SampleInputs {
    pub(super) fn draw(
        sources: &Sources,
        data: &DataConfig,
        seed: u64,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let draw = |source| drawn(source, data, Purpose::Samples.seed(seed), GRID_COLUMNS, device);
        Ok(Self { synthetic: draw(&sources.synthetic)?, real: draw(&sources.real)? })
    }
}

/// Draws `n` images, `(N, C, H, W)`.
pub(super) fn drawn(
    source: &Arc<dyn Source>,
    data: &DataConfig,
    seed: u64,
    n: usize,
    device: &Device,
) -> Result<Tensor, TrainError> {
    let sampler = Sampler::new(source.len(), seed);
    let options =
        LoaderOptions { batch: n, workers: 1, queue: 1, on_error: data.on_error, ..LoaderOptions::default() };
    let batch = Loader::new(Arc::clone(source), sampler, options)?.next_batch()?;
    Ok(batch.tensor(device)?)
}
