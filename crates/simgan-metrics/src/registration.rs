use crate::augment::blur;
use crate::eye_region::{EyeRegion, REFERENCE_WIDTH, smooth_step};
use crate::gray::Gray;
use crate::iris::Iris;

/// Correlation below which a neighbourhood counts as lost.
const LEAST_LIKENESS: f64 = 0.35;
/// Standard deviation, in units, of the blur that removes noise and grain before comparing.
const BLUR: f64 = 0.8;
/// Extent of an iris's neighbourhood beyond the limbus, in pixels of a 55-pixel-wide eye.
const MARGIN: f64 = 3.0;

/// Brightness and its central differences along x and y.
type Look = [f32; 3];

/// The neighbourhood of a place in an image, as a template to find in another version of the image.
pub(crate) struct Registration {
    points: Vec<Known>,
    /// Weighted sums over the points of squared brightness and of squared gradients.
    squares: [f64; 2],
    unit: f64,
}

/// A point of the template.
struct Known {
    at: [f64; 2],
    weight: f64,
    /// Gradients, and brightness minus its weighted mean over all points.
    look: Look,
}

/// A round neighbourhood, in pixels of the image.
#[derive(Clone, Copy)]
pub(crate) struct Neighbourhood {
    pub(crate) centre: [f64; 2],
    pub(crate) radius: f64,
    /// Step of the template's grid and of the coarse search.
    pub(crate) unit: f64,
}

impl Registration {
    /// The neighbourhood of an iris. Weights fade out outside the lids.
    pub(crate) fn of_eye(image: &Gray, eye: &EyeRegion) -> Self {
        let unit = image.width as f64 / REFERENCE_WIDTH;
        let Iris { x, y, radius } = eye.iris;
        let around = Neighbourhood { centre: [x, y], radius: radius + MARGIN * unit, unit };
        Self::new(&Profile::new(image, unit), around, |at| eye.openness(at, unit))
    }

    /// Samples the template on a grid. Weights fade out towards the rim, and where `openness` does, from 1 to
    /// 0.
    pub(crate) fn new(
        profile: &Profile,
        Neighbourhood { centre: [x, y], radius, unit }: Neighbourhood,
        openness: impl Fn([f64; 2]) -> f64,
    ) -> Self {
        let mut points = Vec::new();
        for [across, down] in square((radius / unit).ceil() as i32, unit) {
            let at = [x + across, y + down];
            let weight = smooth_step((radius - across.hypot(down)) / (2.0 * unit)) * openness(at);
            if weight > 0.0 {
                points.push(Known { at, weight, look: profile.at(at) });
            }
        }
        let mean =
            weighted(&points, |look| f64::from(look[0])) / weighted(&points, |_| 1.0).max(f64::MIN_POSITIVE);
        points.iter_mut().for_each(|point| point.look[0] -= mean as f32);
        let squares = [
            weighted(&points, |look| f64::from(look[0]).powi(2)),
            weighted(&points, |look| gradient_product(look, look)),
        ];
        Self { points, squares, unit }
    }

    /// Returns the root mean square change of brightness over `unit`, in the direction in which it changes
    /// least: 0 on a flat neighbourhood and along a straight edge, where no movement can be seen.
    pub(crate) fn relief(&self) -> f64 {
        let mean = |of: fn(&Look) -> f64| weighted(&self.points, of) / weighted(&self.points, |_| 1.0);
        let (across, down) =
            (mean(|look| f64::from(look[1] * look[1])), mean(|look| f64::from(look[2] * look[2])));
        let both = mean(|look| f64::from(look[1] * look[2]));
        // The smaller eigenvalue of the structure tensor, of differences over two pixels.
        let least = f64::midpoint(across, down) - (0.5 * (across - down)).hypot(both);
        0.5 * self.unit * least.max(0.0).sqrt()
    }

    /// Returns the movement in pixels, of at most `largest` × `unit`, found by steps that are halved `halvings`
    /// times; `None` if nothing resembles the template.
    pub(crate) fn find(&self, profile: &Profile, largest: f64, halvings: i32) -> Option<[f64; 2]> {
        let mut best = (self.likeness(profile, [0.0; 2]), [0.0; 2]);
        let mut search = |step: f64, count: i32| {
            let centre: [f64; 2] = best.1;
            for [across, down] in square(count, step * self.unit) {
                let moved = [centre[0] + across, centre[1] + down];
                if moved[0].hypot(moved[1]) <= largest * self.unit {
                    let likeness = self.likeness(profile, moved);
                    best = if likeness > best.0 { (likeness, moved) } else { best };
                }
            }
        };
        // Whole units over the full radius, then halved steps around the best: far cheaper than a fine grid.
        search(1.0, largest as i32);
        (1..=halvings).for_each(|halving| search(0.5f64.powi(halving), 1));
        (best.0 >= LEAST_LIKENESS).then_some(best.1)
    }

    /// Returns the mean of two correlations, each in [−1, 1]: of brightness, centred and hence independent of
    /// contrast and offset, and of gradients.
    fn likeness(&self, profile: &Profile, moved: [f64; 2]) -> f64 {
        let (mut weights, mut sum, mut squares, mut products) = (0.0, 0.0, [0.0; 2], [0.0; 2]);
        for Known { at, weight, look } in &self.points {
            let found = profile.at([at[0] + moved[0], at[1] + moved[1]]);
            let brightness = f64::from(found[0]);
            weights += weight;
            sum += weight * brightness;
            squares[0] += weight * brightness * brightness;
            products[0] += weight * brightness * f64::from(look[0]);
            squares[1] += weight * gradient_product(&found, &found);
            products[1] += weight * gradient_product(&found, look);
        }
        squares[0] -= sum * sum / f64::max(weights, f64::MIN_POSITIVE);
        // The small constant makes the correlation 0 if one side is flat.
        let correlation =
            |idx: usize| products[idx] / (self.squares[idx] * squares[idx].max(0.0) + 1e-6).sqrt();
        0.5 * (correlation(0) + correlation(1))
    }
}

/// Returns the weighted sum over the points.
fn weighted(points: &[Known], of: impl Fn(&Look) -> f64) -> f64 {
    points.iter().map(|point| point.weight * of(&point.look)).sum()
}

fn gradient_product(left: &Look, right: &Look) -> f64 {
    f64::from(left[1] * right[1] + left[2] * right[2])
}

/// Enumerates offsets on a square grid around zero, `count` steps to each side.
fn square(count: i32, step: f64) -> impl Iterator<Item = [f64; 2]> {
    (-count..=count).flat_map(move |row| {
        (-count..=count).map(move |column| [f64::from(column) * step, f64::from(row) * step])
    })
}

/// A smoothed image with its gradient.
pub(crate) struct Profile {
    looks: Vec<Look>,
    height: usize,
    width: usize,
}

impl Profile {
    /// Smooths by 0.8 × `unit` pixels.
    pub(crate) fn new(image: &Gray, unit: f64) -> Self {
        let (width, height) = (image.width, image.height);
        let mut pixels = image.pixels.clone();
        // `blur` has only five taps, too few for a large deviation; the variances of repeated blurs add up.
        let passes = unit.powi(2).ceil();
        (0..passes as usize).for_each(|_| blur(&mut pixels, width, (BLUR * unit / passes.sqrt()) as f32));
        let at = |row: usize, column: usize| pixels[row * width + column];
        let look = |idx: usize| {
            let (row, column) = (idx / width, idx % width);
            let across = at(row, (column + 1).min(width - 1)) - at(row, column.saturating_sub(1));
            let down = at((row + 1).min(height - 1), column) - at(row.saturating_sub(1), column);
            [pixels[idx], across, down]
        };
        Self { looks: (0..pixels.len()).map(look).collect(), height, width }
    }

    /// Interpolates bilinearly; the first pixel's centre is (0.5, 0.5).
    fn at(&self, [x, y]: [f64; 2]) -> Look {
        let place = |at: f64, length: usize| {
            let at = (at - 0.5).clamp(0.0, (length - 1) as f64);
            (at as usize, (at as usize + 1).min(length - 1), at.fract() as f32)
        };
        let ((left, right, fx), (above, below, fy)) = (place(x, self.width), place(y, self.height));
        let look = |row: usize, column: usize| &self.looks[row * self.width + column];
        let corners = [look(above, left), look(above, right), look(below, left), look(below, right)];
        std::array::from_fn(|idx| {
            let [a, b, c, d] = corners.map(|look| look[idx]);
            let (upper, lower) = (a + fx * (b - a), c + fx * (d - c));
            upper + fy * (lower - upper)
        })
    }
}
