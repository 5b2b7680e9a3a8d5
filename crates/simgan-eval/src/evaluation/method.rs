use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::EvalError;

/// One row of the tables: what predicts the gaze, and how many times the data it learned from.
///
/// Written as `synthetic`, with `_4x` behind it where the data is four times as much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Method {
    /// What predicts.
    pub kind: MethodKind,
    /// How many times [`EvaluationConfig::images`](super::EvaluationConfig::images) images it learned from, at least 1.
    pub fold: usize,
}

/// What predicts the gaze of the test images. All networks have the same layers, steps and seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MethodKind {
    /// The mean of the synthetic labels, whatever the image.
    Mean,
    /// The synthetic images whose pixels are nearest.
    Knn,
    /// A network that was trained on synthetic images.
    Synthetic,
    /// The same with light augmentation of every batch.
    SyntheticAugmented,
    /// The same on synthetic images with the gray values of real ones, image by image.
    SyntheticHistogram,
    /// The same on synthetic images with the coarse Fourier amplitudes of real ones.
    SyntheticFourier,
    /// The same on refined images.
    Refined,
    /// The same on refined images, augmented.
    RefinedAugmented,
    /// The same on labelled real images, none of them a test image: the floor.
    Real,
}

impl MethodKind {
    /// Every one, in the order of the tables.
    pub const ALL: [Self; 9] = [
        Self::Mean,
        Self::Knn,
        Self::Synthetic,
        Self::SyntheticAugmented,
        Self::SyntheticHistogram,
        Self::SyntheticFourier,
        Self::Refined,
        Self::RefinedAugmented,
        Self::Real,
    ];

    /// As it stands in files and on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Knn => "knn",
            Self::Synthetic => "synthetic",
            Self::SyntheticAugmented => "synthetic_augmented",
            Self::SyntheticHistogram => "synthetic_histogram",
            Self::SyntheticFourier => "synthetic_fourier",
            Self::Refined => "refined",
            Self::RefinedAugmented => "refined_augmented",
            Self::Real => "real",
        }
    }

    /// Whether its training images depend on the refiner; the other methods are baselines that refiners share.
    #[must_use]
    pub(crate) const fn is_refined(self) -> bool {
        matches!(self, Self::Refined | Self::RefinedAugmented)
    }

    /// Whether a network is trained, once for each seed.
    #[must_use]
    pub const fn is_network(self) -> bool {
        !matches!(self, Self::Mean | Self::Knn)
    }

    /// The same without augmentation, if its batches are augmented.
    #[must_use]
    pub(crate) const fn without_augmentation(self) -> Option<Self> {
        match self {
            Self::SyntheticAugmented => Some(Self::Synthetic),
            Self::RefinedAugmented => Some(Self::Refined),
            _ => None,
        }
    }

    /// Whether its batches are augmented.
    #[must_use]
    pub(crate) const fn is_augmented(self) -> bool {
        self.without_augmentation().is_some()
    }
}

impl Method {
    /// The method on the data once.
    #[must_use]
    pub const fn once(kind: MethodKind) -> Self {
        Self { kind, fold: 1 }
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
