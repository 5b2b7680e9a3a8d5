use serde::{Deserialize, Serialize};

use crate::EvalError;

/// Least slope of an estimator's answers that a correction can rest on.
const LEAST_SLOPE: f64 = 0.2;
/// Points of a table of densities.
const N_POINTS: usize = 128;

/// Mean, standard deviation and the range of the middle 98 % of a label's number.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub deviation: f64,
    /// 1st percentile.
    pub low: f64,
    /// 99th percentile.
    pub high: f64,
}

/// One number of the labels, such as a gaze's yaw, in one round.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct AxisFigures {
    /// The renders that the round's estimator learned from.
    pub renders: Moments,
    /// Predictions for the real images.
    pub predicted: Moments,
    /// How much held-out predictions change where the label changes by 1.
    pub slope: f64,
    /// Their value at label 0.
    pub intercept: f64,
    /// Standard deviation of held-out predictions around that line.
    pub scatter: f64,
    /// Mean of the real labels, by that line.
    pub mean: f64,
    /// Standard deviation of the real labels, by that line and without the scatter, and one standard error of its
    /// variance more.
    pub deviation: f64,
}

impl Moments {
    /// Measures weighted values, at least one of positive weight.
    pub(super) fn of(values: &[f64], weights: &[f64]) -> Self {
        let total: f64 = weights.iter().sum();
        let pairs = || values.iter().zip(weights);
        let mean = pairs().map(|(value, weight)| weight * value).sum::<f64>() / total;
        let variance = pairs().map(|(value, weight)| weight * (value - mean).powi(2)).sum::<f64>() / total;
        let mut sorted: Vec<_> = pairs().collect();
        sorted.sort_by(|a, b| a.0.total_cmp(b.0));
        let percentile = |share: f64| {
            let mut sum = 0.0;
            let place = sorted.iter().find(|(_, weight)| {
                sum += **weight;
                sum >= share * total
            });
            place.or(sorted.last()).map_or(mean, |(value, _)| **value)
        };
        Self { mean, deviation: variance.sqrt(), low: percentile(0.01), high: percentile(0.99) }
    }
}

impl AxisFigures {
    /// Corrects the predictions `seen` for real images by how held-out `answers` follow `truth`, which have
    /// weights: predicted = intercept + slope · label + scatter.
    ///
    /// # Errors
    ///
    /// If the answers hardly follow the truth.
    pub(super) fn measure(
        name: &str,
        renders: Moments,
        [answers, truth, weights]: [&[f64]; 3],
        seen: &[f64],
    ) -> Result<Self, EvalError> {
        let (of_truth, of_answers) = (Moments::of(truth, weights), Moments::of(answers, weights));
        let total: f64 = weights.iter().sum();
        let triples = || answers.iter().zip(truth).zip(weights);
        let common = triples()
            .map(|((answer, truth), weight)| weight * (answer - of_answers.mean) * (truth - of_truth.mean))
            .sum::<f64>()
            / total;
        let slope = common / of_truth.deviation.powi(2);
        if slope.is_nan() || slope < LEAST_SLOPE {
            let reason =
                format!("predictions of {name} follow held-out renders with a slope of {slope:.2} only");
            return Err(EvalError::Impossible { reason, hint: "train longer, or on more renders" });
        }
        let intercept = of_answers.mean - slope * of_truth.mean;
        let off = |answer: f64, truth: f64| answer - intercept - slope * truth;
        let scatter =
            triples().map(|((answer, truth), weight)| weight * off(*answer, *truth).powi(2)).sum::<f64>();
        let scatter = (scatter / total).sqrt();
        let predicted = Moments::of(seen, &vec![1.0; seen.len()]);
        // Both variances are known to within √(2/n) of themselves. One standard error is added, because a spread that
        // is too wide costs less than one that is too narrow.
        let unsure = |variance: f64, count: f64| variance * variance * 2.0 / count;
        let (seen_variance, scatter_variance) = (predicted.deviation.powi(2), scatter.powi(2));
        let error = unsure(seen_variance, seen.len() as f64) + unsure(scatter_variance, effective(weights));
        let variance = (seen_variance - scatter_variance).max(0.0) + error.sqrt();
        Ok(Self {
            renders,
            predicted,
            slope,
            intercept,
            scatter,
            mean: (predicted.mean - intercept) / slope,
            deviation: variance.sqrt() / slope,
        })
    }
}

/// The density of real labels divided by that of renders along one axis, as a table.
pub(super) struct Ratio {
    low: f64,
    step: f64,
    values: Vec<f64>,
}

impl Ratio {
    /// Divides a normal density by that of `values` with `weights`.
    pub(super) fn new(figures: &AxisFigures, values: &[f64], weights: &[f64]) -> Self {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let step = (high - low) / (N_POINTS - 1) as f64;
        let own = Moments::of(values, weights);
        // Silverman's rule, from the number of values of equal weight that would say as much.
        let width = 0.9 * own.deviation * effective(weights).powf(-0.2);
        let bell = |distance: f64, width: f64| (-0.5 * (distance / width).powi(2)).exp() / width;
        let value = |idx: usize| {
            let at = low + idx as f64 * step;
            // Mirrored at the ends, where the values of a range stop but their density does not fall.
            let near = |value: &f64| {
                let places = [*value, 2.0 * low - value, 2.0 * high - value];
                places.map(|place| bell(at - place, width)).iter().sum::<f64>()
            };
            let renders: f64 =
                values.iter().zip(weights).map(|(value, weight)| weight * near(value)).sum::<f64>();
            bell(at - figures.mean, figures.deviation) / renders.max(f64::MIN_POSITIVE)
        };
        Self { low, step, values: (0..N_POINTS).map(value).collect() }
    }

    /// The ratio at a value, interpolated linearly; beyond the table's ends, that of its ends.
    pub(super) fn at(&self, value: f64) -> f64 {
        let last = (N_POINTS - 1) as f64;
        let place = if self.step > 0.0 { ((value - self.low) / self.step).clamp(0.0, last) } else { 0.0 };
        let (left, share) = (place as usize, place.fract());
        let right = (left + 1).min(N_POINTS - 1);
        self.values[left] + share * (self.values[right] - self.values[left])
    }
}

/// The number of images of equal weight that would say as much: (Σw)² / Σw².
pub(super) fn effective(weights: &[f64]) -> f64 {
    let sum: f64 = weights.iter().sum();
    sum * sum / weights.iter().map(|weight| weight * weight).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values whose ranks are spread evenly over a normal distribution's, near enough: sums of twelve.
    fn bell(count: usize, mean: f64, deviation: f64) -> Vec<f64> {
        let one = |idx: usize| {
            let sum: f64 = (1..=12)
                .map(|prime| ((idx * (2 * prime + 1)) as f64 * 0.618_034 * prime as f64).fract())
                .sum();
            mean + deviation * (sum - 6.0)
        };
        (0..count).map(one).collect()
    }

    /// Timid answers with scatter: the line and the spread of other labels are found.
    #[test]
    fn slope_and_scatter_are_taken_off() {
        let truth: Vec<f64> = (0..2000).map(|idx| -30.0 + 0.03 * f64::from(idx)).collect();
        let noise = bell(2000, 0.0, 3.0);
        let timid = |truth: f64, noise: f64| 2.0 + 0.6 * truth + noise;
        let answers: Vec<f64> =
            truth.iter().zip(&noise).map(|(truth, noise)| timid(*truth, *noise)).collect();
        let real = bell(1500, 7.0, 4.0);
        let seen: Vec<f64> =
            real.iter().zip(noise.iter().rev()).map(|(real, noise)| timid(*real, *noise)).collect();
        let weights = vec![1.0; 2000];
        let renders = Moments::of(&truth, &weights);
        assert!((renders.low + 29.4).abs() < 0.1 && (renders.high - 29.4).abs() < 0.1, "{renders:?}");
        let found = AxisFigures::measure("yaw", renders, [&answers, &truth, &weights], &seen).unwrap();
        let expected = Moments::of(&real, &vec![1.0; 1500]);
        assert!((found.slope - 0.6).abs() < 0.02 && (found.intercept - 2.0).abs() < 0.2, "{found:?}");
        assert!((found.mean - expected.mean).abs() < 0.3, "{found:?} {expected:?}");
        assert!((found.deviation / expected.deviation - 1.0).abs() < 0.15, "{found:?} {expected:?}");
        assert!(found.predicted.deviation < 0.96 * expected.deviation, "uncorrected, it is wrong: {found:?}");
        let flat = vec![3.0; 2000];
        let error = AxisFigures::measure("yaw", renders, [&flat, &truth, &weights], &seen).unwrap_err();
        assert!(error.to_string().contains("yaw"), "{error}");
    }

    /// Weighted by the ratio, evenly spread values get the other distribution's moments.
    #[test]
    fn ratios_turn_one_distribution_into_the_other() {
        let values: Vec<f64> = (0..3000).map(|idx| -30.0 + 0.02 * f64::from(idx)).collect();
        let weights = vec![1.0; 3000];
        let own = Moments::of(&values, &weights);
        let figures = AxisFigures {
            renders: own,
            predicted: own,
            slope: 1.0,
            intercept: 0.0,
            scatter: 0.0,
            mean: 6.0,
            deviation: 5.0,
        };
        let ratio = Ratio::new(&figures, &values, &weights);
        let new: Vec<f64> = values.iter().map(|value| ratio.at(*value)).collect();
        let found = Moments::of(&values, &new);
        assert!((found.mean - 6.0).abs() < 0.1 && (found.deviation - 5.0).abs() < 0.1, "{found:?}");
        assert!(effective(&weights) == 3000.0 && effective(&new) < 1500.0);
    }
}
