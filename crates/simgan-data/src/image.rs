/// Bits of one stored channel value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BitDepth {
    /// 0..=255
    Eight,
    /// 0..=65535
    Sixteen,
}

/// What the images of a source have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImageSpec {
    /// 1 (gray) or 3 (RGB).
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Bits of one stored value.
    pub depth: BitDepth,
}

/// Stored values in channel, row, column order (planar, as tensors are).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pixels {
    /// 8 bits a value.
    U8(Vec<u8>),
    /// 16 bits a value.
    U16(Vec<u16>),
}

/// One image, planar `[channels, height, width]`, as stored: only this crate knows bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    channels: usize,
    height: usize,
    width: usize,
    pixels: Pixels,
}

impl Image {
    /// An image of `channels × height × width` values.
    ///
    /// # Panics
    /// If the number of values is not the product of the sizes, or a size is zero.
    #[must_use]
    pub fn new(channels: usize, height: usize, width: usize, pixels: Pixels) -> Self {
        let n_values = match &pixels {
            Pixels::U8(values) => values.len(),
            Pixels::U16(values) => values.len(),
        };
        assert!(
            n_values > 0 && n_values == channels * height * width,
            "{n_values} values for {channels}×{height}×{width}"
        );
        Self { channels, height, width, pixels }
    }

    /// Sizes and bit depth.
    #[must_use]
    pub fn spec(&self) -> ImageSpec {
        let depth = match self.pixels {
            Pixels::U8(_) => BitDepth::Eight,
            Pixels::U16(_) => BitDepth::Sixteen,
        };
        ImageSpec { channels: self.channels, height: self.height, width: self.width, depth }
    }

    /// The stored values.
    #[must_use]
    pub fn pixels(&self) -> &Pixels {
        &self.pixels
    }
}
