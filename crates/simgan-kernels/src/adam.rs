//! Adam's step in place: candle composes it of a dozen passes over memory, each with a result of its own.

use candle_core::{CpuStorage, InplaceOp2, InplaceOp3, Layout, Result, Tensor, bail};
use rayon::prelude::*;

use crate::tensors::slice;

/// Numbers that a thread takes at a time.
const CHUNK: usize = 1 << 14;

/// One step of Adam (Kingma and Ba, 2015, with bias correction).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Decay of the gradient's mean and of its square's.
    pub betas: [f64; 2],
    /// Added to the root of the mean square.
    pub epsilon: f64,
    /// Learning rate.
    pub lr: f64,
    /// Counts from 1.
    pub step: i64,
}

impl Adam {
    /// Moves `parameter` and its two moments, all of one shape, in place: their memory is written to. Contiguous `f32` in the CPU's
    /// memory; digit for digit what [`reference::adam`](crate::reference::adam) computes.
    ///
    /// # Errors
    /// Another device or type, or shapes that differ.
    pub fn apply(
        self,
        parameter: &Tensor,
        gradient: &Tensor,
        [mean, mean_square]: [&Tensor; 2],
    ) -> Result<()> {
        if [gradient, mean, mean_square].iter().any(|tensor| tensor.dims() != parameter.dims()) {
            bail!("Adam's tensors have different shapes: {:?} and {:?}", parameter.dims(), gradient.dims());
        }
        let gradient = gradient.contiguous()?;
        let [beta1, beta2] = self.betas;
        mean.inplace_op2(
            &gradient,
            &Decay { keep: beta1 as f32, take: (1.0 - beta1) as f32, squared: false },
        )?;
        mean_square.inplace_op2(
            &gradient,
            &Decay { keep: beta2 as f32, take: (1.0 - beta2) as f32, squared: true },
        )?;
        let correction = |beta: f64| 1.0 - beta.powf(self.step as f64);
        let scale = (1.0 / correction(beta2).sqrt()) as f32;
        let change = Move { scale, epsilon: self.epsilon as f32, lr: (self.lr / correction(beta1)) as f32 };
        parameter.inplace_op3(mean, mean_square, &change)
    }
}

/// A moment follows the gradient, or its square.
struct Decay {
    keep: f32,
    take: f32,
    squared: bool,
}

impl InplaceOp2 for Decay {
    fn name(&self) -> &'static str {
        "simgan-adam-moment"
    }

    fn cpu_fwd(
        &self,
        moment: &mut CpuStorage,
        at: &Layout,
        gradient: &CpuStorage,
        of: &Layout,
    ) -> Result<()> {
        let Self { keep, take, squared } = *self;
        let (moment, gradient) = (slice_mut(moment, at)?, slice::<f32>(gradient, of)?);
        moment.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK)).for_each(|(moment, gradient)| {
            for (moment, gradient) in moment.iter_mut().zip(gradient) {
                let value = if squared { gradient * gradient } else { *gradient };
                *moment = *moment * keep + value * take;
            }
        });
        Ok(())
    }
}

/// The parameter follows its moments.
struct Move {
    scale: f32,
    epsilon: f32,
    lr: f32,
}

impl InplaceOp3 for Move {
    fn name(&self) -> &'static str {
        "simgan-adam-parameter"
    }

    fn cpu_fwd(
        &self,
        parameter: &mut CpuStorage,
        at: &Layout,
        mean: &CpuStorage,
        mean_at: &Layout,
        mean_square: &CpuStorage,
        mean_square_at: &Layout,
    ) -> Result<()> {
        let Self { scale, epsilon, lr } = *self;
        let parameter = slice_mut(parameter, at)?;
        let moments = [slice::<f32>(mean, mean_at)?, slice::<f32>(mean_square, mean_square_at)?];
        let [mean, mean_square] = moments.map(|moment| moment.par_chunks(CHUNK));
        parameter.par_chunks_mut(CHUNK).zip(mean).zip(mean_square).for_each(
            |((parameter, mean), mean_square)| {
                for ((parameter, mean), mean_square) in parameter.iter_mut().zip(mean).zip(mean_square) {
                    *parameter -= mean / (mean_square.sqrt() * scale + epsilon) * lr;
                }
            },
        );
        Ok(())
    }
}

/// The elements of a contiguous storage, to be written.
fn slice_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    let (CpuStorage::F32(values), Some((start, end))) = (storage, layout.contiguous_offsets()) else {
        bail!("Adam in place wants contiguous f32, not {layout:?}");
    };
    Ok(&mut values[start..end])
}

pub(crate) mod reference {
    use candle_core::{Result, Tensor};

    use super::Adam;

    /// The new parameter and its new moments, composed of candle's operations; the formulas are PyTorch's.
    ///
    /// # Errors
    /// Shapes, types or devices that differ.
    pub fn adam(
        rule: Adam,
        parameter: &Tensor,
        gradient: &Tensor,
        [mean, mean_square]: [&Tensor; 2],
    ) -> Result<[Tensor; 3]> {
        let [beta1, beta2] = rule.betas;
        let mean = ((mean * beta1)? + (gradient * (1.0 - beta1))?)?;
        let mean_square = ((mean_square * beta2)? + (gradient.sqr()? * (1.0 - beta2))?)?;
        let [correction1, correction2] = rule.betas.map(|beta| 1.0 - beta.powf(rule.step as f64));
        let spread = ((mean_square.sqrt()? / correction2.sqrt())? + rule.epsilon)?;
        let change = ((&mean / spread)? * (rule.lr / correction1))?;
        Ok([(parameter - change)?, mean, mean_square])
    }
}
