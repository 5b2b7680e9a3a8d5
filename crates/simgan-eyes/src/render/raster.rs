use std::ops::Range;

use crate::math::Vec3;

/// The nearest triangle (that of largest z) at each sample in some rows of a grid.
pub(crate) struct DepthBuffer {
    width: usize,
    rows: Range<usize>,
    pub(crate) depth: Vec<f32>,
    fragments: Vec<Fragment>,
}

/// The triangle that covers a sample, with the barycentric weights of its second and third corner.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fragment {
    pub(crate) triangle: u32,
    pub(crate) weight_b: f32,
    pub(crate) weight_c: f32,
}

impl Fragment {
    /// No triangle covers the sample.
    pub(crate) const NONE: Self = Self { triangle: u32::MAX, weight_b: 0.0, weight_c: 0.0 };
}

/// Overlap of neighbours in barycentric weight, so that rounding leaves no gap between them.
const OVERLAP: f32 = 1e-5;

impl DepthBuffer {
    pub(crate) fn new(width: usize, rows: Range<usize>) -> Self {
        let n_samples = width * rows.len();
        let (depth, fragments) = (vec![f32::NEG_INFINITY; n_samples], vec![Fragment::NONE; n_samples]);
        Self { width, rows, depth, fragments }
    }

    /// Iterates over depths and triangles, row by row.
    pub(crate) fn rows(&self) -> impl Iterator<Item = impl Iterator<Item = (&f32, &Fragment)>> {
        let fragments = self.fragments.chunks_exact(self.width);
        self.depth
            .chunks_exact(self.width)
            .zip(fragments)
            .map(|(depth, fragments)| depth.iter().zip(fragments))
    }

    /// Draws triangles. Corners are in samples: x right, y down, the first sample's middle at 0.5.
    pub(crate) fn draw(&mut self, corners: &[Vec3], triangles: &[[u32; 3]]) {
        for (id, triangle) in triangles.iter().enumerate() {
            self.draw_one(id as u32, triangle.map(|corner| corners[corner as usize]));
        }
    }

    fn draw_one(&mut self, triangle: u32, [a, b, c]: [Vec3; 3]) {
        let (first_row, last_row) = span(a.y, b.y, c.y, self.rows.end);
        let first_row = first_row.max(self.rows.start);
        if first_row >= last_row {
            return;
        }
        let area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
        if area.is_nan() || area.abs() <= 1e-9 {
            return;
        }
        let inverse = 1.0 / area;
        let (first_col, last_col) = span(a.x, b.x, c.x, self.width);
        // The weights of b and c are linear over the image, so each row needs only their values at its start.
        let (b_dx, b_dy) = ((c.y - a.y) * inverse, (a.x - c.x) * inverse);
        let (c_dx, c_dy) = ((a.y - b.y) * inverse, (b.x - a.x) * inverse);
        let dx = first_col as f32 + 0.5 - a.x;
        for row in first_row..last_row {
            let dy = row as f32 + 0.5 - a.y;
            let (row_b, row_c) = (dx * b_dx + dy * b_dy, dx * c_dx + dy * c_dy);
            let inside = [(row_b, b_dx), (row_c, c_dx), (1.0 - row_b - row_c, -b_dx - c_dx)];
            let Some((first, last)) = covered(inside, last_col - first_col) else { continue };
            let start = (row - self.rows.start) * self.width + first_col;
            let depths = &mut self.depth[start + first..start + last];
            let fragments = &mut self.fragments[start + first..start + last];
            for (step, (depth, fragment)) in depths.iter_mut().zip(fragments).enumerate() {
                let along = (first + step) as f32;
                let (weight_b, weight_c) = (row_b + along * b_dx, row_c + along * c_dx);
                let z = a.z + weight_b * (b.z - a.z) + weight_c * (c.z - a.z);
                if z > *depth {
                    *depth = z;
                    *fragment = Fragment { triangle, weight_b, weight_c };
                }
            }
        }
    }
}

/// Returns the range of a row's `n` steps at which none of three weights (value at the first step, slope) is
/// negative.
fn covered(weights: [(f32, f32); 3], n: usize) -> Option<(usize, usize)> {
    let (mut low, mut high) = (0.0_f32, n as f32 - 1.0);
    for (value, slope) in weights {
        let bound = -(value + OVERLAP) / slope;
        if slope > 0.0 {
            low = low.max(bound);
        } else if slope < 0.0 {
            high = high.min(bound);
        } else if value < -OVERLAP {
            return None;
        }
    }
    // Truncation equals rounding down for values from 0.
    let first = low as usize + usize::from(low > (low as usize) as f32);
    (high >= first as f32).then_some((first, high as usize + 1))
}

/// Returns the samples whose middle lies between the smallest and the largest of three coordinates.
fn span(a: f32, b: f32, c: f32, n: usize) -> (usize, usize) {
    let (low, high) = (a.min(b).min(c), a.max(b).max(c));
    // `as` saturates, which clips to the image; truncation equals rounding down for values from 0.
    let first = ((low + 0.5).max(0.0) as usize).min(n);
    let last = ((high + 0.5).max(0.0) as usize).min(n);
    (first, last.max(first))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::vec3;
    use crate::random::Stream;

    /// Compares with the definition: a sample belongs to the nearest triangle that contains its middle.
    #[test]
    fn every_sample_gets_its_nearest_triangle() {
        let mut rng = Stream::new(1, "triangles", 0);
        for _ in 0..200 {
            let corners: Vec<Vec3> = (0..12)
                .map(|_| vec3(rng.uniform(-8.0, 40.0), rng.uniform(-8.0, 30.0), rng.uniform(0.0, 1.0)))
                .collect();
            let triangles = [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]];
            let (mut upper, mut lower) = (DepthBuffer::new(31, 0..9), DepthBuffer::new(31, 9..23));
            upper.draw(&corners, &triangles);
            lower.draw(&corners, &triangles);
            let depths = [upper.depth, lower.depth].concat();
            for row in 0..23 {
                for col in 0..31 {
                    let depth = depths[row * 31 + col];
                    let expected = nearest(&corners, &triangles, col as f32 + 0.5, row as f32 + 0.5);
                    if let Some(expected) = expected {
                        assert_eq!(depth.is_finite(), expected.is_finite(), "({col}, {row})");
                        assert!(depth == expected || (depth - expected).abs() < 1e-3, "{depth} {expected}");
                    }
                }
            }
        }
    }

    /// Returns the nearest depth, or `None` where a triangle's edge is too close to decide.
    fn nearest(corners: &[Vec3], triangles: &[[u32; 3]], x: f32, y: f32) -> Option<f32> {
        let mut nearest = f32::NEG_INFINITY;
        for triangle in triangles {
            let [a, b, c] = triangle.map(|corner| corners[corner as usize]);
            let area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
            let weight_b = ((x - a.x) * (c.y - a.y) - (y - a.y) * (c.x - a.x)) / area;
            let weight_c = ((y - a.y) * (b.x - a.x) - (x - a.x) * (b.y - a.y)) / area;
            let least = weight_b.min(weight_c).min(1.0 - weight_b - weight_c);
            if least.abs() < 1e-3 {
                return None;
            }
            if least > 0.0 {
                nearest = nearest.max(a.z + weight_b * (b.z - a.z) + weight_c * (c.z - a.z));
            }
        }
        Some(nearest)
    }
}
