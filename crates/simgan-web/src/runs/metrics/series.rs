//! One curve of any length in bounded memory.

use serde::Serialize;
use serde::ser::SerializeStruct;

/// Points of a curve at most.
pub(crate) const MAX_POINTS: usize = 500;

/// A curve whose neighbouring values share points once there are many. A point keeps the least, the greatest
/// and the mean of its values, so that no peak is lost.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Series {
    points: Vec<Point>,
    /// Binary logarithm of the number of values that a full point has.
    doublings: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Point {
    /// Of the last value.
    step: u64,
    min: f64,
    max: f64,
    sum: f64,
    n: u64,
}

impl Series {
    /// Adds a value; one that is not finite is left out, as a curve cannot show it.
    pub(crate) fn push(&mut self, step: u64, value: f64) {
        if !value.is_finite() {
            return;
        }
        let point = Point { step, min: value, max: value, sum: value, n: 1 };
        match self.points.last_mut() {
            Some(last) if last.n < 1 << self.doublings => *last = last.with(point),
            _ => self.points.push(point),
        }
        if self.points.len() > MAX_POINTS {
            self.halve();
        }
    }

    fn halve(&mut self) {
        let pairs = self.points.chunks(2);
        self.points = pairs.map(|pair| pair[1..].iter().fold(pair[0], |one, next| one.with(*next))).collect();
        self.doublings += 1;
    }

    /// The newest point's step and mean.
    pub(crate) fn last(&self) -> Option<(u64, f64)> {
        self.points.last().map(|point| (point.step, point.mean()))
    }

    /// About `n` of the steps, evenly spread, the last among them.
    pub(crate) fn evenly(&self, n: usize) -> Vec<u64> {
        let stride = self.points.len().div_ceil(n.max(1)).max(1);
        let mut chosen: Vec<u64> = self.points.iter().rev().step_by(stride).map(|point| point.step).collect();
        chosen.reverse();
        chosen
    }

    /// The mean at the step nearest to `step`, if that is at most `within` away.
    pub(crate) fn near(&self, step: u64, within: u64) -> Option<f64> {
        let nearest = self.points.iter().min_by_key(|point| point.step.abs_diff(step))?;
        (nearest.step.abs_diff(step) <= within).then(|| nearest.mean())
    }

    /// The number of points, and so how finely it tells of its steps.
    pub(crate) fn len(&self) -> usize {
        self.points.len()
    }
}

impl Point {
    fn with(self, next: Self) -> Self {
        Self {
            step: next.step,
            min: self.min.min(next.min),
            max: self.max.max(next.max),
            sum: self.sum + next.sum,
            n: self.n + next.n,
        }
    }

    fn mean(&self) -> f64 {
        self.sum / self.n as f64
    }
}

/// As four lists of equal length: `step`, `mean`, `min` and `max`.
impl Serialize for Series {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // What a chart can show takes half the bytes.
        let list =
            |of: fn(&Point) -> f64| self.points.iter().map(|point| of(point) as f32).collect::<Vec<_>>();
        let mut lists = serializer.serialize_struct("Series", 4)?;
        lists.serialize_field("step", &self.points.iter().map(|point| point.step).collect::<Vec<_>>())?;
        lists.serialize_field("mean", &list(Point::mean))?;
        lists.serialize_field("min", &list(|point| point.min))?;
        lists.serialize_field("max", &list(|point| point.max))?;
        lists.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_curve_keeps_its_peaks_its_mean_and_its_end() {
        let mut series = Series::default();
        let n = 100_000;
        for step in 1..=n {
            let value = if step == 77_777 { 50.0 } else { (step % 10) as f64 };
            series.push(step, value);
        }
        series.push(n + 1, f64::NAN);
        assert!(series.points.len() <= MAX_POINTS && series.points.len() > MAX_POINTS / 3);
        let n_values: u64 = series.points.iter().map(|point| point.n).sum();
        let sum: f64 = series.points.iter().map(|point| point.sum).sum();
        assert_eq!((n_values, sum), (n, 450_000.0 + 50.0 - 7.0));
        assert_eq!(series.points.iter().map(|point| point.max).fold(0.0, f64::max), 50.0);
        assert_eq!(series.last().unwrap().0, n);
        assert!(series.points.windows(2).all(|pair| pair[0].step < pair[1].step));
        assert_eq!(series.evenly(10).last(), Some(&n));
        assert_eq!(series.near(n + 5, 5), series.last().map(|(_, mean)| mean));
        assert_eq!(series.near(n + 5, 4), None);
        assert!((10..=12).contains(&series.evenly(10).len()));
    }

    #[test]
    fn a_short_curve_is_kept_as_it_is() {
        let mut series = Series::default();
        (1..=3).for_each(|step| series.push(step, step as f64 / 2.0));
        let json = serde_json::to_string(&series).unwrap();
        let lists = r#""mean":[0.5,1.0,1.5],"min":[0.5,1.0,1.5],"max":[0.5,1.0,1.5]"#;
        assert_eq!(json, format!(r#"{{"step":[1,2,3],{lists}}}"#));
    }
}
