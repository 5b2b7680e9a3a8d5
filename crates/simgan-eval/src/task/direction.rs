use candle_core::Tensor;
use simgan_data::{Annotation, Direction};
use simgan_losses::gaze_distance;
use simgan_models::EstimatorConfig;

use super::targets::StandardizedTargets;
use super::{
    Curve, Errors, GazeErrors, InputShape, Measure, Objective, Task, TaskSpec, TestEye, Unit, angle_deg,
    check_pairs,
};
use crate::evaluation::NetworkSize;
use crate::{EvalError, LabelledImages};

/// Predicts a direction, such as a gaze, with the paper's network (§3.1: L2 loss on the unit vector).
#[derive(Debug)]
pub(super) struct DirectionTask(pub(super) TaskSpec);

impl Task for DirectionTask {
    fn spec(&self) -> &TaskSpec {
        &self.0
    }

    fn estimator(&self, size: NetworkSize, shape: InputShape) -> Result<EstimatorConfig, EvalError> {
        let config = size.gaze(shape);
        // Fails early if the images are too small for the network's layers.
        config.flattened()?;
        Ok(EstimatorConfig::Gaze(config))
    }

    fn estimator_name(&self, size: NetworkSize) -> &'static str {
        match size {
            NetworkSize::Paper => "the paper's gaze network",
            NetworkSize::Wide => "the paper's gaze network with FC 9600 as a layer",
            NetworkSize::Half => "half of the paper's gaze network",
            NetworkSize::Quarter => "a quarter of the paper's gaze network",
        }
    }

    fn objective(&self, images: &LabelledImages) -> Result<Box<dyn Objective>, EvalError> {
        let vectors = directions(images.labels())?.into_iter().flat_map(Direction::vector).collect();
        let targets = Tensor::from_vec(vectors, (images.n_images(), 3), images.images().device())?;
        let mean = targets.mean_keepdim(0)?;
        let variance = targets.broadcast_sub(&mean)?.sqr()?.sum(1)?.mean_all()?.to_scalar::<f32>()?;
        // Unit vectors vary in two dimensions, hence the 2.
        let spread = (f64::from(variance) / 2.0).sqrt();
        // What rounding makes of equal directions is no spread.
        let spread = if spread > 1e-4 { spread } else { 0.0 };
        Ok(Box::new(StandardizedTargets::new(&targets, &[spread; 3], gaze_distance)?))
    }

    fn answers(&self, output: &Tensor, _: [usize; 2]) -> Result<Vec<Annotation>, EvalError> {
        let answer = |answer: Vec<f32>| {
            let vector: Option<[f32; 3]> = answer[..].try_into().ok();
            let direction = vector.and_then(Direction::from_vector);
            direction.map(Annotation::from).ok_or_else(|| EvalError::NoAnswer { answer })
        };
        output.to_vec2::<f32>()?.into_iter().map(answer).collect()
    }

    fn mean(&self, labels: &[&Annotation]) -> Option<Annotation> {
        let vectors = labels.iter().filter_map(|label| label.as_direction()).map(Direction::vector);
        let sum = vectors.reduce(|a, b| std::array::from_fn(|axis| a[axis] + b[axis]));
        sum.and_then(Direction::from_vector).map(Annotation::from)
    }

    fn measures(&self) -> Vec<Measure> {
        vec![
            Measure::new("error_deg", "mean", Unit::Degrees),
            Measure::new("median_deg", "median", Unit::Degrees),
            Measure::new("within_7deg", "images within 7°", Unit::Share),
            Measure::offset("pitch_offset_deg", "pitch offset", Unit::Degrees),
            Measure::offset("yaw_offset_deg", "yaw offset", Unit::Degrees),
        ]
    }

    fn curve(&self) -> Option<Curve> {
        Some(Curve { counted: "images", threshold: Some(7.0) })
    }

    fn axes(&self) -> Vec<(String, Unit)> {
        ["pitch", "yaw"].map(|name| (name.to_owned(), Unit::Degrees)).into()
    }

    fn coordinates(&self, label: &Annotation) -> Vec<f64> {
        let angles = label.as_direction().map(|direction| [direction.pitch(), direction.yaw()]);
        angles.into_iter().flatten().map(|angle| f64::from(angle.to_degrees())).collect()
    }

    fn parts(&self, label: &Annotation) -> Option<Vec<Vec<f64>>> {
        label.as_direction().map(|_| vec![self.coordinates(label)])
    }

    fn label_of(&self, parts: &[Vec<f64>]) -> Option<Annotation> {
        let [pitch, yaw] = parts.first()?[..] else { return None };
        let is_finite = pitch.is_finite() && yaw.is_finite();
        let radians = |degrees: f64| degrees.to_radians() as f32;
        is_finite.then(|| Direction::from_pitch_yaw(radians(pitch), radians(yaw)).into())
    }

    fn words(&self, label: &Annotation) -> String {
        let [pitch, yaw] = self.coordinates(label)[..] else { return String::new() };
        format!("{pitch:+.1}°, {yaw:+.1}°")
    }

    fn errors(&self, predicted: &[Annotation], truth: &[Annotation]) -> Result<Errors, EvalError> {
        check_pairs(predicted, truth, 1)?;
        let (predicted, truth) = (directions(predicted)?, directions(truth)?);
        let pairs = predicted.iter().zip(&truth);
        let angles: Vec<_> = pairs.map(|(predicted, truth)| angle_deg(*predicted, *truth)).collect();
        let errors = GazeErrors::new(&predicted, &truth)?;
        Ok(Errors { per_image: angles, ..errors.into() })
    }

    fn calibrated(
        &self,
        predicted: &[Annotation],
        truth: &[Annotation],
        eyes: &[TestEye],
        n_calibration: usize,
    ) -> Result<Option<Errors>, EvalError> {
        let (predicted, truth) = (directions(predicted)?, directions(truth)?);
        let errors = GazeErrors::personally_calibrated(&predicted, &truth, eyes, n_calibration)?;
        Ok(errors.map(Errors::from))
    }
}

impl From<GazeErrors> for Errors {
    fn from(errors: GazeErrors) -> Self {
        let GazeErrors { n_images, mean_deg, median_deg, within_7deg, pitch_offset_deg, yaw_offset_deg } =
            errors;
        let figures = [
            ("error_deg", mean_deg),
            ("median_deg", median_deg),
            ("within_7deg", within_7deg),
            ("pitch_offset_deg", pitch_offset_deg),
            ("yaw_offset_deg", yaw_offset_deg),
        ];
        let figures = figures.map(|(key, value)| (key.to_owned(), value)).into();
        Self { n_images, figures, per_image: Vec::new(), per_point: Vec::new(), confusion: Vec::new() }
    }
}

/// Takes the directions out of labels.
fn directions(labels: &[Annotation]) -> Result<Vec<Direction>, EvalError> {
    let direction = |label: &Annotation| label.as_direction();
    labels.iter().map(direction).collect::<Option<_>>().ok_or(EvalError::OtherKind("a direction"))
}
