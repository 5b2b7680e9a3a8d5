//! The stages on the CPU as one operation of candle's autograd: a thread takes an image through all of them,
//! channels last.

use std::cell::RefCell;
use std::ops::Range;

use candle_core::{CpuStorage, CustomOp2, DType, Device, Layout, Result, Shape, Tensor};
use rayon::prelude::*;

use super::Stage;
use crate::conv2d::cpu::layer::{Buffers, Known, Layer, Sums};
use crate::geometry::Geometry;
use crate::groups::sum_over_groups;
use crate::max_pool2d::Windows;
use crate::max_pool2d::cpu::MaxPool;
use crate::precision::Precision;
use crate::simd::Isa;
use crate::spare::{Kept, Spare};
use crate::tensors::{channels_first, channels_last, gradients, pack, slice, with_slice};
use crate::winograd::Direction;

pub(super) fn sequential(images: &Tensor, stages: &[Stage<'_>], precision: Precision) -> Result<Tensor> {
    let isa = Isa::of(precision)?;
    let mut dims = images.dims().to_vec();
    let (mut steps, mut parameters) = (Vec::new(), Vec::new());
    for stage in stages {
        steps.push(match stage {
            Stage::Conv(layer, options) => {
                let geometry =
                    Geometry::of_dims(&dims, images, layer.weight, Some(layer.bias), None, *options)?;
                dims =
                    vec![geometry.images, geometry.channels_out, geometry.size_out[0], geometry.size_out[1]];
                parameters.push(pack(layer.weight, Some(layer.bias))?);
                Step::Conv(geometry)
            }
            Stage::MaxPool(options) => {
                let windows = Windows::new(&dims, *options)?;
                dims = windows.dims_out().to_vec();
                Step::MaxPool(MaxPool(windows))
            }
        });
    }
    // candle cannot concatenate an empty list: pools alone get a parameter that nothing reads.
    let parameters = match parameters.is_empty() {
        true => Tensor::zeros(1, DType::F32, &Device::Cpu)?,
        false => Tensor::cat(&parameters, 0)?,
    };
    let images = channels_last(images)?;
    let keeps_maps = images.track_op() || parameters.track_op();
    let dims_out = [dims[0], dims[2], dims[3], dims[1]];
    let sequence = Sequence { steps, dims_out, isa, keeps_maps, maps: Kept::default() };
    channels_first(&images.apply_op2(&parameters, sequence)?)
}

enum Step {
    Conv(Geometry),
    MaxPool(MaxPool),
}

impl Step {
    fn image_in(&self) -> usize {
        match self {
            Self::Conv(geometry) => geometry.image_in(),
            Self::MaxPool(pool) => pool.0.image_in(),
        }
    }

    fn image_out(&self) -> usize {
        match self {
            Self::Conv(geometry) => geometry.image_out(),
            Self::MaxPool(pool) => pool.0.image_out(),
        }
    }

    /// Number of its weights and biases.
    fn parameters(&self) -> usize {
        match self {
            Self::Conv(geometry) => geometry.weights() + geometry.channels_out,
            Self::MaxPool(_) => 0,
        }
    }
}

/// The operation on images, channels last, and flat parameters.
struct Sequence {
    steps: Vec<Step>,
    dims_out: [usize; 4],
    isa: Isa,
    /// Whether a backward pass may follow.
    keeps_maps: bool,
    /// The results of all steps for all images, kept for the backward pass.
    maps: Kept,
}

impl CustomOp2 for Sequence {
    fn name(&self) -> &'static str {
        "simgan-sequential"
    }

    fn cpu_fwd(
        &self,
        images: &CpuStorage,
        images_layout: &Layout,
        parameters: &CpuStorage,
        parameters_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (out, maps) = self.forward(slice(images, images_layout)?, slice(parameters, parameters_layout)?);
        self.maps.put(self.keeps_maps.then_some(maps));
        Ok((CpuStorage::F32(out), Shape::from(self.dims_out.to_vec())))
    }

    fn bwd(
        &self,
        images: &Tensor,
        parameters: &Tensor,
        _out: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let wants = [images.track_op(), parameters.track_op()];
        let maps = self.maps.take();
        let (of_images, of_parameters) = with_slice(images, |images| {
            with_slice(parameters, |parameters| {
                // The first backward pass takes the maps; any further one computes them again.
                let maps = maps.unwrap_or_else(|| self.forward(images, parameters).1);
                with_slice(gradient, |gradient| {
                    Ok(self.backward(&Batch { images, maps: &maps, gradient }, parameters, wants))
                })
            })
        })?;
        gradients([wants[0].then_some(of_images), wants[1].then_some(of_parameters)], [images, parameters])
    }
}

/// Some images, the results of all steps and the gradient of the last one.
struct Batch<'a> {
    images: &'a [f32],
    maps: &'a [f32],
    gradient: &'a [f32],
}

thread_local! {
    /// The buffers of the convolutions, and the gradients of a step's result and of its input.
    static WORKSPACE: RefCell<(Buffers, [Vec<f32>; 2])> = RefCell::default();
}

impl Sequence {
    fn images(&self) -> usize {
        self.dims_out[0]
    }

    fn image(&self) -> usize {
        self.steps[0].image_in()
    }

    fn image_out(&self) -> usize {
        self.steps[self.steps.len() - 1].image_out()
    }

    /// Elements of the results of all steps of one image.
    fn all_maps(&self) -> usize {
        self.steps.iter().map(Step::image_out).sum()
    }

    /// Prepares the weights of each convolution; `None` for a pool.
    fn layers(&self, parameters: &[f32], direction: Direction) -> Vec<Option<Layer>> {
        let mut rest = parameters;
        let layers = self.steps.iter().map(|step| {
            let (own, others) = rest.split_at(step.parameters());
            rest = others;
            match step {
                Step::Conv(geometry) => Some(Layer::new(geometry, self.isa, own, direction)),
                Step::MaxPool(_) => None,
            }
        });
        layers.collect()
    }

    fn forward(&self, images: &[f32], parameters: &[f32]) -> (Vec<f32>, Spare) {
        let layers = self.layers(parameters, Direction::Forward);
        let mut maps = Spare::take(self.images() * self.all_maps());
        let mut out = vec![0.0; self.images() * self.image_out()];
        let results =
            maps.par_chunks_exact_mut(self.all_maps()).zip(out.par_chunks_exact_mut(self.image_out()));
        images.par_chunks_exact(self.image()).zip(results).for_each(|(image, (maps, out))| {
            let mut input = image;
            let mut rest = maps;
            for (step, layer) in self.steps.iter().zip(&layers) {
                let (result, others) = rest.split_at_mut(step.image_out());
                match (step, layer) {
                    (Step::MaxPool(pool), _) => pool.image(self.isa, input, result),
                    (Step::Conv(_), Some(layer)) => {
                        WORKSPACE.with_borrow_mut(|(buffers, _)| layer.forward(input, None, result, buffers));
                    }
                    (Step::Conv(_), None) => unreachable!("every convolution has weights"),
                }
                (input, rest) = (result, others);
            }
            out.copy_from_slice(input);
        });
        (out, maps)
    }

    /// Returns the gradients of the images and of the parameters, each empty if unwanted.
    fn backward(
        &self,
        batch: &Batch<'_>,
        parameters: &[f32],
        [wants_images, wants_parameters]: [bool; 2],
    ) -> (Vec<f32>, Vec<f32>) {
        let layers = self.layers(parameters, Direction::Backward);
        let mut of_images = vec![0.0; if wants_images { batch.images.len() } else { 0 }];
        let zeros = || -> Vec<Option<Sums>> {
            layers.iter().map(|layer| layer.as_ref().filter(|_| wants_parameters).map(Layer::zeros)).collect()
        };
        let of_group = |images: Range<usize>, of_images: &mut [f32]| {
            let mut sums = zeros();
            let mut of_images = of_images.chunks_exact_mut(self.image());
            for at in images {
                self.of_image(batch, at, &layers, &mut sums, of_images.next());
            }
            sums
        };
        let add = |sums: &mut Vec<Option<Sums>>, others: Vec<Option<Sums>>| {
            for (sums, other) in sums.iter_mut().zip(others) {
                Sums::add_wanted(sums, other, self.isa);
            }
        };
        let sums = sum_over_groups(self.images(), &mut of_images, self.image(), of_group, add);
        let mut flat = Vec::new();
        for (layer, sums) in layers.iter().flatten().zip(sums.unwrap_or_else(zeros).iter().flatten()) {
            layer.flatten(sums, &mut flat);
        }
        (of_images, flat)
    }

    /// Adds the parameter gradients of image `at` to `sums` where there are any, and writes the gradient of
    /// the image if wanted.
    fn of_image(
        &self,
        batch: &Batch<'_>,
        at: usize,
        layers: &[Option<Layer>],
        sums: &mut [Option<Sums>],
        mut of_image: Option<&mut [f32]>,
    ) {
        let maps = &batch.maps[at * self.all_maps()..][..self.all_maps()];
        WORKSPACE.with_borrow_mut(|(buffers, [gradient, of_input])| {
            gradient.clear();
            gradient.extend_from_slice(&batch.gradient[at * self.image_out()..][..self.image_out()]);
            let mut end = self.all_maps();
            for (index, step) in self.steps.iter().enumerate().rev() {
                let start = end - step.image_out();
                let out = &maps[start..end];
                let input = match index {
                    0 => &batch.images[at * self.image()..][..self.image()],
                    _ => &maps[start - step.image_in()..start],
                };
                end = start;
                of_input.resize(step.image_in(), 0.0);
                // Only the images themselves can do without a gradient.
                let wants_input = index > 0 || of_image.is_some();
                match (step, &layers[index]) {
                    (Step::MaxPool(pool), _) => {
                        of_input.fill(0.0);
                        pool.of_image(self.isa, input, gradient, of_input);
                    }
                    (Step::Conv(_), Some(layer)) => {
                        let of_image = wants_input.then_some(&mut of_input[..]);
                        let known = Known { image: input, out, gradient };
                        layer.backward(known, sums[index].as_mut(), of_image, buffers);
                    }
                    (Step::Conv(_), None) => unreachable!("every convolution has weights"),
                }
                // The gradient of this input is that of the previous step's result.
                std::mem::swap(gradient, of_input);
            }
            if let Some(of_image) = &mut of_image {
                of_image.copy_from_slice(gradient);
            }
        });
    }
}
