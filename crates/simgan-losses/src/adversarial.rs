use candle_core::{DType, Result, Tensor, bail};
use serde::{Deserialize, Serialize};

/// The adversarial loss of both networks, as a setting.
///
/// Losses other than the cross-entropy are defined on one score per patch: s = logit of "real" − logit of
/// "refined". The cross-entropy depends on s alone too, since the softmax of two logits is σ(s). So D keeps
/// its two channels, s = 0 is chance for every loss, and [`accuracy`] means the same.
///
/// A new loss needs a variant here and its name in the range of the setting.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdversarialLoss {
    /// [`adversarial`], the paper's (eq. 2 and 3).
    #[default]
    CrossEntropy,
    /// ½ (s − t)², where t is 1 for real and −1 for refined images (LSGAN: Mao et al., ICCV 2017, with a = −1
    /// and b = c = 1).
    LeastSquares,
    /// D minimises max(0, 1 − t s), and R minimises −s, which has no margin (Lim and Ye, arXiv 1705.02894).
    Hinge,
}

impl AdversarialLoss {
    /// Computes D's loss on images that are `target`; L_D is its sum over both targets (eq. 2).
    ///
    /// # Shapes
    ///
    /// Logits `(N, 2, h, w)`, channel 0 = real, 1 = refined, and `weights` of the patches `(N, 1, h, w)`, as
    /// [`patch_weights`](crate::patch_weights) gives them, or `None` for 1 everywhere → a scalar, the mean over
    /// patches and images.
    ///
    /// # Errors
    ///
    /// If the logits or the weights have another shape, or there is no patch.
    pub fn of_discriminator(
        self,
        logits: &Tensor,
        target: Target,
        weights: Option<&Tensor>,
    ) -> Result<Tensor> {
        let losses = match self {
            Self::CrossEntropy => cross_entropies(logits, target)?,
            Self::LeastSquares => ((score(logits)? - target.sign())?.sqr()? * 0.5)?,
            Self::Hinge => {
                let missing = score(logits)?.affine(-target.sign(), 1.0)?;
                // Its own mask, because the gradient of candle's ReLU at 0 is 1; a NaN stays one.
                let falls_short = missing.detach().gt(0.0)?.to_dtype(missing.dtype())?;
                (missing * falls_short)?
            }
        };
        weighted(&losses, weights)?.mean_all()
    }

    /// L_D at chance, where all logits are equal.
    #[must_use]
    pub const fn at_chance(self) -> f64 {
        match self {
            Self::CrossEntropy => 2.0 * std::f64::consts::LN_2,
            Self::LeastSquares => 1.0,
            Self::Hinge => 2.0,
        }
    }

    /// Computes R's loss: how far its images are from passing as real (the first term of eq. 4).
    ///
    /// # Shapes
    ///
    /// D's logits of refined images and weights, as in [`Self::of_discriminator`] → a scalar; negative values
    /// occur only with [`Self::Hinge`].
    ///
    /// # Errors
    ///
    /// As [`Self::of_discriminator`].
    pub fn of_refiner(self, logits: &Tensor, weights: Option<&Tensor>) -> Result<Tensor> {
        match self {
            Self::CrossEntropy | Self::LeastSquares => self.of_discriminator(logits, Target::Real, weights),
            Self::Hinge => weighted(&score(logits)?, weights)?.mean_all()?.neg(),
        }
    }
}

/// Returns what each patch has, `(N, 1, h, w)`, times its weight.
fn weighted(patches: &Tensor, weights: Option<&Tensor>) -> Result<Tensor> {
    match weights {
        None => Ok(patches.clone()),
        Some(weights) if weights.dims() == patches.dims() => patches * weights.detach(),
        Some(weights) => bail!("weights {:?} for patches {:?}", weights.dims(), patches.dims()),
    }
}

/// Returns how real each patch looks, `(N, 1, h, w)`: the difference of its logits.
fn score(logits: &Tensor) -> Result<Tensor> {
    check_logits(logits)?;
    logits.narrow(1, Target::Real.channel(), 1)? - logits.narrow(1, Target::Refined.channel(), 1)?
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

    /// The sign of the score that is right.
    const fn sign(self) -> f64 {
        match self {
            Self::Real => 1.0,
            Self::Refined => -1.0,
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
    cross_entropies(logits, target)?.mean_all()
}

/// The cross-entropy of each patch, `(N, 1, h, w)`.
fn cross_entropies(logits: &Tensor, target: Target) -> Result<Tensor> {
    check_logits(logits)?;
    // Subtracting the maximum avoids overflow and cancels out of the result, so it needs no gradient.
    let shifted = logits.broadcast_sub(&logits.max_keepdim(1)?.detach())?;
    let log_sum = shifted.exp()?.sum_keepdim(1)?.log()?;
    let chosen = shifted.narrow(1, target.channel(), 1)?;
    log_sum - chosen
}

/// Returns the fraction of patches, in [0, 1], whose larger logit is `target`'s; 0.5 is chance. A tie counts
/// as wrong. With `weights` as in [`AdversarialLoss::of_discriminator`], a patch counts as much as it weighs.
///
/// # Errors
///
/// If the logits are not `(N, 2, h, w)`, the weights not `(N, 1, h, w)`, or there is no patch.
pub fn accuracy(logits: &Tensor, target: Target, weights: Option<&Tensor>) -> Result<f64> {
    check_logits(logits)?;
    let logits = logits.detach();
    let chosen = logits.narrow(1, target.channel(), 1)?;
    let right = chosen.gt(&logits.narrow(1, target.other().channel(), 1)?)?.to_dtype(DType::F32)?;
    let n_right = weighted(&right, weights)?.sum_all()?.to_scalar::<f32>()?;
    // The weights' sum is the number of patches, but for rounding.
    Ok((f64::from(n_right) / right.elem_count() as f64).min(1.0))
}

fn check_logits(logits: &Tensor) -> Result<()> {
    match logits.dims() {
        [n, 2, height, width] if n * height * width > 0 => Ok(()),
        dims => bail!("the discriminator's logits are {dims:?}, not (N, 2, h, w) with at least one patch"),
    }
}
