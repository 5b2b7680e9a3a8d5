//! What labels are for: predicting a direction, points, a class, or numbers.
//!
//! A [`TaskSpec`] says which annotation is meant and of what kind it is; its [`Task`] knows the rest: the
//! estimator, its loss, what its outputs mean, and how wrong they are. Nothing outside this module knows the
//! kinds. A new kind of label takes a file here and its variant of [`TaskKind`].

mod choice;
mod class;
pub(crate) mod classes;
mod direction;
mod direction_errors;
mod errors;
mod heat_maps;
mod points;
mod targets;
mod vector;

use std::fmt;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use simgan_data::{Annotation, Annotations};
use simgan_metrics::Warp;
use simgan_models::{EstimatorConfig, Parameters};

pub(crate) use self::choice::check as check_labels;
pub use self::choice::{Labels, choose as choose_task};
pub use self::direction_errors::{GazeErrors, TestEye, angle_deg};
pub use self::errors::{Errors, Measure, Unit};

use crate::evaluation::NetworkSize;
use crate::{EvalError, LabelledImages};

/// The kinds of tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// A direction in space, such as a gaze.
    Direction,
    /// Points in the image, such as joints.
    Points,
    /// A class of the whole image.
    Class,
    /// A vector of numbers.
    Vector,
}

impl TaskKind {
    /// The kind of task that an annotation can be for; boxes and masks are for none.
    #[must_use]
    pub const fn of(annotation: &Annotation) -> Option<Self> {
        match annotation {
            Annotation::Direction(_) => Some(Self::Direction),
            Annotation::Points(_) => Some(Self::Points),
            Annotation::Class(_) => Some(Self::Class),
            Annotation::Vector(_) => Some(Self::Vector),
            Annotation::Boxes(_) | Annotation::Mask(_) => None,
        }
    }

    /// Its name for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Direction => "direction",
            Self::Points => "points",
            Self::Class => "class",
            Self::Vector => "vector",
        }
    }
}

impl fmt::Display for TaskKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which label an estimator predicts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskSpec {
    /// The annotation's name.
    pub name: String,
    /// Its kind.
    pub kind: TaskKind,
    /// The number of points, of classes or of a vector's components; 3 for a direction.
    pub width: usize,
    /// The names of the classes, if the labels that are learned have names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<String>,
}

impl TaskSpec {
    /// A task; classes have no names yet.
    #[must_use]
    pub fn new(name: impl Into<String>, kind: TaskKind, width: usize) -> Self {
        Self { name: name.into(), kind, width, classes: Vec::new() }
    }

    /// A gaze, the task of the paper's first experiment (§3.1).
    #[must_use]
    pub fn gaze() -> Self {
        Self::new(simgan_data::names::GAZE, TaskKind::Direction, 3)
    }

    /// Names the classes, if it is a task of classes; `names` are in the order of their numbers.
    pub(crate) fn with_classes(mut self, names: Vec<String>) -> Self {
        if self.kind == TaskKind::Class && self.name == simgan_data::names::CLASS {
            self.classes = names;
            self.classes.truncate(self.width);
        }
        self
    }

    /// Returns what is known about this kind of task.
    #[must_use]
    pub fn task(&self) -> Box<dyn Task> {
        let spec = self.clone();
        match self.kind {
            TaskKind::Direction => Box::new(direction::DirectionTask(spec)),
            TaskKind::Points => Box::new(points::PointsTask(spec)),
            TaskKind::Class => Box::new(class::ClassTask(spec)),
            TaskKind::Vector => Box::new(vector::VectorTask(spec)),
        }
    }

    /// Returns the label of an image.
    ///
    /// # Errors
    ///
    /// If it has none, or one that does not suit the task.
    pub fn label(&self, image: &str, annotations: &Annotations) -> Result<Annotation, EvalError> {
        let unsuited = |reason| EvalError::Label { name: image.to_owned(), task: self.name.clone(), reason };
        let label = annotations.get(self.name.as_str()).ok_or_else(|| unsuited("it has none".to_owned()))?;
        match choice::unsuitable(self, label) {
            None => Ok(label.clone()),
            Some(reason) => Err(unsuited(reason)),
        }
    }
}

impl fmt::Display for TaskSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, kind, width, classes } = self;
        match kind {
            TaskKind::Direction => write!(f, "{name} (a direction)"),
            TaskKind::Points => write!(f, "{name} ({width} points)"),
            TaskKind::Class if classes.is_empty() => write!(f, "{name} ({width} classes)"),
            TaskKind::Class => write!(f, "{name} ({width} classes: {})", classes::told(classes)),
            TaskKind::Vector => write!(f, "{name} ({width} numbers)"),
        }
    }
}

/// What a cumulative curve counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Curve {
    /// What has an error each: images or points.
    pub counted: &'static str,
    /// The error that the paper's table counts within.
    pub threshold: Option<f64>,
}

/// What an estimator's images look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InputShape {
    /// 1 (gray) or 3 (RGB).
    pub channels: usize,
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
    /// Numbers beside each image.
    pub extra: usize,
}

impl InputShape {
    /// The inputs of an estimator.
    #[must_use]
    pub fn of(config: &EstimatorConfig) -> Self {
        let ([channels, height, width], extra) = (config.input(), config.extra());
        Self { channels, height, width, extra }
    }
}

/// One kind of task.
///
/// Labels and predictions are annotations of the task's kind; methods that take others return an error.
pub trait Task: fmt::Debug + Send + Sync {
    /// Which label it is about.
    fn spec(&self) -> &TaskSpec;

    /// The estimator for images of a shape.
    ///
    /// # Errors
    ///
    /// If the images are too small for it.
    fn estimator(&self, size: NetworkSize, shape: InputShape) -> Result<EstimatorConfig, EvalError>;

    /// The estimator's name for people.
    fn estimator_name(&self, size: NetworkSize) -> &'static str;

    /// What training minimizes on these images.
    ///
    /// # Errors
    ///
    /// If their labels do not suit the task, or there is nothing to learn from them.
    fn objective(&self, images: &LabelledImages) -> Result<Box<dyn Objective>, EvalError>;

    /// Whether light geometric changes of an image move its label.
    fn moves_with_pixels(&self) -> bool {
        false
    }

    /// Reads the estimator's outputs for images of `[height, width]` pixels.
    ///
    /// # Errors
    ///
    /// If one is not finite, or means nothing.
    fn answers(&self, output: &Tensor, size: [usize; 2]) -> Result<Vec<Annotation>, EvalError>;

    /// The mean of some labels, the prediction of whoever has not seen the image; `None` if there is none.
    fn mean(&self, labels: &[&Annotation]) -> Option<Annotation>;

    /// Completes a mean of a few labels by the mean of all, where the few know nothing.
    fn completed(&self, mean: Annotation, all: &Annotation) -> Annotation {
        let _ = all;
        mean
    }

    /// What is told of predictions, the error first.
    fn measures(&self) -> Vec<Measure>;

    /// What a cumulative curve of [`Errors::each`] counts; `None` where it says nothing, as for classes.
    fn curve(&self) -> Option<Curve>;

    /// The names and units of the numbers to plot against their truth: a few, or none.
    fn axes(&self) -> Vec<(String, Unit)> {
        Vec::new()
    }

    /// The numbers that [`Task::axes`] names.
    fn coordinates(&self, label: &Annotation) -> Vec<f64> {
        let _ = label;
        Vec::new()
    }

    /// The numbers of a label that share one correction each, axis by axis: pitch and yaw in degrees, the x and y
    /// of each point, a vector's numbers; `None` if a label is no numbers.
    fn parts(&self, label: &Annotation) -> Option<Vec<Vec<f64>>> {
        let _ = label;
        None
    }

    /// The label of such numbers; `None` if they mean nothing.
    fn label_of(&self, parts: &[Vec<f64>]) -> Option<Annotation> {
        let _ = parts;
        None
    }

    /// Says why an estimator cannot be for this task; its outputs must be the task's.
    ///
    /// # Errors
    ///
    /// The reason.
    fn check_estimator(&self, config: &EstimatorConfig) -> Result<(), String> {
        let spec = self.spec();
        let is_meant = match spec.kind {
            TaskKind::Direction => matches!(config, EstimatorConfig::Gaze(_)),
            TaskKind::Points => matches!(config, EstimatorConfig::Hourglass(_)),
            TaskKind::Class | TaskKind::Vector => matches!(config, EstimatorConfig::Plain(_)),
        };
        if is_meant && config.outputs() == spec.width {
            return Ok(());
        }
        Err(format!("a network of this kind with {} outputs does not predict {spec}", config.outputs()))
    }

    /// Words a label for people, in a few numbers; empty where a picture says it.
    fn words(&self, label: &Annotation) -> String;

    /// Compares predictions with the truth, image by image.
    ///
    /// # Errors
    ///
    /// If their numbers differ or are 0, or nothing is comparable.
    fn errors(&self, predicted: &[Annotation], truth: &[Annotation]) -> Result<Errors, EvalError>;

    /// Compares predictions with the truth after each person's constant offset is taken off, as measured on
    /// `n_calibration` of their images, on all others; `None` if this kind of task has no such offset, or
    /// nobody has more images.
    ///
    /// # Errors
    ///
    /// As [`Task::errors`].
    fn calibrated(
        &self,
        predicted: &[Annotation],
        truth: &[Annotation],
        eyes: &[TestEye],
        n_calibration: usize,
    ) -> Result<Option<Errors>, EvalError> {
        let _ = (predicted, truth, eyes, n_calibration);
        Ok(None)
    }
}

/// What an estimator's training minimizes.
pub trait Objective {
    /// Returns the loss, a scalar, of the outputs for the images at `batch`, a list of u32; `warps` says how
    /// each image was moved, if it was.
    ///
    /// # Errors
    ///
    /// If the output does not have the estimator's shape.
    fn loss(&self, output: &Tensor, batch: &Tensor, warps: Option<&[Warp]>) -> Result<Tensor, EvalError>;

    /// Makes the trained network's outputs mean what [`Task::answers`] reads.
    ///
    /// # Errors
    ///
    /// If the parameters are not those of the estimator.
    fn finish(&self, parameters: &Parameters) -> Result<(), EvalError> {
        let _ = parameters;
        Ok(())
    }
}

/// Checks that there is one prediction per image, and at least `needed` images; returns their number.
fn check_pairs<T>(predicted: &[T], truth: &[T], needed: usize) -> Result<usize, EvalError> {
    let found = truth.len();
    if predicted.len() != found {
        return Err(EvalError::Mismatch(format!("{} predictions for {found} images", predicted.len())));
    }
    if found < needed {
        return Err(EvalError::TooFew { what: "the error", found, needed });
    }
    Ok(found)
}
