use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::codecs::{bmp::BmpDecoder, gif::GifDecoder, png::PngDecoder, webp::WebPDecoder};
use image::{DynamicImage, ImageDecoder, ImageError, Limits};

use super::file::Extras;
use super::png::Chunks;
use super::pnm::Pnm;
use super::tiff::{Refusal, Tiff};
use super::{
    BitDepth, Image, ImageFile, ImageFormat, ImageSpec, Orientation, Pixels, bmp, exif, gif, jpeg, planar,
};
use crate::{Budget, DataError};

/// Maximum number of pixels decoded: a guard against files that claim absurd sizes or unpack to them.
pub(crate) const MAX_PIXELS: u64 = 1 << 26;
/// Maximum file size in bytes.
const MAX_FILE_BYTES: u64 = 1 << 30;

impl ImageFile {
    /// Reads and decodes a file.
    ///
    /// # Errors
    /// The file cannot be read, is not a complete image, or is of an unsupported kind; the error names it.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        Self::decode(&read(path)?, path)
    }

    /// Decodes the content of a file; `path` appears in errors only. Waits until the memory for it is within
    /// [`Budget::decoding`].
    ///
    /// # Errors
    /// Those of [`ImageFile::open`].
    pub fn decode(bytes: &[u8], path: &Path) -> Result<Self, DataError> {
        let header = Header::of(bytes, path)?;
        // The values as decoded and as planes.
        let _permit = Budget::decoding().acquire(2 * header.spec.n_bytes());
        let (image, alpha) = header.pixels(bytes, path)?;
        let Header { format, extras, orientation, has_palette, .. } = header;
        let file = Self { image, format, alpha, extras, orientation, has_palette };
        Ok(if orientation == Orientation::UPRIGHT { file } else { file.upright() })
    }

    /// Applies the orientation to pixels as stored.
    fn upright(mut self) -> Self {
        let size = self.image.spec().size();
        self.image = self.image.oriented(self.orientation);
        self.alpha = self
            .alpha
            .map(|alpha| Image::new(1, size.height, size.width, alpha).oriented(self.orientation).pixels);
        self
    }

    /// Reads an image's size, channels and bit depth from its header alone.
    ///
    /// # Errors
    /// Those of [`ImageFile::open`]; damage after the header goes unnoticed.
    pub fn probe(path: &Path) -> Result<ImageSpec, DataError> {
        Self::probe_bytes(&read(path)?, path)
    }

    /// [`ImageFile::probe`] of the content of a file; `path` appears in errors only.
    ///
    /// # Errors
    /// Those of [`ImageFile::decode`]; damage after the header goes unnoticed.
    pub fn probe_bytes(bytes: &[u8], path: &Path) -> Result<ImageSpec, DataError> {
        let header = Header::of(bytes, path)?;
        // Images are decoded upright, so a quarter turn swaps width and height.
        let size = header.orientation.size(header.spec.size());
        Ok(ImageSpec { height: size.height, width: size.width, ..header.spec })
    }
}

/// What a file says before its pixels are decoded.
struct Header {
    format: ImageFormat,
    /// The image as stored.
    spec: ImageSpec,
    orientation: Orientation,
    has_palette: bool,
    extras: Extras,
    /// Whether a JPEG file has a layout that zune-jpeg decodes rightly.
    is_common: bool,
}

impl Header {
    /// Checks a file's format, size and colour, without reserving memory for pixels.
    fn of(bytes: &[u8], path: &Path) -> Result<Self, DataError> {
        if bytes.is_empty() {
            return Err(unreadable(path, "the file is empty"));
        }
        let Some(format) = ImageFormat::of_content(bytes) else {
            return Err(unreadable(path, &not_an_image(path)));
        };
        let header = match format {
            ImageFormat::Png => Self::of_png(bytes, path),
            ImageFormat::Jpeg => Self::of_jpeg(bytes, path),
            ImageFormat::Tiff => Self::of_tiff(bytes, path),
            ImageFormat::Bmp => Self::of_bmp(bytes, path),
            ImageFormat::Pnm => Self::of_pnm(bytes, path),
            ImageFormat::WebP => Self::of_webp(bytes, path),
            ImageFormat::Gif => Self::of_gif(bytes, path),
        }?;
        let (width, height) = (header.spec.width as u64, header.spec.height as u64);
        if width.saturating_mul(height) > MAX_PIXELS {
            let side = |side: u64| u32::try_from(side).unwrap_or(u32::MAX);
            let (width, height) = (side(width), side(height));
            return Err(DataError::TooLarge { path: path.to_owned(), width, height, limit: MAX_PIXELS });
        }
        if width == 0 || height == 0 {
            return Err(unreadable(path, "it has no pixels"));
        }
        Ok(header)
    }

    fn new(format: ImageFormat, spec: ImageSpec, extras: Extras) -> Self {
        Self { format, spec, orientation: Orientation::UPRIGHT, has_palette: false, extras, is_common: true }
    }

    fn of_png(bytes: &[u8], path: &Path) -> Result<Self, DataError> {
        let chunks = Chunks::of(bytes);
        if chunks.is_animated {
            return Err(unsupported(path, "an animated PNG"));
        }
        let decoder = PngDecoder::new(Cursor::new(bytes)).map_err(|error| failure(path, error))?;
        let (orientation, has_palette) = (chunks.orientation(), chunks.has_palette);
        let header = Self::new(ImageFormat::Png, spec_of(&decoder), Extras::Png(chunks));
        Ok(Self { orientation, has_palette, ..header })
    }

    fn of_jpeg(bytes: &[u8], path: &Path) -> Result<Self, DataError> {
        let Some(markers) = jpeg::markers(bytes) else {
            return Err(unreadable(path, "its markers are damaged, or it ends too early"));
        };
        if let Some(layout) = markers.unsupported() {
            return Err(unsupported(path, &layout));
        }
        if !markers.complete {
            return Err(unreadable(path, "it ends too early"));
        }
        let spec = ImageSpec {
            channels: markers.components.len(),
            height: markers.height,
            width: markers.width,
            depth: BitDepth::Eight,
        };
        let orientation = markers.orientation.unwrap_or(Orientation::UPRIGHT);
        let is_common = markers.is_common();
        let header = Self::new(ImageFormat::Jpeg, spec, Extras::Jpeg(markers.style));
        Ok(Self { orientation, is_common, ..header })
    }

    fn of_tiff(bytes: &[u8], path: &Path) -> Result<Self, DataError> {
        let tiff = Tiff::of(bytes).map_err(|refusal| refused(path, refusal))?;
        let orientation = tiff.orientation().and_then(Orientation::from_exif);
        let has_palette = tiff.has_palette();
        let header = Self::new(ImageFormat::Tiff, tiff.spec(), Extras::Tiff(Box::new(tiff)));
        Ok(Self { orientation: orientation.unwrap_or(Orientation::UPRIGHT), has_palette, ..header })
    }

    fn of_bmp(bytes: &[u8], path: &Path) -> Result<Self, DataError> {
        let decoder = BmpDecoder::new(Cursor::new(bytes)).map_err(|error| failure(path, error))?;
        let mut spec = spec_of(&decoder);
        // The decoder expands every palette to RGB.
        let is_gray = bmp::is_gray(bytes);
        if is_gray {
            spec.channels = 1;
        }
        let has_palette = !is_gray && bmp::has_palette(bytes);
        let extras = bmp::resolution(bytes).map_or(Extras::None, Extras::Bmp);
        Ok(Self { has_palette, ..Self::new(ImageFormat::Bmp, spec, extras) })
    }

    fn of_pnm(bytes: &[u8], path: &Path) -> Result<Self, DataError> {
        let pnm = Pnm::of(bytes).map_err(|reason| unreadable(path, &reason))?;
        Ok(Self::new(ImageFormat::Pnm, pnm.spec(), Extras::Pnm(pnm)))
    }

    fn of_webp(bytes: &[u8], path: &Path) -> Result<Self, DataError> {
        let failed = |error| failure(path, error);
        let mut decoder = WebPDecoder::new(Cursor::new(bytes)).map_err(failed)?;
        if decoder.has_animation() {
            return Err(unsupported(path, "an animated WebP"));
        }
        let profile = decoder.icc_profile().map_err(failed)?;
        let exif = decoder.exif_metadata().map_err(failed)?;
        let orientation = exif.as_deref().map_or(Orientation::UPRIGHT, exif::orientation);
        let extras = Extras::WebP { profile, exif };
        Ok(Self { orientation, ..Self::new(ImageFormat::WebP, spec_of(&decoder), extras) })
    }

    fn of_gif(bytes: &[u8], path: &Path) -> Result<Self, DataError> {
        let decoder = GifDecoder::new(Cursor::new(bytes)).map_err(|error| failure(path, error))?;
        let spec = spec_of(&decoder);
        Ok(Self { has_palette: true, ..Self::new(ImageFormat::Gif, spec, Extras::None) })
    }

    /// Decodes the pixels as stored, and alpha.
    fn pixels(&self, bytes: &[u8], path: &Path) -> Result<(Image, Option<Pixels>), DataError> {
        let file = Cursor::new(bytes);
        let failed = |error| failure(path, error);
        match (&self.extras, self.format) {
            (Extras::Tiff(tiff), _) => tiff.decode(bytes).map_err(|refusal| refused(path, refusal)),
            (Extras::Pnm(pnm), _) => {
                let values = pnm.decode(bytes).map_err(|reason| unreadable(path, &reason))?;
                Ok(planar::of_values(self.spec, pnm.n_samples(), &values))
            }
            (_, ImageFormat::Jpeg) => {
                let values = jpeg::decode(bytes, self.spec.channels == 1, self.is_common)
                    .map_err(|reason| unreadable(path, &reason))?;
                Ok(planar::of_bytes(self.spec, self.spec.channels, &values))
            }
            (_, ImageFormat::Png) => stored(PngDecoder::new(file).map_err(failed)?, path),
            (_, ImageFormat::WebP) => stored(WebPDecoder::new(file).map_err(failed)?, path),
            (_, ImageFormat::Gif) => {
                if gif::n_frames(bytes).map_err(|reason| unreadable(path, reason))? > 1 {
                    return Err(unsupported(path, "an animated GIF"));
                }
                let (image, alpha) = stored(GifDecoder::new(file).map_err(failed)?, path)?;
                // The decoder always gives alpha.
                let is_opaque = matches!(&alpha, Some(Pixels::U8(alpha)) if alpha.iter().all(|a| *a == 255));
                Ok((image, alpha.filter(|_| !is_opaque)))
            }
            _ => {
                let (image, alpha) = stored(BmpDecoder::new(file).map_err(failed)?, path)?;
                Ok((if self.spec.channels == 1 { image.to_channels(1) } else { image }, alpha))
            }
        }
    }
}

/// Reads a file, unless it is larger than the limit.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    let io = |error| DataError::io(path, error);
    let n_bytes = std::fs::metadata(path).map_err(io)?.len();
    if n_bytes > MAX_FILE_BYTES {
        return Err(unreadable(
            path,
            &format!("its {n_bytes} bytes are more than the limit of {MAX_FILE_BYTES}"),
        ));
    }
    std::fs::read(path).map_err(io)
}

/// The image that a decoder announces.
fn spec_of(decoder: &impl ImageDecoder) -> ImageSpec {
    let (width, height) = decoder.dimensions();
    let color = decoder.color_type();
    let is_sixteen = color.bytes_per_pixel() / color.channel_count() == 2;
    ImageSpec {
        channels: if color.has_color() { 3 } else { 1 },
        height: height as usize,
        width: width as usize,
        depth: if is_sixteen { BitDepth::Sixteen } else { BitDepth::Eight },
    }
}

/// Decodes an image as stored, and its alpha.
fn stored(mut decoder: impl ImageDecoder, path: &Path) -> Result<(Image, Option<Pixels>), DataError> {
    let failed = |error| failure(path, error);
    // As in `ImageReader::decode`: `from_decoder` itself does not check the size that it allocates.
    let mut limits = Limits::default();
    limits.reserve(decoder.total_bytes()).map_err(failed)?;
    decoder.set_limits(limits).map_err(failed)?;
    let image = DynamicImage::from_decoder(decoder).map_err(failed)?;
    planar::of_decoded(image).ok_or_else(|| unsupported(path, "this kind of colour"))
}

/// Says that a file is no image, and what else it is if its name tells.
fn not_an_image(path: &Path) -> String {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let known = "it is not a PNG, JPEG, TIFF, BMP, PNM, WebP or GIF file";
    match ImageFormat::not_read(extension) {
        Some(reason) => format!("{known} (.{extension} is {reason})"),
        None => format!("{known}, whatever its name says"),
    }
}

fn refused(path: &Path, refusal: Refusal) -> DataError {
    match refusal {
        Refusal::Damaged(reason) => unreadable(path, &reason),
        Refusal::Unsupported(what) => unsupported(path, &what),
    }
}

fn failure(path: &Path, error: ImageError) -> DataError {
    match error {
        ImageError::IoError(source) if source.kind() == std::io::ErrorKind::UnexpectedEof => {
            unreadable(path, "it ends too early")
        }
        ImageError::IoError(source) => unreadable(path, &source.to_string()),
        // The decoder's sentence ends as ours does.
        ImageError::Unsupported(error) => {
            let text = error.to_string();
            unsupported(path, text.strip_suffix(" is not supported").unwrap_or(&text))
        }
        error => unreadable(path, &error.to_string()),
    }
}

pub(super) fn unreadable(path: &Path, reason: &str) -> DataError {
    DataError::Image { path: path.to_owned(), reason: reason.trim_end().to_owned() }
}

fn unsupported(path: &Path, color: &str) -> DataError {
    DataError::Color { path: PathBuf::from(path), color: color.to_owned() }
}
