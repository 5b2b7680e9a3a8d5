//! Seeded streams of random numbers, one per purpose, and lattice noise.

use std::cell::Cell;

pub(crate) use simgan_data::simulation::Stream;

/// Smooth value noise on the integer lattice, in [−1, 1]. It remembers the last cell, because successive points
/// often lie in one.
pub(crate) struct Noise {
    seed: u32,
    last: Cell<Corners>,
}

/// The corners of a lattice cell.
#[derive(Clone, Copy)]
struct Corners {
    x: i32,
    y: i32,
    /// The values at y, from left to right, and those at y + 1.
    values: [f32; 4],
}

impl Noise {
    pub(crate) fn new(seed: u32) -> Self {
        Self { seed, last: Cell::new(Corners::new(seed, 0, 0)) }
    }

    /// Returns the noise at a point.
    pub(crate) fn at(&self, x: f32, y: f32) -> f32 {
        let (xi, yi) = (floor(x), floor(y));
        let (fx, fy) = (x - xi as f32, y - yi as f32);
        let (wx, wy) = (fx * fx * (3.0 - 2.0 * fx), fy * fy * (3.0 - 2.0 * fy));
        let mut corners = self.last.get();
        if (corners.x, corners.y) != (xi, yi) {
            corners = Corners::new(self.seed, xi, yi);
            self.last.set(corners);
        }
        let [left, right, upper_left, upper_right] = corners.values;
        let low = left + (right - left) * wx;
        let high = upper_left + (upper_right - upper_left) * wx;
        low + (high - low) * wy
    }
}

impl Corners {
    fn new(seed: u32, x: i32, y: i32) -> Self {
        let at = |dx: i32, dy: i32| lattice(seed, x.wrapping_add(dx), y.wrapping_add(dy));
        Self { x, y, values: [at(0, 0), at(1, 0), at(0, 1), at(1, 1)] }
    }
}

/// Rounds down. `f32::floor` is a library call on many machines, and noise is computed for every sample.
fn floor(x: f32) -> i32 {
    let cut = x as i32;
    if (cut as f32) > x { cut - 1 } else { cut }
}

/// Hashes a lattice point to a value in [−1, 1).
fn lattice(seed: u32, x: i32, y: i32) -> f32 {
    let mut h = seed ^ (x as u32).wrapping_mul(0x9E37_79B1) ^ (y as u32).wrapping_mul(0x85EB_CA77);
    h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
    h = (h ^ (h >> 12)).wrapping_mul(0x297A_2D39);
    h ^= h >> 15;
    (h >> 8) as f32 * (2.0 / 16_777_216.0) - 1.0
}
