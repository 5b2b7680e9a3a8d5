use candle_core::{Result, Tensor, bail};
use serde::{Deserialize, Serialize};

use crate::squared_error;

/// The task consistency: an estimator's outputs for refined images should be those for the synthetic ones.
/// The variants are the kinds of labels that it estimates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Consistency {
    /// Directions `(N, 3)` of any length: 1 − the cosine of the angle between them.
    Direction,
    /// Heat maps `(N, stacks, points, h, w)`: their mean squared difference, summed over the stacks.
    Points,
    /// Logits `(N, K)`: the Kullback–Leibler divergence from the classes' probabilities for the synthetic
    /// image to those for the refined one, in nats.
    Class,
    /// Vectors `(N, k)`: their mean squared difference, in the square of the label's unit.
    Vector,
}

impl Consistency {
    /// Compares the estimator's outputs for refined and for synthetic images; 0 where they agree. No gradient
    /// flows to `synthetic`.
    ///
    /// # Shapes
    ///
    /// Both as the variant says → a scalar, a mean over the images.
    ///
    /// # Errors
    ///
    /// If the shapes are not these.
    pub fn loss(self, refined: &Tensor, synthetic: &Tensor) -> Result<Tensor> {
        let (found, kept) = (refined.dims(), synthetic.dims());
        let fits = match self {
            Self::Direction => matches!(found, [_, 3]),
            Self::Points => found.len() == 5,
            Self::Class | Self::Vector => found.len() == 2,
        };
        if !fits || found != kept || refined.elem_count() == 0 {
            bail!("outputs {found:?} for refined and {kept:?} for synthetic images do not fit {self:?}");
        }
        let synthetic = synthetic.detach();
        match self {
            Self::Direction => {
                let length = |vectors: &Tensor| vectors.sqr()?.sum(1)?.sqrt();
                let cosine = ((refined * &synthetic)?.sum(1)? / (length(refined)? * length(&synthetic)?)?)?;
                (1.0 - cosine)?.mean_all()
            }
            Self::Points => (refined - synthetic)?.sqr()?.mean_all()? * found[1] as f64,
            Self::Class => {
                let (refined, synthetic) = (log_probabilities(refined)?, log_probabilities(&synthetic)?);
                (synthetic.exp()? * (&synthetic - refined)?)?.sum(1)?.mean_all()
            }
            Self::Vector => squared_error(refined, &synthetic),
        }
    }
}

/// The logarithms of the softmax of each row.
fn log_probabilities(logits: &Tensor) -> Result<Tensor> {
    // Subtracting the maximum avoids overflow and cancels out of the result, so it needs no gradient.
    let shifted = logits.broadcast_sub(&logits.max_keepdim(1)?.detach())?;
    shifted.broadcast_sub(&shifted.exp()?.sum_keepdim(1)?.log()?)
}
