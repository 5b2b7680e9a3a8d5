use std::sync::Arc;

use candle_core::{Device, Tensor};
use simgan_data::{
    Annotation, Annotations, Batch, FramePairs, Loader, LoaderOptions, OnError, Sampler, SamplerState, Share,
    Source, Want,
};

use simgan_losses::Landmarks;

use crate::Sources;
use crate::streams::Purpose;
use crate::{TrainConfig, TrainError, Warning, WarningKind};

/// Batches decoded ahead for each domain; a longer queue would only cost memory.
pub(crate) const QUEUE: usize = 4;

/// Batches of both domains, each in its own random order.
pub(super) struct Batches {
    synthetic: Loader,
    /// Whether a synthetic batch is half frames of films, half the next ones.
    has_films: bool,
    real: Loader,
    n_images: (usize, usize),
    landmarks: Option<Landmarks>,
    device: Device,
    n_skipped: u64,
    warnings: Vec<Warning>,
}

/// The position in both domains, stored in a checkpoint.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursors {
    pub(super) synthetic: SamplerState,
    pub(super) real: SamplerState,
    pub(super) n_skipped: u64,
}

impl Cursors {
    /// Returns the position at the beginning of a run with `seed`.
    pub(super) fn new(sources: &Sources, seed: u64) -> Self {
        let start =
            |source: &dyn Source, purpose: Purpose| Sampler::new(source.len(), purpose.seed(seed)).state();
        Self {
            synthetic: start(&*sources.synthetic, Purpose::Synthetic),
            real: start(&*sources.real, Purpose::Real),
            n_skipped: 0,
        }
    }
}

impl Batches {
    pub(super) fn new(
        sources: &Sources,
        config: &TrainConfig,
        at: Cursors,
        share: Share,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let landmarks = config.loss.landmarks();
        if landmarks.is_some() {
            check_first(&*sources.synthetic, config.data.on_error)?;
        }
        let want = if landmarks.is_some() { Want::Labels } else { Want::Image };
        let data = &config.data;
        let options = |want| LoaderOptions {
            batch: data.batch,
            workers: data.workers,
            queue: QUEUE,
            on_error: data.on_error,
            want,
            share,
        };
        let has_films = config.loss.film > 0.0;
        let synthetic = if has_films {
            let pairs: Arc<dyn Source> = Arc::new(FramePairs::new(Arc::clone(&sources.synthetic))?);
            loader(&pairs, at.synthetic, LoaderOptions { batch: data.batch / 2, ..options(want) })?
        } else {
            loader(&sources.synthetic, at.synthetic, options(want))?
        };
        Ok(Self {
            synthetic,
            has_films,
            real: loader(&sources.real, at.real, options(Want::Image))?,
            n_images: (sources.synthetic.len(), sources.real.len()),
            landmarks,
            device: device.clone(),
            n_skipped: at.n_skipped,
            warnings: Vec::new(),
        })
    }

    /// Returns the next synthetic images, `(N, C, H, W)`. `n_steps`, the steps done, dates a warning. With
    /// `loss.film` on, the second half of the batch are the next frames of the first.
    pub(super) fn synthetic(&mut self, n_steps: u64) -> Result<Tensor, TrainError> {
        let batch = self.synthetic.next_batch()?;
        self.frames(&batch, n_steps)
    }

    /// Returns the next synthetic images and, with `loss.landmark_weight`, the weights of their pixels, `(N,
    /// 1, H, W)`.
    pub(super) fn weighted(&mut self, n_steps: u64) -> Result<(Tensor, Option<Tensor>), TrainError> {
        let batch = self.synthetic.next_batch()?;
        let weights = self.landmarks.map(|landmarks| weights(landmarks, &batch, &self.device)).transpose()?;
        Ok((self.frames(&batch, n_steps)?, weights))
    }

    /// Separates the frames of pairs, which lie one above the other.
    fn frames(&mut self, batch: &Batch, n_steps: u64) -> Result<Tensor, TrainError> {
        let images = self.tensor(batch, n_steps)?;
        match self.has_films {
            true => Ok(Tensor::cat(&images.chunk(2, 2)?, 0)?),
            false => Ok(images),
        }
    }

    /// Returns the next real images, `(N, C, H, W)`.
    pub(super) fn real(&mut self, n_steps: u64) -> Result<Tensor, TrainError> {
        let batch = self.real.next_batch()?;
        self.tensor(&batch, n_steps)
    }

    /// Returns how often an image was skipped.
    pub(super) fn n_skipped(&self) -> u64 {
        self.n_skipped
    }

    /// Returns the numbers of synthetic and of real images.
    pub(super) fn n_images(&self) -> (usize, usize) {
        self.n_images
    }

    pub(super) fn cursors(&self) -> Cursors {
        Cursors { synthetic: self.synthetic.state(), real: self.real.state(), n_skipped: self.n_skipped }
    }

    pub(super) fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }

    fn tensor(&mut self, batch: &Batch, n_steps: u64) -> Result<Tensor, TrainError> {
        if let Some((_, error)) = batch.skipped.first() {
            if self.n_skipped == 0 {
                let message = format!("skipped an image; further ones are counted but not named: {error}");
                self.warnings.push(Warning { step: n_steps, kind: WarningKind::SkippedImages, message });
            }
            self.n_skipped += batch.skipped.len() as u64;
        }
        Ok(batch.tensor(&self.device)?)
    }
}

/// Returns the weights of the pixels around all labelled points of the images.
fn weights(landmarks: Landmarks, batch: &Batch, device: &Device) -> Result<Tensor, TrainError> {
    let images = batch.names.iter().zip(&batch.annotations);
    let points = images.map(|(name, annotations)| points_of(name, annotations));
    let points = points.collect::<Result<Vec<_>, _>>()?;
    let [_, _, height, width] = batch.shape;
    Ok(landmarks.weights(&points, [height, width], device)?)
}

/// Returns all labelled points of an image, which must have some.
fn points_of(name: &str, annotations: &Annotations) -> Result<Vec<[f32; 2]>, TrainError> {
    let mut points = annotations.values().filter_map(Annotation::as_points).peekable();
    match points.peek() {
        Some(_) => Ok(points.flatten().copied().collect()),
        None => Err(TrainError::NoLandmarks { image: name.to_owned() }),
    }
}

/// Checks the first image's points, so that images without any are refused before the run writes anything.
fn check_first(source: &dyn Source, on_error: OnError) -> Result<(), TrainError> {
    match source.sample(0, Want::Labels) {
        Ok(sample) => points_of(&sample.name, &sample.annotations).map(drop),
        Err(_) if on_error == OnError::Skip => Ok(()), // the loader counts it
        Err(error) => Err(error.into()),
    }
}

fn loader(source: &Arc<dyn Source>, at: SamplerState, options: LoaderOptions) -> Result<Loader, TrainError> {
    Ok(Loader::new(Arc::clone(source), Sampler::from_state(source.len(), at)?, options)?)
}
