//! Finds how the labels of unlabelled real images are distributed, so that renders can be drawn alike.
//!
//! An estimator that learned from augmented renders predicts the labels of the real images. Predictions regress
//! to the mean: on held-out renders it is measured with which slope they follow their labels, and with which
//! scatter. A normal distribution that would give the predictions under that line is what real labels are taken
//! for, and each render gets as weight the ratio of that density to the renders' own. The second round repeats
//! this with renders of these weights, around which the line is measured again.
//!
//! What renders cannot tell is how much worse predictions follow on real images than on renders; the spread found
//! is therefore rather too small than too large.

mod axis;

use candle_core::Tensor;
use simgan_data::resampled;

pub use self::axis::{AxisFigures, Moments};
use self::axis::{Ratio, effective};
use crate::evaluation::NetworkSize;
use crate::training::train_estimator_watched;
use crate::{
    EstimatorTraining, EvalError, InputShape, Inputs, LabelledImages, Task, TaskKind, TrainedEstimator, Unit,
    predict,
};

/// Rounds of prediction and weighting.
const ROUNDS: usize = 2;
/// What weights are clipped to in each round, relative to their mean.
const CLIP: [f64; 2] = [0.2, 5.0];
/// Of so many renders, one is held out.
const HELD_OUT: usize = 5;
/// Least number of held-out renders, and of real images.
const LEAST: usize = 50;

/// The distribution of labels found for real images.
pub struct Priors {
    /// The numbers' names and units.
    pub axes: Vec<(String, Unit)>,
    /// The figures of each number, round by round.
    pub rounds: Vec<Vec<AxisFigures>>,
    /// The renders as weighted in the end, number by number.
    pub weighted: Vec<Moments>,
    /// Number of renders of equal weight that would say as much as the weighted ones.
    pub n_effective: f64,
    /// Number of renders.
    pub n_renders: usize,
    /// Number of real images.
    pub n_real: usize,
    /// Of each round: the ratios along each number, and the mean of their products.
    ratios: Vec<(Vec<Ratio>, f64)>,
}

/// Finds the distribution of the labels of `real`, `(N, C, H, W)` in [−1, 1], from labelled renders;
/// `after_update` is called after each update of the estimators.
///
/// # Errors
///
/// If the labels are no directions or vectors, there are too few images, predictions do not follow held-out renders,
/// or training fails; errors of `after_update`.
pub fn find_priors(
    task: &dyn Task,
    renders: &LabelledImages,
    real: &Tensor,
    network: NetworkSize,
    training: &EstimatorTraining,
    after_update: &mut dyn FnMut() -> Result<(), EvalError>,
) -> Result<Priors, EvalError> {
    let axes = axes(task)?;
    let labels = columns(task, renders.labels(), axes.len())?;
    let (n_renders, n_real) = (renders.n_images(), real.dim(0)?);
    let held = places(n_renders, |place| place % HELD_OUT == HELD_OUT - 1);
    let learned = places(n_renders, |place| place % HELD_OUT != HELD_OUT - 1);
    for (what, found) in [("held-out renders", held.len()), ("real images", n_real)] {
        if found < LEAST {
            return Err(EvalError::TooFew { what, found, needed: LEAST });
        }
    }
    let (_, channels, height, width) = real.dims4()?;
    let layers = task.estimator(network, InputShape { channels, height, width, extra: 0 })?;
    let (held_images, real) = (renders.select(&held)?, Inputs::new(real.clone(), None)?);
    let mut weights = vec![1.0; n_renders];
    let (mut rounds, mut ratios) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let picked = resampled(&at(&weights, &learned), learned.len());
        let picked: Vec<_> = picked.into_iter().map(|place| learned[place]).collect();
        let estimator =
            train_estimator_watched(task, &layers, &renders.select(&picked)?, training, after_update)?;
        let answer = |inputs: &Inputs| answers(task, &estimator, inputs, axes.len());
        let (answers, seen) = (answer(held_images.inputs())?, answer(&real)?);
        let mut figures = Vec::new();
        for (axis, (name, _)) in axes.iter().enumerate() {
            let (truth, held_weights) = (at(&labels[axis], &held), at(&weights, &held));
            let renders = Moments::of(&labels[axis], &weights);
            let known = [&answers[axis][..], &truth, &held_weights];
            figures.push(AxisFigures::measure(name, renders, known, &seen[axis])?);
        }
        let ratio = |(figures, labels): (&AxisFigures, &Vec<f64>)| Ratio::new(figures, labels, &weights);
        let ratio: Vec<_> = figures.iter().zip(&labels).map(ratio).collect();
        let product = |render: usize| {
            ratio.iter().zip(&labels).map(|(ratio, axis)| ratio.at(axis[render])).product::<f64>()
        };
        let products: Vec<f64> = (0..n_renders).map(product).collect();
        let mean = products.iter().zip(&weights).map(|(product, weight)| product * weight).sum::<f64>()
            / weights.iter().sum::<f64>();
        weights.iter_mut().zip(products).for_each(|(weight, product)| *weight *= clipped(product, mean));
        rounds.push(figures);
        ratios.push((ratio, mean));
    }
    let weighted = labels.iter().map(|labels| Moments::of(labels, &weights)).collect();
    Ok(Priors { axes, rounds, weighted, n_effective: effective(&weights), n_renders, n_real, ratios })
}

impl Priors {
    /// The figures of the last round, number by number.
    #[must_use]
    pub fn last(&self) -> &[AxisFigures] {
        self.rounds.last().map_or(&[], Vec::as_slice)
    }

    /// The weights of renders with these labels, the product over the rounds.
    ///
    /// # Errors
    ///
    /// If a label is of another kind than the priors'.
    pub fn weights(
        &self,
        task: &dyn Task,
        labels: &[simgan_data::Annotation],
    ) -> Result<Vec<f64>, EvalError> {
        let columns = columns(task, labels, self.axes.len())?;
        let weight = |label: usize| {
            let of_round = |(ratios, mean): &(Vec<Ratio>, f64)| {
                clipped(
                    ratios.iter().zip(&columns).map(|(ratio, axis)| ratio.at(axis[label])).product(),
                    *mean,
                )
            };
            self.ratios.iter().map(of_round).product()
        };
        Ok((0..labels.len()).map(weight).collect())
    }
}

fn clipped(product: f64, mean: f64) -> f64 {
    (product / mean).clamp(CLIP[0], CLIP[1])
}

/// The names and units of a label's numbers.
///
/// # Errors
///
/// If the task is not about directions or vectors.
fn axes(task: &dyn Task) -> Result<Vec<(String, Unit)>, EvalError> {
    let (axes, spec) = (task.axes(), task.spec());
    match spec.kind {
        TaskKind::Direction => Ok(axes),
        TaskKind::Vector => {
            let name = |idx: usize| (format!("{}[{idx}]", spec.name), Unit::Own);
            Ok((0..spec.width).map(name).collect())
        }
        TaskKind::Points | TaskKind::Class => {
            let reason =
                format!("`{}` is {}: priors are found for directions and numbers", spec.name, spec.kind);
            Err(EvalError::Impossible { reason, hint: "choose a task of directions or numbers" })
        }
    }
}

/// The numbers of labels, one list per axis.
fn columns(
    task: &dyn Task,
    labels: &[simgan_data::Annotation],
    n_axes: usize,
) -> Result<Vec<Vec<f64>>, EvalError> {
    let mut columns = vec![Vec::with_capacity(labels.len()); n_axes];
    for label in labels {
        let numbers = task.parts(label).and_then(|parts| parts.into_iter().next());
        let numbers = numbers.filter(|numbers| numbers.len() == n_axes);
        let numbers = numbers.ok_or(EvalError::OtherKind("a direction or numbers"))?;
        columns.iter_mut().zip(numbers).for_each(|(column, number)| column.push(number));
    }
    Ok(columns)
}

fn answers(
    task: &dyn Task,
    estimator: &TrainedEstimator,
    inputs: &Inputs,
    n_axes: usize,
) -> Result<Vec<Vec<f64>>, EvalError> {
    columns(task, &predict(task, estimator, inputs)?, n_axes)
}

fn places(count: usize, is_meant: impl Fn(usize) -> bool) -> Vec<usize> {
    (0..count).filter(|place| is_meant(*place)).collect()
}

fn at(values: &[f64], places: &[usize]) -> Vec<f64> {
    places.iter().map(|place| values[*place]).collect()
}
