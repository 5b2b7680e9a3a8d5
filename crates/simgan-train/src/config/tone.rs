use std::fmt;

use serde::{Deserialize, Serialize};
use simgan_data::{DataError, Source, Tone, ToneReference};
use simgan_models::ToneStage;

/// Maximum number of real images whose tones "match" measures.
const MOST_MEASURED: usize = 1000;

/// `data.tone`: what happens to the tones of synthetic images before R.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ToneKind {
    /// What suits the images of both domains.
    Auto,
    /// Nothing.
    #[default]
    None,
    /// Each image's histogram is equalised.
    Equalize,
    /// Each image gets the tones of a typical real one.
    Match,
}

impl ToneKind {
    /// Returns the tone, for "match" that of the images of `real`, as the networks see them; `None` for
    /// [`ToneKind::None`], and for [`ToneKind::Auto`], which [`choose`](crate::sources::choose) decides. The same
    /// images give the same tone; labels are not read.
    ///
    /// # Errors
    /// No real image can be read.
    pub fn measured(self, real: &dyn Source) -> Result<Option<Tone>, DataError> {
        Ok(match self {
            Self::Auto | Self::None => None,
            Self::Equalize => Some(Tone::Equalize),
            Self::Match => Some(Tone::Match(ToneReference::of_source(real, MOST_MEASURED)?)),
        })
    }

    /// The kind of a tone.
    #[must_use]
    pub fn of(tone: Option<&Tone>) -> Self {
        match tone {
            None => Self::None,
            Some(Tone::Equalize) => Self::Equalize,
            Some(Tone::Match(_)) => Self::Match,
        }
    }

    /// The kind of a refiner's stage.
    pub(crate) fn of_stage(stage: Option<&ToneStage>) -> Self {
        match stage {
            None => Self::None,
            Some(ToneStage::Equalize {}) => Self::Equalize,
            Some(ToneStage::Match { .. }) => Self::Match,
        }
    }

    /// The name in a configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::None => "none",
            Self::Equalize => "equalize",
            Self::Match => "match",
        }
    }
}

impl fmt::Display for ToneKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Returns a tone as a refiner's file holds it.
pub(crate) fn stage_of(tone: &Tone) -> ToneStage {
    match tone {
        Tone::Equalize => ToneStage::Equalize {},
        Tone::Match(reference) => ToneStage::Match { percentiles: reference.percentiles().to_vec() },
    }
}
