use serde::{Deserialize, Serialize};

use crate::{Spread, binomial_p};

/// 97.5 % quantiles of Student's t distribution with 1 to 10 degrees of freedom.
const T: [f64; 10] = [
    12.706_205, 4.302_653, 3.182_446, 2.776_445, 2.570_582, 2.446_912, 2.364_624, 2.306_004, 2.262_157,
    2.228_139,
];
/// The same of the normal distribution.
const Z: f64 = 1.959_963_984_540_054;

/// A difference that was measured in pairs, in one or several draws.
///
/// Pairs of one draw share its images and its refiner, so only draws are independent of each other.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PairedDifference {
    /// Number of draws.
    pub n_draws: usize,
    /// Number of pairs in all draws.
    pub n_pairs: usize,
    /// Pairs whose difference is negative.
    pub n_lower: usize,
    /// Pairs whose difference is positive; the others are ties.
    pub n_higher: usize,
    /// The mean of the draws' mean differences.
    pub mean: f64,
    /// 95 % confidence interval of the mean, by Student's t from the draws' mean differences; absent for one draw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<[f64; 2]>,
    /// Probability of as many or more pairs of one sign if both signs were equally likely: the exact two-sided
    /// sign test. It takes pairs for independent, so it is too small where a draw has several.
    pub p_value: f64,
}

impl PairedDifference {
    /// Summarizes the differences of each draw's pairs; `None` if a draw has none, or there is no draw.
    #[must_use]
    pub fn new(draws: &[Vec<f64>]) -> Option<Self> {
        let means: Option<Vec<f64>> = draws.iter().map(|pairs| Some(Spread::new(pairs)?.mean)).collect();
        let means = means?;
        let Spread { mean, sd } = Spread::new(&means)?;
        let pairs = || draws.iter().flatten();
        let n_lower = pairs().filter(|difference| **difference < 0.0).count();
        let n_higher = pairs().filter(|difference| **difference > 0.0).count();
        let n_draws = means.len();
        let half = |freedom| quantile(freedom) * sd / (n_draws as f64).sqrt();
        let interval = (n_draws > 1).then(|| half(n_draws - 1)).map(|half| [mean - half, mean + half]);
        let one_sided = binomial_p(n_lower.max(n_higher) as u64, (n_lower + n_higher) as u64);
        let (n_pairs, p_value) = (pairs().count(), (2.0 * one_sided).min(1.0));
        Some(Self { n_draws, n_pairs, n_lower, n_higher, mean, interval, p_value })
    }
}

/// The 97.5 % quantile of Student's t distribution, beyond the table by its expansion in 1 / `freedom`.
fn quantile(freedom: usize) -> f64 {
    let expanded = || {
        let n = freedom as f64;
        let second = 5.0 * Z.powi(5) + 16.0 * Z.powi(3) + 3.0 * Z;
        Z + (Z.powi(3) + Z) / (4.0 * n) + second / (96.0 * n * n)
    };
    T.get(freedom.wrapping_sub(1)).copied().unwrap_or_else(expanded)
}
