//! One convolution with its weights prepared for the kernels: on AMX's tiles where the processor has them,
//! Winograd's tiles where they are cheaper, the product of pixels and weights for a wide 1×1 kernel, else directly.
//! Works image by image, channels last.

use super::direct::{self, Weights};
use super::pointwise;
use crate::amx;
use crate::buffer::Buffer;
use crate::geometry::Geometry;
use crate::pass_on::{PassOn, stop_at_relu};
use crate::simd::{Isa, padded, run};
use crate::spare::Spare;
use crate::winograd::{
    self, Direction, FilterGradient, Filters, FiltersAdjoint, Finish, FinishGradient, Plan, Residual, Scratch,
};

/// A convolution with its weights prepared for the kernels.
pub(crate) struct Layer {
    geometry: Geometry,
    isa: Isa,
    weights: Ready,
}

enum Ready {
    Direct(Weights),
    Pointwise(pointwise::Weights),
    Tiles(Tiles),
    Amx(OnAmx),
}

/// Plan, filters and bias, padded, of AMX's tiles.
struct OnAmx {
    plan: amx::Plan,
    filters: Buffer,
    bias: Buffer,
}

/// Plan, transformed filters and bias of Winograd's tiles; channels are padded to whole vectors.
struct Tiles {
    plan: Plan,
    filters: Buffer,
    bias: Buffer,
}

/// Sums of the gradients of a layer's parameters, in the layout of its kernels.
pub(crate) enum Sums {
    /// Of the weights, laid out like [`Weights::forward`] or in the panels of a pointwise convolution, and of
    /// the bias.
    Direct(Spare, Vec<f32>),
    Tiles(FilterGradient),
}

/// Scratch memory of the passes, reused from image to image.
#[derive(Default)]
pub(crate) struct Buffers {
    direct: direct::Buffers,
    pointwise: pointwise::Buffers,
    scratch: Scratch,
    amx: amx::Scratch,
    /// The image, the result and their gradients, channels padded.
    image: Buffer,
    result: Buffer,
    of_image: Buffer,
}

/// An image, its result and the result's gradient: what the backward pass starts from.
#[derive(Clone, Copy)]
pub(crate) struct Known<'a> {
    pub(crate) image: &'a [f32],
    /// The result, whose zeros mask the gradient if there was a ReLU, and its gradient.
    pub(crate) out: &'a [f32],
    pub(crate) gradient: &'a [f32],
}

impl Layer {
    /// Prepares weights `(O, C, h, w)` followed by the bias, for either [`Self::forward`] or
    /// [`Self::backward`].
    pub(crate) fn new(geometry: &Geometry, isa: Isa, parameters: &[f32], direction: Direction) -> Self {
        if let Some(plan) = amx::Plan::of_convolution(geometry, isa) {
            let weights = Ready::Amx(OnAmx::new(plan, geometry, isa, parameters, direction));
            return Self { geometry: *geometry, isa, weights };
        }
        let weights = match Plan::of_convolution(geometry, isa.precision()) {
            Some(plan) => Ready::Tiles(Tiles::new(plan, geometry, isa, parameters, direction)),
            None if pointwise::serves(geometry) => {
                Ready::Pointwise(pointwise::Weights::new(geometry, isa, parameters, direction))
            }
            None => Ready::Direct(Weights::new(geometry, isa, parameters)),
        };
        Self { geometry: *geometry, isa, weights }
    }

    pub(crate) fn forward(
        &self,
        image: &[f32],
        residual: Option<&[f32]>,
        out: &mut [f32],
        buffers: &mut Buffers,
    ) {
        let geometry = &self.geometry;
        match &self.weights {
            Ready::Direct(weights) => {
                let buffers = &mut buffers.direct;
                run(self.isa, direct::Forward { geometry, image, weights, residual, out, buffers });
            }
            Ready::Pointwise(weights) => {
                let buffers = &mut buffers.pointwise;
                run(self.isa, pointwise::Forward { geometry, image, weights, residual, out, buffers });
            }
            Ready::Tiles(tiles) => tiles.forward(self, image, residual, out, buffers),
            Ready::Amx(amx) => amx.forward(self, image, residual, out, buffers),
        }
    }

    /// Zeros, for [`Self::backward`] to add gradients to.
    pub(crate) fn zeros(&self) -> Sums {
        match &self.weights {
            Ready::Direct(weights) => Sums::Direct(Spare::zeros(weights.sums), vec![0.0; weights.bias.len()]),
            Ready::Pointwise(_) => {
                let (weights, bias) = (pointwise::sums_size(&self.geometry), self.geometry.channels_out);
                Sums::Direct(Spare::zeros(weights), vec![0.0; bias])
            }
            Ready::Tiles(tiles) => Sums::Tiles(FilterGradient::zeros(&tiles.plan)),
            Ready::Amx(amx) => Sums::Tiles(FilterGradient::of_sizes(amx::sums(&amx.plan), amx.bias.len())),
        }
    }

    /// Adds the gradients of the parameters to `sums` and writes the gradient of the image, each if wanted.
    pub(crate) fn backward(
        &self,
        known: Known<'_>,
        sums: Option<&mut Sums>,
        of_image: Option<&mut [f32]>,
        buffers: &mut Buffers,
    ) {
        let geometry = &self.geometry;
        let Known { image, out, gradient } = known;
        match (&self.weights, sums) {
            (Ready::Tiles(tiles), Some(Sums::Tiles(sums))) => {
                tiles.backward(self, known, Some(sums), of_image, buffers);
            }
            (Ready::Tiles(tiles), _) => tiles.backward(self, known, None, of_image, buffers),
            (Ready::Amx(amx), Some(Sums::Tiles(sums))) => {
                amx.backward(self, known, Some(sums), of_image, buffers);
            }
            (Ready::Amx(amx), _) => amx.backward(self, known, None, of_image, buffers),
            (Ready::Pointwise(weights), sums) => {
                let of_parameters = sums.and_then(Sums::plain);
                let buffers = &mut buffers.pointwise;
                let task = pointwise::Backward {
                    geometry,
                    image,
                    weights,
                    out,
                    gradient,
                    of_parameters,
                    of_image,
                    buffers,
                };
                run(self.isa, task);
            }
            (Ready::Direct(weights), sums) => {
                let of_parameters = sums.and_then(Sums::plain);
                let buffers = &mut buffers.direct;
                let task = direct::Backward {
                    geometry,
                    image,
                    weights,
                    out,
                    gradient,
                    of_parameters,
                    of_image,
                    buffers,
                };
                run(self.isa, task);
            }
        }
    }

    /// Appends the sums to `flat` in the order of the parameters: weights `(O, C, h, w)`, then bias.
    pub(crate) fn flatten(&self, sums: &Sums, flat: &mut Vec<f32>) {
        let geometry = &self.geometry;
        let start = flat.len();
        flat.resize(start + geometry.weights(), 0.0);
        let of_weight = &mut flat[start..];
        match (&self.weights, sums) {
            (Ready::Tiles(tiles), Sums::Tiles(sums)) => {
                let shape = [geometry.channels_out, geometry.channels_in];
                run(self.isa, FiltersAdjoint { plan: &tiles.plan, filters: &sums.filters, of_weight, shape });
                flat.extend_from_slice(&sums.bias[..geometry.channels_out]);
            }
            (Ready::Amx(amx), Sums::Tiles(sums)) => {
                let shape = [geometry.channels_out, geometry.channels_in];
                amx::flatten(&amx.plan, &sums.filters, of_weight, shape);
                flat.extend_from_slice(&sums.bias[..geometry.channels_out]);
            }
            (Ready::Pointwise(_), Sums::Direct(weights, bias)) => {
                pointwise::flatten(geometry, weights, of_weight);
                flat.extend_from_slice(bias);
            }
            (Ready::Direct(_), Sums::Direct(weights, bias)) => {
                let columns = padded(geometry.channels_out);
                let depth = geometry.kernel[1] * geometry.channels_in;
                geometry.each_weight(|place, row, out, column| {
                    of_weight[place] = weights[(row * depth + column) * columns + out];
                });
                flat.extend_from_slice(&bias[..geometry.channels_out]);
            }
            (Ready::Direct(_) | Ready::Pointwise(_), Sums::Tiles(_))
            | (Ready::Tiles(_) | Ready::Amx(_), Sums::Direct(..)) => {
                unreachable!("a layer's sums are its own")
            }
        }
    }
}

impl Sums {
    /// The sums of weights and bias, if they are not those of tiles.
    fn plain(&mut self) -> Option<(&mut [f32], &mut [f32])> {
        match self {
            Self::Direct(weights, bias) => Some((weights, bias)),
            Self::Tiles(_) => None,
        }
    }

    /// Adds others if both are wanted.
    pub(crate) fn add_wanted(sums: &mut Option<Self>, other: Option<Self>, isa: Isa) {
        if let (Some(sums), Some(other)) = (sums, other) {
            sums.add(&other, isa);
        }
    }

    /// Adds the sums of the same layer over other images.
    fn add(&mut self, other: &Self, isa: Isa) {
        let add = |sum: &mut [f32], other: &[f32]| run(isa, PassOn::sum(sum, other));
        match (self, other) {
            (Self::Direct(weights, bias), Self::Direct(other_weights, other_bias)) => {
                add(weights, other_weights);
                add(bias, other_bias);
            }
            (Self::Tiles(sums), Self::Tiles(other)) => {
                add(&mut sums.filters, &other.filters);
                add(&mut sums.bias, &other.bias);
            }
            _ => unreachable!("a layer's sums are its own"),
        }
    }
}

impl OnAmx {
    fn new(plan: amx::Plan, geometry: &Geometry, isa: Isa, parameters: &[f32], direction: Direction) -> Self {
        let (weight, bias) = parameters.split_at(geometry.weights());
        let mut filters = Buffer::zeros(plan.filters(direction));
        plan.prepare(isa, weight, plan.shape(), direction, &mut filters);
        Self { plan, filters, bias: Buffer::padded(bias) }
    }

    fn forward(
        &self,
        layer: &Layer,
        image: &[f32],
        residual: Option<&[f32]>,
        out: &mut [f32],
        buffers: &mut Buffers,
    ) {
        let task = amx::Forward {
            plan: &self.plan,
            image,
            filters: &self.filters,
            bias: &self.bias,
            residual,
            relu: layer.geometry.options.relu,
            out,
            scratch: &mut buffers.amx,
        };
        run(layer.isa, task);
    }

    fn backward(
        &self,
        layer: &Layer,
        Known { image, out, gradient }: Known<'_>,
        of_filters: Option<&mut FilterGradient>,
        of_image: Option<&mut [f32]>,
        buffers: &mut Buffers,
    ) {
        let Buffers { amx: scratch, result, .. } = buffers;
        let gradient = match layer.geometry.options.relu {
            false => gradient,
            true => {
                result.resize(gradient.len());
                run(layer.isa, PassOn { gradient, mask: Some(out), to: result, adds: false });
                &result[..]
            }
        };
        let finish = FinishGradient { accumulate: false, mask: None };
        let of_image = of_image.map(|of_image| (&self.filters[..], of_image, finish));
        let image = amx::Image::Numbers(image);
        run(layer.isa, amx::Backward { plan: &self.plan, image, gradient, of_filters, of_image, scratch });
    }
}

impl Tiles {
    fn new(plan: Plan, geometry: &Geometry, isa: Isa, parameters: &[f32], direction: Direction) -> Self {
        let (weight, bias) = parameters.split_at(geometry.weights());
        let shape = [geometry.channels_out, geometry.channels_in];
        let mut filters = Buffer::zeros(plan.filters());
        run(isa, Filters { plan: &plan, weight, shape, direction, out: &mut filters });
        Self { plan, filters, bias: Buffer::padded(bias) }
    }

    fn forward(
        &self,
        layer: &Layer,
        image: &[f32],
        residual: Option<&[f32]>,
        out: &mut [f32],
        buffers: &mut Buffers,
    ) {
        let (plan, geometry) = (&self.plan, &layer.geometry);
        let Buffers { scratch, image: padded_image, result, .. } = buffers;
        let channels_out = geometry.channels_out;
        let image = with_padding(image, geometry.channels_in, padded_image);
        // Where the channels do not fill whole vectors, the kernel writes to a padded buffer, from which the
        // result is copied at the end.
        let whole = plan.channels[1] == channels_out;
        let (residual, result) = match residual {
            None if whole => (Residual::None, &mut *out),
            Some(residual) if whole => (Residual::Of(residual), &mut *out),
            None => {
                result.resize(plan.image_out());
                (Residual::None, &mut result[..])
            }
            Some(residual) => {
                // The residual waits where the result goes; each element is read before it is overwritten.
                with_padding(residual, channels_out, result);
                (Residual::InPlace, &mut result[..])
            }
        };
        let finish = Finish { bias: &self.bias, residual, relu: geometry.options.relu };
        run(
            layer.isa,
            winograd::Forward {
                plan,
                image,
                filters: &self.filters,
                finish,
                rows: 0..plan.tiles[0],
                out: result,
                scratch,
            },
        );
        if !whole {
            without_padding(&buffers.result, channels_out, out);
        }
    }

    fn backward(
        &self,
        layer: &Layer,
        Known { image, out, gradient }: Known<'_>,
        of_filters: Option<&mut FilterGradient>,
        of_image: Option<&mut [f32]>,
        buffers: &mut Buffers,
    ) {
        let (plan, geometry) = (&self.plan, &layer.geometry);
        let Buffers { scratch, image: padded_image, result, of_image: padded_gradient, .. } = buffers;
        let image = with_padding(image, geometry.channels_in, padded_image);
        let gradient = match geometry.options.relu {
            false => with_padding(gradient, geometry.channels_out, result),
            true => masked(layer.isa, gradient, out, geometry.channels_out, result),
        };
        let finish = FinishGradient { accumulate: false, mask: None };
        let whole = plan.channels[0] == geometry.channels_in;
        let mut of_image = of_image;
        let target = match &mut of_image {
            None => None,
            Some(of_image) if whole => Some(&mut of_image[..]),
            Some(_) => {
                padded_gradient.resize(plan.image_in());
                Some(&mut padded_gradient[..])
            }
        };
        let of_image_wanted = target.map(|target| (&self.filters[..], target, finish));
        let task =
            winograd::Backward { plan, image, gradient, of_filters, of_image: of_image_wanted, scratch };
        run(layer.isa, task);
        if let (false, Some(of_image)) = (whole, of_image) {
            without_padding(&buffers.of_image, geometry.channels_in, of_image);
        }
    }
}

/// Returns the image, or a copy in `buffer` with its channels padded with zeros if they do not fill whole
/// vectors.
fn with_padding<'a>(image: &'a [f32], channels: usize, buffer: &'a mut Buffer) -> &'a [f32] {
    let stride = padded(channels);
    if stride == channels {
        return image;
    }
    buffer.resize(image.len() / channels * stride);
    for (to, from) in buffer.chunks_exact_mut(stride).zip(image.chunks_exact(channels)) {
        to[..channels].copy_from_slice(from);
        to[channels..].fill(0.0);
    }
    buffer
}

/// Returns a copy in `buffer` of a gradient, 0 where the ReLU's result `out` is 0, with its channels padded
/// with zeros.
fn masked<'a>(isa: Isa, gradient: &[f32], out: &[f32], channels: usize, buffer: &'a mut Buffer) -> &'a [f32] {
    let stride = padded(channels);
    buffer.resize(gradient.len() / channels * stride);
    if stride == channels {
        run(isa, PassOn { gradient, mask: Some(out), to: buffer, adds: false });
        return buffer;
    }
    let pixels = out.chunks_exact(channels).zip(gradient.chunks_exact(channels));
    for (to, (out, gradient)) in buffer.chunks_exact_mut(stride).zip(pixels) {
        let (used, padding) = to.split_at_mut(channels);
        stop_at_relu(out, gradient, used);
        padding.fill(0.0);
    }
    buffer
}

/// Copies an image without the padding of its channels: the inverse of [`with_padding`].
fn without_padding(padded_image: &[f32], channels: usize, image: &mut [f32]) {
    for (to, from) in image.chunks_exact_mut(channels).zip(padded_image.chunks_exact(padded(channels))) {
        to.copy_from_slice(&from[..channels]);
    }
}
