//! Seeded streams of random numbers, one per purpose, and lattice noise.

pub(crate) use simgan_data::simulation::Stream;

/// Smooth value noise on the integer lattice, in [−1, 1].
pub(crate) fn noise(seed: u32, x: f32, y: f32) -> f32 {
    let (xi, yi) = (floor(x), floor(y));
    let (fx, fy) = (x - xi as f32, y - yi as f32);
    let (wx, wy) = (fx * fx * (3.0 - 2.0 * fx), fy * fy * (3.0 - 2.0 * fy));
    let at = |dx: i32, dy: i32| lattice(seed, xi.wrapping_add(dx), yi.wrapping_add(dy));
    let low = at(0, 0) + (at(1, 0) - at(0, 0)) * wx;
    let high = at(0, 1) + (at(1, 1) - at(0, 1)) * wx;
    low + (high - low) * wy
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
