use std::fmt;

use candle_core::{Module, Tensor, bail};
use serde::{Deserialize, Serialize};

/// The self-regularization loss (§2.1): keeps refined images close to the synthetic ones, as far as ψ can
/// tell.
#[derive(Debug)]
pub struct SelfRegularization {
    transform: FeatureTransform,
}

impl SelfRegularization {
    /// Creates the loss for a feature transform ψ.
    #[must_use]
    pub const fn new(transform: FeatureTransform) -> Self {
        Self { transform }
    }

    /// Computes the mean of |ψ(refined) − ψ(synthetic)| over all values of ψ (second term of eq. 4, without
    /// λ).
    ///
    /// The paper takes the 1-norm, a sum. The mean differs by the number of values, a constant factor, so
    /// that λ means the same for every batch and image size. The gradient is 0 where both are equal. No
    /// gradient flows to `synthetic`.
    ///
    /// # Shapes
    ///
    /// Both `(N, C, H, W)` in [−1, 1] → a scalar; with the identity it is at most 2.
    ///
    /// # Errors
    ///
    /// If the shapes differ or are empty, the images are too small for derivatives (below 2×2), or the
    /// network fails.
    pub fn loss(&self, refined: &Tensor, synthetic: &Tensor) -> candle_core::Result<Tensor> {
        self.weighted_loss(refined, synthetic, None)
    }

    /// Computes [`Self::loss`] with a weight for each pixel: each difference of ψ counts with the weight of
    /// its pixel, a derivative with the mean of its two pixels' weights. `None` counts as 1 everywhere.
    ///
    /// # Shapes
    ///
    /// As [`Self::loss`], and `weights` `(N, 1, H, W)`, as [`Landmarks::weights`](crate::Landmarks::weights)
    /// gives them.
    ///
    /// # Errors
    ///
    /// As [`Self::loss`]; or the weights have another shape, or the network does not keep H and W.
    pub fn weighted_loss(
        &self,
        refined: &Tensor,
        synthetic: &Tensor,
        weights: Option<&Tensor>,
    ) -> candle_core::Result<Tensor> {
        if refined.dims() != synthetic.dims() || refined.rank() != 4 || refined.elem_count() == 0 {
            let (refined, synthetic) = (refined.dims(), synthetic.dims());
            bail!(
                "refined images {refined:?} and synthetic ones {synthetic:?} must be the same (N, C, H, W)"
            );
        }
        let (n_images, _, height, width) = refined.dims4()?;
        if let Some(weights) = weights.filter(|weights| weights.dims() != [n_images, 1, height, width]) {
            bail!("weights {:?} of pixels for images {:?}", weights.dims(), refined.dims());
        }
        let synthetic = synthetic.detach();
        // All transforms but the network are linear: ψ(r) − ψ(s) = ψ(r − s) saves one transform.
        let differences = match &self.transform {
            FeatureTransform::Identity => (refined - synthetic)?,
            FeatureTransform::Derivatives => {
                between(&(refined - synthetic)?, |after, before| after - before)?
            }
            FeatureTransform::MeanColor => (refined - synthetic)?.mean_keepdim(1)?,
            FeatureTransform::Network(network) => {
                (network.forward(refined)? - network.forward(&synthetic)?.detach())?
            }
        };
        let weights = match (&self.transform, weights) {
            (FeatureTransform::Derivatives, Some(weights)) => {
                Some(between(weights, |after, before| (after + before)? * 0.5)?)
            }
            (_, weights) => weights.cloned(),
        };
        mean_absolute(&differences, weights.as_ref())
    }
}

/// ψ, the features of an image that must stay (§2.1). The paper uses the identity unless it says otherwise.
pub enum FeatureTransform {
    /// The pixels themselves.
    Identity,
    /// Horizontal and vertical differences of neighbouring pixels, inside the image.
    Derivatives,
    /// The mean of the colour channels of each pixel; for gray images this is the identity.
    MeanColor,
    /// A learned transform, `(N, C, H, W)` → any shape. It stays fixed as long as no optimizer has its
    /// parameters. Build it from detached tensors, as the networks' `frozen()` does, to save their gradients
    /// too.
    Network(Box<dyn Module + Send>),
}

/// The name of a [`FeatureTransform`] ψ, as a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Psi {
    /// [`FeatureTransform::Identity`].
    Identity,
    /// [`FeatureTransform::Derivatives`].
    Derivatives,
    /// [`FeatureTransform::MeanColor`].
    MeanColor,
    /// [`FeatureTransform::Network`].
    Network,
}

impl Psi {
    /// Returns the transform of this name; calls `network` only if the transform needs one.
    ///
    /// # Errors
    ///
    /// Those of `network`.
    pub fn transform<E>(
        self,
        network: impl FnOnce() -> Result<Box<dyn Module + Send>, E>,
    ) -> Result<FeatureTransform, E> {
        Ok(match self {
            Self::Identity => FeatureTransform::Identity,
            Self::Derivatives => FeatureTransform::Derivatives,
            Self::MeanColor => FeatureTransform::MeanColor,
            Self::Network => FeatureTransform::Network(network()?),
        })
    }
}

impl fmt::Debug for FeatureTransform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Identity => "Identity",
            Self::Derivatives => "Derivatives",
            Self::MeanColor => "MeanColor",
            Self::Network(_) => "Network",
        })
    }
}

/// Applies `pair` to each pixel and the one before it, along rows and then columns, `(N, C, H·(W−1) +
/// (H−1)·W)`.
fn between(
    images: &Tensor,
    pair: impl Fn(Tensor, Tensor) -> candle_core::Result<Tensor>,
) -> candle_core::Result<Tensor> {
    let (_, _, height, width) = images.dims4()?;
    if height < 2 || width < 2 {
        bail!("images of {height}×{width} (height × width) are too small for derivatives, which need 2×2");
    }
    let horizontal = pair(images.narrow(3, 1, width - 1)?, images.narrow(3, 0, width - 1)?)?;
    let vertical = pair(images.narrow(2, 1, height - 1)?, images.narrow(2, 0, height - 1)?)?;
    Tensor::cat(&[horizontal.flatten_from(2)?, vertical.flatten_from(2)?], 2)
}

/// `mean(weights · |values|)` with the gradient of |·| sign(·), which is 0 at 0; candle's `abs` has 1 there.
fn mean_absolute(values: &Tensor, weights: Option<&Tensor>) -> candle_core::Result<Tensor> {
    let signs = values.detach().sign()?;
    let signs = weights.map_or(Ok(signs.clone()), |weights| signs.broadcast_mul(&weights.detach()))?;
    (values * signs)?.mean_all()
}

/// `|values|` with the gradient sign(values) too.
pub(crate) fn absolute(values: &Tensor) -> candle_core::Result<Tensor> {
    values * values.detach().sign()?
}
