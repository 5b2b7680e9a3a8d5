//! Pointers to candle's tensors on a GPU.

use std::ffi::c_void;

use candle_core::backend::BackendDevice;
use candle_core::cuda_backend::cudarc::driver::{CudaSlice, CudaStream, DevicePtr, DevicePtrMut, SyncOnDrop};
use candle_core::cuda_backend::{CudaDevice, CudaStorage, CudaStorageSlice};
use candle_core::{DType, Layout, Result, Shape, Tensor, bail};

/// Where cuDNN's tensor cores may need a tensor to begin, in bytes.
const ALIGNMENT: usize = 16;

/// The address of a tensor's elements. It must live until what uses the address has been launched: then it
/// records that the tensor is in use.
pub(crate) struct Address<'a> {
    pub(crate) of: *mut c_void,
    _in_use: SyncOnDrop<'a>,
}

/// A tensor that an operation of candle is given.
pub(crate) type Given<'a> = (&'a CudaStorage, &'a Layout);

/// Returns the address of `count` contiguous elements to read.
///
/// # Errors
/// If the tensor is not contiguous, or has not `count` elements of a type that cuDNN computes with.
pub(crate) fn source<'a>(
    (storage, layout): Given<'a>,
    count: usize,
    stream: &'a CudaStream,
) -> Result<Address<'a>> {
    fn of<'a, T>(
        slice: &'a CudaSlice<T>,
        (start, end): (usize, usize),
        stream: &'a CudaStream,
    ) -> Result<Address<'a>> {
        if end > slice.len() {
            bail!("a tensor of {end} elements lies in {}", slice.len());
        }
        let (address, in_use) = slice.device_ptr(stream);
        let address = address + (start * size_of::<T>()) as u64;
        Ok(Address { of: address as *mut c_void, _in_use: in_use })
    }
    match layout.contiguous_offsets() {
        Some((start, end)) if end - start == count => match &storage.slice {
            CudaStorageSlice::F32(slice) => of(slice, (start, end), stream),
            CudaStorageSlice::F64(slice) => of(slice, (start, end), stream),
            CudaStorageSlice::BF16(slice) => of(slice, (start, end), stream),
            _ => bail!("cuDNN was given a tensor of a type that it does not compute with"),
        },
        _ => bail!("cuDNN was given a tensor that is not {count} contiguous elements: {layout:?}"),
    }
}

/// Returns the address of a whole storage to write.
///
/// # Errors
/// If cuDNN does not compute with its type.
pub(crate) fn target<'a>(storage: &'a mut CudaStorage, stream: &'a CudaStream) -> Result<Address<'a>> {
    let (address, in_use) = match &mut storage.slice {
        CudaStorageSlice::F32(slice) => slice.device_ptr_mut(stream),
        CudaStorageSlice::F64(slice) => slice.device_ptr_mut(stream),
        CudaStorageSlice::BF16(slice) => slice.device_ptr_mut(stream),
        _ => bail!("cuDNN was given a tensor of a type that it does not compute with"),
    };
    Ok(Address { of: address as *mut c_void, _in_use: in_use })
}

/// Returns the address of memory that cuDNN may use as it likes.
pub(crate) fn scratch<'a>(workspace: &'a mut CudaSlice<u8>, stream: &'a CudaStream) -> Address<'a> {
    let (address, in_use) = workspace.device_ptr_mut(stream);
    Address { of: address as *mut c_void, _in_use: in_use }
}

/// Allocates a tensor's memory without writing it.
///
/// # Safety
/// The elements must be written before they are read.
///
/// # Errors
/// If memory is short.
pub(crate) unsafe fn uninitialised(device: &CudaDevice, dtype: DType, dims: [i32; 4]) -> Result<CudaStorage> {
    // SAFETY: what the caller promises.
    unsafe { device.alloc_uninit(&shape(dims), dtype) }
}

/// candle's shape of what cuDNN's `dims` describe.
pub(crate) fn shape(dims: [i32; 4]) -> Shape {
    Shape::from(dims.map(|axis| axis as usize).to_vec())
}

/// Returns the tensor, or a copy if it is not contiguous or begins where tensor cores may not read it.
pub(crate) fn aligned(tensor: &Tensor) -> Result<Tensor> {
    let tensor = tensor.contiguous()?;
    let begins = tensor.layout().start_offset() * tensor.dtype().size_in_bytes();
    if begins.is_multiple_of(ALIGNMENT) { Ok(tensor) } else { tensor.force_contiguous() }
}
