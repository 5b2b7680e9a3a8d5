//! Exact binomial tests. The one-sided p against chance is [`simgan_metrics::binomial_p`].

use simgan_metrics::binomial_p;
use statrs::distribution::{Binomial, DiscreteCDF};

/// Probability that guessing is right at least as far from half of `n` as `n_right` is, on either side.
#[must_use]
pub fn two_sided_p(n_right: u64, n: u64) -> f64 {
    // The distribution of guesses is symmetric.
    (2.0 * binomial_p(n_right.max(n - n_right), n)).min(1.0)
}

/// P(X ≥ k) of `n` answers that are right with probability `share`.
pub(super) fn at_least(k: u64, n: u64, share: f64) -> f64 {
    match k {
        0 => 1.0,
        _ if k > n => 0.0,
        // Without answers or outside (0, 1), statrs has no distribution; the callers pass neither.
        _ => Binomial::new(share, n).map_or(f64::NAN, |distribution| distribution.sf(k - 1)),
    }
}

/// P(X ≤ k) of `n` answers that are right with probability `share`.
pub(super) fn at_most(k: u64, n: u64, share: f64) -> f64 {
    match k >= n {
        true => 1.0,
        false => Binomial::new(share, n).map_or(f64::NAN, |distribution| distribution.cdf(k)),
    }
}

/// The smallest k of `0..=n + 1` for which `is_reached` holds; it must stay true from there on.
pub(super) fn smallest(n: u64, is_reached: impl Fn(u64) -> bool) -> u64 {
    let (mut low, mut high) = (0, n + 1);
    while low < high {
        let middle = low.midpoint(high);
        match is_reached(middle) {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    low
}
