//! What the answers of a visual Turing test say. Pure functions, compared with SciPy.

mod binomial;
mod bootstrap;
mod detection;
mod equivalence;
mod images;
mod plan;
mod table;

use serde::{Deserialize, Serialize};
use simgan_metrics::{binomial_p, share_interval};

pub use self::binomial::two_sided_p;
pub use self::bootstrap::Bootstrap;
pub use self::detection::Detection;
pub use self::equivalence::Equivalence;
pub use self::images::{ImageFigures, least_real, most_real};
pub use self::plan::{LEVELS, POWERS, answers_for_equivalence, answers_to_beat_chance};
pub use self::table::Table;

/// What a subject is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Design {
    /// One image: is it real or refined?
    #[default]
    YesNo,
    /// Two images, one of them real: which one?
    #[serde(rename = "2afc")]
    TwoAlternatives,
}

/// One answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The subject's number.
    pub subject: usize,
    /// The numbers of the image shown, or of both.
    pub images: Vec<usize>,
    /// What was true, as an index of [`Table`].
    pub truth: usize,
    /// What was said, as an index of [`Table`].
    pub said: usize,
}

/// The figures of some answers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// What was true against what was said.
    pub table: Table,
    /// Number of answers.
    pub n: u64,
    /// Number of correct answers.
    pub n_right: u64,
    /// Share correct; `None` without answers.
    pub share: Option<f64>,
    /// Wilson's 95 % interval of the share correct, as if answers were independent.
    pub interval: [f64; 2],
    /// Exact binomial p that guessing does as well or better: the paper's test.
    pub p_one_sided: f64,
    /// Exact binomial p that guessing is as far from one half on either side.
    pub p_two_sided: f64,
    /// d′ and bias; `None` unless both kinds were shown.
    pub detection: Option<Detection>,
    /// Whether the images are not distinguishable within ±5 points.
    pub equivalence: Equivalence,
}

impl Figures {
    /// Distance from chance, in share correct, that the equivalence test tolerates.
    pub const MARGIN: f64 = 0.05;

    /// Computes the figures of a table.
    #[must_use]
    pub fn new(table: Table, design: Design) -> Self {
        let (n, n_right) = (table.n(), table.n_right());
        Self {
            table,
            n,
            n_right,
            share: table.share(),
            interval: share_interval(n_right, n),
            p_one_sided: binomial_p(n_right, n),
            p_two_sided: two_sided_p(n_right, n),
            detection: Detection::new(&table, design),
            equivalence: Equivalence::new(&table, Self::MARGIN),
        }
    }

    /// Computes the figures of answers.
    #[must_use]
    pub fn of(responses: &[Response], design: Design) -> Self {
        Self::new(Table::of(responses.iter().map(|response| (response.truth, response.said))), design)
    }
}
