//! The forward and the backward pass of one image through the refiner.

use std::cell::RefCell;

use super::body::{Body, Scratch};
use super::chain;
use super::network::{Network, Prepared};
use super::stem::{self, Framed};
use crate::buffer::Buffer;
use crate::product::{Left, Rows, multiply};
use crate::simd::{BLOCK, Simd, Task, padded};
use crate::winograd::{FilterGradient, Finish, FinishGradient, Forward, Residual};

/// Scratch memory of an image's passes; each thread keeps its own.
pub(super) struct Workspace {
    pub(super) scratch: Scratch,
    pub(super) framed: Framed,
    /// The feature maps of two layers, or their gradients.
    maps: [Buffer; 2],
    /// The same as they are kept for the backward pass, where there will be none.
    kept: Buffer,
    pub(super) head: Vec<f32>,
}

impl Workspace {
    /// Calls `f` with this thread's workspace.
    pub(super) fn with<R>(f: impl FnOnce(&mut Self) -> R) -> R {
        thread_local! {
            static WORKSPACE: RefCell<Workspace> = RefCell::new(Workspace {
                scratch: Scratch::default(),
                framed: Framed::new(),
                maps: Default::default(),
                kept: Buffer::default(),
                head: Vec::new(),
            });
        }
        WORKSPACE.with(|workspace| f(&mut workspace.borrow_mut()))
    }
}

/// Refines one image.
pub(super) struct Refine<'a> {
    pub(super) network: &'a Network,
    pub(super) prepared: &'a Prepared,
    /// `(I, H, W)`.
    pub(super) image: &'a [f32],
    /// Receives the feature maps of all layers for the backward pass; `None` if there will be none.
    pub(super) maps: Option<&'a mut [f32]>,
    pub(super) out: &'a mut [f32],
    pub(super) workspace: &'a mut Workspace,
}

impl Task for Refine<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { network, prepared, image, maps, out, workspace } = self;
        let Workspace { scratch, framed, maps: buffers, kept, head } = workspace;
        framed.draw(network, image);
        let (weight, bias) = (&prepared.stem[..], &prepared.biases[0][..]);
        let plan = match &network.body {
            Body::Winograd(plan) => plan,
            Body::Amx(plan) => {
                let [features, _] = buffers;
                features.resize(network.maps());
                simd.run(stem::Forward { network, framed, weight, bias, out: features });
                let maps = maps.unwrap_or_else(|| {
                    kept.resize(2 * plan.framed());
                    kept
                });
                chain::forward(simd, (network, plan), prepared, features, maps, &mut scratch.amx);
                simd.run(Head { network, prepared, features, partial: head, out });
                return;
            }
        };
        let scratch = &mut scratch.winograd;
        let mut convolve = |layer: usize, image: &[f32], residual: Residual<'_>, out: &mut [f32]| {
            let finish = Finish { bias: &prepared.biases[layer + 1], residual, relu: true };
            let (filters, rows) = (prepared.filters(layer), 0..plan.tiles[0]);
            simd.run(Forward { plan, image, filters, finish, rows, out, scratch });
        };
        match maps {
            Some(maps) => {
                let mut maps: Vec<&mut [f32]> = maps.chunks_exact_mut(network.maps()).collect();
                simd.run(stem::Forward { network, framed, weight, bias, out: maps[0] });
                for layer in 0..2 * network.blocks {
                    let (done, next) = maps.split_at_mut(layer + 1);
                    let residual =
                        if layer % 2 == 1 { Residual::Of(done[layer - 1]) } else { Residual::None };
                    convolve(layer, done[layer], residual, next[0]);
                }
                simd.run(Head { network, prepared, features: maps[2 * network.blocks], partial: head, out });
            }
            None => {
                let [features, inner] = buffers;
                features.resize(network.maps());
                inner.resize(network.maps());
                simd.run(stem::Forward { network, framed, weight, bias, out: features });
                for block in 0..network.blocks {
                    convolve(2 * block, features, Residual::None, inner);
                    // The input of the block is its residual and is not needed again: the result overwrites
                    // it.
                    convolve(2 * block + 1, inner, Residual::InPlace, features);
                }
                simd.run(Head { network, prepared, features, partial: head, out });
            }
        }
    }
}

/// Computes `tanh(head(features) + bias)`, from channels last to planar.
pub(super) struct Head<'a> {
    pub(super) network: &'a Network,
    pub(super) prepared: &'a Prepared,
    pub(super) features: &'a [f32],
    pub(super) partial: &'a mut Vec<f32>,
    pub(super) out: &'a mut [f32],
}

impl Task for Head<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { network, prepared, features, partial, out } = self;
        let (pixels, stride) = (network.pixels(), padded(network.features));
        assert_eq!((features.len(), out.len()), (pixels * stride, network.refined()));
        partial.resize(BLOCK, 0.0);
        for (channel, out) in out.chunks_exact_mut(pixels).enumerate() {
            let weight = &prepared.head[channel * stride..][..stride];
            for (out, features) in out.iter_mut().zip(features.chunks_exact(stride)) {
                let mut sum = simd.splat(0.0);
                for at in (0..stride).step_by(S::LANES) {
                    // SAFETY: both slices hold `stride` elements, a multiple of `LANES`.
                    unsafe {
                        let (a, b) =
                            (simd.load(features.as_ptr().add(at)), simd.load(weight.as_ptr().add(at)));
                        sum = simd.mul_add(a, b, sum);
                    }
                }
                // SAFETY: `partial` holds a block, a multiple of `LANES`.
                unsafe { simd.store(partial.as_mut_ptr(), sum) };
                // Adds the lanes by halves, which keeps the chains of additions short.
                let mut half = S::LANES / 2;
                while half > 0 {
                    for lane in 0..half {
                        partial[lane] += partial[lane + half];
                    }
                    half /= 2;
                }
                *out = prepared.head_bias[channel] + partial[0];
            }
        }
        to_tanh(out);
    }
}

/// Replaces numbers by their hyperbolic tangents, with an error of at most 4e-7 of them: a function that is compiled for
/// vectors, as the library's is not. The same arithmetic on every processor gives the same numbers. Their derivative, 1 −
/// tanh², has an error of at most 8e-7, which is much of it only where it is next to nothing.
#[inline(always)]
fn to_tanh(numbers: &mut [f32]) {
    /// From here on the tangent is 1.
    const FAR: f32 = 9.01;
    // tanh(x) / x = P(x²) / Q(x²), fitted for the smallest relative error between 0 and `FAR`: 5e-8.
    const P: [f32; 5] = [1.0, 0.133_803_73, 3.494_812_9e-3, 2.059_630_4e-5, 1.333_688_7e-8];
    const Q: [f32; 5] = [1.0, 0.467_136_9, 2.587_403_4e-2, 3.284_366_4e-4, 7.769_299_4e-7];
    let polynomial = |of: [f32; 5], at: f32| (((of[4] * at + of[3]) * at + of[2]) * at + of[1]) * at + of[0];
    for number in numbers {
        // Comparisons keep NaN.
        let x = if *number > FAR { FAR } else { *number };
        let x = if x < -FAR { -FAR } else { x };
        let square = x * x;
        let y = x * polynomial(P, square) / polynomial(Q, square);
        let y = if y > 1.0 { 1.0 } else { y };
        *number = if y < -1.0 { -1.0 } else { y };
    }
}

/// Sums of the parameters' gradients over images, in the layouts of the kernels.
pub(super) struct Sums {
    pub(super) body: Vec<FilterGradient>,
    /// `[tap][feature]`.
    pub(super) stem: Vec<f32>,
    pub(super) stem_bias: Vec<f32>,
    /// `[channel][feature]`.
    pub(super) head: Vec<f32>,
    pub(super) head_bias: Vec<f32>,
}

impl Sums {
    pub(super) fn zeros(network: &Network) -> Self {
        let stride = padded(network.features);
        Self {
            body: (0..2 * network.blocks).map(|_| network.body.zeros()).collect(),
            stem: vec![0.0; network.stem_taps() * stride],
            stem_bias: vec![0.0; stride],
            head: vec![0.0; network.outputs * stride],
            head_bias: vec![0.0; network.outputs],
        }
    }
}

/// Computes the gradients of one image.
pub(super) struct Differentiate<'a> {
    pub(super) network: &'a Network,
    /// Prepared for `Direction::Backward`.
    pub(super) prepared: &'a Prepared,
    pub(super) image: &'a [f32],
    /// The kept feature maps of all layers.
    pub(super) maps: &'a [f32],
    /// The refined image, and its gradient.
    pub(super) out: &'a [f32],
    pub(super) gradient: &'a [f32],
    pub(super) sums: Option<&'a mut Sums>,
    pub(super) of_image: Option<&'a mut [f32]>,
    pub(super) workspace: &'a mut Workspace,
}

impl Task for Differentiate<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { network, prepared, image, maps, out, gradient, mut sums, of_image, workspace } = self;
        let Workspace { scratch, framed, maps: [of_features, of_inner], head, .. } = workspace;
        of_features.resize(network.maps());
        of_inner.resize(network.maps());
        head.clear();
        // The derivative of tanh, from its result: 1 − tanh².
        head.extend(out.iter().zip(gradient).map(|(&out, &gradient)| gradient * (1.0 - out * out)));
        let last = &maps[2 * network.blocks * network.kept()..];
        let last = match &network.body {
            Body::Winograd(_) => last,
            Body::Amx(plan) => {
                plan.unframe(simd, last, of_inner);
                &of_inner[..]
            }
        };
        head_backward(simd, network, prepared, last, head, sums.as_deref_mut(), of_features);
        let mut convolve = |layer: usize, gradient: &[f32], accumulate: bool, of_image: &mut [f32]| {
            let image = &maps[layer * network.kept()..][..network.kept()];
            // The input of the layer is the result of a ReLU, so its zeros mask the gradient.
            let finish = FinishGradient { accumulate, mask: Some(image) };
            let of_filters = sums.as_deref_mut().map(|sums| &mut sums.body[layer]);
            let of_image = (prepared.filters(layer), of_image, finish);
            network.body.backward(simd, (image, gradient), of_filters, of_image, scratch);
        };
        for block in (0..network.blocks).rev() {
            convolve(2 * block + 1, of_features, false, of_inner);
            // Accumulates: `of_features` already holds the gradient of the skip connection.
            convolve(2 * block, of_inner, true, of_features);
        }
        if let Some(sums) = sums {
            framed.draw(network, image);
            stem::backward(simd, network, framed, of_features, &mut sums.stem, &mut sums.stem_bias);
        }
        if let Some(of_image) = of_image {
            stem::image_gradient(network, of_features, &prepared.stem, of_image);
        }
    }
}

/// Computes the gradients of the head from `gradient`, that of its result, planar. The ReLU before the head
/// masks `of_features`.
#[inline(always)]
fn head_backward<S: Simd>(
    simd: S,
    network: &Network,
    prepared: &Prepared,
    features: &[f32],
    gradient: &[f32],
    sums: Option<&mut Sums>,
    of_features: &mut [f32],
) {
    let (pixels, stride) = (network.pixels(), padded(network.features));
    assert_eq!((features.len(), of_features.len()), (pixels * stride, pixels * stride));
    assert_eq!((gradient.len(), prepared.head.len()), (network.refined(), network.outputs * stride));
    if let Some(sums) = sums {
        assert_eq!(sums.head.len(), network.outputs * stride);
        // SAFETY: the lengths were just checked.
        unsafe {
            multiply::<S, true>(
                simd,
                (network.outputs, pixels, stride),
                Left { data: gradient.as_ptr(), stride: pixels, transposed: false },
                Rows { data: features.as_ptr(), stride },
                Rows { data: sums.head.as_mut_ptr(), stride },
            );
        }
        for (sum, gradient) in sums.head_bias.iter_mut().zip(gradient.chunks_exact(pixels)) {
            *sum += gradient.iter().sum::<f32>();
        }
    }
    // SAFETY: the lengths were just checked.
    unsafe {
        multiply::<S, false>(
            simd,
            (pixels, network.outputs, stride),
            Left { data: gradient.as_ptr(), stride: pixels, transposed: true },
            Rows { data: prepared.head.as_ptr(), stride },
            Rows { data: of_features.as_mut_ptr(), stride },
        );
        for at in (0..pixels * stride).step_by(S::LANES) {
            let place = of_features.as_mut_ptr().add(at);
            simd.store(place, simd.keep_positive(simd.load(features.as_ptr().add(at)), simd.load(place)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tangents_are_near_those_of_the_library() {
        let mut numbers: Vec<f32> = (0..=2000).map(|at| (at - 1000) as f32 / 97.0).collect();
        numbers.extend([1e-30, -1e-6, 0.0, 1e30, f32::INFINITY, f32::NEG_INFINITY]);
        let expected: Vec<f64> = numbers.iter().map(|&number| f64::from(number).tanh()).collect();
        to_tanh(&mut numbers);
        for (&found, expected) in numbers.iter().zip(expected) {
            let error = (f64::from(found) - expected).abs();
            assert!(error <= 4e-7 * expected.abs() && found.abs() <= 1.0, "{found}, not {expected}");
        }
        let mut nothing = [f32::NAN];
        to_tanh(&mut nothing);
        assert!(nothing[0].is_nan());
    }
}
