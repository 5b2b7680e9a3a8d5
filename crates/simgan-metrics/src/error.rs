use simgan_data::{DataError, Hint};
use simgan_models::ModelError;
use simgan_optim::OptimError;

/// Why a figure could not be computed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MetricsError {
    /// Too few images for a meaningful figure.
    #[error("{what}: {found} images, at least {needed} are needed")]
    TooFew {
        /// The figure to be computed.
        what: &'static str,
        /// Number of images given.
        found: usize,
        /// Minimum number of images.
        needed: usize,
    },
    /// Inputs do not fit together, or an argument is out of range.
    #[error("{0}")]
    Mismatch(String),
    /// The numbers of predictions and of images differ.
    #[error("{what}: {n_predicted} predictions for {n_images} images")]
    Predictions {
        /// The figure to be computed.
        what: &'static str,
        /// Number of predictions.
        n_predicted: usize,
        /// Number of images.
        n_images: usize,
    },
    /// A label or a prediction has another number of values than the first label.
    #[error("{what}: image {image} has {found} values and the first image {needed}")]
    Ragged {
        /// The figure to be computed.
        what: &'static str,
        /// Index of the image.
        image: usize,
        /// Number of its values.
        found: usize,
        /// Number of values of the first label.
        needed: usize,
    },
    /// An estimator's output is infinite or NaN.
    #[error("the prediction for image {image} is not finite")]
    PredictionNotFinite {
        /// Index of the image.
        image: usize,
    },
    /// A label is infinite or NaN.
    #[error("the label of image {image} is not finite")]
    LabelNotFinite {
        /// Index of the image.
        image: usize,
    },
    /// No image has a point whose place is known.
    #[error("none of the {n_images} images has a point whose place is known")]
    NoKnownPoint {
        /// Number of images.
        n_images: usize,
    },
    /// A class is out of range.
    #[error("class {class} of image {image} is not one of the {n_classes} classes, which count from 0")]
    UnknownClass {
        /// Index of the image.
        image: usize,
        /// The class of its label or prediction.
        class: u32,
        /// Number of classes.
        n_classes: usize,
    },
    /// Too many classes for a confusion matrix.
    #[error("{found} classes, at most {most} can be compared")]
    TooManyClasses {
        /// Number of classes.
        found: usize,
        /// Maximum number of classes.
        most: usize,
    },
    /// A frame has another number of pixels than the one before it, or than before refinement.
    #[error("a frame of {found} values follows or stands for one of {expected}")]
    FrameSizes {
        /// Number of its values.
        found: usize,
        /// Number of the other frame's.
        expected: usize,
    },
    /// The refiner turned images into infinite values or NaN.
    #[error("the refined images are not finite")]
    NotFinite,
    /// Reading images failed.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A network could not be built.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// An optimizer's update failed.
    #[error(transparent)]
    Optim(#[from] OptimError),
    /// An operation on tensors failed.
    #[error(transparent)]
    Tensor(#[from] candle_core::Error),
}

impl MetricsError {
    /// Returns a suggested remedy; `None` if the message suffices.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        match self {
            Self::Data(error) => error.hint(),
            Self::Model(error) => error.hint().map(Hint::from),
            Self::Optim(error) => error.hint().map(Hint::from),
            Self::TooFew { .. }
            | Self::Mismatch(_)
            | Self::Predictions { .. }
            | Self::Ragged { .. }
            | Self::PredictionNotFinite { .. }
            | Self::LabelNotFinite { .. }
            | Self::NoKnownPoint { .. }
            | Self::UnknownClass { .. }
            | Self::TooManyClasses { .. }
            | Self::FrameSizes { .. }
            | Self::NotFinite
            | Self::Tensor(_) => None,
        }
    }
}
