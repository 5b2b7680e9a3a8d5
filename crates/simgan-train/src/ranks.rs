//! Several processes that train one run together.

/// One of the processes ("ranks") that train a run together, and its connection to the others.
///
/// Training is data-parallel: each rank reads and refines an equal share of every batch, gradients are averaged,
/// and everything else – weights, optimizers, history, random streams – is the same on every rank. A run with N
/// ranks therefore equals one with a single process up to rounding, its checkpoint is a single process's, and it
/// resumes with any number of ranks.
///
/// Every method is collective: all ranks must call it, in the same order.
pub trait Ranks: Send {
    /// This process's number, from 0; rank 0 writes the run.
    fn rank(&self) -> usize;

    /// The number of ranks.
    fn count(&self) -> usize;

    /// Replaces `values` by their sums over the ranks. Every rank gets the same bits.
    ///
    /// # Errors
    /// A rank does not answer.
    fn sum(&mut self, values: &mut [f32]) -> Result<(), RanksError>;

    /// Returns the values of all ranks, which have equally many, in the order of the ranks.
    ///
    /// # Errors
    /// A rank does not answer.
    fn gather(&mut self, own: &[f32]) -> Result<Vec<f32>, RanksError>;
}

/// Why several ranks cannot train a run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RanksError {
    /// Ranks need equal shares of a batch.
    #[error("a batch of {batch} images cannot be shared equally by {count} ranks")]
    Batch {
        /// `data.batch`.
        batch: usize,
        /// The number of ranks.
        count: usize,
    },
    /// What a setting computes depends on the whole batch.
    #[error("{setting} needs the whole batch in one process")]
    Setting {
        /// The setting.
        setting: &'static str,
    },
    /// The ranks did not start alike.
    #[error("the ranks differ in {what}")]
    Differ {
        /// The configuration, the images or the step.
        what: &'static str,
    },
    /// A rank does not answer.
    #[error("the ranks lost each other: {reason}")]
    Lost {
        /// What the connection says.
        reason: String,
    },
}

impl RanksError {
    /// Returns what to do.
    pub(crate) fn advice(&self) -> &'static str {
        match self {
            Self::Batch { .. } => "choose data.batch as a multiple of the number of ranks",
            Self::Setting { .. } => "switch it off, or train in one process",
            Self::Differ { .. } => "start all ranks with the same command, on one file system",
            Self::Lost { .. } => "continue from the last checkpoint",
        }
    }
}
