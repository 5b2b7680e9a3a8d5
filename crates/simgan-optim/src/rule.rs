use candle_core::{DType, Result, Tensor, Var};
use simgan_kernels::{Adam, reference};

/// The update rule of a weight, by PyTorch's formulas.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Stochastic gradient descent, as in the paper (Algorithm 1): v ← momentum·v + g, θ ← θ − lr·v.
    Sgd {
        /// In [0, 1): the fraction of the previous step that is kept; 0 is plain descent.
        momentum: f64,
    },
    /// Adam with bias correction (Kingma and Ba, 2015).
    Adam {
        /// Each in [0, 1): decay rates of the running means of the gradient and of its square.
        betas: [f64; 2],
        /// Added to the root of the mean square to keep it above 0.
        epsilon: f64,
    },
}

impl Rule {
    /// Adam with the given decay rates and PyTorch's ε of 1e-8.
    #[must_use]
    pub const fn adam(betas: [f64; 2]) -> Self {
        Self::Adam { betas, epsilon: 1e-8 }
    }

    /// The names of the moments that the rule keeps for each parameter, all zero before the first step.
    pub(super) const fn moments(self) -> &'static [&'static str] {
        match self {
            Self::Sgd { momentum: 0.0 } => &[],
            Self::Sgd { .. } => &["momentum"],
            Self::Adam { .. } => &["mean", "mean_square"],
        }
    }

    /// Updates one parameter and its moments; `step` counts from 1. May write to the memory of the moments.
    pub(super) fn apply(
        self,
        var: &Var,
        gradient: &Tensor,
        moments: &mut [Tensor],
        lr: f64,
        step: i64,
    ) -> Result<()> {
        match (self, moments) {
            (Self::Sgd { momentum }, [velocity]) => {
                *velocity = ((&*velocity * momentum)? + gradient)?;
                var.set(&(var.as_tensor().detach() - (&*velocity * lr)?)?)
            }
            (Self::Sgd { .. }, _) => var.set(&(var.as_tensor().detach() - (gradient * lr)?)?),
            (Self::Adam { betas, epsilon }, [mean, mean_square]) => {
                let adam = Adam { betas, epsilon, lr, step };
                // `Adam::apply` has a kernel only here; elsewhere it would copy the composition's results
                // once more.
                if var.device().is_cpu() && var.dtype() == DType::F32 {
                    return adam.apply(var, gradient, [mean, mean_square]);
                }
                let moved;
                [moved, *mean, *mean_square] =
                    reference::adam(adam, &var.as_tensor().detach(), gradient, [mean, mean_square])?;
                var.set(&moved)
            }
            (Self::Adam { .. }, _) => candle_core::bail!("Adam keeps two moments of each parameter"),
        }
    }
}
