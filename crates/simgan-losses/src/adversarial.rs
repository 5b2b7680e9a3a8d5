use candle_core::{Result, Tensor, bail};
use serde::{Deserialize, Serialize};

/// The adversarial loss of both networks, as a setting.
///
/// A new loss needs a variant here and its name in the range of the setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdversarialLoss {
    /// [`adversarial`], the paper's (eq. 2 and 3).
    #[default]
    CrossEntropy,
}

impl AdversarialLoss {
    /// Computes the loss of the discriminator's logits against `target`. For D's loss, `target` is what the
    /// images are; for R's, what they should pass as.
    ///
    /// # Shapes
    ///
    /// Logits `(N, 2, h, w)`, channel 0 = real, 1 = refined → a scalar, the mean over patches and images.
    ///
    /// # Errors
    ///
    /// If the logits have another shape or no patch.
    pub fn loss(self, logits: &Tensor, target: Target) -> Result<Tensor> {
        match self {
            Self::CrossEntropy => adversarial(logits, target),
        }
    }
}

/// The class against which patches are scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A real image: channel 0 of the logits.
    Real,
    /// A refined image: channel 1 of the logits.
    Refined,
}

impl Target {
    const fn channel(self) -> usize {
        match self {
            Self::Real => 0,
            Self::Refined => 1,
        }
    }

    const fn other(self) -> Self {
        match self {
            Self::Real => Self::Refined,
            Self::Refined => Self::Real,
        }
    }
}

/// The local adversarial loss: the cross-entropy of each patch with `target`, averaged over patches and
/// images.
///
/// Eq. 2 is `adversarial(D(refined), Refined) + adversarial(D(real), Real)`; the first term of eq. 4 is
/// `adversarial(D(R(synthetic)), Real)`. The paper sums over the patches. The mean differs by the constant
/// factor w·h and makes λ and the learning rate independent of the image size. Stable for logits of any
/// finite size.
///
/// # Shapes
///
/// Logits `(N, 2, h, w)`, channel 0 = real, 1 = refined → a scalar in nats, 0 or more.
///
/// # Errors
///
/// If the logits have another shape or no patch.
pub fn adversarial(logits: &Tensor, target: Target) -> Result<Tensor> {
    check_logits(logits)?;
    // Subtracting the maximum avoids overflow and cancels out of the result, so it needs no gradient.
    let shifted = logits.broadcast_sub(&logits.max_keepdim(1)?.detach())?;
    let log_sum = shifted.exp()?.sum_keepdim(1)?.log()?;
    let chosen = shifted.narrow(1, target.channel(), 1)?;
    (log_sum - chosen)?.mean_all()
}

/// Returns the fraction of patches, in [0, 1], whose larger logit is `target`'s; 0.5 is chance. A tie counts
/// as wrong.
///
/// # Errors
///
/// If the logits are not `(N, 2, h, w)` or have no patch.
pub fn accuracy(logits: &Tensor, target: Target) -> Result<f64> {
    check_logits(logits)?;
    let logits = logits.detach();
    let chosen = logits.narrow(1, target.channel(), 1)?;
    let right = chosen.gt(&logits.narrow(1, target.other().channel(), 1)?)?;
    let n_right = right.to_dtype(candle_core::DType::F32)?.sum_all()?.to_scalar::<f32>()?;
    Ok(f64::from(n_right) / right.elem_count() as f64)
}

fn check_logits(logits: &Tensor) -> Result<()> {
    match logits.dims() {
        [n, 2, height, width] if n * height * width > 0 => Ok(()),
        dims => bail!("the discriminator's logits are {dims:?}, not (N, 2, h, w) with at least one patch"),
    }
}
