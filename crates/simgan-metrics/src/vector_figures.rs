use serde::{Deserialize, Serialize};

use crate::MetricsError;
use crate::pairs::check_rows;

const WHAT: &str = "the error of vectors";

/// Errors of predicted vectors, in the unit of the label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct VectorFigures {
    /// Number of images.
    pub n_images: usize,
    /// Root of the mean squared error over all images and components.
    pub rmse: f64,
    /// The figures of each component.
    pub components: Vec<ComponentFigure>,
}

/// The errors of one component of a vector.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ComponentFigure {
    /// Root of the mean squared error.
    pub rmse: f64,
    /// Mean absolute error.
    pub mae: f64,
    /// Coefficient of determination: the share of the truth's variance that is predicted, 1 at best. 0 is what
    /// the truth's mean achieves; below it, predictions are worse than that. `None` if the truth is constant.
    pub r2: Option<f64>,
}

impl VectorFigures {
    /// Compares one predicted vector per image with the true one.
    ///
    /// # Errors
    ///
    /// If the numbers of predictions and images differ or are 0, an image has another number of components
    /// than the first or none, or a value is not finite.
    pub fn new(predicted: &[Vec<f32>], truth: &[Vec<f32>]) -> Result<Self, MetricsError> {
        let width = check_vectors(predicted, truth)?;
        let components: Vec<_> =
            (0..width).map(|component| ComponentFigure::of(component, predicted, truth)).collect();
        let squares = components.iter().map(|component| component.rmse.powi(2)).sum::<f64>();
        Ok(Self { n_images: truth.len(), rmse: (squares / width as f64).sqrt(), components })
    }

    /// Returns each image's error: the root of the mean squared error over its components.
    ///
    /// # Errors
    ///
    /// As [`Self::new`].
    pub fn image_errors(predicted: &[Vec<f32>], truth: &[Vec<f32>]) -> Result<Vec<f64>, MetricsError> {
        let width = check_vectors(predicted, truth)?;
        let squares = |(predicted, truth): (&Vec<f32>, &Vec<f32>)| {
            predicted.iter().zip(truth).map(|pair| difference(pair).powi(2)).sum::<f64>()
        };
        let errors = predicted.iter().zip(truth).map(|pair| (squares(pair) / width as f64).sqrt());
        Ok(errors.collect())
    }
}

impl ComponentFigure {
    fn of(component: usize, predicted: &[Vec<f32>], truth: &[Vec<f32>]) -> Self {
        let count = truth.len() as f64;
        let values = || truth.iter().map(|truth| truth[component]);
        let pairs =
            predicted.iter().zip(truth).map(|(predicted, truth)| (&predicted[component], &truth[component]));
        let errors: Vec<_> = pairs.map(difference).collect();
        let squares = errors.iter().map(|error| error * error).sum::<f64>();
        let mean = values().map(f64::from).sum::<f64>() / count;
        let variance = values().map(|value| (f64::from(value) - mean).powi(2)).sum::<f64>();
        // Compared as values: the variance of equal ones need not be exactly 0.
        let is_constant = values().all(|value| value == truth[0][component]);
        Self {
            rmse: (squares / count).sqrt(),
            mae: errors.iter().map(|error| error.abs()).sum::<f64>() / count,
            r2: (!is_constant).then(|| 1.0 - squares / variance),
        }
    }
}

fn difference((predicted, truth): (&f32, &f32)) -> f64 {
    f64::from(*predicted) - f64::from(*truth)
}

fn check_vectors(predicted: &[Vec<f32>], truth: &[Vec<f32>]) -> Result<usize, MetricsError> {
    let width = check_rows(WHAT, predicted, truth)?;
    if width == 0 {
        return Err(MetricsError::Mismatch("the vectors have no component".to_owned()));
    }
    let odd = |rows: &[Vec<f32>]| rows.iter().position(|row| !row.iter().all(|value| value.is_finite()));
    match (odd(predicted), odd(truth)) {
        (Some(image), _) => Err(MetricsError::PredictionNotFinite { image }),
        (None, Some(image)) => Err(MetricsError::LabelNotFinite { image }),
        (None, None) => Ok(width),
    }
}
