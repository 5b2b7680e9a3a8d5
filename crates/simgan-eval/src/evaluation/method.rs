use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::EvalError;

/// One row of the tables: a predictor of labels and the amount of data it trained on.
///
/// Written as `synthetic`, or `synthetic_4x` with four times the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Method {
    /// The predictor.
    pub kind: MethodKind,
    /// Factor of [`EvaluationConfig::images`](super::EvaluationConfig::images) that it trained on, at least
    /// 1.
    pub fold: usize,
}

/// A predictor of labels. All networks have the same layers, steps and seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MethodKind {
    /// The mean of the synthetic labels, whatever the image.
    Mean,
    /// The mean label of the synthetic images with the nearest pixels.
    Knn,
    /// A network trained on synthetic images.
    Synthetic,
    /// A network trained on augmented synthetic batches.
    SyntheticAugmented,
    /// A network trained on synthetic images, each matched to the histogram of a real one.
    SyntheticHistogram,
    /// A network trained on augmented batches of such images.
    SyntheticHistogramAugmented,
    /// A network trained on synthetic images with the low-frequency Fourier amplitudes of real ones.
    SyntheticFourier,
    /// A network trained on synthetic images with the refiner's tone, not refined.
    Toned,
    /// A network trained on lightly augmented batches of the same.
    TonedAugmented,
    /// A network trained on refined images.
    Refined,
    /// A network trained on augmented refined batches.
    RefinedAugmented,
    /// A network trained on labelled real images other than the test images: the lowest error to expect.
    Real,
}

impl MethodKind {
    /// All kinds, in the order of the tables.
    pub const ALL: [Self; 12] = [
        Self::Mean,
        Self::Knn,
        Self::Synthetic,
        Self::SyntheticAugmented,
        Self::SyntheticHistogram,
        Self::SyntheticHistogramAugmented,
        Self::SyntheticFourier,
        Self::Toned,
        Self::TonedAugmented,
        Self::Refined,
        Self::RefinedAugmented,
        Self::Real,
    ];

    /// Its name in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Knn => "knn",
            Self::Synthetic => "synthetic",
            Self::SyntheticAugmented => "synthetic_augmented",
            Self::SyntheticHistogram => "synthetic_histogram",
            Self::SyntheticHistogramAugmented => "synthetic_histogram_augmented",
            Self::SyntheticFourier => "synthetic_fourier",
            Self::Toned => "toned",
            Self::TonedAugmented => "toned_augmented",
            Self::Refined => "refined",
            Self::RefinedAugmented => "refined_augmented",
            Self::Real => "real",
        }
    }

    /// Whether its training images depend on the refiner. All other methods are baselines.
    #[must_use]
    pub(crate) const fn is_refined(self) -> bool {
        matches!(self, Self::Refined | Self::RefinedAugmented)
    }

    /// Whether it trains on synthetic images with the refiner's tone alone.
    pub(crate) const fn is_toned(self) -> bool {
        matches!(self, Self::Toned | Self::TonedAugmented)
    }

    /// Whether it trains on synthetic images, as they are or changed by what needs no training.
    pub(crate) const fn is_free(self) -> bool {
        self.is_network() && !self.is_refined() && !self.is_toned() && !matches!(self, Self::Real)
    }

    /// Whether it trains a network, once per seed.
    #[must_use]
    pub const fn is_network(self) -> bool {
        !matches!(self, Self::Mean | Self::Knn)
    }

    /// Returns the kind without augmentation; `None` if its batches are not augmented.
    #[must_use]
    pub(crate) const fn without_augmentation(self) -> Option<Self> {
        match self {
            Self::SyntheticAugmented => Some(Self::Synthetic),
            Self::SyntheticHistogramAugmented => Some(Self::SyntheticHistogram),
            Self::TonedAugmented => Some(Self::Toned),
            Self::RefinedAugmented => Some(Self::Refined),
            _ => None,
        }
    }

    /// Whether its batches are augmented.
    #[must_use]
    pub const fn is_augmented(self) -> bool {
        self.without_augmentation().is_some()
    }
}

impl Method {
    /// The method with `fold` 1.
    #[must_use]
    pub const fn once(kind: MethodKind) -> Self {
        Self { kind, fold: 1 }
    }

    /// The method that learns from the same images, unaugmented; itself if it does not augment.
    #[must_use]
    pub(super) fn without_augmentation(self) -> Self {
        Self { kind: self.kind.without_augmentation().unwrap_or(self.kind), ..self }
    }
}

impl fmt::Display for MethodKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fold {
            1 => self.kind.fmt(f),
            fold => write!(f, "{}_{fold}x", self.kind),
        }
    }
}

impl FromStr for MethodKind {
    type Err = EvalError;

    fn from_str(name: &str) -> Result<Self, EvalError> {
        let name = name.replace('-', "_");
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let known = Self::ALL.map(Self::name).join(", ");
            EvalError::Mismatch(format!("no method `{name}`: there are {known}"))
        })
    }
}

impl FromStr for Method {
    type Err = EvalError;

    fn from_str(text: &str) -> Result<Self, EvalError> {
        // `_1x` is no valid suffix: each method has one name, and fold 1 is written without a suffix.
        let times = |text: &str| text.strip_suffix('x')?.parse().ok().filter(|fold| *fold > 1);
        if let Some((name, fold)) = text.rsplit_once('_')
            && let Some(fold) = times(fold)
        {
            return Ok(Self { kind: name.parse()?, fold });
        }
        Ok(Self::once(text.parse()?))
    }
}

impl From<Method> for String {
    fn from(method: Method) -> Self {
        method.to_string()
    }
}

impl TryFrom<String> for Method {
    type Error = EvalError;

    fn try_from(text: String) -> Result<Self, EvalError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_read_as_they_are_written() {
        for kind in MethodKind::ALL {
            for fold in [1, 4] {
                let method = Method { kind, fold };
                assert_eq!(method.to_string().parse::<Method>().unwrap(), method);
            }
        }
        assert_eq!("synthetic-fourier".parse::<MethodKind>().unwrap(), MethodKind::SyntheticFourier);
        for text in ["", "refine", "refined_1x", "refined_0x", "refined_x", "_4x"] {
            assert!(
                text.parse::<Method>().unwrap_err().to_string().contains("there are mean, knn"),
                "{text}"
            );
        }
    }
}
