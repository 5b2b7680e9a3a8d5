use std::io::Cursor;
use std::path::Path;

use image::codecs::{bmp::BmpEncoder, gif::GifEncoder, png::PngEncoder, webp::WebPEncoder};
use image::{ExtendedColorType, ImageEncoder, ImageError};

use super::file::Extras;
use super::jpeg::Style;
use super::pnm::Pnm;
use super::tiff::Tiff;
use super::{BitDepth, Image, ImageFile, ImageFormat, Orientation, Pixels, bmp, planar};
use crate::{DataError, write_atomic};

impl ImageFile {
    /// Writes the file atomically, so that `path` always holds a complete file.
    ///
    /// # Errors
    /// The format cannot hold the image (JPEG and others hold 8 bits, JPEG no alpha), or the write fails.
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
        if depth == BitDepth::Float && self.format != ImageFormat::Tiff {
            return Err(failed(
                "it holds whole numbers, the image has floating point; TIFF holds it".to_owned(),
            ));
        }
        let holds_sixteen = matches!(self.format, ImageFormat::Png | ImageFormat::Tiff | ImageFormat::Pnm);
        if depth == BitDepth::Sixteen && !holds_sixteen {
            return Err(failed("it holds 8 bits, the image has 16; PNG and TIFF hold 16".to_owned()));
        }
        if self.orientation == Orientation::UPRIGHT {
            return self.encode_stored(&self.image, self.alpha.as_ref()).map_err(failed);
        }
        let (image, alpha) = self.stored();
        self.encode_stored(&image, alpha.as_ref()).map_err(failed)
    }

    fn encode_stored(&self, image: &Image, alpha: Option<&Pixels>) -> Result<Vec<u8>, String> {
        let spec = image.spec();
        let values = planar::interleaved(image, alpha);
        match (self.format, &self.extras) {
            (ImageFormat::Jpeg, Extras::Jpeg(style)) => {
                style.encode(&values, spec.size(), spec.channels == 1)
            }
            (ImageFormat::Jpeg, _) => Style::default().encode(&values, spec.size(), spec.channels == 1),
            (ImageFormat::Tiff, extras) => {
                let plain = Tiff::plain();
                let tiff = if let Extras::Tiff(tiff) = extras { tiff } else { &plain };
                tiff.encode(spec, alpha.is_some(), values).map_err(|error| error.to_string())
            }
            (ImageFormat::Pnm, extras) => {
                let plain = Pnm::plain();
                let pnm = if let Extras::Pnm(pnm) = extras { pnm } else { &plain };
                let values: Vec<u16> = match spec.depth {
                    BitDepth::Eight => values.iter().map(|value| u16::from(*value)).collect(),
                    _ => values.as_chunks().0.iter().map(|value| u16::from_ne_bytes(*value)).collect(),
                };
                Ok(pnm.encode(spec, alpha.is_some(), &values))
            }
            _ => self.encode_by_image(image, alpha, &values).map_err(|error| error.to_string()),
        }
    }

    /// Encodes a format of the `image` crate.
    fn encode_by_image(
        &self,
        image: &Image,
        alpha: Option<&Pixels>,
        values: &[u8],
    ) -> Result<Vec<u8>, ImageError> {
        let (spec, has_alpha) = (image.spec(), alpha.is_some());
        let (width, height) = (spec.width as u32, spec.height as u32);
        let color = color(spec.channels, has_alpha, spec.depth);
        let mut file = Cursor::new(Vec::new());
        match self.format {
            ImageFormat::Bmp => BmpEncoder::new(&mut file).write_image(values, width, height, color)?,
            ImageFormat::Gif => {
                let rgb = planar::interleaved(&image.to_channels(3), alpha);
                let color = self::color(3, has_alpha, BitDepth::Eight);
                GifEncoder::new(&mut file).encode(&rgb, width, height, color)?;
            }
            ImageFormat::WebP => {
                let mut encoder = WebPEncoder::new_lossless(&mut file);
                if let Extras::WebP { profile, exif } = &self.extras {
                    if let Some(profile) = profile {
                        encoder.set_icc_profile(profile.clone()).map_err(ImageError::Unsupported)?;
                    }
                    if let Some(exif) = exif {
                        encoder.set_exif_metadata(exif.clone()).map_err(ImageError::Unsupported)?;
                    }
                }
                encoder.write_image(values, width, height, color)?;
            }
            _ => PngEncoder::new(&mut file).write_image(values, width, height, color)?,
        }
        let mut file = file.into_inner();
        match &self.extras {
            Extras::Png(chunks) => file = chunks.added_to(file),
            Extras::Bmp(resolution) => bmp::set_resolution(&mut file, *resolution),
            _ => {}
        }
        Ok(file)
    }
}

fn color(channels: usize, has_alpha: bool, depth: BitDepth) -> ExtendedColorType {
    use ExtendedColorType as Type;
    match (channels, has_alpha, depth) {
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
