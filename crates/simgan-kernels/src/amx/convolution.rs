//! Convolution of one image with stride 1, channels last, directly: the pixels under a row of the kernel are
//! contiguous in the framed image, and the products of all rows of the kernel are summed in tiles.

use super::ending::Ending;
use super::frame::{Drawing, Frame, Framed};
use super::{Amx, Left, PANEL, Right, Sizes, step};
use crate::buffer::Buffer;
use crate::geometry::{Border, Geometry};
use crate::product::Rows;
use crate::simd::{Isa, Simd, Task, padded};
use crate::winograd::Direction;
use crate::words;

/// Pixels computed at a time: as many use a few columns of the filters while those are in the first-level cache.
const PIXELS: usize = 256;
/// Minimum number of channels of the image: with fewer, most of a tile would be padding.
const FEWEST_CHANNELS: usize = 12;

/// The sizes of a convolution with stride 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Rows and columns of the image.
    pub(crate) size: [usize; 2],
    /// Channels of the image, and of the result.
    pub(crate) channels: [usize; 2],
    pub(crate) kernel: [usize; 2],
    pub(crate) padding: usize,
    pub(crate) border: Border,
}

/// Scratch memory of the passes, reused from image to image.
#[derive(Default)]
pub(crate) struct Scratch {
    /// A framed image, or gradient, in words of two channels.
    pub(super) framed: Buffer,
    /// Results of some pixels, channels padded.
    pub(super) block: Buffer,
    /// The gradient of the border, pixel by pixel, and which pixel of the image each repeats.
    pub(super) of_border: Vec<f32>,
    pub(super) repeated: Vec<[usize; 2]>,
    /// The channels of the framed image, and the gradient of some pixels in words of two.
    pub(super) planes: Buffer,
    pub(super) pairs: Buffer,
}

impl Plan {
    /// Returns the sizes of a convolution; `None` if these kernels do not serve it.
    pub(crate) fn of_convolution(geometry: &Geometry, isa: Isa) -> Option<Self> {
        let Geometry { channels_in, channels_out, size_in, kernel, options, .. } = *geometry;
        let plan = Self {
            size: size_in,
            channels: [channels_in, channels_out],
            kernel,
            padding: options.padding,
            border: options.border,
        };
        // Without a border, a 1×1 kernel is a plain product of pixels and weights, which is served elsewhere.
        let fits = options.stride == 1
            && kernel != [1, 1]
            && options.padding < kernel[0].min(kernel[1])
            && channels_in.min(channels_out) >= FEWEST_CHANNELS;
        fits.then(|| plan.served_by(isa)).flatten()
    }

    /// The same, if there are tiles and the products of both passes advance by enough words.
    pub(crate) fn served_by(self, isa: Isa) -> Option<Self> {
        let advances = |direction| step(self.line(direction)).is_some();
        (isa.has_tiles() && advances(Direction::Forward) && advances(Direction::Backward)).then_some(self)
    }

    pub(crate) fn size_out(&self) -> [usize; 2] {
        [0, 1].map(|axis| self.size[axis] + 2 * self.padding + 1 - self.kernel[axis])
    }

    /// Elements of the image.
    pub(crate) fn image_in(&self) -> usize {
        self.size[0] * self.size[1] * self.channels[0]
    }

    /// Elements of the result.
    pub(crate) fn image_out(&self) -> usize {
        self.size_out()[0] * self.size_out()[1] * self.channels[1]
    }

    /// O and C of the weights.
    pub(crate) fn shape(&self) -> [usize; 2] {
        [self.channels[1], self.channels[0]]
    }

    /// Channels as the products take them: multiples of 16.
    pub(super) fn wide(&self) -> [usize; 2] {
        self.channels.map(padded)
    }

    /// Channels that a pass sums over, and those that it computes.
    fn of_pass(&self, direction: Direction) -> [usize; 2] {
        let [channels_in, channels_out] = self.wide();
        match direction {
            Direction::Forward => [channels_in, channels_out],
            Direction::Backward => [channels_out, channels_in],
        }
    }

    /// Words under a row of the kernel.
    fn line(&self, direction: Direction) -> usize {
        self.kernel[1] * self.of_pass(direction)[0] / 2
    }

    /// Pixels under the kernel.
    pub(super) fn taps(&self) -> usize {
        self.kernel[0] * self.kernel[1]
    }

    /// Words of the filters for a pass.
    pub(crate) fn filters(&self, direction: Direction) -> usize {
        let [deep, columns] = self.of_pass(direction);
        self.taps() * deep / 2 * columns.next_multiple_of(PANEL)
    }

    /// Lays out filters `(O, C, h, w)` of `shape` O and C for a pass: `[panel of channels computed][kernel row]
    /// [kernel column][channel summed over, in words][channel of the panel]`; for the backward pass with the kernel
    /// turned by half a turn. Channels are padded with zeros.
    pub(crate) fn prepare(
        &self,
        isa: Isa,
        weight: &[f32],
        [n_out, n_in]: [usize; 2],
        direction: Direction,
        out: &mut [f32],
    ) {
        let taps = self.taps();
        assert_eq!((weight.len(), out.len()), (n_out * n_in * taps, self.filters(direction)));
        let deep = self.of_pass(direction)[0];
        let forward = direction == Direction::Forward;
        let [used, n_columns] = if forward { [n_in, n_out] } else { [n_out, n_in] };
        let mut rows = vec![0.0; 2 * out.len()];
        // The innermost loop writes contiguously: scattered writes cost more than scattered reads.
        for (at, line) in rows.chunks_exact_mut(PANEL).enumerate() {
            let (panel, tap, row) = (at / deep / taps, at / deep % taps, at % deep);
            let source = if forward { tap } else { taps - 1 - tap };
            if row < used {
                let columns = panel * PANEL..n_columns.min((panel + 1) * PANEL);
                for (to, column) in line.iter_mut().zip(columns) {
                    let (out, input) = if forward { (column, row) } else { (row, column) };
                    *to = weight[(out * n_in + input) * taps + source];
                }
            }
        }
        out.copy_from_slice(&words::of_weights(isa, rows, PANEL));
    }

    /// The image and its border.
    pub(super) fn frame(&self) -> Frame {
        Frame { size: self.size, channels: self.channels[0], margin: [self.padding; 2], border: self.border }
    }

    /// The gradient of the result, with zeros around it so that each pixel of the framed image lies under all of
    /// the kernel.
    pub(super) fn frame_of_gradient(&self) -> Frame {
        let margin = self.kernel.map(|size| size - 1);
        Frame { size: self.size_out(), channels: self.channels[1], margin, border: Border::Zeros }
    }
}

/// Convolves some rows of a framed image, and calls `finish` with the results of pixels that lie side by side: the row
/// and the column of the first one, and their channels, padded. Rows are as wide as those of the framed image; pixels
/// at the end of a row mean nothing.
#[inline(always)]
pub(super) fn convolve<S: Simd>(
    simd: S,
    amx: Amx,
    (plan, direction): (&Plan, Direction),
    mut image: impl Framed,
    filters: &[f32],
    block: &mut Buffer,
    mut finish: impl FnMut([usize; 2], &[f32]),
) {
    let [deep, columns] = plan.of_pass(direction);
    let [kernel_rows, kernel_columns] = plan.kernel;
    assert!(image.height() >= kernel_rows);
    let (words, depth, width) = (deep / 2, plan.line(direction), image.frame().width());
    let count = (image.height() + 1 - kernel_rows) * width - (kernel_columns - 1);
    let panel = kernel_rows * depth * PANEL;
    assert_eq!((image.frame().words(), filters.len()), (words, columns.div_ceil(PANEL) * panel));
    block.resize(PIXELS * columns);
    let mut tiles = amx.tiles();
    for start in (0..count).step_by(PIXELS) {
        let pixels = PIXELS.min(count - start);
        image.until(simd, (start + pixels + kernel_columns - 2) / width + kernel_rows);
        let sizes = Sizes { parts: kernel_rows, rows: pixels, depth, columns };
        // SAFETY: the last pixel's words end where the last row ends or before, and so do those of the kernel's other
        // rows; the other lengths were set or checked above.
        unsafe {
            let data = image.words().as_ptr().add(start * words);
            let left = Left { data, stride: words, part: width * words };
            let right = Right { data: filters.as_ptr(), stride: PANEL, part: depth * PANEL, panel };
            let out = Rows { data: block.as_mut_ptr(), stride: columns };
            tiles.multiply::<false>(sizes, left, right, out);
        }
        let (mut at, mut results) = (start, &block[..pixels * columns]);
        while !results.is_empty() {
            let place = [at / width, at % width];
            let (of_row, rest) = results.split_at(results.len().min((width - place[1]) * columns));
            finish(place, of_row);
            at += of_row.len() / columns;
            results = rest;
        }
    }
}

/// Computes the convolution of one image.
pub(crate) struct Forward<'a> {
    pub(crate) plan: &'a Plan,
    /// Channels last.
    pub(crate) image: &'a [f32],
    /// [`Plan::prepare`]d for this pass.
    pub(crate) filters: &'a [f32],
    /// Padded.
    pub(crate) bias: &'a [f32],
    /// Added to the result, if there is one.
    pub(crate) residual: Option<&'a [f32]>,
    pub(crate) relu: bool,
    /// Channels last.
    pub(crate) out: &'a mut [f32],
    pub(crate) scratch: &'a mut Scratch,
}

impl Task for Forward<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        let Self { plan, image, filters, bias, residual, relu, out, scratch } = self;
        let Some(amx) = simd.amx() else { unreachable!("a plan is made where there are tiles") };
        let (frame, width, channels) = (plan.frame(), plan.size_out()[1], plan.channels[1]);
        assert_eq!(out.len(), plan.image_out());
        let image = Drawing::new(frame, image, 0..frame.height(), &mut scratch.framed);
        let (wide, pass) = (padded(channels), (plan, Direction::Forward));
        convolve(simd, amx, pass, image, filters, &mut scratch.block, |[y, x], results| {
            if x >= width {
                return;
            }
            let count = (width - x).min(results.len() / wide);
            let place = (y * width + x) * channels..(y * width + x + count) * channels;
            let residual = residual.map(|residual| &residual[place.clone()]);
            let ending = Ending { bias: Some(bias), residual, relu, ..Ending::default() };
            ending.write(simd, results, channels, &mut out[place]);
        });
    }
}
