use std::ops::Range;

use crate::math::{Vec3, floor};

/// Samples computed together. Loops over arrays of this size become vector instructions on every machine.
const LANES: usize = 4;
pub(crate) type Lanes = [f32; LANES];
const STEPS: Lanes = [0.0, 1.0, 2.0, 3.0];

/// Overlap of neighbours in barycentric weight, so that rounding leaves no gap between them.
const OVERLAP: f32 = 1e-5;

/// The samples of a grid that are drawn.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    /// Columns and rows of the grid.
    pub(crate) size: [u32; 2],
    pub(crate) cols: Range<u32>,
    pub(crate) rows: Range<u32>,
}

impl Window {
    /// The whole grid.
    pub(crate) fn whole(width: usize, height: usize) -> Self {
        let [width, height] = [width, height].map(|side| side as u32);
        Self { size: [width, height], cols: 0..width, rows: 0..height }
    }
}

/// The nearest facet (that of largest z) at each sample of a window.
pub(crate) struct DepthBuffer {
    window: Window,
    depth: Vec<f32>,
    facets: Vec<u32>,
}

/// A triangle over a grid of samples.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Facet {
    /// The columns and rows between the triangle's extremes.
    cols: [u32; 2],
    rows: [u32; 2],
    /// The x from the first corner to the middle of the first column.
    dx: f32,
    /// The first corner's y and z.
    y: f32,
    z: f32,
    b: Slope,
    c: Slope,
}

/// How the barycentric weight of the second or third corner changes with x and y, and z with the weight.
#[derive(Clone, Copy, Debug)]
struct Slope {
    dx: f32,
    dy: f32,
    dz: f32,
}

impl Facet {
    /// Prepares a triangle; `None` if it covers no sample of the window. Corners are in samples of the grid: x
    /// right, y down, the first sample's middle at 0.5.
    pub(crate) fn new([a, b, c]: [Vec3; 3], window: &Window) -> Option<Self> {
        let cols = span([a.x, b.x, c.x], window.size[0], &window.cols)?;
        let rows = span([a.y, b.y, c.y], window.size[1], &window.rows)?;
        let area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
        if area.is_nan() || area.abs() <= 1e-9 {
            return None;
        }
        let inverse = 1.0 / area;
        Some(Self {
            cols,
            rows,
            dx: cols[0] as f32 + 0.5 - a.x,
            y: a.y,
            z: a.z,
            b: Slope { dx: (c.y - a.y) * inverse, dy: (a.x - c.x) * inverse, dz: b.z - a.z },
            c: Slope { dx: (a.y - b.y) * inverse, dy: (b.x - a.x) * inverse, dz: c.z - a.z },
        })
    }

    /// Returns the weights of the second and third corner at a sample.
    pub(crate) fn weights(&self, col: usize, row: usize) -> [f32; 2] {
        let dy = row as f32 + 0.5 - self.y;
        let along = (col as u32 - self.cols[0]) as f32;
        [self.b, self.c].map(|slope| self.dx * slope.dx + dy * slope.dy + along * slope.dx)
    }

    /// Returns the weights of the second and third corner at the first column of consecutive rows.
    fn starts(&self, first_row: u32) -> [Lanes; 2] {
        let dy = STEPS.map(|step| first_row as f32 + step + 0.5 - self.y);
        [self.b, self.c].map(|slope| dy.map(|dy| self.dx * slope.dx + dy * slope.dy))
    }

    /// Returns the steps from the first column, within `first..=last`, between which no weight is negative,
    /// for rows that start with the given weights.
    fn covered(&self, [b, c]: [Lanes; 2], first: f32, last: f32) -> [Lanes; 2] {
        let a: Lanes = std::array::from_fn(|lane| 1.0 - b[lane] - c[lane]);
        let (mut low, mut high) = ([first; LANES], [last; LANES]);
        for (starts, slope) in [(b, self.b.dx), (c, self.c.dx), (a, -self.b.dx - self.c.dx)] {
            let bounds = starts.map(|start| -(start + OVERLAP) / slope);
            for lane in 0..LANES {
                if slope > 0.0 {
                    low[lane] = if bounds[lane] > low[lane] { bounds[lane] } else { low[lane] };
                } else if slope < 0.0 {
                    high[lane] = if bounds[lane] < high[lane] { bounds[lane] } else { high[lane] };
                } else if starts[lane] < -OVERLAP {
                    low[lane] = f32::INFINITY;
                }
            }
        }
        [low, high]
    }
}

impl DepthBuffer {
    /// No facet covers the sample.
    pub(crate) const NONE: u32 = u32::MAX;

    /// Creates an empty buffer.
    pub(crate) fn new(window: Window) -> Self {
        // The last samples are drawn in a whole group too.
        let n_samples = window.size[0] as usize * window.rows.len() + LANES - 1;
        let (depth, facets) = (vec![f32::NEG_INFINITY; n_samples], vec![Self::NONE; n_samples]);
        Self { window, depth, facets }
    }

    /// Draws triangles between corners, of which only the depth is kept.
    pub(crate) fn of_mesh(window: &Window, corners: &[Vec3], triangles: &[[u32; 3]]) -> Self {
        let mut buffer = Self::new(window.clone());
        for triangle in triangles {
            if let Some(facet) = Facet::new(triangle.map(|corner| corners[corner as usize]), window) {
                buffer.draw(0, &facet);
            }
        }
        buffer
    }

    /// Returns the depths and facets of a row, over the grid's whole width.
    pub(crate) fn row(&self, row: usize) -> (&[f32], &[u32]) {
        let width = self.window.size[0] as usize;
        let start = (row - self.window.rows.start as usize) * width;
        (&self.depth[start..start + width], &self.facets[start..start + width])
    }

    /// Returns the depths of a group of samples of a row, from a column on.
    pub(crate) fn group(&self, col: usize, row: usize) -> Lanes {
        let start = (row - self.window.rows.start as usize) * self.window.size[0] as usize + col;
        std::array::from_fn(|lane| self.depth[start..start + LANES][lane])
    }

    /// Returns the depths, row by row.
    pub(crate) fn into_depth(mut self) -> Vec<f32> {
        self.depth.truncate(self.window.size[0] as usize * self.window.rows.len());
        self.depth
    }

    /// Draws a facet.
    pub(crate) fn draw(&mut self, id: u32, facet: &Facet) {
        let Window { size: [width, _], cols, rows } = &self.window;
        let (width, first_row) = (*width as usize, rows.start);
        let [left, right] = facet.cols;
        let (top, bottom) = (facet.rows[0].max(rows.start), facet.rows[1].min(rows.end));
        let (first, end) = (left.max(cols.start), right.min(cols.end));
        if first >= end {
            return;
        }
        let (first, last) = ((first - left) as f32, (end - 1 - left) as f32);
        let mut row = top;
        while row < bottom {
            let [b, c] = facet.starts(row);
            let [low, high] = facet.covered([b, c], first, last);
            for lane in 0..LANES.min((bottom - row) as usize) {
                if low[lane] <= high[lane] {
                    let start = ((row - first_row) as usize + lane) * width + left as usize;
                    self.draw_row(id, facet, start, [b[lane], c[lane]], [low[lane], high[lane]]);
                }
            }
            row += LANES as u32;
        }
    }

    /// Draws the steps of one row from `low` to `high`; `start` is the index of step 0, where b and c have the
    /// given weights.
    fn draw_row(&mut self, id: u32, facet: &Facet, start: usize, [b, c]: [f32; 2], [low, high]: [f32; 2]) {
        let first = floor(low);
        let mut at = start + first as usize;
        let mut along = STEPS.map(|step| first as f32 + step);
        while along[0] <= high {
            let Some(depths) = self.depth[at..].first_chunk_mut::<LANES>() else { return };
            let Some(facets) = self.facets[at..].first_chunk_mut::<LANES>() else { return };
            let z = along.map(|along| {
                let (weight_b, weight_c) = (b + along * facet.b.dx, c + along * facet.c.dx);
                facet.z + weight_b * facet.b.dz + weight_c * facet.c.dz
            });
            let z = select(along.map(|along| along >= low), z, [f32::NEG_INFINITY; LANES]);
            let z = select(along.map(|along| along <= high), z, [f32::NEG_INFINITY; LANES]);
            let is_nearest = std::array::from_fn(|lane| z[lane] > depths[lane]);
            *depths = select(is_nearest, z, *depths);
            *facets = select(is_nearest, [id; LANES], *facets);
            along = along.map(|along| along + LANES as f32);
            at += LANES;
        }
    }
}

/// Returns the values of one of two groups, by lane.
fn select<T: Copy>(is_first: [bool; LANES], first: [T; LANES], second: [T; LANES]) -> [T; LANES] {
    std::array::from_fn(|lane| if is_first[lane] { first[lane] } else { second[lane] })
}

/// Returns the samples, of `n`, whose middle lies between the smallest and the largest of three coordinates;
/// `None` if none of the window does.
fn span([a, b, c]: [f32; 3], n: u32, window: &Range<u32>) -> Option<[u32; 2]> {
    let (low, high) = (least(least(a, b), c) + 0.5, most(most(a, b), c) + 0.5);
    // Most triangles end here.
    if high < window.start as f32 + 1.0 || low >= window.end as f32 {
        return None;
    }
    let (first, last) = (floor(low.max(0.0)) as u32, floor(high.min(n as f32)) as u32);
    (first < last).then_some([first, last])
}

/// Returns the smaller of two numbers. Unlike `f32::min`, which takes care of NaN, it is one instruction.
fn least(a: f32, b: f32) -> f32 {
    if a < b { a } else { b }
}

/// Returns the larger of two numbers.
fn most(a: f32, b: f32) -> f32 {
    if a > b { a } else { b }
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
            let drawn = |rows| {
                let window = Window { rows, ..Window::whole(31, 23) };
                DepthBuffer::of_mesh(&window, &corners, &triangles).into_depth()
            };
            let depths = [drawn(0..9), drawn(9..23)].concat();
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

    /// A window of a grid gets what the whole grid gets there, bit for bit.
    #[test]
    fn a_window_is_a_part_of_its_grid() {
        let mut rng = Stream::new(2, "windows", 0);
        for _ in 0..200 {
            let corners = [0; 3].map(|_| vec3(rng.uniform(-8.0, 40.0), rng.uniform(-8.0, 30.0), rng.unit()));
            let part = Window { cols: 5..22, rows: 3..14, ..Window::whole(31, 23) };
            let [whole, part] = [Window::whole(31, 23), part].map(|window| {
                let mut buffer = DepthBuffer::new(window.clone());
                Facet::new(corners, &window).iter().for_each(|facet| buffer.draw(0, facet));
                buffer
            });
            for row in 3..14 {
                let [(whole, _), (part, _)] = [whole.row(row), part.row(row)];
                assert_eq!(whole[5..22], part[5..22], "row {row}");
                assert!(part[..5].iter().chain(&part[22..]).all(|depth| depth.is_infinite()));
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
