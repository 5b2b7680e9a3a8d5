//! Simulates the loss of JPEG: 8×8 cosine transform, quantization with the standard luminance table, inverse
//! transform.

use crate::math::{Vec3, sin_cos};
use crate::render::Canvas;

/// The luminance quantization table of the JPEG standard, Annex K.
const TABLE: [[u8; 8]; 8] = [
    [16, 11, 10, 16, 24, 40, 51, 61],
    [12, 12, 14, 19, 26, 58, 60, 55],
    [14, 13, 16, 24, 40, 57, 69, 56],
    [14, 17, 22, 29, 51, 87, 80, 62],
    [18, 22, 37, 56, 68, 109, 103, 77],
    [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101],
    [72, 92, 95, 98, 112, 100, 103, 99],
];

type Block = [[f32; 8]; 8];

/// Applies the loss of JPEG of a quality (1 to 100) to the luma, by changing all channels alike.
pub(crate) fn compress(picture: &mut Canvas, quality: f32) {
    let basis = basis();
    // libjpeg's scale of the table, without its rounding to whole steps.
    let scale = if quality < 50.0 { 50.0 / quality } else { (2.0 - quality / 50.0).max(0.02) };
    for top in (0..picture.height).step_by(8) {
        for left in (0..picture.width).step_by(8) {
            let block = read(picture, top, left);
            let lossy = inverse(&basis, quantized(forward(&basis, &block), scale));
            for (dy, (before, after)) in block.iter().zip(&lossy).enumerate() {
                for dx in 0..8 {
                    let (row, col) = (top + dy, left + dx);
                    if row < picture.height && col < picture.width {
                        let loss = (after[dx] - before[dx]) / 255.0;
                        picture.pixels[row * picture.width + col] += Vec3::splat(loss);
                    }
                }
            }
        }
    }
}

/// Reads the luma of a block, 0 to 255, repeating the image's border.
fn read(picture: &Canvas, top: usize, left: usize) -> Block {
    std::array::from_fn(|dy| {
        std::array::from_fn(|dx| {
            let (row, col) = ((top + dy).min(picture.height - 1), (left + dx).min(picture.width - 1));
            picture.pixels[row * picture.width + col].luma() * 255.0
        })
    })
}

fn quantized(mut frequencies: Block, scale: f32) -> Block {
    for (row, steps) in frequencies.iter_mut().zip(&TABLE) {
        for (value, step) in row.iter_mut().zip(steps) {
            let step = (f32::from(*step) * scale).max(1.0);
            *value = (*value / step).round() * step;
        }
    }
    frequencies
}

/// Returns the orthonormal DCT basis: row k is the k-th cosine.
fn basis() -> Block {
    std::array::from_fn(|k| {
        std::array::from_fn(|x| {
            let scale = if k == 0 { 0.125_f32.sqrt() } else { 0.5 };
            scale * sin_cos(std::f32::consts::PI * (2 * x + 1) as f32 * k as f32 / 16.0).1
        })
    })
}

fn forward(basis: &Block, block: &Block) -> Block {
    product(&product(basis, block), &transposed(basis))
}

fn inverse(basis: &Block, frequencies: Block) -> Block {
    product(&product(&transposed(basis), &frequencies), basis)
}

fn transposed(block: &Block) -> Block {
    std::array::from_fn(|row| std::array::from_fn(|col| block[col][row]))
}

fn product(a: &Block, b: &Block) -> Block {
    let mut out = [[0.0; 8]; 8];
    for (out_row, a_row) in out.iter_mut().zip(a) {
        for (weight, b_row) in a_row.iter().zip(b) {
            for (value, other) in out_row.iter_mut().zip(b_row) {
                *value += weight * other;
            }
        }
    }
    out
}
