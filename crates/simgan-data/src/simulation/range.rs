use serde::{Deserialize, Serialize};

/// The bounds of a uniform distribution.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Range {
    /// Smallest value.
    pub low: f32,
    /// Largest value.
    pub high: f32,
}

impl Range {
    /// Creates the range from `low` to `high`.
    #[must_use]
    pub const fn new(low: f32, high: f32) -> Self {
        Self { low, high }
    }
}
