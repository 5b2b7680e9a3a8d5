use simgan_data::ValueRange;

/// What refining changed in an image, and how the image's values lie in the model's range.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Change {
    /// Mean of |R(x) − x| over the values that are measured before and after, x in [−1, 1].
    pub(super) mean: f64,
    pub(super) range_use: RangeUse,
}

/// How measured values lie in a range.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RangeUse {
    /// The smallest and the largest measured value, as stored; `None` if there is none.
    pub values: Option<[f32; 2]>,
    /// Number of measured values.
    pub n_values: u64,
    /// How many of them the range contains.
    pub n_inside: u64,
    /// How many of them the refiner takes for not measured.
    pub n_holes: u64,
    /// The range; `None` for images with different ones.
    pub range: Option<ValueRange>,
}

impl RangeUse {
    /// Counts the values of one image.
    pub(super) fn of(values: impl Iterator<Item = f32>, range: ValueRange) -> Self {
        let mut counted = Self { range: Some(range), ..Self::default() };
        for value in values.filter(|value| range.is_measured(*value)) {
            let [min, max] = counted.values.unwrap_or([value; 2]);
            counted.values = Some([min.min(value), max.max(value)]);
            counted.n_values += 1;
            counted.n_inside += u64::from(range.contains(value));
        }
        counted
    }

    /// Adds the values of other images. Nothing added to nothing takes the other's range.
    pub(super) fn add(&mut self, other: &Self) {
        self.range = if self.n_values == 0 {
            other.range
        } else {
            self.range.filter(|range| Some(*range) == other.range)
        };
        self.values = match (self.values, other.values) {
            (Some([min, max]), Some([least, most])) => Some([min.min(least), max.max(most)]),
            (own, other) => own.or(other),
        };
        self.n_values += other.n_values;
        self.n_inside += other.n_inside;
        self.n_holes += other.n_holes;
    }

    /// Fraction of the values that the range contains; 1 without values.
    #[must_use]
    pub fn inside(&self) -> f64 {
        if self.n_values == 0 { 1.0 } else { self.n_inside as f64 / self.n_values as f64 }
    }

    /// Fraction of the values that the refiner takes for not measured; 0 without values.
    #[must_use]
    pub fn holes(&self) -> f64 {
        if self.n_values == 0 { 0.0 } else { self.n_holes as f64 / self.n_values as f64 }
    }

    /// Whether more than 1 % of the values are beyond the range.
    #[must_use]
    pub fn is_beyond(&self) -> bool {
        self.inside() < 0.99
    }
}
