use serde::{Deserialize, Serialize};

/// The 2 × 2 table of a visual Turing test: what the images were against what the subjects said.
///
/// `counts[truth][said]` has index 0 for "real" and 1 for "refined". In a two-alternative test, where a
/// subject says which of two images is real, index 0 is the left and 1 the right place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Table {
    /// Numbers of answers.
    pub counts: [[u64; 2]; 2],
}

impl Table {
    /// Counts pairs of what was true and what was said.
    #[must_use]
    pub fn of(answers: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut table = Self::default();
        for (truth, said) in answers {
            table.counts[truth][said] += 1;
        }
        table
    }

    /// Number of answers.
    #[must_use]
    pub fn n(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// Number of correct answers.
    #[must_use]
    pub fn n_right(&self) -> u64 {
        self.counts[0][0] + self.counts[1][1]
    }

    /// Share of correct answers; `None` without answers.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        (self.n() > 0).then(|| self.n_right() as f64 / self.n() as f64)
    }

    /// Number of answers to images that truly were `truth`.
    #[must_use]
    pub fn n_true(&self, truth: usize) -> u64 {
        self.counts[truth].iter().sum()
    }

    /// Number of answers that said `said`.
    #[must_use]
    pub fn n_said(&self, said: usize) -> u64 {
        self.counts.iter().map(|row| row[said]).sum()
    }
}
