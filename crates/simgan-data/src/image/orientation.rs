use super::{Image, Pixels, Size};

/// One of the eight ways to rotate and mirror an image, as numbered by EXIF.
///
/// It optionally swaps rows and columns, then mirrors the result along x, y or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orientation {
    is_transposed: bool,
    is_mirrored: [bool; 2],
}

impl Orientation {
    /// Leaves the image unchanged.
    pub const UPRIGHT: Self = Self { is_transposed: false, is_mirrored: [false, false] };
    /// Swaps left and right.
    pub const MIRRORED: Self = Self { is_transposed: false, is_mirrored: [true, false] };

    /// The orientation that brings an image with this EXIF tag upright; `None` unless the tag is 1 to 8.
    #[must_use]
    pub const fn from_exif(tag: u8) -> Option<Self> {
        let (is_transposed, is_mirrored) = match tag {
            1 => (false, [false, false]),
            2 => (false, [true, false]),
            3 => (false, [true, true]),
            4 => (false, [false, true]),
            5 => (true, [false, false]),
            6 => (true, [true, false]),
            7 => (true, [true, true]),
            8 => (true, [false, true]),
            _ => return None,
        };
        Some(Self { is_transposed, is_mirrored })
    }

    /// Width and height of an image of size `from` afterwards.
    #[must_use]
    pub fn size(self, from: Size) -> Size {
        if self.is_transposed { Size { width: from.height, height: from.width } } else { from }
    }

    /// Whether the orientation includes a reflection, which turns right hands into left hands.
    #[must_use]
    pub fn is_reflection(self) -> bool {
        // A transposition is a reflection too, and two reflections cancel out.
        self.is_transposed ^ self.is_mirrored[0] ^ self.is_mirrored[1]
    }

    /// Transforms a direction in camera coordinates.
    pub(crate) fn vector(self, [x, y, z]: [f32; 3]) -> [f32; 3] {
        let [x, y] = if self.is_transposed { [y, x] } else { [x, y] };
        let [mirror_x, mirror_y] = self.is_mirrored;
        [if mirror_x { -x } else { x }, if mirror_y { -y } else { y }, z]
    }

    /// Transforms a point of an image of size `from`.
    pub(crate) fn point(self, from: Size, [x, y]: [f32; 2]) -> [f32; 2] {
        let to = self.size(from);
        let [x, y] = if self.is_transposed { [y, x] } else { [x, y] };
        self.mirrored([x, y], [to.width as f32, to.height as f32])
    }

    /// The inverse of [`Orientation::point`].
    pub(crate) fn source(self, from: Size, point: [f32; 2]) -> [f32; 2] {
        let to = self.size(from);
        let [x, y] = self.mirrored(point, [to.width as f32, to.height as f32]);
        if self.is_transposed { [y, x] } else { [x, y] }
    }

    fn mirrored(self, point: [f32; 2], lengths: [f32; 2]) -> [f32; 2] {
        [0, 1].map(|axis| if self.is_mirrored[axis] { lengths[axis] - point[axis] } else { point[axis] })
    }
}

impl Image {
    /// Rotates and mirrors the image.
    #[must_use]
    pub fn oriented(&self, orientation: Orientation) -> Self {
        let from = self.spec().size();
        let to = orientation.size(from);
        let pixels = match self.pixels() {
            Pixels::U8(values) => Pixels::U8(turned(values, from, orientation)),
            Pixels::U16(values) => Pixels::U16(turned(values, from, orientation)),
            Pixels::F32(values) => Pixels::F32(turned(values, from, orientation)),
        };
        Self::new(self.spec().channels, to.height, to.width, pixels)
    }
}

/// Rotates and mirrors planes of size `from`.
fn turned<T: Copy>(values: &[T], from: Size, orientation: Orientation) -> Vec<T> {
    let to = orientation.size(from);
    let [mirror_x, mirror_y] = orientation.is_mirrored;
    let place = |row: usize, column: usize| {
        let x = if mirror_x { to.width - 1 - column } else { column };
        let y = if mirror_y { to.height - 1 - row } else { row };
        if orientation.is_transposed { x * from.width + y } else { y * from.width + x }
    };
    let mut turned = Vec::with_capacity(values.len());
    for plane in values.chunks_exact(from.width * from.height) {
        for row in 0..to.height {
            turned.extend((0..to.width).map(|column| plane[place(row, column)]));
        }
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::metadata::Orientation as Exif;

    #[test]
    fn all_eight_are_what_the_decoder_does() {
        let values: Vec<u8> = (0..6).collect();
        let image = Image::new(1, 2, 3, Pixels::U8(values.clone()));
        for tag in 1..=8 {
            let buffer = image::GrayImage::from_raw(3, 2, values.clone()).unwrap();
            let mut expected = image::DynamicImage::ImageLuma8(buffer);
            expected.apply_orientation(Exif::from_exif(tag).unwrap());
            let turned = image.oriented(Orientation::from_exif(tag).unwrap());
            let size = (expected.width() as usize, expected.height() as usize);
            assert_eq!((turned.spec().width, turned.spec().height), size, "{tag}");
            assert_eq!(turned.pixels(), &Pixels::U8(expected.into_bytes()), "{tag}");
        }
        assert_eq!(Orientation::from_exif(0), None);
        assert_eq!(Orientation::from_exif(9), None);
    }

    #[test]
    fn a_mirror_swaps_columns_only() {
        let image = Image::new(1, 2, 3, Pixels::U8(vec![1, 2, 3, 4, 5, 6]));
        assert_eq!(image.oriented(Orientation::MIRRORED).pixels(), &Pixels::U8(vec![3, 2, 1, 6, 5, 4]));
        assert!(Orientation::MIRRORED.is_reflection() && !Orientation::UPRIGHT.is_reflection());
        assert!(!Orientation::from_exif(6).unwrap().is_reflection(), "turned, not mirrored");
    }
}
