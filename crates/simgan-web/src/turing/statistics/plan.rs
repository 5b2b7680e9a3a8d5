//! How many answers a claim needs.

use std::ops::{Range, RangeInclusive};

use super::binomial::{at_least, at_most, smallest};
use super::detection::quantile;

/// The powers that can be planned for. More than 99.9 % asks for more answers than anybody collects.
pub const POWERS: RangeInclusive<f64> = 0.5..=0.999;
/// The levels that can be planned for.
pub const LEVELS: Range<f64> = 1e-6..0.5;

/// Number of answers to show that subjects who are right with probability `share` beat chance: the smallest
/// from which on the one-sided exact binomial test at level `alpha` finds it with probability `power`.
///
/// Power does not grow steadily with the number of answers, because counts are whole. The first number to
/// reach the power (37 for 70 %) may be followed by others that miss it, so one lost answer could undo it.
/// From the number returned on, none does: 42 answers for 70 %, 169 for 60 %, 654 for 55 % at the usual
/// 80 % and 5 %. (At 645, 0.814; at 653, 0.799.)
///
/// `None` unless ½ + 0.005 ≤ `share` < 1, `power` in [`POWERS`] and `alpha` in [`LEVELS`].
#[must_use]
pub fn answers_to_beat_chance(share: f64, power: f64, alpha: f64) -> Option<u64> {
    check(share - 0.5, power, alpha)?;
    let effect = share - 0.5;
    let spread = 0.5 * quantile(1.0 - alpha) + (share * (1.0 - share)).sqrt() * quantile(power);
    let power_of = |n| at_least(smallest(n, |k| at_least(k, n, 0.5) <= alpha), n, share);
    Some(settled((spread / effect).powi(2), |n| power_of(n) >= power))
}

/// Number of answers to show that images which nobody can tell apart are not distinguishable within ±`margin`
/// ([`Equivalence`](super::Equivalence)): the smallest from which on the exact tests at level `alpha` show it
/// with probability `power`.
///
/// 888 for ±5 points at 80 % and 5 %. The usual normal approximation gives 857.
///
/// `None` unless 0.005 ≤ `margin` < ½, `power` in [`POWERS`] and `alpha` in [`LEVELS`].
#[must_use]
pub fn answers_for_equivalence(margin: f64, power: f64, alpha: f64) -> Option<u64> {
    check(margin, power, alpha)?;
    let spread = 0.5 * (quantile(1.0 - alpha) + quantile(f64::midpoint(1.0, power)));
    let power_of = |n| {
        // By symmetry the accepted counts are those from `least` to `n - least`.
        let least = smallest(n, |k| at_least(k, n, 0.5 - margin) <= alpha);
        if 2 * least > n { 0.0 } else { at_most(n - least, n, 0.5) - (1.0 - at_least(least, n, 0.5)) }
    };
    Some(settled((spread / margin).powi(2), |n| power_of(n) >= power))
}

fn check(effect: f64, power: f64, alpha: f64) -> Option<()> {
    // Below half a point, the search takes minutes and nobody could collect the answers.
    let is_effect = (0.005 - 1e-12..0.5).contains(&effect);
    (is_effect && POWERS.contains(&power) && LEVELS.contains(&alpha)).then_some(())
}

/// The smallest n from which on `is_enough` holds, near the approximation `about`.
fn settled(about: f64, is_enough: impl Fn(u64) -> bool) -> u64 {
    // Exact tests need a few more answers than the approximation, never so many more.
    let beyond = (1.25 * about) as u64 + 200;
    (1..=beyond).rev().find(|n| !is_enough(*n)).map_or(1, |n| n + 1)
}
