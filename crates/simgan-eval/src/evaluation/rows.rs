use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use candle_core::Tensor;
use simgan_data::Annotation;
use simgan_metrics::{fourier_matched, histogram_matched};
use simgan_models::{NoiseSource, Refiner, for_batches, forward_batched};

use super::{
    Estimators, EvaluationConfig, EvaluationData, Method, MethodFigures, MethodKind, Methods, Watch,
};
use crate::baseline::Neighbours;
use crate::training::{side_by_side, train_estimator_watched};
use crate::{EstimatorTraining, EvalError, LabelledImages, Task, TrainedEstimator, predict};

/// Images per forward pass, or per search for nearest neighbours.
const AT_ONCE: usize = 256;

/// One row: its figures, and the networks it trained, if any.
struct Row {
    figures: MethodFigures,
    networks: Vec<TrainedEstimator>,
}

/// Measures rows. `refined` holds the refinements of all synthetic images of the data, one tensor per variant.
///
/// All networks are trained side by side, from images that are prepared once.
pub(super) fn measure(
    rows: &[Method],
    refined: &[Tensor],
    data: &EvaluationData,
    config: &EvaluationConfig,
    watch: &mut Watch<'_>,
) -> Result<(Methods, Estimators), EvalError> {
    watch.begin("preparing images", 0)?;
    let mut images = BTreeMap::new();
    for method in rows.iter().map(|method| method.without_augmentation()) {
        if let Entry::Vacant(vacant) = images.entry(method) {
            vacant.insert(training_images(method, refined, data, config)?);
        }
    }
    let mut networks = train(rows, &images, data, config, watch)?;
    let (mut methods, mut estimators) = (Methods::new(), Estimators::new());
    for method in rows {
        let networks = networks.remove(method).unwrap_or_default();
        let row = Row::new(*method, &images[&method.without_augmentation()], networks, data, config, watch)?;
        methods.insert(*method, row.figures);
        if !row.networks.is_empty() {
            estimators.insert(*method, row.networks);
        }
    }
    Ok((methods, estimators))
}

/// Trains the networks of all rows, one per repetition.
fn train(
    rows: &[Method],
    images: &BTreeMap<Method, LabelledImages>,
    data: &EvaluationData,
    config: &EvaluationConfig,
    watch: &mut Watch<'_>,
) -> Result<Estimators, EvalError> {
    let rows = rows.iter().filter(|method| method.kind.is_network());
    let jobs: Vec<_> = rows.flat_map(|method| (0..config.seeds).map(|seed| (*method, seed))).collect();
    if jobs.is_empty() {
        return Ok(Estimators::new());
    }
    let (task, device) = (data.task(), data.test().images().device());
    let layers = task.estimator(config.network, data.shape()?)?;
    watch.begin(format!("training {} networks", jobs.len()), jobs.len() * config.training.steps)?;
    let train = |job: usize, after_update: &mut dyn FnMut() -> Result<(), EvalError>| {
        let (method, seed) = jobs[job];
        let training = EstimatorTraining { augment: method.kind.is_augmented(), ..config.repetition(seed) };
        train_estimator_watched(
            task,
            &layers,
            &images[&method.without_augmentation()],
            &training,
            after_update,
        )
    };
    let networks = side_by_side(jobs.len(), device, &train, &mut || watch.update())?;
    let mut estimators = Estimators::new();
    for ((method, _), network) in jobs.iter().zip(networks) {
        estimators.entry(*method).or_default().push(network);
    }
    Ok(estimators)
}

impl Row {
    /// Measures the row of `method`, which learned from `images`.
    fn new(
        method: Method,
        images: &LabelledImages,
        networks: Vec<TrainedEstimator>,
        data: &EvaluationData,
        config: &EvaluationConfig,
        watch: &mut Watch<'_>,
    ) -> Result<Self, EvalError> {
        watch.begin(method.to_string(), 0)?;
        let (task, test) = (data.task(), data.test());
        let predicted = match method.kind {
            MethodKind::Mean => {
                let none = || EvalError::Mismatch("the synthetic labels have no mean".into());
                let mean = task.mean(&images.labels().iter().collect::<Vec<_>>()).ok_or_else(none)?;
                let mean = task.completed(mean.clone(), &mean);
                vec![vec![mean; test.n_images()]]
            }
            MethodKind::Knn => vec![neighbours(task, images, test.images(), config.neighbours, watch)?],
            _ => networks
                .iter()
                .map(|network| predict(task, network, test.inputs()))
                .collect::<Result<_, _>>()?,
        };
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
    refined: &[Tensor],
    data: &EvaluationData,
    config: &EvaluationConfig,
) -> Result<LabelledImages, EvalError> {
    let synthetic = data.synthetic(method.fold)?;
    let images = synthetic.images();
    let lacking = || EvalError::Mismatch(format!("`{}` has no images to learn from", method.kind));
    let changed = match method.kind {
        MethodKind::SyntheticHistogram | MethodKind::SyntheticHistogramAugmented => {
            histogram_matched(images, data.real().ok_or_else(lacking)?, config.training.seed)?
        }
        MethodKind::Mean | MethodKind::Knn | MethodKind::Synthetic | MethodKind::SyntheticAugmented => {
            return Ok(synthetic);
        }
        MethodKind::Real => return data.labelled_real().cloned().ok_or_else(lacking),
        MethodKind::SyntheticFourier => {
            let (beta, seed) = (config.fourier_beta, config.training.seed);
            fourier_matched(images, data.real().ok_or_else(lacking)?, beta, seed)?
        }
        MethodKind::Toned | MethodKind::TonedAugmented => {
            return data.all_seen().first(synthetic.n_images());
        }
        MethodKind::Refined | MethodKind::RefinedAugmented if refined.is_empty() => return Err(lacking()),
        MethodKind::Refined | MethodKind::RefinedAugmented => {
            let wanted = refined.iter().map(|images| images.narrow(0, 0, synthetic.n_images()));
            return synthetic.with_variants(&wanted.collect::<Result<Vec<_>, _>>()?);
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

/// Refines images `(N, C, H, W)`, 256 at a time, with noise from `source` if the refiner takes any.
///
/// # Errors
///
/// If the channels differ from the refiner's, a refined image is not finite, or [`EvalError::Stopped`] if
/// `watch` is told to stop.
pub(crate) fn refine_images(
    refiner: &Refiner,
    images: &Tensor,
    source: NoiseSource,
    watch: &mut Watch<'_>,
) -> Result<Tensor, EvalError> {
    forward_batched(images, AT_ONCE, |batch| {
        watch.count(batch.dim(0)?)?;
        let refined = refiner.forward_with(batch, &refiner.noise(batch, source)?)?;
        match refined.mean_all()?.to_scalar::<f32>()?.is_finite() {
            true => Ok(refined),
            false => Err(EvalError::NotFinite),
        }
    })
}
