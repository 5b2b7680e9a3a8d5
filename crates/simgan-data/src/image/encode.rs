use std::io::Cursor;
use std::path::Path;

use image::codecs::bmp::BmpEncoder;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::tiff::TiffEncoder;
use image::{ExtendedColorType, ImageEncoder, ImageResult};

use super::{BitDepth, ImageFile, ImageFormat, Pixels};
use crate::{DataError, write_atomic};

/// Quality, from 1 to 100, of written JPEG files. High and without chroma subsampling: a refined image should
/// show the refiner's changes, not the compression's.
const JPEG_QUALITY: u8 = 95;

impl ImageFile {
    /// Writes the file atomically, so that `path` always holds a complete file.
    ///
    /// # Errors
    /// The format cannot hold the image (JPEG and BMP hold 8 bits, JPEG no alpha), or the write fails.
    pub fn save(&self, path: &Path) -> Result<(), DataError> {
        write_atomic(path, &self.encode(path)?)
    }

    /// Encodes the file; `path` appears in errors only.
    ///
    /// # Errors
    /// The format cannot hold the image.
    pub fn encode(&self, path: &Path) -> Result<Vec<u8>, DataError> {
        let failed =
            |reason: String| DataError::Encode { path: path.to_owned(), format: self.format.name(), reason };
        let depth = self.image.spec().depth;
        if depth == BitDepth::Float {
            return Err(failed("it holds whole numbers, the image has floating point".to_owned()));
        }
        if depth == BitDepth::Sixteen && matches!(self.format, ImageFormat::Jpeg | ImageFormat::Bmp) {
            return Err(failed("it holds 8 bits, the image has 16; PNG and TIFF hold 16".to_owned()));
        }
        self.encode_as(self.color(depth)).map_err(|error| failed(error.to_string()))
    }

    fn encode_as(&self, color: ExtendedColorType) -> ImageResult<Vec<u8>> {
        let spec = self.image.spec();
        let (width, height) = (spec.width as u32, spec.height as u32);
        let values = self.interleaved();
        let mut file = Cursor::new(Vec::new());
        match self.format {
            ImageFormat::Png => PngEncoder::new(&mut file).write_image(&values, width, height, color),
            ImageFormat::Jpeg => JpegEncoder::new_with_quality(&mut file, JPEG_QUALITY)
                .write_image(&values, width, height, color),
            ImageFormat::Tiff => TiffEncoder::new(&mut file).write_image(&values, width, height, color),
            ImageFormat::Bmp => BmpEncoder::new(&mut file).write_image(&values, width, height, color),
        }?;
        Ok(file.into_inner())
    }

    fn color(&self, depth: BitDepth) -> ExtendedColorType {
        use ExtendedColorType as Type;
        match (self.image.spec().channels, self.alpha.is_some(), depth) {
            (1, false, BitDepth::Eight) => Type::L8,
            (1, false, _) => Type::L16,
            (1, true, BitDepth::Eight) => Type::La8,
            (1, true, _) => Type::La16,
            (_, false, BitDepth::Eight) => Type::Rgb8,
            (_, false, _) => Type::Rgb16,
            (_, true, BitDepth::Eight) => Type::Rgba8,
            (_, true, _) => Type::Rgba16,
        }
    }

    /// The values pixel by pixel, alpha last, in native byte order, as the encoders expect.
    fn interleaved(&self) -> Vec<u8> {
        let n = self.image.height * self.image.width;
        match (&self.image.pixels, &self.alpha) {
            (Pixels::U8(colour), Some(Pixels::U8(alpha))) => interleave(colour, alpha, n, |v| [v]),
            (Pixels::U8(colour), _) => interleave(colour, &[], n, |v| [v]),
            (Pixels::U16(colour), Some(Pixels::U16(alpha))) => interleave(colour, alpha, n, u16::to_ne_bytes),
            (Pixels::U16(colour), _) => interleave(colour, &[], n, u16::to_ne_bytes),
            (Pixels::F32(colour), Some(Pixels::F32(alpha))) => interleave(colour, alpha, n, f32::to_ne_bytes),
            (Pixels::F32(colour), _) => interleave(colour, &[], n, f32::to_ne_bytes),
        }
    }
}

fn interleave<T: Copy, const N: usize>(
    colour: &[T],
    alpha: &[T],
    n_pixels: usize,
    bytes: impl Fn(T) -> [u8; N],
) -> Vec<u8> {
    let planes = || colour.chunks_exact(n_pixels).chain(alpha.chunks_exact(n_pixels));
    let mut values = Vec::with_capacity((colour.len() + alpha.len()) * N);
    for i in 0..n_pixels {
        planes().for_each(|plane| values.extend(bytes(plane[i])));
    }
    values
}
