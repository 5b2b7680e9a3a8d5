use std::path::Path;
use std::sync::Arc;

use candle_core::{Device, Module, Tensor};
use simgan_data::{Annotations, Loader, LoaderOptions, OnError, Sampler, Source, Want, message_of};
use simgan_metrics::{MetricsError, RealismTraining, has_iris, pupil_shift_at, realism_watched};
use simgan_models::{Refiner, forward_batched, load_refiner};

use super::{Judgement, PupilJudgement};
use crate::Sources;

/// Batch size for refining.
const BATCH: usize = 64;

/// Judges the refiners of a run by the accuracy of a newly trained classifier on refined and real images
/// ([`realism`](simgan_metrics::realism)) and by the movement of pupils ([`pupil_shift_at`]) in synthetic images with known landmarks.
///
/// Every judgement uses the same images and the same initial weights of the classifier, so that judgements
/// are comparable. Labels of real images are never read.
pub struct RefinerJudge {
    synthetic: Tensor,
    /// Index and annotations of each synthetic image that has iris landmarks; the others are not used to
    /// measure pupils.
    annotations: Vec<(u32, Annotations)>,
    real: Tensor,
    training: RealismTraining,
}

impl RefinerJudge {
    /// Reads up to `count` images of each source, chosen by `training.seed`, which also seeds the classifier.
    ///
    /// # Errors
    ///
    /// An image cannot be read, unless `on_error` is [`OnError::Skip`].
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
        // Only the pupil's shift needs labels: damaged ones do not end a training.
        let synthetic = read(&sources.synthetic, Want::Labels).or_else(|error| {
            let images = read(&sources.synthetic, Want::Image)?;
            tracing::warn!("the pupil's shift is not measured: {}", message_of(&error));
            Ok::<_, MetricsError>(images)
        })?;
        let real = read(&sources.real, Want::Image)?;
        let annotations = (0..).zip(synthetic.annotations.iter().cloned());
        Ok(Self {
            annotations: annotations.filter(|(_, known)| has_iris(known)).collect(),
            synthetic: synthetic.tensor(device)?,
            real: real.tensor(device)?,
            training,
        })
    }

    /// Judges the refiner of the checkpoint in the folder `checkpoint`. Judging it again gives the same
    /// result.
    ///
    /// # Errors
    ///
    /// The checkpoint cannot be read, or as [`Self::judge_refiner`].
    pub fn judge(&self, checkpoint: &Path) -> Result<Judgement, MetricsError> {
        self.judge_watched(checkpoint, &mut |_, _| ())
    }

    /// Judges as [`Self::judge`] does and tells after each update of the classifier how many are done, and of
    /// how many.
    pub(crate) fn judge_watched(
        &self,
        checkpoint: &Path,
        updated: &mut dyn FnMut(u64, u64),
    ) -> Result<Judgement, MetricsError> {
        self.of_refiner(&load_refiner(checkpoint, self.synthetic.device())?, updated)
    }

    /// Judges any refiner.
    ///
    /// # Errors
    ///
    /// The refiner does not accept the images or its output is not finite, or a source has fewer than four.
    pub fn judge_refiner(&self, refiner: &Refiner) -> Result<Judgement, MetricsError> {
        self.of_refiner(refiner, &mut |_, _| ())
    }

    fn of_refiner(
        &self,
        refiner: &Refiner,
        updated: &mut dyn FnMut(u64, u64),
    ) -> Result<Judgement, MetricsError> {
        let refined = forward_batched(&self.synthetic, BATCH, |batch| refiner.forward(batch))?;
        let change = (&refined - &self.synthetic)?.abs()?.mean_all()?.to_scalar::<f32>()?;
        if !change.is_finite() {
            return Err(MetricsError::NotFinite);
        }
        let (mut done, total) = (0, self.training.steps as u64);
        let realism = realism_watched(&self.real, &refined, &self.training, &mut || {
            done += 1;
            updated(done, total);
        })?;
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
