//! The three passes of a convolution.

use candle_core::backend::BackendStorage;
use candle_core::cuda_backend::CudaStorage;
use candle_core::cuda_backend::cudarc::cudnn::{result, sys};
use candle_core::op::Add;
use candle_core::{DType, Error, Layout, Result, bail};

use super::descriptors::Images;
use super::memory::{Given, scratch, shape, source, target, uninitialised};
use super::plan::{Algorithm, Choice, Plan};
use super::{Handle, Told, factor, is_refusal};
use crate::sizes::Sizes;

/// What is computed from what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Pass {
    /// Results from images and filters.
    Forward,
    /// Gradients of images from filters and gradients of results.
    Data,
    /// Gradients of filters from images and gradients of results.
    Filter,
}

impl Pass {
    /// Shapes of the two arguments, in the order above, and of the result.
    pub(crate) fn dims(self, sizes: &Sizes) -> [[i32; 4]; 3] {
        let Sizes { input, filter, out, .. } = *sizes;
        match self {
            Self::Forward => [input, filter, out],
            Self::Data => [filter, out, input],
            Self::Filter => [input, out, filter],
        }
    }

    /// An error that names the operation and its sizes.
    pub(super) fn failed(self, sizes: &Sizes, dtype: DType, why: &str) -> Error {
        let of = match self {
            Self::Forward => "conv2d",
            Self::Data => "conv2d's gradient of the images",
            Self::Filter => "conv2d's gradient of the weights",
        };
        Error::msg(format!(
            "cuDNN does not compute {of} in {dtype:?}, images {:?}, weights {:?}, stride {}, padding {}: {why}",
            sizes.input, sizes.filter, sizes.stride, sizes.padding
        ))
    }
}

/// Computes a pass of tensors that its [`Pass::dims`] describe.
///
/// # Errors
/// If the tensors are not contiguous, or cuDNN refuses with every algorithm that it proposed.
pub(crate) fn run(pass: Pass, sizes: &Sizes, first: Given<'_>, second: Given<'_>) -> Result<CudaStorage> {
    let dtype = first.0.dtype();
    if second.0.dtype() != dtype {
        bail!("conv2d on cuDNN was given {dtype:?} and {:?}", second.0.dtype());
    }
    let handle = Handle::of(first.0.device())?;
    let plan = handle.plan(pass, sizes, dtype)?;
    // An algorithm may turn out not to work although the heuristic proposed it; then the next is taken for good.
    while let Some(choice) = plan.choice() {
        match launch(&handle, &plan, choice, (pass, sizes, dtype), [first, second])? {
            Ok(out) => return Ok(out),
            Err(error) if is_refusal(error) => plan.drop_choice(),
            Err(error) => return Err(pass.failed(sizes, dtype, &error.to_string())),
        }
    }
    Err(pass.failed(sizes, dtype, "it refuses every algorithm that it proposed"))
}

/// Queues the pass on the stream. The inner result is cuDNN's.
fn launch(
    handle: &Handle,
    plan: &Plan,
    Choice { algorithm, workspace: bytes }: Choice,
    (pass, sizes, dtype): (Pass, &Sizes, DType),
    [first, second]: [Given<'_>; 2],
) -> Result<Told<CudaStorage>> {
    let device = first.0.device();
    let stream = device.cuda_stream();
    let [dims_first, dims_second, dims_out] = pass.dims(sizes);
    // SAFETY: cuDNN writes its workspace before it reads it, and with a factor of 0 for what was there before,
    // every element of the result.
    let (mut workspace, mut storage) =
        unsafe { (device.alloc::<u8>(bytes.max(1))?, uninitialised(device, dtype, dims_out)?) };
    let told = {
        let first = source(first, shape(dims_first).elem_count(), &stream)?;
        let second = source(second, shape(dims_second).elem_count(), &stream)?;
        let result = target(&mut storage, &stream)?;
        let workspace = scratch(&mut workspace, &stream);
        let [zero, one] = [false, true].map(|one| factor(dtype, one));
        let (input, filter, out, convolution) = plan.descriptors();
        macro_rules! call {
            ($call:path, $algorithm:expr, $first:expr, $second:expr, $result:expr) => {
                $call(
                    handle.raw,
                    one,
                    $first,
                    first.of,
                    $second,
                    second.of,
                    convolution,
                    $algorithm,
                    workspace.of,
                    bytes,
                    zero,
                    $result,
                    result.of,
                )
            };
        }
        // SAFETY: the handle is this thread's, and the descriptors are of these sizes and this type. `source`
        // checked that the arguments have the elements that their descriptors say; result and workspace were
        // allocated with as many. All of them live until the call is queued, and are freed in the same queue.
        unsafe {
            match algorithm {
                Algorithm::Forward(algorithm) => {
                    call!(result::convolution_forward, algorithm, input, filter, out)
                }
                Algorithm::Data(algorithm) => {
                    call!(result::convolution_backward_data, algorithm, filter, out, input)
                }
                Algorithm::Filter(algorithm) => {
                    call!(result::convolution_backward_filter, algorithm, input, out, filter)
                }
            }
        }
    };
    Ok(told.map(|()| storage))
}

/// Adds `bias`, `(O,)`, to results of the shape `dims`, `(N, O, H, W)`.
///
/// # Errors
/// If the bias is not contiguous, or adding it fails.
pub(crate) fn add_bias(mut out: CudaStorage, dims: [i32; 4], bias: Given<'_>) -> Result<CudaStorage> {
    let dtype = out.dtype();
    let handle = Handle::of(out.device())?;
    let stream = out.device().cuda_stream();
    let told = {
        let channels = [1, dims[1], 1, 1];
        let (of_bias, of_out) = (Images::new(dtype, channels), Images::new(dtype, dims));
        let (bias, target) = (source(bias, dims[1] as usize, &stream)?, target(&mut out, &stream)?);
        let one = factor(dtype, true);
        of_bias.and_then(|of_bias| {
            let of_out = of_out?;
            // SAFETY: as in `launch`: both tensors have the elements that the descriptors say.
            unsafe {
                sys::cudnnAddTensor(handle.raw, one, of_bias.0, bias.of, one, of_out.0, target.of).result()
            }
        })
    };
    match told {
        Ok(()) => Ok(out),
        // Slower, but for every type.
        Err(error) if is_refusal(error) => {
            let whole = Layout::contiguous(shape(dims));
            let (bias, layout) = bias;
            let channels = Layout::contiguous_with_offset((dims[1] as usize, 1, 1), layout.start_offset());
            out.binary_impl::<Add>(bias, &whole, &channels.broadcast_as(shape(dims))?)
        }
        Err(error) => bail!("cuDNN does not add a bias of {} to {dims:?} in {dtype:?}: {error}", dims[1]),
    }
}
