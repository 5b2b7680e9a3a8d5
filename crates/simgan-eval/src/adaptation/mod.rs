//! Adapts a trained estimator to unlabelled real images.
//!
//! The student goes on learning from labelled renders and also from real images whose labels a teacher guesses: the
//! running average of the student (mean teacher, Tarvainen and Valpola 2017). The teacher answers each image as
//! it is and turned either way; where these answers, turned back, and the student's own agree, their mean is the
//! label. The student then sees the image turned and augmented, and must answer with the label turned alike. For
//! a gaze this is what the real images themselves tell without labels (rotation consistency: Bao et al. 2022).

mod state;

use std::cell::OnceCell;

use candle_core::Tensor;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use simgan_data::{Annotation, Sampler};
use simgan_metrics::{AugmentOptions, Strength, Warp, augmented_with, turned};
use simgan_optim::{Ema, Optimizer, Rule, half_cosine};

pub use self::state::is_adaptation_only;
use crate::{EvalError, LabelledImages, Task, TrainedEstimator};

/// Share of the steps in which the real images' weight grows from 0.
const RAMP: f64 = 0.2;

/// Settings of an adaptation.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdaptationTraining {
    /// Number of updates, at least 1.
    pub steps: usize,
    /// Renders, and real images, per update, at least 1.
    pub batch: usize,
    /// Initial learning rate of Adam; it falls to 0 along half a cosine.
    pub lr: f64,
    /// Weight of the real images' loss, reached after a fifth of the updates.
    pub weight: f64,
    /// Decay of the teacher's running average, in [0, 1).
    pub decay: f64,
    /// By how many degrees images are turned at most; the teacher looks at images turned by half of it.
    pub roll_deg: u8,
    /// Seed of the order of images and their augmentation.
    pub seed: u64,
    /// Whether pixels are measurements such as depths: augmentation then moves them and changes none.
    pub depth: bool,
}

impl Default for AdaptationTraining {
    fn default() -> Self {
        Self {
            steps: 600,
            batch: 64,
            lr: 3e-4,
            weight: 1.0,
            decay: 0.99,
            roll_deg: 15,
            seed: 0,
            depth: false,
        }
    }
}

/// What an update tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdaptationStep {
    /// Loss on the renders.
    pub loss: f32,
    /// Share of the real images whose answers agreed, in [0, 1].
    pub agreed: f64,
}

/// The adaptation of one estimator, update by update; [`Adaptation::save`] and [`Adaptation::restore`] interrupt
/// it without changing its result by a bit.
pub struct Adaptation<'a> {
    task: &'a dyn Task,
    renders: &'a LabelledImages,
    real: &'a Tensor,
    training: AdaptationTraining,
    student: &'a TrainedEstimator,
    teacher: Ema,
    optimizer: Optimizer,
    /// Of renders and of real images.
    samplers: [Sampler; 2],
    augmentation: ChaCha8Rng,
    n_done: usize,
    /// Checksum of the images, the labels and the estimator as it began.
    content: OnceCell<String>,
}

impl<'a> Adaptation<'a> {
    /// Begins an adaptation to `real`, `(N, C, H, W)` in [−1, 1]; it changes the estimator's parameters.
    ///
    /// # Errors
    ///
    /// If labels of this kind do not follow when an image is turned, images differ in shape or have a second
    /// input, or a count is 0.
    pub fn new(
        task: &'a dyn Task,
        estimator: &'a TrainedEstimator,
        renders: &'a LabelledImages,
        real: &'a Tensor,
        training: AdaptationTraining,
    ) -> Result<Self, EvalError> {
        if training.batch == 0 || training.steps == 0 {
            return Err(EvalError::Mismatch("the adaptation's batch and steps must be at least 1".into()));
        }
        if renders.inputs().extra().is_some() {
            let reason = "numbers beside the images do not turn with them in a known way".to_owned();
            return Err(EvalError::Impossible { reason, hint: "adapt an estimator that sees images alone" });
        }
        if renders.images().dims()[1..] != real.dims()[1..] || real.dim(0)? == 0 {
            let reason = format!("renders {:?} and real images {:?}", renders.images().dims(), real.dims());
            return Err(EvalError::Mismatch(reason));
        }
        let (_, _, height, width) = real.dims4()?;
        let first = &renders.labels()[0];
        if task.carried(first, &Warp::turning([width, height], 0.1)).is_none() {
            let (name, kind) = (&task.spec().name, task.spec().kind);
            let reason = format!("`{name}` is {kind}, of which nothing is known when an image is turned");
            return Err(EvalError::Impossible { reason, hint: "adapt for directions, points or classes" });
        }
        let vars = estimator.parameters.vars();
        let stream = |offset: u64| training.seed.wrapping_add(offset);
        let adaptation = Self {
            task,
            renders,
            real,
            training,
            student: estimator,
            teacher: Ema::new(vars.clone(), training.decay)?,
            optimizer: Optimizer::new(vars, Rule::adam([0.9, 0.999]), Some(1.0))?,
            samplers: [Sampler::new(renders.n_images(), stream(0)), Sampler::new(real.dim(0)?, stream(1))],
            augmentation: ChaCha8Rng::seed_from_u64(training.seed),
            n_done: 0,
            content: OnceCell::new(),
        };
        // Now: the estimator changes later.
        adaptation.content()?;
        Ok(adaptation)
    }

    /// Number of updates made.
    #[must_use]
    pub const fn n_done(&self) -> usize {
        self.n_done
    }

    /// Whether all updates are made.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.n_done >= self.training.steps
    }

    /// Makes one update of student and teacher.
    ///
    /// # Errors
    ///
    /// If a loss is not finite, or an operation on tensors fails.
    pub fn update(&mut self) -> Result<AdaptationStep, EvalError> {
        let AdaptationTraining { batch, steps, lr, weight, .. } = self.training;
        let [renders, real] = self.samplers.each_mut().map(|sampler| places(sampler.next_batch(batch)));
        let labels: Vec<_> =
            renders.iter().map(|place| self.renders.labels()[*place as usize].clone()).collect();
        let on_renders = self.loss_of(&select(self.renders.images(), &renders)?, &labels)?;
        let real = select(self.real, &real)?;
        let (agreeing, labels) = self.guessed(&real)?;
        let share = agreeing.len() as f64 / batch as f64;
        let ramp = (self.n_done as f64 / (RAMP * steps as f64)).min(1.0);
        let mut loss = on_renders.clone();
        if !agreeing.is_empty() && ramp * weight > 0.0 {
            let on_real = self.loss_of(&select(&real, &agreeing)?, &labels)?;
            loss = (loss + (on_real * (weight * ramp * share))?)?;
        }
        self.optimizer.step(&loss.backward()?, half_cosine(lr, self.n_done, steps))?;
        self.teacher.update()?;
        self.n_done += 1;
        Ok(AdaptationStep { loss: on_renders.to_scalar()?, agreed: share })
    }

    /// The student's loss on images that are turned and augmented, with labels that follow.
    fn loss_of(&mut self, images: &Tensor, labels: &[Annotation]) -> Result<Tensor, EvalError> {
        let AdaptationTraining { roll_deg, depth, .. } = self.training;
        let options = AugmentOptions { strength: Strength::Strong, turn: false, depth, roll_deg };
        let (images, warps) = augmented_with(images, options, &mut self.augmentation)?;
        let labels = labels.iter().zip(&warps).map(|(label, warp)| carried(self.task, label, warp));
        let output = self.student.network.forward_t(&images, None, true)?;
        self.task.loss(&output, &labels.collect::<Result<Vec<_>, _>>()?)
    }

    /// Guesses the labels of real images: the places at which all answers agree, and their means.
    fn guessed(&mut self, images: &Tensor) -> Result<(Vec<u32>, Vec<Annotation>), EvalError> {
        let (_, _, height, width) = images.dims4()?;
        let angle = f32::from(self.training.roll_deg).to_radians() / 2.0;
        let mut answers = Vec::new();
        let own = self.answers(images)?;
        self.teacher.swap()?;
        for turn in [0.0, angle, -angle] {
            let (turned, _) = turned(images, turn, self.training.depth)?;
            let back = Warp::turning([width, height], -turn);
            let found = self.answers(&turned)?;
            let found = found.iter().map(|answer| carried(self.task, answer, &back));
            answers.push(found.collect::<Result<Vec<_>, _>>()?);
        }
        self.teacher.swap()?;
        let unsure = || EvalError::OtherKind("one that has a mean");
        let mean = |place: usize| {
            self.task
                .mean(&answers.iter().map(|of_view| &of_view[place]).collect::<Vec<_>>())
                .ok_or_else(unsure)
        };
        let means: Vec<_> = (0..own.len()).map(mean).collect::<Result<_, _>>()?;
        let most = self.task.agreement([height, width]);
        let mut agrees = vec![true; means.len()];
        for answers in answers.iter().chain([&own]) {
            let distances = self.task.errors(answers, &means)?.per_image;
            agrees.iter_mut().zip(distances).for_each(|(agrees, distance)| *agrees &= distance <= most);
        }
        let agreeing = || means.iter().zip(&agrees).zip(0..).filter(|((_, agrees), _)| **agrees);
        let labels = agreeing().map(|((mean, _), _)| mean.clone()).collect();
        Ok((agreeing().map(|(_, place)| place).collect(), labels))
    }

    /// The network's answers, with the parameters that it has now.
    fn answers(&self, images: &Tensor) -> Result<Vec<Annotation>, EvalError> {
        let (_, _, height, width) = images.dims4()?;
        let output = self.student.network.forward_t(images, None, false)?;
        self.task.answers(&output.detach(), [height, width])
    }

    /// Gives the estimator the teacher's parameters.
    ///
    /// # Errors
    ///
    /// If they cannot be set.
    pub fn finish(mut self) -> Result<(), EvalError> {
        Ok(self.teacher.swap()?)
    }
}

fn carried(task: &dyn Task, label: &Annotation, warp: &Warp) -> Result<Annotation, EvalError> {
    task.carried(label, warp).ok_or(EvalError::OtherKind("one that turns with the image"))
}

fn places(batch: Vec<usize>) -> Vec<u32> {
    batch.into_iter().map(|place| place as u32).collect()
}

fn select(images: &Tensor, places: &[u32]) -> Result<Tensor, EvalError> {
    Ok(images.index_select(&Tensor::new(places, images.device())?, 0)?)
}
