use std::path::Path;
use std::sync::Arc;

use candle_core::{Device, Module, Tensor};
use simgan_data::{Annotations, AnnotationsExt, Loader, LoaderOptions, OnError, Sampler, Source, Want};
use simgan_metrics::{MetricsError, RealismTraining, pupil_shift_at, realism};
use simgan_models::{Refiner, forward_batched, load_refiner};

use super::{Judgement, PupilJudgement};
use crate::Sources;

/// Images that are refined at once.
const BATCH: usize = 64;

/// Judges the refiners of a run: how well a fresh classifier tells their images from real ones
/// ([`realism`]), and how far pupils move ([`pupil_shift_at`]) where the synthetic images' landmarks are known.
///
/// It looks at the same images each time and starts the classifier from the same weights, so that judgements can be
/// compared. Labels of real images are not looked at.
pub struct RefinerJudge {
    synthetic: Tensor,
    /// Of the images that have some around the iris; the others say nothing about pupils.
    annotations: Vec<(u32, Annotations)>,
    real: Tensor,
    training: RealismTraining,
}

impl RefinerJudge {
    /// Reads up to `count` images of each source; the seed of `training`, which is the classifier's, chooses them.
    ///
    /// # Errors
    ///
    /// An image that cannot be read, unless such images are to be skipped.
    pub fn new(
        sources: &Sources,
        count: usize,
        on_error: OnError,
        training: RealismTraining,
        device: &Device,
    ) -> Result<Self, MetricsError> {
        let read = |source: &Arc<dyn Source>, want: Want| {
            let batch = count.min(source.len());
            let options = LoaderOptions { batch, workers: 2, queue: 1, on_error, want };
            let sampler = Sampler::new(source.len(), training.seed);
            Ok::<_, MetricsError>(Loader::new(Arc::clone(source), sampler, options)?.next_batch()?)
        };
        let synthetic = read(&sources.synthetic, Want::Labels)?;
        let real = read(&sources.real, Want::Image)?;
        let has_iris = |known: &Annotations| known.iris().is_some_and(|iris| !iris.is_empty());
        let annotations = (0..).zip(synthetic.annotations.iter().cloned());
        Ok(Self {
            annotations: annotations.filter(|(_, known)| has_iris(known)).collect(),
            synthetic: synthetic.tensor(device)?,
            real: real.tensor(device)?,
            training,
        })
    }

    /// Judges the refiner of the checkpoint in that folder; calling it again gives the same judgement.
    ///
    /// # Errors
    ///
    /// The checkpoint cannot be read; otherwise as [`Self::judge_refiner`].
    pub fn judge(&self, checkpoint: &Path) -> Result<Judgement, MetricsError> {
        self.judge_refiner(&load_refiner(checkpoint, self.synthetic.device())?)
    }

    /// Judges a refiner that may be no checkpoint's.
    ///
    /// # Errors
    ///
    /// It does not take the images; there are too few of them.
    pub fn judge_refiner(&self, refiner: &Refiner) -> Result<Judgement, MetricsError> {
        let refined = forward_batched(&self.synthetic, BATCH, |batch| refiner.forward(batch))?;
        let change = (&refined - &self.synthetic)?.abs()?.mean_all()?.to_scalar::<f32>()?;
        let realism = realism(&self.real, &refined, &self.training)?;
        let pupil = (!self.annotations.is_empty()).then(|| self.pupil(&refined)).transpose()?;
        Ok(Judgement { accuracy: realism.accuracy, change: f64::from(change), pupil })
    }

    fn pupil(&self, refined: &Tensor) -> Result<PupilJudgement, MetricsError> {
        let (chosen, annotations): (Vec<u32>, Vec<Annotations>) = self.annotations.iter().cloned().unzip();
        let chosen = Tensor::new(chosen, refined.device())?;
        let [before, after] = [&self.synthetic, refined].map(|images| images.index_select(&chosen, 0));
        let shift = pupil_shift_at(&before?, &after?, &annotations)?;
        let drift_px = shift.drift_px.map(|drift| drift.mean);
        Ok(PupilJudgement { shift_px: shift.distance_px.mean, drift_px })
    }
}
