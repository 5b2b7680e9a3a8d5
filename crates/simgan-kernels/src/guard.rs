//! For tests: slices beside an inaccessible page, where a stray access ends the process.

use std::ffi::c_void;
use std::ops::{Deref, DerefMut};

unsafe extern "C" {
    fn mmap(
        address: *mut c_void,
        length: usize,
        protection: i32,
        flags: i32,
        file: i32,
        offset: i64,
    ) -> *mut c_void;
    fn munmap(address: *mut c_void, length: usize) -> i32;
}

const PAGE: usize = 4096;
const READ_WRITE: i32 = 3;
/// Linux's `MAP_PRIVATE | MAP_ANONYMOUS`; with `FIXED`, the mapping replaces what was there.
const ANONYMOUS: i32 = 0x22;
const FIXED: i32 = 0x10;

/// A copy of a slice that ends where an inaccessible page begins, or begins where one ends.
pub(crate) struct Guarded {
    pages: *mut u8,
    bytes: usize,
    data: *mut f32,
    length: usize,
}

impl Guarded {
    pub(crate) fn new(values: &[f32], at_end: bool) -> Self {
        let inside = size_of_val(values).next_multiple_of(PAGE).max(PAGE);
        let bytes = inside + 2 * PAGE;
        // SAFETY: the system chooses the address of the inaccessible mapping; all but its first and last page
        // are then made readable and writable.
        let pages = unsafe {
            let pages = mmap(std::ptr::null_mut(), bytes, 0, ANONYMOUS, -1, 0).cast::<u8>();
            assert_ne!(pages as isize, -1);
            let usable = mmap(pages.add(PAGE).cast(), inside, READ_WRITE, ANONYMOUS | FIXED, -1, 0);
            assert_eq!(usable.cast::<u8>(), pages.add(PAGE));
            pages
        };
        let start = if at_end { PAGE + inside - size_of_val(values) } else { PAGE };
        let mut guarded = Self { pages, bytes, data: pages.wrapping_add(start).cast(), length: values.len() };
        guarded.copy_from_slice(values);
        guarded
    }
}

impl Deref for Guarded {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: `length` numbers from `data` lie inside the usable pages, which were zeroed by the system.
        unsafe { std::slice::from_raw_parts(self.data, self.length) }
    }
}

impl DerefMut for Guarded {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.data, self.length) }
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // SAFETY: the pages are this value's own.
        unsafe { munmap(self.pages.cast(), self.bytes) };
    }
}

mod tests {
    use super::Guarded;
    use crate::conv2d::cpu::{direct, pointwise};
    use crate::geometry::{Border, Conv2d, Geometry};
    use crate::precision::Precision;
    use crate::simd::{Isa, padded, run};
    use crate::winograd::{self, Direction, FilterGradient, Finish, FinishGradient, Plan, Residual, Scratch};

    const SIZES: [([usize; 2], [usize; 2]); 5] =
        [([1, 1], [16, 16]), ([1, 9], [1, 33]), ([11, 1], [17, 16]), ([7, 13], [48, 5]), ([10, 5], [3, 64])];

    /// Calls `check` with every size, border, instruction set and side of the guard.
    fn each_case(mut check: impl FnMut([usize; 2], [usize; 2], Border, Isa, bool)) {
        for (size, channels) in SIZES {
            for border in [Border::Zeros, Border::Replicate] {
                for isa in Isa::available().into_iter().chain(Isa::of(Precision::Bf16)) {
                    for at_end in [false, true] {
                        check(size, channels, border, isa, at_end);
                    }
                }
            }
        }
    }

    /// A stray read or write would end the process.
    #[test]
    fn winograd_stays_inside_its_slices() {
        each_case(|size, channels, border, isa, at_end| {
            let paddings: &[usize] = if size.iter().all(|&pixels| pixels > 2) { &[1, 0] } else { &[1] };
            let plans =
                Plan::tiles([1, 1], Precision::F32).map(|tile| Plan::with_tile(tile, size, channels, border));
            for plan in plans.flat_map(|plan| paddings.iter().map(move |&padding| plan.with_padding(padding)))
            {
                let slice = |length: usize| Guarded::new(&vec![0.5; length], at_end);
                let (image, bias, residual) =
                    (slice(plan.image_in()), slice(plan.channels[1]), slice(plan.image_out()));
                let (filters, gradient) = (slice(plan.filters()), slice(plan.image_out()));
                let (mut out, mut of_image) = (slice(plan.image_out()), slice(plan.image_in()));
                let mut scratch = Scratch::default();
                let finish = Finish { bias: &bias, residual: Residual::Of(&residual), relu: true };
                let scratch = &mut scratch;
                run(
                    isa,
                    winograd::Forward {
                        plan: &plan,
                        image: &image,
                        filters: &filters,
                        finish,
                        rows: 0..plan.tiles[0],
                        out: &mut out,
                        scratch,
                    },
                );
                assert!(out.iter().all(|x| x.is_finite()));
                let finish = FinishGradient { accumulate: true, mask: Some(&image) };
                let task = winograd::Backward {
                    plan: &plan,
                    image: &image,
                    gradient: &gradient,
                    of_filters: Some(&mut FilterGradient::zeros(&plan)),
                    of_image: Some((&filters, &mut of_image, finish)),
                    scratch,
                };
                run(isa, task);
                assert!(of_image.iter().all(|x| x.is_finite()));
            }
        });
    }

    #[test]
    fn direct_convolutions_stay_inside_their_slices() {
        each_case(|size_in, [channels_in, channels_out], border, isa, at_end| {
            for (kernel, stride) in [(1, 1), (3, 1), (3, 2), (7, 4)] {
                let options = Conv2d { stride, padding: kernel / 2, border, relu: true };
                let size_out = size_in.map(|pixels| (pixels + 2 * options.padding - kernel) / stride + 1);
                let kernel = [kernel; 2];
                let geometry =
                    Geometry { images: 1, channels_in, channels_out, size_in, size_out, kernel, options };
                let slice = |length: usize| Guarded::new(&vec![0.5; length], at_end);
                let weights = direct::Weights::new(&geometry, isa, &slice(geometry.weights() + channels_out));
                let (image, residual) = (slice(geometry.image_in()), slice(geometry.image_out()));
                let (mut out, mut of_image) = (slice(geometry.image_out()), slice(geometry.image_in()));
                let (mut of_weights, mut of_bias) = (slice(weights.sums), slice(padded(channels_out)));
                let mut buffers = direct::Buffers::default();
                let task = direct::Forward {
                    geometry: &geometry,
                    image: &image,
                    weights: &weights,
                    residual: Some(&residual),
                    out: &mut out,
                    buffers: &mut buffers,
                };
                run(isa, task);
                let task = direct::Backward {
                    geometry: &geometry,
                    image: &image,
                    weights: &weights,
                    out: &out,
                    gradient: &residual,
                    of_parameters: Some((&mut of_weights, &mut of_bias)),
                    of_image: Some(&mut of_image),
                    buffers: &mut buffers,
                };
                run(isa, task);
                assert!(of_image.iter().chain(&*of_weights).all(|x| x.is_finite()));
            }
        });
    }

    #[test]
    fn pointwise_convolutions_stay_inside_their_slices() {
        each_case(|size_in, [channels_in, channels_out], border, isa, at_end| {
            let options = Conv2d { border, relu: true, ..Conv2d::default() };
            let size_out = size_in;
            let geometry =
                Geometry { images: 1, channels_in, channels_out, size_in, size_out, kernel: [1, 1], options };
            let slice = |length: usize| Guarded::new(&vec![0.5; length], at_end);
            let parameters = slice(geometry.weights() + channels_out);
            let (image, residual) = (slice(geometry.image_in()), slice(geometry.image_out()));
            let (mut out, mut of_image) = (slice(geometry.image_out()), slice(geometry.image_in()));
            let (mut of_weights, mut of_bias) = (slice(pointwise::sums_size(&geometry)), slice(channels_out));
            let mut buffers = pointwise::Buffers::default();
            let weights = pointwise::Weights::new(&geometry, isa, &parameters, Direction::Forward);
            let task = pointwise::Forward {
                geometry: &geometry,
                image: &image,
                weights: &weights,
                residual: Some(&residual),
                out: &mut out,
                buffers: &mut buffers,
            };
            run(isa, task);
            let weights = pointwise::Weights::new(&geometry, isa, &parameters, Direction::Backward);
            let task = pointwise::Backward {
                geometry: &geometry,
                image: &image,
                weights: &weights,
                out: &out,
                gradient: &residual,
                of_parameters: Some((&mut of_weights, &mut of_bias)),
                of_image: Some(&mut of_image),
                buffers: &mut buffers,
            };
            run(isa, task);
            assert!(of_image.iter().chain(&*of_weights).all(|x| x.is_finite()));
        });
    }
}
