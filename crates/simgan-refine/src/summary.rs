use std::collections::BTreeMap;

use simgan_data::ValueRange;

use super::Notes;
use super::change::RangeUse;
use super::manifest::Refined;

/// Progress of a refinement. Counts include earlier calls unless stated otherwise.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RefineSummary {
    /// Images written.
    pub refined: u64,
    /// Images among `refined` that an earlier call wrote.
    pub already: u64,
    /// Images that this call could not read.
    pub skipped: u64,
    /// Label files of the written images and of the folder as a whole.
    pub label_files: u64,
    /// Other files copied: masks, depth, formats that are not read, anything.
    pub copied: u64,
    /// Files that this call could not copy.
    pub not_copied: u64,
    /// Images that look like masks among photographs, copied instead of refined.
    pub doubtful: u64,
    /// The first of these that this call met.
    pub first_doubtful: Vec<String>,
    /// Images whose output had been damaged or changed since an earlier call; they are refined again.
    pub mended: u64,
    /// What the first label files lost when they followed moving pixels.
    pub notes: Vec<String>,
    /// Number of label files that lost something.
    pub n_noted: u64,
    /// Images of this call whose file held something that is not written, by what it was: `palette`.
    pub lost: BTreeMap<&'static str, u64>,
    /// Mean over the written images of each image's mean |R(x) − x|, x in [−1, 1].
    pub change: f64,
    /// The model's range of values; `None` is the whole scale of each image's bit depth.
    pub range: Option<ValueRange>,
    /// How the values of the images of this call lie in the model's range.
    pub range_use: RangeUse,
    /// Images of this call of which more than 1 % of the values are beyond the range.
    pub n_beyond: u64,
    /// Whether the stop flag ended the job early.
    pub interrupted: bool,
    /// Sum of the images' changes in units of 2⁻⁴⁰. An integer sum does not depend on the order, so an
    /// interrupted job ends with the same mean as an uninterrupted one.
    pub(super) change_sum: u128,
}

/// Fixed-point units per unit of change. Each image's change is rounded to them before it enters the
/// manifest, so that reading it back gives the same sum.
pub(super) const CHANGE_UNITS: f64 = (1u64 << 40) as f64;

/// Maximum number of files that a summary names of one kind.
const MAX_TOLD: usize = 5;

impl RefineSummary {
    /// Number of images that are refined, copied for doubt or skipped.
    #[must_use]
    pub fn done(&self) -> u64 {
        self.refined + self.doubtful + self.skipped
    }

    /// Adds what label files lost.
    pub(super) fn add_notes(&mut self, notes: &Notes) {
        for (label, notes) in notes.iter().filter(|(_, notes)| !notes.is_empty()) {
            self.n_noted += 1;
            if self.notes.len() < MAX_TOLD {
                self.notes.push(format!("{}: {}", label.display(), notes.join(", ")));
            }
        }
    }

    /// Adds an image that looks like a mask.
    pub(super) fn doubt(&mut self, image: String) {
        self.doubtful += 1;
        if self.first_doubtful.len() < MAX_TOLD {
            self.first_doubtful.push(image);
        }
    }

    pub(super) fn add(&mut self, image: &Refined, label_files: u64) {
        self.refined += 1;
        self.label_files += label_files;
        self.change_sum = self.change_sum.saturating_add((image.change * CHANGE_UNITS).round() as u128);
        self.change = self.change_sum as f64 / CHANGE_UNITS / self.refined as f64;
    }

    /// Adds how an image of this call lies in the range.
    pub(super) fn add_use(&mut self, range_use: &RangeUse) {
        self.range_use.add(range_use);
        self.n_beyond += u64::from(range_use.is_beyond());
    }

    /// Fraction of the range that the images of this call use, from their smallest value to their largest;
    /// `None` if nothing was measured, or depths are mixed and there is no common range.
    #[must_use]
    pub fn used(&self) -> Option<f64> {
        let ([min, max], range) = (self.range_use.values?, self.range_use.range?);
        Some(f64::from(max - min) / f64::from(range.width()))
    }
}
