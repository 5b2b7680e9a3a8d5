use candle_core::{D, Tensor};
use simgan_data::{Annotation, Class};
use simgan_losses::cross_entropy;
use simgan_metrics::{ClassFigures, Warp};
use simgan_models::EstimatorConfig;

use super::{Curve, Errors, InputShape, Measure, Objective, Task, TaskSpec, Unit, check_pairs};
use crate::evaluation::NetworkSize;
use crate::{EvalError, LabelledImages};

/// Predicts the class of an image with a plain convolutional network.
#[derive(Debug)]
pub(super) struct ClassTask(pub(super) TaskSpec);

impl Task for ClassTask {
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
        let classes = classes(images.labels())?;
        if let [first, rest @ ..] = &classes[..]
            && rest.iter().all(|class| class == first)
        {
            return Err(EvalError::OneClass { task: self.0.name.clone(), class: *first });
        }
        Ok(Box::new(ClassObjective(Tensor::new(classes, images.images().device())?)))
    }

    fn answers(&self, output: &Tensor, _: [usize; 2]) -> Result<Vec<Annotation>, EvalError> {
        let is_finite = output.sum_all()?.to_scalar::<f32>()?.is_finite();
        if !is_finite {
            return Err(EvalError::NoAnswer { answer: vec![f32::NAN] });
        }
        let classes = output.argmax(D::Minus1)?.to_vec1::<u32>()?;
        Ok(classes.into_iter().map(|class| Class(class).into()).collect())
    }

    /// The most frequent class, of several the lowest.
    fn mean(&self, labels: &[&Annotation]) -> Option<Annotation> {
        let mut counts = vec![0usize; self.0.width];
        for class in labels.iter().filter_map(|label| label.as_class()) {
            *counts.get_mut(class as usize)? += 1;
        }
        let most = (0..counts.len()).rev().max_by_key(|class| counts[*class])?;
        (counts[most] > 0).then(|| Class(most as u32).into())
    }

    fn measures(&self) -> Vec<Measure> {
        vec![
            Measure::new("error_share", "error", Unit::Share),
            Measure::new("accuracy", "accuracy", Unit::Share),
            Measure::new("macro_f1", "macro F1", Unit::Share),
        ]
    }

    fn curve(&self) -> Option<Curve> {
        None
    }

    fn words(&self, label: &Annotation) -> String {
        let named = |class: u32| match self.0.classes.get(class as usize) {
            Some(name) => name.clone(),
            None => class.to_string(),
        };
        label.as_class().map_or_else(String::new, named)
    }

    fn errors(&self, predicted: &[Annotation], truth: &[Annotation]) -> Result<Errors, EvalError> {
        check_pairs(predicted, truth, 1)?;
        let (predicted, truth) = (classes(predicted)?, classes(truth)?);
        let found = ClassFigures::new(&predicted, &truth, self.0.width)?;
        let figures = [
            ("error_share", 1.0 - found.accuracy),
            ("accuracy", found.accuracy),
            ("macro_f1", found.macro_f1),
        ];
        let pairs = predicted.iter().zip(&truth);
        let wrong = pairs.map(|(predicted, truth)| f64::from(u8::from(predicted != truth)));
        Ok(Errors {
            n_images: truth.len(),
            figures: figures.map(|(key, value)| (key.to_owned(), value)).into(),
            per_image: wrong.collect(),
            per_point: Vec::new(),
            confusion: if self.0.width <= MOST_TOLD { found.confusion } else { Vec::new() },
        })
    }
}

/// The true classes, a list of u32.
struct ClassObjective(Tensor);

impl Objective for ClassObjective {
    fn loss(&self, output: &Tensor, batch: &Tensor, _: Option<&[Warp]>) -> Result<Tensor, EvalError> {
        Ok(cross_entropy(output, &self.0.index_select(batch, 0)?)?)
    }
}

/// Maximum number of classes whose confusion matrix is kept.
const MOST_TOLD: usize = 100;

/// Takes the classes out of labels.
fn classes(labels: &[Annotation]) -> Result<Vec<u32>, EvalError> {
    labels.iter().map(Annotation::as_class).collect::<Option<_>>().ok_or(EvalError::OtherKind("a class"))
}
