//! Signal detection: how well subjects tell the kinds apart, and which answer they prefer.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, Normal};

use super::{Design, Table};

/// Sensitivity d′ and bias c. The signal to detect is a refined image (in a two-alternative test, a real
/// image on the right).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// Distance of the kinds in standard deviations of the impression they make; 0 at chance.
    pub d_prime: f64,
    /// The criterion c; negative if subjects prefer to say "refined" (or "right").
    pub bias: f64,
    /// Whether a rate was 0 or 1 and the log-linear correction was applied.
    pub is_corrected: bool,
}

impl Detection {
    /// Computes both figures; `None` unless both kinds were shown.
    ///
    /// With H the share of "refined" among refined images and F among real ones, d′ = z(H) − z(F) and
    /// c = −(z(H) + z(F)) / 2. In a two-alternative test d′ = √2 z(share correct), and c compares the sides.
    /// If a rate is 0 or 1, its z is infinite; every rate (k of n) then becomes (k + ½) / (n + 1), the
    /// log-linear correction.
    #[must_use]
    pub fn new(table: &Table, design: Design) -> Option<Self> {
        let [(misses, n_first), (hits, n_second)] =
            [0, 1].map(|truth| (table.counts[truth][1], table.n_true(truth)));
        if n_first == 0 || n_second == 0 {
            return None;
        }
        let (hit, alarm) = ((hits, n_second), (misses, n_first));
        let right = (table.n_right(), table.n());
        let rates = match design {
            Design::YesNo => vec![hit, alarm],
            Design::TwoAlternatives => vec![hit, alarm, right],
        };
        let is_corrected = rates.iter().any(|(k, n)| *k == 0 || k == n);
        let z = |(k, n): (u64, u64)| match is_corrected {
            true => quantile((k as f64 + 0.5) / (n as f64 + 1.0)),
            false => quantile(k as f64 / n as f64),
        };
        let d_prime = match design {
            Design::YesNo => z(hit) - z(alarm),
            Design::TwoAlternatives => std::f64::consts::SQRT_2 * z(right),
        };
        Some(Self { d_prime, bias: -(z(hit) + z(alarm)) / 2.0, is_corrected })
    }
}

/// The standard normal distribution's quantile.
pub(super) fn quantile(share: f64) -> f64 {
    Normal::standard().inverse_cdf(share)
}
