use candle_core::{Result, Tensor, Var};

/// The rule by which a weight follows its gradient; the formulas are PyTorch's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Stochastic gradient descent, the paper's (Algorithm 1): v ← momentum·v + g, θ ← θ − lr·v.
    Sgd {
        /// In [0, 1): how much of the previous step is kept; 0 is plain descent.
        momentum: f64,
    },
    /// Adam with bias correction (Kingma and Ba, 2015).
    Adam {
        /// Each in [0, 1): decay of the gradient's mean, and of its square's.
        betas: [f64; 2],
        /// Added to the root of the mean square, which it keeps from 0.
        epsilon: f64,
    },
}

impl Rule {
    /// Adam with the given decays and PyTorch's ε of 1e-8.
    #[must_use]
    pub const fn adam(betas: [f64; 2]) -> Self {
        Self::Adam { betas, epsilon: 1e-8 }
    }

    /// What the rule remembers of each parameter, all zero before the first step.
    pub(super) const fn moments(self) -> &'static [&'static str] {
        match self {
            Self::Sgd { momentum: 0.0 } => &[],
            Self::Sgd { .. } => &["momentum"],
            Self::Adam { .. } => &["mean", "mean_square"],
        }
    }

    /// Moves one parameter and its moments by one step; `step` counts from 1.
    pub(super) fn apply(
        self,
        var: &Var,
        gradient: &Tensor,
        moments: &mut [Tensor],
        lr: f64,
        step: i64,
    ) -> Result<()> {
        let change = match (self, moments) {
            (Self::Sgd { momentum }, [velocity]) => {
                *velocity = ((&*velocity * momentum)? + gradient)?;
                (&*velocity * lr)?
            }
            (Self::Sgd { .. }, _) => (gradient * lr)?,
            (Self::Adam { betas: [beta1, beta2], epsilon }, [mean, mean_square]) => {
                *mean = ((&*mean * beta1)? + (gradient * (1.0 - beta1))?)?;
                *mean_square = ((&*mean_square * beta2)? + (gradient.sqr()? * (1.0 - beta2))?)?;
                let correction1 = 1.0 - beta1.powf(step as f64);
                let correction2 = 1.0 - beta2.powf(step as f64);
                let spread = ((mean_square.sqrt()? / correction2.sqrt())? + epsilon)?;
                ((&*mean / spread)? * (lr / correction1))?
            }
            (Self::Adam { .. }, _) => candle_core::bail!("Adam keeps two moments of each parameter"),
        };
        var.set(&(var.as_tensor().detach() - change)?)
    }
}
