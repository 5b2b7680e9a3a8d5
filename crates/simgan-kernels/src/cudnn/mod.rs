//! What the operations on a GPU need of cuDNN: one handle, descriptors, and convolutions planned once per size.
//!
//! cudarc's safe interface has no backward pass of pooling, and asserts that a heuristic proposes something, so
//! this builds on its thin one. cudarc is the one that candle depends on.

pub(crate) mod convolution;
mod descriptors;
pub(crate) mod memory;
mod plan;
pub(crate) mod pooling;

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::c_void;
use std::rc::Rc;
use std::sync::Arc;

use candle_core::cuda_backend::cudarc::cudnn::{CudnnError, result, sys};
use candle_core::cuda_backend::cudarc::driver::CudaStream;
use candle_core::cuda_backend::{CudaDevice, DeviceId};
use candle_core::{DType, Device, Result, bail};

use self::convolution::Pass;
use self::plan::Plan;
use crate::sizes::Sizes;

/// What cuDNN answers.
type Told<T> = std::result::Result<T, CudnnError>;

/// cuDNN on one device, for one thread: the library allows a handle in only one thread at a time, and candle's
/// stream is another one in each thread.
pub(crate) struct Handle {
    raw: sys::cudnnHandle_t,
    /// Keeps the stream and its device open for as long as the handle.
    _stream: Arc<CudaStream>,
    /// What was planned, so that cuDNN's heuristic is asked once.
    plans: RefCell<HashMap<(Pass, Sizes, DType), Rc<Plan>>>,
}

thread_local! {
    static HANDLES: RefCell<HashMap<DeviceId, Rc<Handle>>> = RefCell::default();
}

impl Handle {
    /// Returns this thread's handle for the device, which the first call makes.
    ///
    /// # Errors
    /// If cuDNN does not start.
    pub(crate) fn of(device: &CudaDevice) -> Result<Rc<Self>> {
        HANDLES.with_borrow_mut(|handles| {
            if let Some(handle) = handles.get(&device.id()) {
                return Ok(handle.clone());
            }
            let handle = Rc::new(Self::new(device)?);
            handles.insert(device.id(), handle.clone());
            Ok(handle)
        })
    }

    fn new(device: &CudaDevice) -> Result<Self> {
        let stream = device.cuda_stream();
        stream.context().bind_to_thread()?;
        let raw = result::create_handle()
            .map_err(|error| candle_core::Error::msg(format!("cuDNN does not start: {error}")))?;
        // SAFETY: the handle was just made, and keeps the stream.
        let set = unsafe { result::set_stream(raw, stream.cu_stream().cast()) };
        let handle = Self { raw, _stream: stream, plans: RefCell::default() };
        match set {
            Ok(()) => Ok(handle),
            Err(error) => bail!("cuDNN does not take the device's stream: {error}"),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // A handle that is not given back costs nothing at a thread's end, where nobody could be told.
        // SAFETY: made by `Self::new`, and used by nothing else any more.
        let _ = unsafe { result::destroy_handle(self.raw) };
    }
}

/// Checks that a GPU multiplies bf16.
///
/// # Errors
/// If it does not.
pub(crate) fn check_bf16(device: &Device) -> Result<()> {
    match device.as_cuda_device()?.cuda_stream().context().compute_capability()? {
        (8.., _) => Ok(()),
        (major, minor) => {
            bail!("products in bf16 need compute capability 8.0, and the GPU has {major}.{minor}")
        }
    }
}

/// Whether cuDNN refused a call, before doing anything, because it lacks what was asked for.
fn is_refusal(error: CudnnError) -> bool {
    // The statuses of wrong arguments and of what is not supported; cuDNN reports types it lacks by either.
    (2000..4000).contains(&(error.0 as u32))
}

/// cuDNN's name of a type.
fn data_type(dtype: DType) -> Told<sys::cudnnDataType_t> {
    match dtype {
        DType::F32 => Ok(sys::cudnnDataType_t::CUDNN_DATA_FLOAT),
        DType::F64 => Ok(sys::cudnnDataType_t::CUDNN_DATA_DOUBLE),
        DType::BF16 => Ok(sys::cudnnDataType_t::CUDNN_DATA_BFLOAT16),
        _ => Err(CudnnError(sys::cudnnStatus_t::CUDNN_STATUS_NOT_SUPPORTED)),
    }
}

/// A factor, 0 or 1, as cuDNN takes it: `f64` for tensors of `f64`, else `f32`.
fn factor(dtype: DType, one: bool) -> *const c_void {
    static SINGLE: [f32; 2] = [0.0, 1.0];
    static DOUBLE: [f64; 2] = [0.0, 1.0];
    match dtype {
        DType::F64 => (&raw const DOUBLE[usize::from(one)]).cast(),
        _ => (&raw const SINGLE[usize::from(one)]).cast(),
    }
}
