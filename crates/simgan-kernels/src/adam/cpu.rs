//! Adam's step on the CPU, in place: one pass over memory for each moment, then one for the parameter.

use candle_core::{CpuStorage, InplaceOp2, InplaceOp3, Layout, Result, Tensor, bail};
use rayon::prelude::*;

use super::Adam;
use crate::tensors::slice;

/// Elements that a thread takes at a time.
const CHUNK: usize = 1 << 14;

pub(super) fn apply(
    rule: Adam,
    parameter: &Tensor,
    gradient: &Tensor,
    [mean, mean_square]: [&Tensor; 2],
) -> Result<()> {
    let gradient = gradient.contiguous()?;
    let [beta1, beta2] = rule.betas;
    mean.inplace_op2(&gradient, &Decay { keep: beta1 as f32, take: (1.0 - beta1) as f32, squared: false })?;
    mean_square
        .inplace_op2(&gradient, &Decay { keep: beta2 as f32, take: (1.0 - beta2) as f32, squared: true })?;
    // Scalars are rounded as candle rounds them, which divides by `s` by multiplying by `1 / s` in `f32`:
    // only then does the result equal the composition's bit for bit.
    let correction = |beta: f64| 1.0 - beta.powf(rule.step as f64);
    let scale = (1.0 / correction(beta2).sqrt()) as f32;
    let change = Move { scale, epsilon: rule.epsilon as f32, lr: (rule.lr / correction(beta1)) as f32 };
    parameter.inplace_op3(mean, mean_square, &change)
}

/// `moment ← moment · keep + value · take`, where `value` is the gradient, or its square if `squared`.
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
        let decay = |(moment, gradient): (&mut [f32], &[f32])| {
            for (moment, gradient) in moment.iter_mut().zip(gradient) {
                let value = if squared { gradient * gradient } else { *gradient };
                *moment = *moment * keep + value * take;
            }
        };
        match moment.len() {
            // Most parameters are so small that waking a thread would take longer.
            ..=CHUNK => decay((moment, gradient)),
            _ => moment.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK)).for_each(decay),
        }
        Ok(())
    }
}

/// `parameter ← parameter − mean / (√mean_square · scale + epsilon) · lr`; `scale` and `lr` include the bias
/// corrections.
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
        let change = |((parameter, mean), mean_square): ((&mut [f32], &[f32]), &[f32])| {
            for ((parameter, mean), mean_square) in parameter.iter_mut().zip(mean).zip(mean_square) {
                *parameter -= mean / (mean_square.sqrt() * scale + epsilon) * lr;
            }
        };
        match (parameter.len(), moments) {
            (..=CHUNK, [mean, mean_square]) => change(((parameter, mean), mean_square)),
            (_, moments) => {
                let [mean, mean_square] = moments.map(|moment| moment.par_chunks(CHUNK));
                parameter.par_chunks_mut(CHUNK).zip(mean).zip(mean_square).for_each(change);
            }
        }
        Ok(())
    }
}

/// The elements of a contiguous storage, mutably.
fn slice_mut<'a>(storage: &'a mut CpuStorage, layout: &Layout) -> Result<&'a mut [f32]> {
    let (CpuStorage::F32(values), Some((start, end))) = (storage, layout.contiguous_offsets()) else {
        bail!("Adam in place takes contiguous f32, not {layout:?}");
    };
    Ok(&mut values[start..end])
}
