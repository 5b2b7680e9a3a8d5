use candle_core::{Module, Tensor};
use simgan_data::Annotation;
use simgan_metrics::{fourier_matched, histogram_matched};
use simgan_models::{Refiner, for_batches, forward_batched};

use super::{EvaluationConfig, EvaluationData, Method, MethodFigures, MethodKind, Watch};
use crate::baseline::Neighbours;
use crate::training::train_estimator_watched;
use crate::{EstimatorTraining, EvalError, LabelledImages, Task, TrainedEstimator, predict};

/// Images per forward pass, or per search for nearest neighbours.
const AT_ONCE: usize = 256;

/// One row: its figures, and the networks it trained, if any.
pub(super) struct Row {
    pub(super) figures: MethodFigures,
    pub(super) networks: Vec<TrainedEstimator>,
}

impl Row {
    /// Measures the row of `method`; `refined` holds the refinements of all synthetic images of the data.
    pub(super) fn new(
        method: Method,
        refined: Option<&Tensor>,
        data: &EvaluationData,
        config: &EvaluationConfig,
        watch: &mut Watch<'_>,
    ) -> Result<Self, EvalError> {
        watch.begin(method.to_string(), 0)?;
        let images = training_images(method, refined, data, config)?;
        match method.kind {
            MethodKind::Mean => {
                let none = || EvalError::Mismatch("the synthetic labels have no mean".into());
                let mean = data.task().mean(&images.labels().iter().collect::<Vec<_>>()).ok_or_else(none)?;
                let mean = data.task().completed(mean.clone(), &mean);
                let predicted = vec![mean; data.test().n_images()];
                Self::of_predictions(vec![predicted], Vec::new(), &images, data, config)
            }
            MethodKind::Knn => {
                let predicted =
                    neighbours(data.task(), &images, data.test().images(), config.neighbours, watch)?;
                Self::of_predictions(vec![predicted], Vec::new(), &images, data, config)
            }
            _ => Self::of_networks(method, &images, data, config, watch),
        }
    }

    /// Trains and tests one network per repetition.
    fn of_networks(
        method: Method,
        images: &LabelledImages,
        data: &EvaluationData,
        config: &EvaluationConfig,
        watch: &mut Watch<'_>,
    ) -> Result<Self, EvalError> {
        let task = data.task();
        let layers = task.estimator(config.network, data.shape()?)?;
        let (mut networks, mut predicted) = (Vec::new(), Vec::new());
        for seed in 0..config.seeds {
            let doing = format!("{method}, repetition {} of {}", seed + 1, config.seeds);
            watch.begin(doing, config.training.steps)?;
            let training =
                EstimatorTraining { augment: method.kind.is_augmented(), ..config.repetition(seed) };
            let network = train_estimator_watched(task, &layers, images, &training, &mut || watch.update())?;
            predicted.push(predict(task, &network, data.test().inputs())?);
            networks.push(network);
        }
        Self::of_predictions(predicted, networks, images, data, config)
    }

    fn of_predictions(
        predicted: Vec<Vec<Annotation>>,
        networks: Vec<TrainedEstimator>,
        images: &LabelledImages,
        data: &EvaluationData,
        config: &EvaluationConfig,
    ) -> Result<Self, EvalError> {
        let (n_images, seed) = (images.n_images(), config.training.seed);
        let figures = MethodFigures::new(n_images, seed, predicted, data, config.calibration)?;
        Ok(Self { figures, networks })
    }
}

/// Returns the images a method trains on.
fn training_images(
    method: Method,
    refined: Option<&Tensor>,
    data: &EvaluationData,
    config: &EvaluationConfig,
) -> Result<LabelledImages, EvalError> {
    let synthetic = data.synthetic(method.fold)?;
    let images = synthetic.images();
    let lacking = || EvalError::Mismatch(format!("`{}` has no images to learn from", method.kind));
    let changed = match method.kind {
        MethodKind::Mean | MethodKind::Knn | MethodKind::Synthetic | MethodKind::SyntheticAugmented => {
            return Ok(synthetic);
        }
        MethodKind::Real => return data.labelled_real().cloned().ok_or_else(lacking),
        MethodKind::SyntheticHistogram => {
            histogram_matched(images, data.real().ok_or_else(lacking)?, config.training.seed)?
        }
        MethodKind::SyntheticFourier => {
            let (beta, seed) = (config.fourier_beta, config.training.seed);
            fourier_matched(images, data.real().ok_or_else(lacking)?, beta, seed)?
        }
        MethodKind::Toned | MethodKind::TonedAugmented => {
            return data.all_seen().first(synthetic.n_images());
        }
        MethodKind::Refined | MethodKind::RefinedAugmented => {
            refined.ok_or_else(lacking)?.narrow(0, 0, synthetic.n_images())?
        }
    };
    synthetic.with_images(changed)
}

fn neighbours(
    task: &dyn Task,
    known: &LabelledImages,
    images: &Tensor,
    k: usize,
    watch: &mut Watch<'_>,
) -> Result<Vec<Annotation>, EvalError> {
    let (neighbours, mut labels) = (Neighbours::new(task, known, k)?, Vec::new());
    for_batches(images, AT_ONCE, |batch| {
        labels.extend(neighbours.predict(batch)?);
        watch.count(batch.dim(0)?)
    })?;
    Ok(labels)
}

/// Refines images `(N, C, H, W)`, 256 at a time.
///
/// # Errors
///
/// If the channels differ from the refiner's, a refined image is not finite, or [`EvalError::Stopped`] if
/// `watch` is told to stop.
pub(crate) fn refine_images(
    refiner: &Refiner,
    images: &Tensor,
    watch: &mut Watch<'_>,
) -> Result<Tensor, EvalError> {
    forward_batched(images, AT_ONCE, |batch| {
        watch.count(batch.dim(0)?)?;
        let refined = refiner.forward(batch)?;
        match refined.mean_all()?.to_scalar::<f32>()?.is_finite() {
            true => Ok(refined),
            false => Err(EvalError::NotFinite),
        }
    })
}
