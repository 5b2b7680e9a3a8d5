//! The first convolution: from few channels, planar, to many, channels last.

use super::network::Network;
use crate::conv2d::cpu::pointwise::add_pixels;
use crate::geometry::Border;
use crate::product::{Left, Rows, multiply};
use crate::simd::{Simd, Task, padded};

/// A planar image with its border drawn around it, so that kernels need no special cases.
pub(super) struct Framed {
    pixels: Vec<f32>,
    /// The pixels under each tap for one row of the result: `[tap][column]`.
    row: Vec<f32>,
}

impl Framed {
    pub(super) fn new() -> Self {
        Self { pixels: Vec::new(), row: Vec::new() }
    }

    /// Height and width with the border.
    fn size(network: &Network) -> [usize; 2] {
        network.size.map(|pixels| pixels + network.stem_kernel - 1)
    }

    /// Copies the image and draws its border around it.
    pub(super) fn draw(&mut self, network: &Network, image: &[f32]) {
        let [height, width] = network.size;
        let [framed_height, framed_width] = Self::size(network);
        let padding = network.stem_kernel / 2;
        self.pixels.resize(network.inputs * framed_height * framed_width, 0.0);
        let planes = self.pixels.chunks_exact_mut(framed_height * framed_width);
        for (plane, image) in planes.zip(image.chunks_exact(height * width)) {
            let rows = plane[padding * framed_width..].chunks_exact_mut(framed_width);
            for (line, source) in rows.zip(image.chunks_exact(width)) {
                line[padding..padding + width].copy_from_slice(source);
                network.border.draw(line, 1, padding);
            }
            network.border.draw(plane, framed_width, padding);
        }
    }

    /// The pixels under the kernel for row `y` of the result: `[tap][column]`.
    fn unfold(&mut self, network: &Network, y: usize) -> &[f32] {
        let (k, width) = (network.stem_kernel, network.size[1]);
        let [framed_height, framed_width] = Self::size(network);
        self.row.resize(network.stem_taps() * width, 0.0);
        for (tap, line) in self.row.chunks_exact_mut(width).enumerate() {
            let (channel, row, column) = (tap / (k * k), tap / k % k, tap % k);
            let start = (channel * framed_height + y + row) * framed_width + column;
            line.copy_from_slice(&self.pixels[start..start + width]);
        }
        &self.row
    }
}

/// Computes `relu(stem(image) + bias)` of a framed image.
pub(super) struct Forward<'a> {
    pub(super) network: &'a Network,
    pub(super) framed: &'a mut Framed,
    /// `[tap][feature]`.
    pub(super) weight: &'a [f32],
    pub(super) bias: &'a [f32],
    /// Channels last.
    pub(super) out: &'a mut [f32],
}

impl Task for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { network, framed, weight, bias, out } = self;
        let (width, stride, taps) = (network.size[1], padded(network.features), network.stem_taps());
        assert_eq!((weight.len(), bias.len(), out.len()), (taps * stride, stride, network.maps()));
        for (y, out) in out.chunks_exact_mut(width * stride).enumerate() {
            let row = framed.unfold(network, y);
            assert_eq!(row.len(), taps * width);
            for pixel in out.chunks_exact_mut(stride) {
                pixel.copy_from_slice(bias);
            }
            // SAFETY: the lengths were just checked, and a multiple of `BLOCK` is a multiple of `LANES`.
            unsafe {
                multiply::<S, true>(
                    simd,
                    (width, taps, stride),
                    Left { data: row.as_ptr(), stride: width, transposed: true },
                    Rows { data: weight.as_ptr(), stride },
                    Rows { data: out.as_mut_ptr(), stride },
                );
                for at in (0..width * stride).step_by(S::LANES) {
                    let place = out.as_mut_ptr().add(at);
                    simd.store(place, simd.relu(simd.load(place)));
                }
            }
        }
    }
}

/// Adds the gradients of the weights, `[tap][feature]`, and of the bias.
#[inline(always)]
pub(super) fn backward<S: Simd>(
    simd: S,
    network: &Network,
    framed: &mut Framed,
    gradient: &[f32],
    of_weight: &mut [f32],
    of_bias: &mut [f32],
) {
    let (width, stride, taps) = (network.size[1], padded(network.features), network.stem_taps());
    assert_eq!((of_weight.len(), of_bias.len(), gradient.len()), (taps * stride, stride, network.maps()));
    for (y, gradient) in gradient.chunks_exact(width * stride).enumerate() {
        let row = framed.unfold(network, y);
        assert_eq!(row.len(), taps * width);
        // SAFETY: the lengths were just checked.
        unsafe {
            multiply::<S, true>(
                simd,
                (taps, width, stride),
                Left { data: row.as_ptr(), stride: width, transposed: false },
                Rows { data: gradient.as_ptr(), stride },
                Rows { data: of_weight.as_mut_ptr(), stride },
            );
        }
        add_pixels(gradient, stride, of_bias);
    }
}

/// Adds the gradient of the image to `of_image`; `weight` is `[tap][feature]`. Plain loops suffice: only
/// images that are variables need it.
pub(super) fn image_gradient(network: &Network, gradient: &[f32], weight: &[f32], of_image: &mut [f32]) {
    let ([height, width], stride, k) = (network.size, padded(network.features), network.stem_kernel);
    let source = |at: usize, tap: usize, size: usize| match network.border {
        Border::Zeros => (at + tap).checked_sub(k / 2).filter(|&at| at < size),
        Border::Replicate => Some((at + tap).saturating_sub(k / 2).min(size - 1)),
    };
    for (pixel, gradient) in gradient.chunks_exact(stride).enumerate() {
        let (y, x) = (pixel / width, pixel % width);
        for (tap, weight) in weight.chunks_exact(stride).enumerate() {
            let (channel, row, column) = (tap / (k * k), tap / k % k, tap % k);
            if let Some((y, x)) = source(y, row, height).zip(source(x, column, width)) {
                let product: f32 = gradient.iter().zip(weight).map(|(g, w)| g * w).sum();
                of_image[(channel * height + y) * width + x] += product;
            }
        }
    }
}
