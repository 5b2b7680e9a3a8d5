//! What a test asks: which images, in which parts, in which order.

mod order;
mod pixels;
mod prepare;
mod roles;

use serde::{Deserialize, Serialize};

pub use self::order::questions;
pub use self::prepare::{TestOptions, TestSources, prepare};
pub use self::roles::{ImageRole, Kind, NewImage, Part};

use super::statistics::Design;

/// What a test asks and of what it was made, as its file keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestDesign {
    /// What a subject is asked.
    pub design: Design,
    /// Number of real images and of refined ones in the main part; in a two-alternative test, of pairs.
    pub per_class: usize,
    /// Number of labelled examples of each kind.
    pub examples: usize,
    /// Number of unrefined images among the main part's questions, to see who pays attention.
    pub checks: usize,
    /// Number of unrefined and of real images in a last part, the baseline; 0 is none.
    pub baseline: usize,
    /// Seed of the choice of images.
    pub seed: u64,
    /// Whether subjects learn at the end how many of their answers were right.
    pub show_score: bool,
    /// The images' width in pixels.
    pub width: usize,
    /// The images' height in pixels.
    pub height: usize,
    /// The refiner's checkpoint.
    pub model: String,
    /// The source of real images.
    pub real: String,
    /// The source of synthetic images.
    pub synthetic: String,
    /// When the test was made, in milliseconds since 1970.
    pub made_ms: i64,
    /// The random part of the link that admits subjects.
    pub link: String,
    /// The name of the owner's pages, which does not follow from the link.
    pub key: String,
}

/// The largest number of images of a kind in a part.
const MOST: usize = 10_000;

impl TestDesign {
    /// Whether the numbers are ones that [`prepare`] would write.
    pub(super) fn is_sound(&self) -> bool {
        let numbers = [self.per_class, self.examples, self.checks, self.baseline];
        let is_side = |side| (1..=1 << 16).contains(&side);
        numbers.iter().all(|n| *n <= MOST) && is_side(self.width) && is_side(self.height)
    }

    /// Number of questions that each subject answers.
    #[must_use]
    pub fn n_questions(&self) -> usize {
        let kinds = match self.design {
            Design::YesNo => 2,
            Design::TwoAlternatives => 1,
        };
        kinds * (self.per_class + self.baseline) + self.checks
    }
}
