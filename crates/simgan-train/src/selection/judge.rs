use std::path::Path;
use std::sync::Arc;

use candle_core::{Device, Module, Tensor};
use simgan_data::{
    Annotation, Annotations, Loader, LoaderOptions, OnError, Sampler, Source, Want, message_of,
};
use simgan_metrics::{MetricsError, RealismTraining, has_iris, point_shift, pupil_shift_at, realism_watched};
use simgan_models::{Refiner, forward_batched, load_refiner};

use super::{Judgement, ShiftJudgement};
use crate::Sources;

/// Batch size for refining.
const BATCH: usize = 64;
/// Side in pixels of the square images to which the limits on points refer.
const LIMITS_SIDE: f64 = 55.0;

/// Judges the refiners of a run by the accuracy of a newly trained classifier on refined and real images
/// ([`realism`](simgan_metrics::realism)) and by the movement of pupils ([`pupil_shift_at`]) in synthetic
/// images with known landmarks or, if none has any, of all labelled points ([`point_shift`]).
///
/// Every judgement uses the same images and the same initial weights of the classifier, so that judgements
/// are comparable. Labels of real images are never read.
pub struct RefinerJudge {
    synthetic: Tensor,
    labels: Labels,
    real: Tensor,
    training: RealismTraining,
}

/// Places in the synthetic images that must not move.
enum Labels {
    /// Index and annotations of each image that has iris landmarks; the others are not used.
    Irises(Vec<(u32, Annotations)>),
    /// The labelled points of each image, NaN where one has fewer than another.
    Points(Vec<Vec<[f32; 2]>>),
    /// No label has a place.
    None,
}

impl Labels {
    fn new(annotations: &[Annotations]) -> Self {
        let irises = (0..).zip(annotations).filter(|(_, known)| has_iris(known));
        let irises: Vec<_> = irises.map(|(idx, known)| (idx, known.clone())).collect();
        if !irises.is_empty() {
            return Self::Irises(irises);
        }
        let points = |known: &Annotations| -> Vec<_> {
            known.values().filter_map(Annotation::as_points).flatten().copied().collect()
        };
        let mut points: Vec<_> = annotations.iter().map(points).collect();
        let most = points.iter().map(Vec::len).max().unwrap_or_default();
        points.iter_mut().for_each(|points| points.resize(most, [f32::NAN; 2]));
        if most > 0 { Self::Points(points) } else { Self::None }
    }
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
            let options =
                LoaderOptions { batch, workers: 2, queue: 1, on_error, want, ..LoaderOptions::default() };
            let sampler = Sampler::new(source.len(), training.seed);
            Ok::<_, MetricsError>(Loader::new(Arc::clone(source), sampler, options)?.next_batch()?)
        };
        // Only the shift of points needs labels: damaged ones do not end a training.
        let synthetic = read(&sources.synthetic, Want::Labels).or_else(|error| {
            let images = read(&sources.synthetic, Want::Image)?;
            tracing::warn!("the shift of pupils and points is not measured: {}", message_of(&error));
            Ok::<_, MetricsError>(images)
        })?;
        let real = read(&sources.real, Want::Image)?;
        let labels = Labels::new(&synthetic.annotations);
        if matches!(labels, Labels::None) {
            tracing::info!(
                "no synthetic image has labelled points: checkpoints are selected by realism alone, \
                 within the largest change of pixels"
            );
        }
        Ok(Self { labels, synthetic: synthetic.tensor(device)?, real: real.tensor(device)?, training })
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
        let (mut pupil, mut points) = (None, None);
        match &self.labels {
            Labels::Irises(irises) => pupil = Some(self.pupil(irises, &refined)?),
            Labels::Points(known) => points = self.points(known, &refined)?,
            Labels::None => {}
        }
        Ok(Judgement { accuracy: realism.accuracy, change: f64::from(change), pupil, points })
    }

    fn pupil(&self, irises: &[(u32, Annotations)], refined: &Tensor) -> Result<ShiftJudgement, MetricsError> {
        let (chosen, annotations): (Vec<u32>, Vec<Annotations>) = irises.iter().cloned().unzip();
        let chosen = Tensor::new(chosen, refined.device())?;
        let [before, after] = [&self.synthetic, refined].map(|images| images.index_select(&chosen, 0));
        let shift = pupil_shift_at(&before?, &after?, &annotations)?;
        let drift_px = shift.drift_px.map(|drift| drift.mean);
        Ok(ShiftJudgement { shift_px: shift.distance_px.mean, drift_px })
    }

    /// Scales the shift as a pupil's, so that the limits do not depend on the size of images; `None` if no
    /// point can be measured.
    fn points(
        &self,
        points: &[Vec<[f32; 2]>],
        refined: &Tensor,
    ) -> Result<Option<ShiftJudgement>, MetricsError> {
        let (_, _, height, width) = refined.dims4()?;
        let scale = LIMITS_SIDE / ((height * width) as f64).sqrt();
        Ok(point_shift(&self.synthetic, refined, points)?.map(|shift| ShiftJudgement {
            shift_px: scale * shift.distance_px.mean,
            drift_px: shift.drift_px.map(|drift| scale * drift.mean),
        }))
    }
}
