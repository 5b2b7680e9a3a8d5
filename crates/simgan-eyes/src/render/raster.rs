use crate::math::Vec3;

/// No triangle covers this sample.
pub(crate) const NOTHING: u32 = u32::MAX;

/// The nearest triangle of each sample of a grid; nearest is the largest z.
pub(crate) struct DepthBuffer {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) depth: Vec<f32>,
    pub(crate) triangle: Vec<u32>,
}

impl DepthBuffer {
    pub(crate) fn new(width: usize, height: usize) -> Self {
        let n_samples = width * height;
        Self { width, height, depth: vec![f32::NEG_INFINITY; n_samples], triangle: vec![NOTHING; n_samples] }
    }

    /// Draws triangles whose corners are given in samples (x right, y down, the first sample's middle at 0.5).
    pub(crate) fn draw(&mut self, corners: &[Vec3], triangles: &[[u32; 3]]) {
        for (id, triangle) in triangles.iter().enumerate() {
            self.draw_one(id as u32, triangle.map(|corner| corners[corner as usize]));
        }
    }

    fn draw_one(&mut self, id: u32, [a, b, c]: [Vec3; 3]) {
        let area = (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
        if area.is_nan() || area.abs() <= 1e-9 {
            return;
        }
        let inverse = 1.0 / area;
        let (first_col, last_col) = span(a.x, b.x, c.x, self.width);
        let (first_row, last_row) = span(a.y, b.y, c.y, self.height);
        // Barycentric weights of b and c are planes over the image: value at a point, and slopes.
        let (b_dx, b_dy) = ((c.y - a.y) * inverse, (a.x - c.x) * inverse);
        let (c_dx, c_dy) = ((a.y - b.y) * inverse, (b.x - a.x) * inverse);
        let dx = first_col as f32 + 0.5 - a.x;
        let (start_b, start_c) = (dx * b_dx, dx * c_dx);
        for row in first_row..last_row {
            let dy = row as f32 + 0.5 - a.y;
            let columns = row * self.width + first_col..row * self.width + last_col;
            let depths = &mut self.depth[columns.clone()];
            let triangles = &mut self.triangle[columns];
            let (row_b, row_c) = (start_b + dy * b_dy, start_c + dy * c_dy);
            for (step, (depth, triangle)) in depths.iter_mut().zip(triangles).enumerate() {
                let along = step as f32;
                let (weight_b, weight_c) = (row_b + along * b_dx, row_c + along * c_dx);
                // A hair's breadth of overlap, so that rounding leaves no gap between neighbours.
                if weight_b < -1e-5 || weight_c < -1e-5 || weight_b + weight_c > 1.00001 {
                    continue;
                }
                let z = a.z + weight_b * (b.z - a.z) + weight_c * (c.z - a.z);
                if z > *depth {
                    (*depth, *triangle) = (z, id);
                }
            }
        }
    }
}

/// Samples whose middle lies between the smallest and the largest of three coordinates.
fn span(a: f32, b: f32, c: f32, n: usize) -> (usize, usize) {
    let (low, high) = (a.min(b).min(c), a.max(b).max(c));
    // Conversion to an integer saturates, so that what lies outside of the image clips; truncation is the floor from zero on.
    let first = ((low + 0.5).max(0.0) as usize).min(n);
    let last = ((high + 0.5).max(0.0) as usize).min(n);
    (first, last.max(first))
}

/// Barycentric weights of a triangle's corners at a point.
pub(crate) fn weights([a, b, c]: [Vec3; 3], x: f32, y: f32) -> [f32; 3] {
    let inverse = 1.0 / ((b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x));
    let (dx, dy) = (x - a.x, y - a.y);
    let weight_b = (dx * (c.y - a.y) - dy * (c.x - a.x)) * inverse;
    let weight_c = (dy * (b.x - a.x) - dx * (b.y - a.y)) * inverse;
    [1.0 - weight_b - weight_c, weight_b, weight_c]
}
