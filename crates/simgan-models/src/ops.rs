//! Stands in for `simgan_kernels` until its operations land.
#![expect(clippy::disallowed_methods, reason = "stride 1 only, where candle's gradient is right")]
use candle_core::{D, Result, Tensor};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Border {
    Zeros,
    Replicate,
}
#[derive(Clone, Copy, Debug)]
pub(crate) struct Conv2d {
    pub stride: usize,
    pub padding: usize,
    pub border: Border,
    pub relu: bool,
}
#[derive(Clone, Copy, Debug)]
pub(crate) struct MaxPool2d {
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
}

fn linear(x: &Tensor, w: &Tensor, bias: Option<&Tensor>, o: Conv2d) -> Result<Tensor> {
    let p = o.padding;
    let x = match o.border {
        Border::Zeros => x.pad_with_zeros(2, p, p)?.pad_with_zeros(3, p, p)?,
        Border::Replicate => x.pad_with_same(2, p, p)?.pad_with_same(3, p, p)?,
    };
    let y = x.conv2d(w, 0, 1, 1, 1)?;
    let y = subsample(&subsample(&y, 2, o.stride)?, 3, o.stride)?;
    match bias {
        Some(b) => y.broadcast_add(&b.reshape((1, (), 1, 1))?),
        None => Ok(y),
    }
}

fn subsample(x: &Tensor, dim: usize, stride: usize) -> Result<Tensor> {
    if stride == 1 {
        return Ok(x.clone());
    }
    let ids: Vec<u32> = (0..x.dim(dim)? as u32).step_by(stride).collect();
    x.index_select(&Tensor::new(ids, x.device())?, dim)
}

pub(crate) fn conv2d(x: &Tensor, w: &Tensor, b: Option<&Tensor>, o: Conv2d) -> Result<Tensor> {
    let y = linear(x, w, b, o)?;
    if o.relu { y.relu() } else { Ok(y) }
}

pub(crate) fn conv2d_residual(
    x: &Tensor,
    w: &Tensor,
    b: Option<&Tensor>,
    r: &Tensor,
    o: Conv2d,
) -> Result<Tensor> {
    let y = (linear(x, w, b, o)? + r)?;
    if o.relu { y.relu() } else { Ok(y) }
}

pub(crate) fn max_pool2d(x: &Tensor, o: MaxPool2d) -> Result<Tensor> {
    let p = o.padding;
    let x = x.pad_with_zeros(2, p, p)?.pad_with_zeros(3, p, p)?;
    let (h, w) = (x.dim(2)? - o.kernel + 1, x.dim(D::Minus1)? - o.kernel + 1);
    let mut best: Option<Tensor> = None;
    for i in 0..o.kernel {
        for j in 0..o.kernel {
            let v = x.narrow(2, i, h)?.narrow(3, j, w)?;
            best = Some(match best {
                Some(b) => b.maximum(&v)?,
                None => v,
            });
        }
    }
    let y = best.ok_or_else(|| candle_core::Error::Msg("kernel 0".into()))?;
    subsample(&subsample(&y, 2, o.stride)?, 3, o.stride)
}
