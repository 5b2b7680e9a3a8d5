use candle_core::{Result, Tensor};
use candle_nn::{Init, VarBuilder};

/// Divides the weights of a convolution by their largest singular value (Miyato, Kataoka, Koyama and Yoshida,
/// ICLR 2018), as a matrix with one row per output: `(out, in·k·k)`.
///
/// The buffers `u` `(out)` and `v` `(in·k·k)` are estimates of its singular vectors. The power iteration
/// renews them in place as the weights change; whoever shares them follows.
#[derive(Clone, Debug)]
pub(crate) struct SpectralNorm {
    u: Tensor,
    v: Tensor,
}

/// The least length that a vector is divided by, as in PyTorch.
const SHORTEST: f64 = 1e-12;

impl SpectralNorm {
    /// Creates the buffers for weights of a shape. They mean nothing before [`Self::iterate`].
    pub(crate) fn new(weight: &Tensor, vb: &VarBuilder) -> Result<Self> {
        let (rows, inputs, height, width) = weight.dims4()?;
        let random =
            |length: usize, name: &str| vb.get_with_hints(length, name, Init::Uniform { lo: -1.0, up: 1.0 });
        Ok(Self { u: random(rows, "u")?, v: random(inputs * height * width, "v")? })
    }

    /// Improves the estimates by `n` power iterations.
    pub(crate) fn iterate(&self, weight: &Tensor, n: usize) -> Result<()> {
        let matrix = weight.detach().flatten_from(1)?;
        for _ in 0..n {
            let u = matrix.matmul(&self.v.detach().unsqueeze(1)?)?;
            self.u.detach().slice_set(&unit(&u)?, 0, 0)?;
            let v = matrix.t()?.matmul(&self.u.detach().unsqueeze(1)?)?;
            self.v.detach().slice_set(&unit(&v)?, 0, 0)?;
        }
        Ok(())
    }

    /// Returns the weights divided by their norm, σ = uᵀ W v. The gradient passes through the division; u and
    /// v count as constants.
    pub(crate) fn normalized(&self, weight: &Tensor) -> Result<Tensor> {
        let products = weight.flatten_from(1)?.matmul(&self.v.detach().unsqueeze(1)?)?;
        let norm = (products.squeeze(1)? * self.u.detach())?.sum_all()?;
        weight.broadcast_div(&norm)
    }
}

/// Returns the column `(n, 1)` as a vector `(n)` of length 1.
fn unit(column: &Tensor) -> Result<Tensor> {
    let length = column.sqr()?.sum_all()?.sqrt()?.maximum(SHORTEST)?;
    column.squeeze(1)?.broadcast_div(&length)
}
