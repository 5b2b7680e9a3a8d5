//! One figure over the steps, in bounded memory.

/// Maximum number of points.
const MOST: usize = 512;

/// Means of one figure over equal spans of steps. When there are too many, neighbours are joined.
#[derive(Clone, Debug)]
pub(super) struct Curve {
    /// The step where the first span begins.
    first: u64,
    /// Steps in a span.
    span: u64,
    /// The sum and the number of values in each span.
    sums: Vec<(f64, u32)>,
}

impl Default for Curve {
    fn default() -> Self {
        Self { first: 0, span: 1, sums: Vec::new() }
    }
}

impl Curve {
    /// Adds the value of a step; steps come in order.
    pub(super) fn push(&mut self, step: u64, value: f64) {
        if !value.is_finite() {
            return;
        }
        if self.sums.is_empty() {
            self.first = step;
        }
        while self.span_of(step) >= MOST {
            self.join_neighbours();
        }
        let idx = self.span_of(step);
        if self.sums.len() <= idx {
            self.sums.resize(idx + 1, (0.0, 0));
        }
        let (sum, n) = &mut self.sums[idx];
        *sum += value;
        *n += 1;
    }

    /// Returns the points: the middle of a span, and the mean there.
    pub(super) fn points(&self) -> Vec<(f64, f64)> {
        let middle =
            |idx: usize| self.first as f64 + idx as f64 * self.span as f64 + (self.span - 1) as f64 / 2.0;
        let filled = self.sums.iter().enumerate().filter(|(_, (_, n))| *n > 0);
        filled.map(|(idx, (sum, n))| (middle(idx), sum / f64::from(*n))).collect()
    }

    fn span_of(&self, step: u64) -> usize {
        (step.saturating_sub(self.first) / self.span) as usize
    }

    fn join_neighbours(&mut self) {
        self.span *= 2;
        let add = |pair: &[(f64, u32)]| pair.iter().fold((0.0, 0), |(sum, n), (s, k)| (sum + s, n + k));
        self.sums = self.sums.chunks(2).map(add).collect();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_points_hold_any_number_of_steps() {
        let mut curve = Curve::default();
        (7..=100_006_u32).for_each(|step| curve.push(u64::from(step), f64::from(step)));
        let points = curve.points();
        assert!((256..=MOST).contains(&points.len()), "{}", points.len());
        assert!(points.iter().all(|(step, mean)| (step - mean).abs() < 1.0 || *step > 99_500.0));
        assert!(points.is_sorted_by(|(a, _), (b, _)| a < b));
    }

    #[test]
    fn a_gap_and_a_value_without_a_number_leave_no_point() {
        let mut curve = Curve::default();
        [(3, 1.0), (4, f64::NAN), (6, 2.0)].into_iter().for_each(|(step, value)| curve.push(step, value));
        assert_eq!(curve.points(), [(3.0, 1.0), (6.0, 2.0)]);
    }
}
