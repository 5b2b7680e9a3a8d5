//! The sizes of convolutions and pools as cuDNN takes them, checked without it.

use candle_core::{Result, bail};

use crate::geometry::{Border, Geometry};

/// The sizes of a convolution with a border of zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Sizes {
    /// `(N, C, H, W)`.
    pub(crate) input: [i32; 4],
    /// `(O, C, h, w)`.
    pub(crate) filter: [i32; 4],
    /// `(N, O, H', W')`.
    pub(crate) out: [i32; 4],
    pub(crate) padding: i32,
    pub(crate) stride: i32,
}

impl Sizes {
    /// # Errors
    /// If a tensor has more elements than cuDNN counts.
    pub(crate) fn new(geometry: &Geometry) -> Result<Self> {
        let Geometry { images, channels_in, channels_out, size_in, size_out, kernel, options } = *geometry;
        Ok(Self {
            input: dims([images, channels_in, size_in[0], size_in[1]])?,
            filter: dims([channels_out, channels_in, kernel[0], kernel[1]])?,
            out: dims([images, channels_out, size_out[0], size_out[1]])?,
            padding: int(options.padding)?,
            stride: int(options.stride)?,
        })
    }
}

/// Whether the border is added before the convolution, which then has none: cuDNN knows zeros alone, and not
/// every algorithm takes a border as wide as the kernel.
pub(crate) fn is_padded_before(geometry: &Geometry) -> bool {
    let options = geometry.options;
    let narrow = geometry.kernel.iter().all(|&kernel| options.padding < kernel);
    options.padding > 0 && !(options.border == Border::Zeros && narrow)
}

/// The geometry of the same convolution of images with their border added.
pub(crate) fn padded(geometry: &Geometry) -> Geometry {
    let mut padded = *geometry;
    padded.size_in = geometry.size_in.map(|pixels| pixels + 2 * geometry.options.padding);
    padded.options.padding = 0;
    padded.options.border = Border::Zeros;
    padded
}

/// # Errors
/// If cuDNN's 32 bits cannot count the elements.
pub(crate) fn dims(of: [usize; 4]) -> Result<[i32; 4]> {
    let elements = of.iter().try_fold(1usize, |product, &axis| product.checked_mul(axis));
    match elements {
        Some(elements) if i32::try_from(elements).is_ok() => Ok(of.map(|axis| axis as i32)),
        _ => bail!("cuDNN takes tensors of fewer than 2³¹ elements, not {of:?}: use smaller batches"),
    }
}

/// # Errors
/// If it does not fit 32 bits.
pub(crate) fn int(value: usize) -> Result<i32> {
    i32::try_from(value).map_err(|_| candle_core::Error::msg(format!("{value} is too large for cuDNN")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geometry::Conv2d;
    use candle_core::{DType, Device, Tensor};

    fn geometry(size: [usize; 2], kernel: [usize; 2], options: Conv2d) -> Geometry {
        let zeros = |dims: [usize; 4]| Tensor::zeros(&dims, DType::F32, &Device::Cpu).unwrap();
        let (input, weight) = (zeros([2, 3, size[0], size[1]]), zeros([5, 3, kernel[0], kernel[1]]));
        Geometry::new(&input, &weight, None, None, options).unwrap()
    }

    #[test]
    fn sizes_are_those_of_the_tensors() {
        let options = Conv2d { stride: 2, padding: 1, ..Conv2d::default() };
        let sizes = Sizes::new(&geometry([7, 10], [3, 5], options)).unwrap();
        assert_eq!([sizes.input, sizes.filter, sizes.out], [[2, 3, 7, 10], [5, 3, 3, 5], [2, 5, 4, 4]]);
        assert_eq!((sizes.padding, sizes.stride), (1, 2));
    }

    #[test]
    fn images_with_their_border_give_results_of_the_same_size() {
        for (kernel, stride, padding) in [([3, 3], 1, 1), ([3, 3], 2, 1), ([1, 5], 1, 2), ([3, 3], 3, 5)] {
            let options = Conv2d { stride, padding, border: Border::Replicate, relu: true };
            let whole = geometry([7, 10], kernel, options);
            let before = padded(&whole);
            assert_eq!(before.size_in, [7 + 2 * padding, 10 + 2 * padding]);
            let alone = geometry(before.size_in, kernel, before.options);
            assert_eq!((alone.size_out, before.options.relu), (whole.size_out, true));
        }
    }

    #[test]
    fn zeros_of_narrow_borders_are_left_to_cudnn() {
        let before = |border, kernel, padding| {
            is_padded_before(&geometry([7, 10], kernel, Conv2d { padding, border, ..Conv2d::default() }))
        };
        assert!(!before(Border::Zeros, [3, 3], 1) && !before(Border::Replicate, [3, 3], 0));
        assert!(before(Border::Replicate, [3, 3], 1) && before(Border::Zeros, [1, 5], 2));
    }

    #[test]
    fn tensors_that_cudnn_cannot_count_are_errors() {
        assert_eq!(dims([1 << 15, 1 << 15, 1, 1]).unwrap(), [1 << 15, 1 << 15, 1, 1]);
        assert!(dims([1 << 16, 1 << 15, 1, 1]).unwrap_err().to_string().contains("[65536, 32768, 1, 1]"));
        assert!(dims([usize::MAX, 2, 1, 1]).is_err() && int(1 << 40).is_err());
    }
}
