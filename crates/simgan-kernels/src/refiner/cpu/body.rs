//! The 3×3 convolutions of a refiner's blocks: on AMX's tiles where the processor has them, else by Winograd's.

use crate::amx;
use crate::geometry::Border;
use crate::simd::{Isa, Simd, padded, run};
use crate::winograd::{self, Direction, FilterGradient, Filters, FiltersAdjoint, FinishGradient};

/// How the convolutions are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    Winograd(winograd::Plan),
    Amx(amx::Plan),
}

/// Scratch memory of either.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) winograd: winograd::Scratch,
    pub(super) amx: amx::Scratch,
}

impl Body {
    pub(super) fn new(size: [usize; 2], features: usize, border: Border, isa: Isa) -> Self {
        let plan = amx::Plan { size, channels: [padded(features); 2], kernel: [3, 3], padding: 1, border };
        match plan.served_by(isa) {
            Some(plan) => Self::Amx(plan),
            None => Self::Winograd(winograd::Plan::new(size, [features; 2], border, isa.precision())),
        }
    }

    /// Words of the filters of one convolution.
    pub(super) fn filters(&self) -> usize {
        match self {
            Self::Winograd(plan) => plan.filters(),
            // As many for both passes.
            Self::Amx(plan) => plan.filters(Direction::Forward),
        }
    }

    /// Prepares the weights `(O, C, 3, 3)` of one convolution.
    pub(super) fn prepare(
        &self,
        isa: Isa,
        weight: &[f32],
        features: usize,
        direction: Direction,
        out: &mut [f32],
    ) {
        let shape = [features; 2];
        match self {
            Self::Winograd(plan) => run(isa, Filters { plan, weight, shape, direction, out }),
            Self::Amx(plan) => plan.prepare(isa, weight, shape, direction, out),
        }
    }

    /// Zeros, for the gradients of one convolution.
    pub(super) fn zeros(&self) -> FilterGradient {
        match self {
            Self::Winograd(plan) => FilterGradient::zeros(plan),
            Self::Amx(plan) => FilterGradient::of_sizes(amx::sums(plan), plan.channels[1]),
        }
    }

    /// Adds sums of gradients to those of the weights.
    pub(super) fn flatten(&self, isa: Isa, sums: &FilterGradient, of_weight: &mut [f32], features: usize) {
        let (filters, shape) = (&sums.filters, [features; 2]);
        match self {
            Self::Winograd(plan) => run(isa, FiltersAdjoint { plan, filters, of_weight, shape }),
            Self::Amx(plan) => amx::flatten(plan, filters, of_weight, shape),
        }
    }

    /// Elements of the feature maps that a layer of `features` elements leaves for the backward pass.
    pub(super) fn kept(&self, features: usize) -> usize {
        match self {
            Self::Winograd(_) => features,
            Self::Amx(plan) => plan.framed(),
        }
    }

    /// Computes the gradients of a convolution; the image and the mask are kept feature maps.
    #[inline(always)]
    pub(super) fn backward<S: Simd>(
        &self,
        simd: S,
        (image, gradient): (&[f32], &[f32]),
        of_filters: Option<&mut FilterGradient>,
        of_image: (&[f32], &mut [f32], FinishGradient<'_>),
        scratch: &mut Scratch,
    ) {
        let of_image = Some(of_image);
        match self {
            Self::Winograd(plan) => {
                let scratch = &mut scratch.winograd;
                simd.run(winograd::Backward { plan, image, gradient, of_filters, of_image, scratch });
            }
            Self::Amx(plan) => {
                let (image, scratch) = (amx::Image::Framed(image), &mut scratch.amx);
                simd.run(amx::Backward { plan, image, gradient, of_filters, of_image, scratch });
            }
        }
    }
}
