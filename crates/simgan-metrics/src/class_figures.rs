use serde::{Deserialize, Serialize};

use crate::MetricsError;
use crate::pairs::check_count;

const WHAT: &str = "the accuracy of classes";
/// Maximum number of classes: the confusion matrix takes its square.
const MOST_CLASSES: usize = 4096;

/// How well predicted classes agree with the true ones. Shares are in [0, 1].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassFigures {
    /// Number of images.
    pub n_images: usize,
    /// Share of images whose class is predicted.
    pub accuracy: f64,
    /// Mean F1 of the classes that occur, in truth or among the predictions; a class of neither says nothing
    /// about the predictions and is left out.
    pub macro_f1: f64,
    /// Number of images by true, then by predicted class.
    pub confusion: Vec<Vec<u64>>,
    /// The figures of each class.
    pub classes: Vec<ClassFigure>,
}

/// The figures of one class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ClassFigure {
    /// Number of its images.
    pub n_images: u64,
    /// Number of images predicted to be of this class.
    pub n_predicted: u64,
    /// Share of its images that are predicted; `None` without any.
    pub recall: Option<f64>,
    /// Share of the images predicted to be of this class that are; `None` without any.
    pub precision: Option<f64>,
    /// Harmonic mean of both, 0 if no prediction is right; `None` for a class that does not occur.
    pub f1: Option<f64>,
}

impl ClassFigures {
    /// Compares one predicted class per image with the true one, both from 0 to `n_classes` − 1.
    ///
    /// # Errors
    ///
    /// If the numbers of predictions and images differ or are 0, a class is `n_classes` or more, or there are
    /// more than 4096 classes.
    pub fn new(predicted: &[u32], truth: &[u32], n_classes: usize) -> Result<Self, MetricsError> {
        check_count(WHAT, predicted.len(), truth.len())?;
        if n_classes > MOST_CLASSES {
            return Err(MetricsError::TooManyClasses { found: n_classes, most: MOST_CLASSES });
        }
        let mut confusion = vec![vec![0; n_classes]; n_classes];
        for (image, (predicted, truth)) in predicted.iter().zip(truth).enumerate() {
            let class = (*predicted).max(*truth);
            if class as usize >= n_classes {
                return Err(MetricsError::UnknownClass { image, class, n_classes });
            }
            confusion[*truth as usize][*predicted as usize] += 1;
        }
        let classes: Vec<_> = (0..n_classes).map(|class| ClassFigure::of(class, &confusion)).collect();
        let n_right: u64 = (0..n_classes).map(|class| confusion[class][class]).sum();
        let occurring: Vec<_> = classes.iter().filter_map(|class| class.f1).collect();
        Ok(Self {
            n_images: truth.len(),
            accuracy: n_right as f64 / truth.len() as f64,
            macro_f1: occurring.iter().sum::<f64>() / occurring.len() as f64,
            confusion,
            classes,
        })
    }
}

impl ClassFigure {
    fn of(class: usize, confusion: &[Vec<u64>]) -> Self {
        let n_right = confusion[class][class];
        let n_images = confusion[class].iter().sum();
        let n_predicted = confusion.iter().map(|row| row[class]).sum();
        let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
        Self {
            n_images,
            n_predicted,
            recall: share(n_right, n_images),
            precision: share(n_right, n_predicted),
            f1: share(2 * n_right, n_images + n_predicted),
        }
    }
}
