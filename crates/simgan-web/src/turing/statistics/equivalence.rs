//! Whether subjects provably do no better or worse than chance, by more than a margin.

use serde::{Deserialize, Serialize};

use super::Table;
use super::binomial::{at_least, at_most};

/// Two one-sided exact tests of the share correct against ½ − margin and ½ + margin.
///
/// "Not significant" does not show that images cannot be told apart: few answers suffice for that. If both
/// of these tests reject, the share correct lies within the margin of one half.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Equivalence {
    /// Distance from one half that does not matter; a fraction, such as 0.05 for ±5 points.
    pub margin: f64,
    /// The larger p of the two tests. At most 0.05: not distinguishable within ±`margin`.
    pub p: f64,
}

impl Equivalence {
    /// Tests a table; p is 1 without answers. `margin` lies in (0, ½).
    #[must_use]
    pub fn new(table: &Table, margin: f64) -> Self {
        let (k, n) = (table.n_right(), table.n());
        let p = match n {
            0 => 1.0,
            _ => at_least(k, n, 0.5 - margin).max(at_most(k, n, 0.5 + margin)),
        };
        Self { margin, p }
    }

    /// Whether the images are not distinguishable within the margin, at 5 %.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.p <= 0.05
    }
}
