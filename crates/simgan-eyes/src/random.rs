//! Seeded streams of random numbers, one per purpose, and lattice noise.

use std::cell::Cell;

use crate::math::floor;
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
            corners = corners.moved(self.seed, xi, yi);
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

    /// Returns another cell's corners. The next cell to the right shares two.
    fn moved(&self, seed: u32, x: i32, y: i32) -> Self {
        if (self.x.wrapping_add(1), self.y) != (x, y) {
            return Self::new(seed, x, y);
        }
        let at = |dy: i32| lattice(seed, x.wrapping_add(1), y.wrapping_add(dy));
        let [_, right, _, upper_right] = self.values;
        Self { x, y, values: [right, at(0), upper_right, at(1)] }
    }
}

/// Hashes a lattice point to a value in [−1, 1).
fn lattice(seed: u32, x: i32, y: i32) -> f32 {
    let mut h = seed ^ (x as u32).wrapping_mul(0x9E37_79B1) ^ (y as u32).wrapping_mul(0x85EB_CA77);
    h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
    h = (h ^ (h >> 12)).wrapping_mul(0x297A_2D39);
    h ^= h >> 15;
    (h >> 8) as f32 * (2.0 / 16_777_216.0) - 1.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The remembered cell changes no bit, whichever way the points go.
    #[test]
    fn noise_depends_on_the_point_alone() {
        let (noise, mut rng) = (Noise::new(9), Stream::new(1, "points", 0));
        for _ in 0..2000 {
            let (x, y) = (rng.uniform(-3.0, 3.0), rng.uniform(-1.5, 1.5));
            assert_eq!(noise.at(x, y).to_bits(), Noise::new(9).at(x, y).to_bits(), "({x}, {y})");
        }
    }
}
