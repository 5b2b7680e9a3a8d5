mod bmp;
mod crop;
mod decode;
mod encode;
mod encoded;
mod exif;
mod file;
mod format;
mod gif;
mod jpeg;
mod nearest;
mod orientation;
mod pixels;
mod planar;
mod png;
mod pnm;
mod resize;
mod sheet;
mod size;
mod tiff;
mod transform;

pub use self::file::ImageFile;
pub use self::format::ImageFormat;
pub use self::orientation::Orientation;
pub use self::pixels::{BitDepth, Pixels};
pub use self::resize::Fit;
pub use self::sheet::{Sheet, SheetLayout};
pub use self::size::Size;
pub use self::transform::Transform;

pub(crate) use self::crop::CropWindow;
pub(crate) use self::decode::read;
pub(crate) use self::encoded::Encoded;

/// One image as stored, planar `[channels, height, width]`. Outside this crate its pixels are `f32` in
/// [−1, 1]; see [`Image::to_unit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    channels: usize,
    height: usize,
    width: usize,
    pixels: Pixels,
}

/// The size, channels and bit depth that the images of a source share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImageSpec {
    /// 1 (gray) or 3 (RGB).
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Bits per stored value.
    pub depth: BitDepth,
}

impl Image {
    /// Makes an image of `channels × height × width` values.
    ///
    /// # Panics
    /// If `channels` is neither 1 nor 3, a size is zero, or the number of values is not the product of the
    /// sizes.
    #[must_use]
    pub fn new(channels: usize, height: usize, width: usize, pixels: Pixels) -> Self {
        let n_values = pixels.len();
        assert!(matches!(channels, 1 | 3), "{channels} channels; an image has 1 (gray) or 3 (RGB)");
        assert!(
            n_values > 0 && n_values == channels * height * width,
            "{n_values} values for {channels}×{height}×{width}"
        );
        Self { channels, height, width, pixels }
    }

    /// Makes an image of kind `spec` from values in [−1, 1], the inverse of [`Image::to_unit`].
    ///
    /// The scale is fixed: −1 is stored as 0 and 1 as 255 or 65535, whatever the range of the values. They
    /// are rounded to nearest; values outside [−1, 1] are clamped, and NaN becomes 0. Floating point stores 1
    /// as 1, without rounding or clamping.
    ///
    /// # Panics
    /// If a size is zero, or the number of values is not the product of the sizes.
    #[must_use]
    pub fn from_unit(spec: ImageSpec, values: &[f32]) -> Self {
        // `as` saturates and turns NaN into 0.
        let stored = |value: &f32, half: f32| ((value + 1.0) * half).round();
        let pixels = match spec.depth {
            BitDepth::Eight => Pixels::U8(values.iter().map(|v| stored(v, 127.5) as u8).collect()),
            BitDepth::Sixteen => Pixels::U16(values.iter().map(|v| stored(v, 32767.5) as u16).collect()),
            BitDepth::Float => Pixels::F32(values.iter().map(|v| (v + 1.0) * 0.5).collect()),
        };
        Self::new(spec.channels, spec.height, spec.width, pixels)
    }

    /// Returns the values scaled to [−1, 1], planar `[channels, height, width]`.
    ///
    /// The scale is that of [`Image::from_unit`]. Floating point values outside [0, 1] are clamped; NaN and
    /// infinities (no measurement) become −1.
    #[must_use]
    pub fn to_unit(&self) -> Vec<f32> {
        let mut values = Vec::with_capacity(self.pixels.len());
        self.extend_unit(&mut values);
        values
    }

    /// Appends [`Image::to_unit`] to `values`, so that building a batch needs no extra copy.
    pub(crate) fn extend_unit(&self, values: &mut Vec<f32>) {
        match &self.pixels {
            Pixels::U8(stored) => values.extend(stored.iter().map(|&v| f32::from(v) / 127.5 - 1.0)),
            Pixels::U16(stored) => values.extend(stored.iter().map(|&v| f32::from(v) / 32767.5 - 1.0)),
            Pixels::F32(stored) => values.extend(stored.iter().map(|&v| unit_of_float(v))),
        }
    }

    /// Converts the image to 1 or 3 channels.
    ///
    /// Gray becomes RGB by repetition; RGB becomes gray as `0.299 R + 0.587 G + 0.114 B` (Rec. 601, the
    /// weights of JPEG and of Pillow's mode `L`), rounded unless the values are floating point.
    ///
    /// # Panics
    /// If `channels` is neither 1 nor 3.
    #[must_use]
    pub fn to_channels(&self, channels: usize) -> Self {
        let pixels = match (self.channels, channels) {
            (1, 3) => match &self.pixels {
                Pixels::U8(gray) => Pixels::U8(gray.repeat(3)),
                Pixels::U16(gray) => Pixels::U16(gray.repeat(3)),
                Pixels::F32(gray) => Pixels::F32(gray.repeat(3)),
            },
            (3, 1) => match &self.pixels {
                Pixels::U8(rgb) => Pixels::U8(luma(rgb, |v| v as u8)),
                Pixels::U16(rgb) => Pixels::U16(luma(rgb, |v| v as u16)),
                Pixels::F32(rgb) => Pixels::F32(luma_f32(rgb)),
            },
            _ => self.pixels.clone(),
        };
        Self::new(channels, self.height, self.width, pixels)
    }

    /// Converts the image to a bit depth; `None` between floating point and whole numbers.
    pub(crate) fn to_depth(&self, depth: BitDepth) -> Option<Self> {
        let pixels = self.pixels.to_depth(depth)?;
        Some(Self { pixels, ..*self })
    }

    /// Returns an image twice as high with `below`, of the same size and channels, under this one. Of images of
    /// different depths, which no film has, the values are taken as they are.
    pub(crate) fn above(&self, below: &Self) -> Self {
        let pixels = match (&self.pixels, &below.pixels) {
            (Pixels::U8(upper), Pixels::U8(lower)) => Pixels::U8(self.interleaved(upper, lower)),
            (Pixels::U16(upper), Pixels::U16(lower)) => Pixels::U16(self.interleaved(upper, lower)),
            (upper, lower) => {
                let [upper, lower] = [upper, lower].map(|pixels| pixels.iter().collect::<Vec<f32>>());
                Pixels::F32(self.interleaved(&upper, &lower))
            }
        };
        Self::new(self.channels, 2 * self.height, self.width, pixels)
    }

    fn interleaved<T: Copy>(&self, upper: &[T], lower: &[T]) -> Vec<T> {
        let n_pixels = self.height * self.width;
        let planes = upper.chunks_exact(n_pixels).zip(lower.chunks_exact(n_pixels));
        planes.flat_map(|(upper, lower)| [upper, lower].concat()).collect()
    }

    /// Crops the image to `crop`, which must lie within it.
    pub(crate) fn cropped(&self, crop: CropWindow) -> Self {
        let pixels = match &self.pixels {
            Pixels::U8(values) => Pixels::U8(self.cut(values, crop)),
            Pixels::U16(values) => Pixels::U16(self.cut(values, crop)),
            Pixels::F32(values) => Pixels::F32(self.cut(values, crop)),
        };
        Self::new(self.channels, crop.size.height, crop.size.width, pixels)
    }

    fn cut<T: Copy>(&self, values: &[T], crop: CropWindow) -> Vec<T> {
        let mut cut = Vec::with_capacity(self.channels * crop.size.width * crop.size.height);
        for plane in values.chunks_exact(self.width * self.height) {
            for row in plane.chunks_exact(self.width).skip(crop.top).take(crop.size.height) {
                cut.extend_from_slice(&row[crop.left..][..crop.size.width]);
            }
        }
        cut
    }

    /// Bytes of memory of the stored values.
    pub(crate) fn n_bytes(&self) -> usize {
        self.pixels.len() * self.pixels.depth().n_bytes()
    }

    /// The image's size, channels and bit depth.
    #[must_use]
    pub fn spec(&self) -> ImageSpec {
        ImageSpec {
            channels: self.channels,
            height: self.height,
            width: self.width,
            depth: self.pixels.depth(),
        }
    }

    /// The stored values.
    #[must_use]
    pub fn pixels(&self) -> &Pixels {
        &self.pixels
    }
}

impl ImageSpec {
    /// Width and height.
    #[must_use]
    pub fn size(&self) -> Size {
        Size { width: self.width, height: self.height }
    }

    /// `gray` or `RGB`.
    #[must_use]
    pub fn color(&self) -> &'static str {
        if self.channels == 1 { "gray" } else { "RGB" }
    }

    /// Bytes of memory of the stored values, without alpha.
    pub(crate) fn n_bytes(&self) -> u64 {
        (self.channels * self.depth.n_bytes()) as u64 * self.width as u64 * self.height as u64
    }
}

fn unit_of_float(value: f32) -> f32 {
    if value.is_finite() { value.clamp(0.0, 1.0) * 2.0 - 1.0 } else { -1.0 }
}

/// Weighted sum of three planes in 16-bit fixed point, so that the result is the same on every machine.
fn luma<T: Copy + Into<u64>>(rgb: &[T], narrow: impl Fn(u64) -> T) -> Vec<T> {
    let n = rgb.len() / 3;
    let weighted = |i: usize| {
        let (red, green, blue): (u64, u64, u64) = (rgb[i].into(), rgb[n + i].into(), rgb[2 * n + i].into());
        // The weights times 2¹⁶; they sum to 65536, so that gray stays gray. 32768 rounds to nearest.
        (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16
    };
    (0..n).map(|i| narrow(weighted(i))).collect()
}

/// The weighted sum in floating point; gray stays gray to the bit.
fn luma_f32(rgb: &[f32]) -> Vec<f32> {
    let n = rgb.len() / 3;
    let weighted = |i: usize| {
        let (red, green, blue) = (rgb[i], rgb[n + i], rgb[2 * n + i]);
        if red == green && green == blue { green } else { 0.299 * red + 0.587 * green + 0.114 * blue }
    };
    (0..n).map(weighted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(depth: BitDepth, width: usize) -> ImageSpec {
        ImageSpec { channels: 1, height: 1, width, depth }
    }

    #[test]
    fn every_stored_value_survives_the_unit_range() {
        let eight = Image::new(1, 1, 256, Pixels::U8((0..=255).collect()));
        assert_eq!(Image::from_unit(eight.spec(), &eight.to_unit()), eight);
        let sixteen = Image::new(1, 256, 256, Pixels::U16((0..=65535).collect()));
        assert_eq!(Image::from_unit(sixteen.spec(), &sixteen.to_unit()), sixteen);
        let float = Image::new(1, 1, 3, Pixels::F32(vec![0.0, 0.25, 1.0]));
        assert_eq!(float.to_unit(), [-1.0, -0.5, 1.0]);
        assert_eq!(Image::from_unit(float.spec(), &float.to_unit()), float);
        assert_eq!(eight.to_unit()[0], -1.0);
        assert_eq!(sixteen.to_unit()[65535], 1.0);
    }

    #[test]
    fn values_are_rounded_and_clamped_on_a_fixed_scale() {
        let values = [-7.0, f32::NEG_INFINITY, f32::NAN, 0.0, 0.001, 1.5, f32::INFINITY];
        let image = Image::from_unit(spec(BitDepth::Eight, 7), &values);
        assert_eq!(image.pixels(), &Pixels::U8(vec![0, 0, 0, 128, 128, 255, 255]));
        let flat = Image::from_unit(spec(BitDepth::Sixteen, 2), &[0.5, 0.5]);
        assert_eq!(flat.pixels(), &Pixels::U16(vec![49151, 49151]), "no stretching to the full range");
    }

    #[test]
    fn luma_has_pillows_values() {
        // Image.new("RGB", (1, 1), (10, 200, 77)).convert("L").getpixel((0, 0)) == 129
        let image = Image::new(3, 1, 1, Pixels::U8(vec![10, 200, 77]));
        assert_eq!(image.to_channels(1).pixels(), &Pixels::U8(vec![129]));
        let white = Image::new(3, 1, 1, Pixels::U16(vec![65535; 3]));
        assert_eq!(white.to_channels(1).pixels(), &Pixels::U16(vec![65535]));
        let gray = Image::new(1, 1, 2, Pixels::U16(vec![3, 40_000]));
        assert_eq!(gray.to_channels(3).pixels(), &Pixels::U16(vec![3, 40_000, 3, 40_000, 3, 40_000]));
        assert_eq!(gray.to_channels(3).to_channels(1), gray);
    }

    #[test]
    fn floating_point_reaches_a_network_within_its_range() {
        let odd = vec![f32::NAN, f32::NEG_INFINITY, f32::INFINITY, -3.0, 7.0];
        let image = Image::new(1, 1, 5, Pixels::F32(odd));
        assert_eq!(image.to_unit(), [-1.0, -1.0, -1.0, -1.0, 1.0]);
        assert_eq!(image.to_channels(3).to_channels(1), image);
        let rgb = Image::new(3, 1, 1, Pixels::F32(vec![1.0, 0.5, 0.0]));
        assert_eq!(rgb.to_channels(1).pixels(), &Pixels::F32(vec![0.5925]));
        let wide = Image::from_unit(spec(BitDepth::Float, 2), &[-3.0, 7.0]);
        assert_eq!(wide.pixels(), &Pixels::F32(vec![-1.0, 4.0]), "nothing is clamped");
    }

    #[test]
    #[should_panic(expected = "2 channels")]
    fn two_channels_are_refused() {
        let _ = Image::new(2, 1, 1, Pixels::U8(vec![0, 0]));
    }
}
