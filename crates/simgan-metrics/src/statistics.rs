use serde::{Deserialize, Serialize};

/// Mean and standard deviation of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The sample standard deviation (divisor n − 1); 0 for a single value.
    pub sd: f64,
}

impl Spread {
    /// Returns the spread of `values`; `None` if there are none.
    #[must_use]
    pub fn new(values: &[f64]) -> Option<Self> {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>();
        let sd = if values.len() > 1 { (squares / (count - 1.0)).sqrt() } else { 0.0 };
        (!values.is_empty()).then_some(Self { mean, sd })
    }
}

/// Returns the probability that guessing gets at least `n_right` of `n_all` answers right: the exact
/// one-sided binomial test against 1/2, as in the paper's visual Turing test (§3.1).
#[must_use]
pub fn binomial_p(n_right: u64, n_all: u64) -> f64 {
    // Logarithm of the first term; the others follow as ratios of neighbours, without factorials or overflow.
    let ln_term = (1..=n_all.saturating_sub(n_right))
        .fold(-(n_all as f64) * std::f64::consts::LN_2, |sum, k| {
            sum + ((n_all - k + 1) as f64 / k as f64).ln()
        });
    let mut term = 1.0;
    let mut sum = 0.0;
    for k in n_right..=n_all {
        sum += term;
        term *= (n_all - k) as f64 / (k + 1) as f64;
    }
    (ln_term + f64::ln(sum)).exp().min(1.0)
}

/// Returns the 95 % confidence interval (Wilson's) of a proportion, given `n_hits` out of `n_all`; [0, 1] if
/// `n_all` is 0.
#[must_use]
pub fn share_interval(n_hits: u64, n_all: u64) -> [f64; 2] {
    // The 97.5 % quantile of the normal distribution.
    const Z: f64 = 1.959_963_984_540_054;
    if n_all == 0 {
        return [0.0, 1.0];
    }
    let (count, share) = (n_all as f64, n_hits as f64 / n_all as f64);
    let scale = 1.0 + Z * Z / count;
    let centre = (share + Z * Z / (2.0 * count)) / scale;
    let half = Z / scale * (share * (1.0 - share) / count + Z * Z / (4.0 * count * count)).sqrt();
    [(centre - half).max(0.0), (centre + half).min(1.0)]
}
