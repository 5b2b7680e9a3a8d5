use simgan_data::{Annotations, AnnotationsExt};

use crate::Iris;
use crate::gray::Gray;

/// Width of the paper's images in pixels, the reference for all lengths in pixels of an eye.
pub(crate) const REFERENCE_WIDTH: f64 = 55.0;

/// The position of an eye in its image.
pub(crate) struct EyeRegion {
    pub(crate) iris: Iris,
    /// The lid margin as a polygon; empty if unknown.
    lids: Vec<[f64; 2]>,
}

impl From<Iris> for EyeRegion {
    fn from(iris: Iris) -> Self {
        Self { iris, lids: Vec::new() }
    }
}

/// Whether annotations have points around the iris, which [`pupil_shift_at`](crate::pupil_shift_at) needs.
#[must_use]
pub fn has_iris(annotations: &Annotations) -> bool {
    annotations.iris().is_some_and(|iris| !iris.is_empty())
}

impl EyeRegion {
    /// Returns the region given by landmarks; `None` without points around the iris.
    pub(crate) fn from_annotations(annotations: &Annotations) -> Option<Self> {
        let points =
            |points: &[[f32; 2]]| points.iter().map(|point| point.map(f64::from)).collect::<Vec<_>>();
        let limbus = points(annotations.iris()?);
        let lids = points(annotations.lid_margin().unwrap_or_default());
        let mean = |axis: usize| limbus.iter().map(|point| point[axis]).sum::<f64>() / limbus.len() as f64;
        let (x, y) = (mean(0), mean(1));
        let radius = limbus.iter().map(|point| (point[0] - x).hypot(point[1] - y)).reduce(f64::max)?;
        Some(Self { iris: Iris { x, y, radius }, lids })
    }

    /// Returns 0 outside the lids and 1 inside, with a smooth transition over `unit`, a pixel of a
    /// 55-pixel-wide image.
    pub(crate) fn openness(&self, point: [f64; 2], unit: f64) -> f64 {
        if self.lids.len() < 3 { 1.0 } else { smooth_step(self.depth(point) / unit) }
    }

    /// Returns the distance from the lid margin, negative outside.
    fn depth(&self, [x, y]: [f64; 2]) -> f64 {
        let next = self.lids.iter().cycle().skip(1);
        let (mut is_inside, mut distance) = (false, f64::INFINITY);
        for ([ax, ay], [bx, by]) in self.lids.iter().zip(next) {
            // Even-odd rule: each edge crossed by the ray to the right flips inside and outside.
            if (*ay > y) != (*by > y) && x < ax + (y - ay) * (bx - ax) / (by - ay) {
                is_inside = !is_inside;
            }
            let (dx, dy) = (bx - ax, by - ay);
            let along = ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy).max(1e-12);
            let along = along.clamp(0.0, 1.0);
            distance = distance.min((x - ax - along * dx).hypot(y - ay - along * dy));
        }
        if is_inside { distance } else { -distance }
    }

    /// Returns the image with its iris moved while the lids stay in place.
    pub(crate) fn with_iris_moved(&self, image: &Gray, [dx, dy]: [f64; 2]) -> Gray {
        let unit = image.width as f64 / REFERENCE_WIDTH;
        let Iris { x, y, radius } = self.iris;
        let moved = |idx: usize| {
            let (px, py) = ((idx % image.width) as f64 + 0.5, (idx / image.width) as f64 + 0.5);
            let open = self.openness([px, py], unit);
            // The shift fades out from 2 to 8 pixels beyond the limbus, so that the surroundings stretch
            // without a seam.
            let share = smooth_step(((radius + 8.0 * unit) - (px - x).hypot(py - y)) / (6.0 * unit));
            if open == 0.0 || share == 0.0 {
                return image.pixels[idx];
            }
            (open * image.at(px - share * dx, py - share * dy) + (1.0 - open) * f64::from(image.pixels[idx]))
                as f32
        };
        let pixels = (0..image.pixels.len()).map(moved).collect();
        Gray { pixels, height: image.height, width: image.width }
    }
}

/// Returns a cubic step from 0 at 0 to 1 at 1, constant outside.
pub(crate) fn smooth_step(value: f64) -> f64 {
    let value = value.clamp(0.0, 1.0);
    value * value * (3.0 - 2.0 * value)
}
