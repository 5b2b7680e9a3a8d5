use super::{BitDepth, Image, ImageSpec, Size};

/// The layout of images of one size on a [`Sheet`]: rows and columns, with the rows grouped in blocks from
/// top to bottom.
#[derive(Clone, Copy, Debug)]
pub struct SheetLayout {
    /// Size of each image.
    pub size: Size,
    /// 1 (gray) or 3 (RGB).
    pub channels: usize,
    /// Narrower images are enlarged by a whole factor, without smoothing, to at least this many pixels.
    pub least_width: usize,
    /// Images per row.
    pub columns: usize,
    /// Rows per block.
    pub rows: usize,
    /// Number of blocks.
    pub blocks: usize,
    /// Pixels between images.
    pub gap: usize,
    /// Pixels between blocks, in addition to `gap`.
    pub block_gap: usize,
    /// Pixels above the first row and to the left of the first column.
    pub margin: usize,
}

/// A contact sheet: a white page of images for people to look at.
///
/// ```
/// use simgan_data::{Pixels, Sheet, SheetLayout, Size};
///
/// let size = Size { width: 2, height: 1 };
/// let layout = SheetLayout {
///     size,
///     channels: 1,
///     least_width: 4, // each pixel becomes 2 × 2
///     columns: 1,
///     rows: 1,
///     blocks: 1,
///     gap: 1,
///     block_gap: 0,
///     margin: 0,
/// };
/// let mut sheet = Sheet::new(layout);
/// sheet.paste(0, 0, &[-1.0, 0.0]);
/// let black_and_gray = [0, 0, 128, 128, 255, 0, 0, 128, 128, 255];
/// assert_eq!(sheet.into_image().pixels(), &Pixels::U8([&black_and_gray[..], &[255; 5]].concat()));
/// ```
pub struct Sheet {
    layout: SheetLayout,
    scale: usize,
    height: usize,
    width: usize,
    /// The page in [−1, 1], planar.
    values: Vec<f32>,
}

/// White, on the scale of [−1, 1].
const PAPER: f32 = 1.0;

impl Sheet {
    /// An empty page.
    #[must_use]
    pub fn new(layout: SheetLayout) -> Self {
        let SheetLayout { size, channels, columns, rows, blocks, gap, block_gap, margin, .. } = layout;
        let scale = layout.least_width.div_ceil(size.width);
        let height = margin + blocks * (rows * (size.height * scale + gap) + block_gap);
        let width = margin + columns * (size.width * scale + gap);
        Self { layout, scale, height, width, values: vec![PAPER; channels * height * width] }
    }

    /// Places an image at `row`, counted over all blocks, and `column`. `image` is planar, in [−1, 1]; on a
    /// colour page, a gray image is repeated in each channel.
    ///
    /// # Panics
    /// If `row` or `column` is off the page, or the image is smaller than the layout's size.
    pub fn paste(&mut self, row: usize, column: usize, image: &[f32]) {
        let Size { width, height } = self.layout.size;
        let planes: Vec<&[f32]> = image.chunks_exact(width * height).collect();
        let (scale, [top, left]) = (self.scale, self.corner(row, column));
        for channel in 0..self.layout.channels {
            let plane = planes[channel.min(planes.len() - 1)];
            for y in 0..height * scale {
                let line = &plane[y / scale * width..][..width];
                let start = (channel * self.height + top + y) * self.width + left;
                let drawn = &mut self.values[start..start + width * scale];
                drawn.iter_mut().enumerate().for_each(|(x, value)| *value = line[x / scale]);
            }
        }
    }

    /// Sets the pixel `[y, x]` of the enlarged image at `row` and `column`; a pixel outside the image is
    /// ignored. `color` has one value in [−1, 1] per channel.
    ///
    /// # Panics
    /// If `row` or `column` is off the page.
    pub fn dot(&mut self, row: usize, column: usize, [y, x]: [usize; 2], color: &[f32]) {
        let [height, width] = self.tile();
        if y >= height || x >= width {
            return;
        }
        let [top, left] = self.corner(row, column);
        for (channel, value) in color.iter().enumerate().take(self.layout.channels) {
            self.values[(channel * self.height + top + y) * self.width + left + x] = *value;
        }
    }

    /// Height and width of an enlarged image.
    #[must_use]
    pub fn tile(&self) -> [usize; 2] {
        [self.layout.size.height, self.layout.size.width].map(|side| side * self.scale)
    }

    /// Converts the page to an 8-bit image.
    #[must_use]
    pub fn into_image(self) -> Image {
        let Self { layout: SheetLayout { channels, .. }, height, width, values, .. } = self;
        Image::from_unit(ImageSpec { channels, height, width, depth: BitDepth::Eight }, &values)
    }

    fn corner(&self, row: usize, column: usize) -> [usize; 2] {
        let SheetLayout { rows, gap, block_gap, margin, .. } = self.layout;
        let [height, width] = self.tile();
        [margin + row * (height + gap) + row / rows * block_gap, margin + column * (width + gap)]
    }
}
