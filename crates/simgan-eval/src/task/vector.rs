use candle_core::Tensor;
use simgan_data::{Annotation, Vector};
use simgan_losses::squared_error;
use simgan_metrics::VectorFigures;
use simgan_models::EstimatorConfig;

use super::targets::StandardizedTargets;
use super::{Curve, Errors, InputShape, Measure, Objective, Task, TaskSpec, Unit, check_pairs};
use crate::evaluation::NetworkSize;
use crate::{EvalError, LabelledImages};

/// Predicts numbers with a plain convolutional network.
#[derive(Debug)]
pub(super) struct VectorTask(pub(super) TaskSpec);

impl Task for VectorTask {
    fn spec(&self) -> &TaskSpec {
        &self.0
    }

    fn estimator(&self, size: NetworkSize, shape: InputShape) -> Result<EstimatorConfig, EvalError> {
        size.plain(shape, self.0.width)
    }

    fn estimator_name(&self, size: NetworkSize) -> &'static str {
        size.plain_name()
    }

    fn objective(&self, images: &LabelledImages) -> Result<Box<dyn Objective>, EvalError> {
        let rows = numbers(images.labels())?;
        let values = rows.concat();
        let n_rows = rows.len() as f64;
        let spread = |component: usize| {
            let column = || rows.iter().map(|row| f64::from(row[component]));
            let mean = column().sum::<f64>() / n_rows;
            let spread = (column().map(|value| (value - mean).powi(2)).sum::<f64>() / n_rows).sqrt();
            // What is left of equal numbers after rounding is no spread.
            if spread > 1e-6 * mean.abs() { spread } else { 0.0 }
        };
        let spread: Vec<_> = (0..self.0.width).map(spread).collect();
        if spread.iter().any(|spread| !(*spread as f32).is_finite()) {
            let reason = format!("the numbers of {} are too large to learn", self.0.name);
            return Err(EvalError::Impossible { reason, hint: "give them in a larger unit" });
        }
        let targets = Tensor::from_vec(values, (images.n_images(), self.0.width), images.images().device())?;
        Ok(Box::new(StandardizedTargets::new(&targets, &spread, squared_error)?))
    }

    fn answers(&self, output: &Tensor, _: [usize; 2]) -> Result<Vec<Annotation>, EvalError> {
        let answer = |answer: Vec<f32>| match answer.iter().all(|value| value.is_finite()) {
            true => Ok(Vector::unknown(answer).into()),
            false => Err(EvalError::NoAnswer { answer }),
        };
        output.to_vec2::<f32>()?.into_iter().map(answer).collect()
    }

    fn mean(&self, labels: &[&Annotation]) -> Option<Annotation> {
        let mut sum = vec![0f64; self.0.width];
        for label in labels {
            let values = label.as_vector()?.values();
            sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        let n_labels = labels.len() as f64;
        (n_labels > 0.0)
            .then(|| Vector::unknown(sum.into_iter().map(|sum| (sum / n_labels) as f32).collect()).into())
    }

    fn measures(&self) -> Vec<Measure> {
        let mut measures = vec![
            Measure::new("error_rmse", "RMSE", Unit::Own),
            Measure::new("error_mae", "mean absolute error", Unit::Own),
            Measure::new("r2", "R²", Unit::Own),
        ];
        for component in 0..self.0.width {
            let name = format!("RMSE of [{component}]");
            let rmse = Measure::new(format!("rmse_{component}"), name, Unit::Own);
            let r2 = Measure::new(format!("r2_{component}"), format!("R² of [{component}]"), Unit::Own);
            // A dozen columns are a page; files have all.
            let is_shown = (2..=MOST_SHOWN).contains(&self.0.width);
            measures.extend([rmse, r2].map(|measure| if is_shown { measure } else { measure.hidden() }));
            let name = format!("offset of [{component}]");
            measures.push(Measure::offset(format!("offset_{component}"), name, Unit::Own).hidden());
        }
        measures
    }

    fn curve(&self) -> Option<Curve> {
        Some(Curve { counted: "images", threshold: None })
    }

    fn axes(&self) -> Vec<(String, Unit)> {
        (0..self.0.width.min(MOST_SHOWN)).map(|idx| (format!("{}[{idx}]", self.0.name), Unit::Own)).collect()
    }

    fn coordinates(&self, label: &Annotation) -> Vec<f64> {
        let values = label.as_vector().map(Vector::values).unwrap_or_default();
        values.iter().take(MOST_SHOWN).copied().map(f64::from).collect()
    }

    fn parts(&self, label: &Annotation) -> Option<Vec<Vec<f64>>> {
        Some(vec![label.as_vector()?.values().iter().copied().map(f64::from).collect()])
    }

    fn label_of(&self, parts: &[Vec<f64>]) -> Option<Annotation> {
        let values: Vec<_> = parts.first()?.iter().map(|value| *value as f32).collect();
        values.iter().all(|value| value.is_finite()).then(|| Vector::unknown(values).into())
    }

    fn words(&self, label: &Annotation) -> String {
        self.coordinates(label).iter().map(|value| format!("{value:.3}")).collect::<Vec<_>>().join(", ")
    }

    fn errors(&self, predicted: &[Annotation], truth: &[Annotation]) -> Result<Errors, EvalError> {
        check_pairs(predicted, truth, 1)?;
        let (predicted, truth) = (numbers(predicted)?, numbers(truth)?);
        let found = VectorFigures::new(&predicted, &truth)?;
        let mae = mean(found.components.iter().map(|component| component.mae));
        let mut figures = vec![("error_rmse".to_owned(), found.rmse), ("error_mae".to_owned(), mae)];
        // Components whose truth does not vary have no R²; without any that does, there is none to tell.
        let known: Vec<f64> = found.components.iter().filter_map(|component| component.r2).collect();
        if !known.is_empty() {
            figures.push(("r2".to_owned(), mean(known.into_iter())));
        }
        for (idx, component) in found.components.iter().enumerate() {
            figures.push((format!("rmse_{idx}"), component.rmse));
            let pairs = predicted.iter().zip(&truth);
            let offset = mean(pairs.map(|(found, truth)| f64::from(found[idx]) - f64::from(truth[idx])));
            figures.push((format!("offset_{idx}"), offset));
            figures.extend(component.r2.map(|r2| (format!("r2_{idx}"), r2)));
        }
        Ok(Errors {
            n_images: truth.len(),
            figures: figures.into_iter().collect(),
            per_image: VectorFigures::image_errors(&predicted, &truth)?,
            per_point: Vec::new(),
            confusion: Vec::new(),
        })
    }
}

/// Maximum number of components that get columns of their own.
const MOST_SHOWN: usize = 4;

/// The mean of one number or more.
fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n_values = values.len();
    values.sum::<f64>() / n_values as f64
}

/// Takes the numbers out of labels.
fn numbers(labels: &[Annotation]) -> Result<Vec<Vec<f32>>, EvalError> {
    let numbers = |label: &Annotation| label.as_vector().map(|vector| vector.values().to_vec());
    labels.iter().map(numbers).collect::<Option<_>>().ok_or(EvalError::OtherKind("a vector"))
}
