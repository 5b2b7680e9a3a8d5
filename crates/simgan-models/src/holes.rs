//! Pixels that a refiner takes for not measured.

use candle_core::Tensor;

/// What a refiner made of images, with gradients.
#[derive(Clone, Debug)]
pub struct RefinerOutput {
    /// R(x), `(N, C, H, W)`; with holes −1 where a pixel is not measured.
    pub images: Tensor,
    /// R(x) as if every pixel were measured.
    pub values: Tensor,
    /// 1 where a pixel is measured and 0 where it is not, `(N, 1, H, W)`; `None` without [`RefinerConfig::holes`](crate::RefinerConfig::holes).
    pub measured: Option<Tensor>,
}

/// Decides by chance which pixels are measured: 1 or 0, `(N, 1, H, W)`. A pixel is with the probability 1 + s, at
/// most 1; the chance is that of the last plane of `grain`. A decision has no gradient: s gets that of its
/// probability (the straight-through estimator: Bengio, Léonard and Courville, arXiv 1308.3432).
pub(crate) fn measured(s: &Tensor, grain: &Tensor) -> candle_core::Result<Tensor> {
    // Φ of a normal number is uniform, and 1 + s ≥ Φ(g) is s ≥ ½ (erf(g / √2) − 1).
    let chance = grain.narrow(1, grain.dim(1)? - 1, 1)?;
    let least = ((chance * std::f64::consts::FRAC_1_SQRT_2)?.erf()? - 1.0)?.affine(0.5, 0.0)?;
    let decided = s.detach().ge(&least)?.to_dtype(s.dtype())?;
    decided + (s - s.detach())?
}
