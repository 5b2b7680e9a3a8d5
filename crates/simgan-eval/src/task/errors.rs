use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How wrong predictions are: the figures of a task's [`Measure`]s, by their keys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Errors {
    /// Number of images.
    pub n_images: usize,
    /// The figures by key, such as `error_deg`.
    #[serde(flatten)]
    pub figures: BTreeMap<String, f64>,
    /// The error of each image, in the unit of the first measure; not part of the JSON.
    #[serde(skip)]
    pub per_image: Vec<f64>,
    /// The error of each point; empty for other tasks, and not part of the JSON.
    #[serde(skip)]
    pub per_point: Vec<f64>,
    /// Number of images of each true class (first index) that were given each class; only for classes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confusion: Vec<Vec<u64>>,
}

impl Errors {
    /// What a cumulative curve counts: the error of each point, or else of each image.
    #[must_use]
    pub fn each(&self) -> &[f64] {
        if self.per_point.is_empty() { &self.per_image } else { &self.per_point }
    }

    /// The figure of a key; `None` if it was not measured.
    #[must_use]
    pub fn figure(&self, key: &str) -> Option<f64> {
        self.figures.get(key).copied()
    }
}

/// A figure that is told of predictions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Its key in files; it ends in its unit.
    pub key: String,
    /// Its name for people, the head of a column.
    pub name: String,
    /// Its unit.
    pub unit: Unit,
    /// Whether it is a signed constant part of the error, such as a drift, not a size.
    pub is_offset: bool,
    /// Whether the tables show it; files have all.
    pub is_shown: bool,
}

impl Measure {
    /// A figure that the tables show.
    pub(super) fn new(key: impl Into<String>, name: impl Into<String>, unit: Unit) -> Self {
        Self { key: key.into(), name: name.into(), unit, is_offset: false, is_shown: true }
    }

    /// A signed constant part of the error.
    pub(super) fn offset(key: impl Into<String>, name: impl Into<String>, unit: Unit) -> Self {
        Self { is_offset: true, ..Self::new(key, name, unit) }
    }

    /// The figure, for files only.
    pub(super) fn hidden(self) -> Self {
        Self { is_shown: false, ..self }
    }
}

/// The unit of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Degrees.
    Degrees,
    /// Pixels of the images.
    Pixels,
    /// A share in [0, 1], written in percent.
    Share,
    /// The label's own unit, or none.
    Own,
}

impl Unit {
    /// What follows a number.
    #[must_use]
    pub const fn symbol(self) -> &'static str {
        match self {
            Self::Degrees => "°",
            Self::Pixels => " px",
            Self::Share => " %",
            Self::Own => "",
        }
    }

    /// What follows "error in …"; empty where there is nothing to say.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Degrees => "degrees",
            Self::Pixels => "pixels",
            Self::Share => "percent",
            Self::Own => "the label's unit",
        }
    }

    /// The factor from a figure to the number that is shown.
    #[must_use]
    pub const fn scale(self) -> f64 {
        if matches!(self, Self::Share) { 100.0 } else { 1.0 }
    }

    /// Decimal places shown.
    #[must_use]
    pub const fn digits(self) -> usize {
        match self {
            Self::Degrees | Self::Pixels => 2,
            Self::Share => 1,
            Self::Own => 3,
        }
    }
}
