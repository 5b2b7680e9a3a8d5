use crate::augment::blur;
use crate::eye_region::{EyeRegion, REFERENCE_WIDTH, smooth_step};
use crate::gray::Gray;

/// Radius of the search for a moved iris, in pixels of a 55-pixel-wide eye.
pub(crate) const LARGEST_SHIFT: f64 = 6.0;
/// Correlation below which an iris counts as lost.
const LEAST_LIKENESS: f64 = 0.35;
/// Standard deviation, in such pixels, of the blur that removes noise and grain before comparing.
const BLUR: f64 = 0.8;
/// Extent of the compared neighbourhood beyond the limbus, in such pixels.
const MARGIN: f64 = 3.0;

/// Brightness and its central differences along x and y.
type Look = [f32; 3];

/// The neighbourhood of an iris, as a template to find in another version of the image.
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

impl Registration {
    /// Samples the template on a grid of one pixel of a 55-pixel-wide eye. Weights fade out towards its rim
    /// and outside the lids.
    pub(crate) fn new(image: &Gray, eye: &EyeRegion) -> Self {
        let unit = image.width as f64 / REFERENCE_WIDTH;
        let profile = Profile::new(image);
        let reach = eye.iris.radius + MARGIN * unit;
        let mut points = Vec::new();
        for [across, down] in square((reach / unit).ceil() as i32, unit) {
            let at = [eye.iris.x + across, eye.iris.y + down];
            let weight = smooth_step((reach - across.hypot(down)) / (2.0 * unit)) * eye.openness(at, unit);
            if weight > 0.0 {
                points.push(Known { at, weight, look: profile.at(at) });
            }
        }
        let sum = |of: &dyn Fn(&Look) -> f64| {
            points.iter().map(|point| point.weight * of(&point.look)).sum::<f64>()
        };
        let mean = sum(&|look| f64::from(look[0])) / sum(&|_| 1.0).max(f64::MIN_POSITIVE);
        points.iter_mut().for_each(|point| point.look[0] -= mean as f32);
        let sum = |of: &dyn Fn(&Look) -> f64| {
            points.iter().map(|point| point.weight * of(&point.look)).sum::<f64>()
        };
        let squares = [sum(&|look| f64::from(look[0]).powi(2)), sum(&|look| gradient_product(look, look))];
        Self { points, squares, unit }
    }

    /// Returns the iris's movement in the image's pixels; `None` if nothing resembles it.
    pub(crate) fn find(&self, image: &Gray) -> Option<[f64; 2]> {
        let profile = Profile::new(image);
        let mut best = (self.likeness(&profile, [0.0; 2]), [0.0; 2]);
        let mut search = |step: f64, count: i32| {
            let centre: [f64; 2] = best.1;
            for [across, down] in square(count, step * self.unit) {
                let moved = [centre[0] + across, centre[1] + down];
                if moved[0].hypot(moved[1]) <= LARGEST_SHIFT * self.unit {
                    let likeness = self.likeness(&profile, moved);
                    best = if likeness > best.0 { (likeness, moved) } else { best };
                }
            }
        };
        // Whole pixels over the full radius, then halved steps around the best: far cheaper than a fine grid.
        search(1.0, LARGEST_SHIFT as i32);
        [0.5, 0.25, 0.125, 0.0625].iter().for_each(|step| search(*step, 1));
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
struct Profile {
    looks: Vec<Look>,
    height: usize,
    width: usize,
}

impl Profile {
    fn new(image: &Gray) -> Self {
        let (width, height) = (image.width, image.height);
        let unit = width as f64 / REFERENCE_WIDTH;
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
