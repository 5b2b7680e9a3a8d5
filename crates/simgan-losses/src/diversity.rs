use candle_core::{Result, Tensor, bail};

use crate::self_regularization::absolute;

/// Computes how much two refinements of the same images differ for the distance of their noises: the mean over
/// images of min(mean |R(x, z₁) − R(x, z₂)| / |z₁ − z₂|, `bound`), with the root mean square as the norm of z.
///
/// R is rewarded for it, so that it does not ignore z. The paper names several refined images for each
/// synthetic one as future work (§4) and gives no loss; the ratio is that of mode seeking GANs (Mao, Lee, Tseng,
/// Ma and Yang, CVPR 2019). Without the bound, R could gain more by tearing images apart than by fooling D:
/// beyond it, the gradient is 0.
///
/// # Shapes
///
/// Two `(N, C, H, W)` and two `(N, Z)` → a scalar from 0 to `bound`.
///
/// # Errors
///
/// If the shapes do not fit together.
pub fn diversity(refined: [&Tensor; 2], noise: [&Tensor; 2], bound: f64) -> Result<Tensor> {
    let [first, second] = refined;
    if first.dims() != second.dims() || noise[0].dims() != noise[1].dims() {
        bail!("diversity: {:?} and {:?} differ in shape", first.dims(), second.dims());
    }
    let difference = absolute(&(first - second)?)?.flatten_from(1)?.mean(1)?;
    // Two noises are never quite the same; the limit keeps the quotient finite if they nearly are.
    let distance = (noise[0] - noise[1])?.sqr()?.mean(1)?.sqrt()?.maximum(1e-3)?.detach();
    (difference / distance)?.minimum(bound)?.mean_all()
}

/// Computes how unlike the change from one frame of a film to the next has become by refinement: the mean of
/// |(R(x′) − R(x)) − (x′ − x)| over pixels, with x′ the frame after x.
///
/// 0 means that R adds the same to both, so that a refined film flickers no more than the render.
///
/// # Shapes
///
/// Four `(N, C, H, W)` → a scalar. Each pair is a frame and its next one. No gradient flows to `rendered`.
///
/// # Errors
///
/// If the shapes differ.
pub fn film_difference(refined: [&Tensor; 2], rendered: [&Tensor; 2]) -> Result<Tensor> {
    let moved = (rendered[1] - rendered[0])?.detach();
    absolute(&((refined[1] - refined[0])? - moved)?)?.mean_all()
}
