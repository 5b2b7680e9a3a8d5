//! cuDNN's descriptors, each destroyed with its value.

use candle_core::DType;
use candle_core::cuda_backend::cudarc::cudnn::{result, sys};

use super::{Told, data_type};

/// Declares a descriptor, its making and its destruction.
macro_rules! descriptor {
    ($(#[$doc:meta])* $name:ident, $raw:ty, $create:path, $destroy:expr) => {
        $(#[$doc])*
        pub(super) struct $name(pub(super) $raw);

        impl $name {
            fn create() -> Told<Self> {
                $create().map(Self)
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                // Nothing could be done about an error.
                // SAFETY: made by `create`, and used by nothing else any more.
                let _ = unsafe { $destroy(self.0) };
            }
        }
    };
}

descriptor!(
    /// Type and shape of images, contiguous `(N, C, H, W)`.
    Images,
    sys::cudnnTensorDescriptor_t,
    result::create_tensor_descriptor,
    result::destroy_tensor_descriptor
);
descriptor!(
    /// Type and shape of filters, contiguous `(O, C, h, w)`.
    Filters,
    sys::cudnnFilterDescriptor_t,
    result::create_filter_descriptor,
    result::destroy_filter_descriptor
);
descriptor!(
    /// Padding, stride and arithmetic of a convolution.
    Convolution,
    sys::cudnnConvolutionDescriptor_t,
    result::create_convolution_descriptor,
    result::destroy_convolution_descriptor
);
descriptor!(
    /// Window, padding and stride of a pooling.
    Pooling,
    sys::cudnnPoolingDescriptor_t,
    result::create_pooling_descriptor,
    sys::cudnnDestroyPoolingDescriptor
);

const NCHW: sys::cudnnTensorFormat_t = sys::cudnnTensorFormat_t::CUDNN_TENSOR_NCHW;

impl Images {
    pub(super) fn new(dtype: DType, dims: [i32; 4]) -> Told<Self> {
        let images = Self::create()?;
        // SAFETY: the descriptor was just made.
        unsafe { result::set_tensor4d_descriptor(images.0, NCHW, data_type(dtype)?, dims) }?;
        Ok(images)
    }
}

impl Filters {
    pub(super) fn new(dtype: DType, dims: [i32; 4]) -> Told<Self> {
        let filters = Self::create()?;
        // SAFETY: the descriptor was just made.
        unsafe { result::set_filter4d_descriptor(filters.0, data_type(dtype)?, NCHW, dims) }?;
        Ok(filters)
    }
}

impl Convolution {
    /// A convolution of tensors of type `dtype`. Products of `f32` are not rounded to TF32, and those of bf16
    /// are summed in `f32`.
    pub(super) fn new(dtype: DType, padding: i32, stride: i32) -> Told<Self> {
        use sys::{cudnnDataType_t as Type, cudnnMathType_t as Math};
        let (sums, arithmetic) = match dtype {
            DType::F64 => (Type::CUDNN_DATA_DOUBLE, Math::CUDNN_DEFAULT_MATH),
            DType::BF16 => (Type::CUDNN_DATA_FLOAT, Math::CUDNN_TENSOR_OP_MATH),
            // The default would allow TF32.
            _ => (Type::CUDNN_DATA_FLOAT, Math::CUDNN_FMA_MATH),
        };
        let convolution = Self::create()?;
        let mode = sys::cudnnConvolutionMode_t::CUDNN_CROSS_CORRELATION;
        // SAFETY: the descriptor was just made.
        unsafe {
            result::set_convolution2d_descriptor(
                convolution.0,
                padding,
                padding,
                stride,
                stride,
                1,
                1,
                mode,
                sums,
            )?;
            result::set_convolution_math_type(convolution.0, arithmetic)?;
        }
        Ok(convolution)
    }
}

impl Pooling {
    /// Maxima, whose gradients do not depend on the order of threads. NaN is the maximum.
    pub(super) fn new([kernel, padding, stride]: [i32; 3]) -> Told<Self> {
        let pooling = Self::create()?;
        let mode = sys::cudnnPoolingMode_t::CUDNN_POOLING_MAX_DETERMINISTIC;
        let nan = sys::cudnnNanPropagation_t::CUDNN_PROPAGATE_NAN;
        // SAFETY: the descriptor was just made, and the three arrays have the two elements announced.
        unsafe {
            result::set_pooling_descriptor(pooling.0, mode, nan, 2, &[kernel; 2], &[padding; 2], &[stride; 2])
        }?;
        Ok(pooling)
    }
}
