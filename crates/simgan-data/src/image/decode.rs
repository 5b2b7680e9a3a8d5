use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::metadata::Orientation;
use image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageError, ImageReader, Limits};

use super::{BitDepth, Image, ImageSpec, Pixels, bmp, jpeg};
use crate::DataError;

/// A decoded image file: the image, and what is needed to write a modified image in the same way.
///
/// ```
/// use simgan_data::{Image, ImageFile, ImageFormat, Pixels};
///
/// # fn main() -> Result<(), simgan_data::DataError> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let (input, output) = (folder.path().join("in.png"), folder.path().join("out.png"));
/// # let image = Image::new(1, 2, 3, Pixels::U8(vec![0, 1, 2, 3, 4, 255]));
/// # ImageFile::new(image, ImageFormat::Png).save(&input)?;
/// let file = ImageFile::open(&input)?;
/// let darker: Vec<f32> = file.image().to_unit().iter().map(|value| value - 0.1).collect();
/// let darker = Image::from_unit(file.image().spec(), &darker);
/// file.with_image(darker).save(&output)?; // same format, bit depth and channels
/// # assert_eq!(ImageFile::open(&output)?.image().spec(), ImageFile::open(&input)?.image().spec());
/// # Ok(())
/// # }
/// ```
///
/// PNG, JPEG, TIFF (first page) and BMP files are supported, recognised by content rather than name: gray or
/// RGB with 8 or 16 bits, with or without alpha. Lower bit depths and palettes are expanded to 8 bits. CMYK
/// and floating point are errors; in TIFF, so are palettes and gray with alpha. Alpha is not part of
/// [`Image`]: training ignores it, and writing copies it unchanged. A camera's orientation tag is applied;
/// other metadata (colour profiles, EXIF) is dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFile {
    pub(super) image: Image,
    pub(super) format: ImageFormat,
    pub(super) alpha: Option<Pixels>,
}

/// An image file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageFormat {
    /// Lossless, 8 or 16 bits.
    Png,
    /// Lossy, 8 bits; written at quality 95.
    Jpeg,
    /// Lossless, 8 or 16 bits; written uncompressed.
    Tiff,
    /// Lossless, 8 bits, uncompressed.
    Bmp,
}

/// Maximum number of pixels decoded: a guard against files that claim absurd sizes or unpack to them.
pub(crate) const MAX_PIXELS: u64 = 1 << 26;
/// Maximum file size in bytes.
const MAX_FILE_BYTES: u64 = 1 << 30;

impl ImageFile {
    /// Wraps an image to be written in `format`.
    #[must_use]
    pub fn new(image: Image, format: ImageFormat) -> Self {
        Self { image, format, alpha: None }
    }

    /// Reads and decodes a file.
    ///
    /// # Errors
    /// The file cannot be read, is not a complete image, or is of an unsupported kind; the error names it.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        Self::decode(&read(path)?, path)
    }

    /// Decodes the content of a file; `path` appears in errors only.
    ///
    /// # Errors
    /// Those of [`ImageFile::open`].
    pub fn decode(bytes: &[u8], path: &Path) -> Result<Self, DataError> {
        let failed = |error| failure(path, error);
        let (mut decoder, format) = decoder(bytes, path)?;
        let orientation = decoder.orientation().map_err(failed)?;
        // As in `ImageReader::decode`: `from_decoder` itself does not check the size that it allocates.
        let mut limits = Limits::default();
        limits.reserve(decoder.total_bytes()).map_err(failed)?;
        decoder.set_limits(limits).map_err(failed)?;
        let mut stored = DynamicImage::from_decoder(decoder).map_err(failed)?;
        stored.apply_orientation(orientation);
        let (mut image, alpha) = planar(stored, path)?;
        // The decoder expands every BMP palette to RGB.
        if format == ImageFormat::Bmp && bmp::is_gray(bytes) {
            image = image.to_channels(1);
        }
        Ok(Self { image, format, alpha })
    }

    /// Reads an image's size, channels and bit depth from its header alone.
    ///
    /// # Errors
    /// Those of [`ImageFile::open`]; damage after the header goes unnoticed.
    pub fn probe(path: &Path) -> Result<ImageSpec, DataError> {
        let bytes = read(path)?;
        let (mut decoder, format) = decoder(&bytes, path)?;
        let (width, height) = decoder.dimensions();
        // Images are decoded upright, so a quarter turn swaps width and height.
        let turned = matches!(
            decoder.orientation().map_err(|error| failure(path, error))?,
            Orientation::Rotate90
                | Orientation::Rotate270
                | Orientation::Rotate90FlipH
                | Orientation::Rotate270FlipH
        );
        let (width, height) = if turned { (height, width) } else { (width, height) };
        let color = decoder.color_type();
        let is_gray = !color.has_color() || format == ImageFormat::Bmp && bmp::is_gray(&bytes);
        let is_sixteen = color.bytes_per_pixel() / color.channel_count() == 2;
        Ok(ImageSpec {
            channels: if is_gray { 1 } else { 3 },
            height: height as usize,
            width: width as usize,
            depth: if is_sixteen { BitDepth::Sixteen } else { BitDepth::Eight },
        })
    }

    /// Replaces the image; format and alpha are kept.
    ///
    /// # Panics
    /// If the new image differs in width or height.
    #[must_use]
    pub fn with_image(self, image: Image) -> Self {
        assert_eq!(image.spec().size(), self.image.spec().size(), "the size of a file's image stays");
        Self { image, ..self }
    }

    /// The image, without alpha.
    #[must_use]
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// The image, without alpha.
    #[must_use]
    pub fn into_image(self) -> Image {
        self.image
    }

    /// The file's format.
    #[must_use]
    pub fn format(&self) -> ImageFormat {
        self.format
    }

    /// The opacity of each pixel, row by row, if the file has an alpha channel.
    #[must_use]
    pub fn alpha(&self) -> Option<&Pixels> {
        self.alpha.as_ref()
    }
}

impl ImageFormat {
    /// The format that a file's extension stands for: png, jpg, jpeg, tif, tiff or bmp, ignoring case.
    #[must_use]
    pub fn from_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "png" => Some(Self::Png),
            "jpg" | "jpeg" => Some(Self::Jpeg),
            "tif" | "tiff" => Some(Self::Tiff),
            "bmp" => Some(Self::Bmp),
            _ => None,
        }
    }

    /// The format's usual name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Png => "PNG",
            Self::Jpeg => "JPEG",
            Self::Tiff => "TIFF",
            Self::Bmp => "BMP",
        }
    }
}

/// Reads a file, unless it is larger than the limit.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, DataError> {
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

/// Returns a decoder once the file's format, size and colour have passed the checks.
fn decoder<'a>(bytes: &'a [u8], path: &Path) -> Result<(Box<dyn ImageDecoder + 'a>, ImageFormat), DataError> {
    if bytes.is_empty() {
        return Err(unreadable(path, "the file is empty"));
    }
    let reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| DataError::io(path, error))?;
    let format = match reader.format() {
        Some(image::ImageFormat::Png) => ImageFormat::Png,
        Some(image::ImageFormat::Jpeg) => ImageFormat::Jpeg,
        Some(image::ImageFormat::Tiff) => ImageFormat::Tiff,
        Some(image::ImageFormat::Bmp) => ImageFormat::Bmp,
        _ => return Err(unreadable(path, "it is not a PNG, JPEG, TIFF or BMP file, whatever its name says")),
    };
    if format == ImageFormat::Jpeg {
        check_jpeg(bytes, path)?;
    }
    let decoder = reader.into_decoder().map_err(|error| failure(path, error))?;
    // From the header alone, before any memory is allocated for pixels.
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(DataError::TooLarge { path: path.to_owned(), width, height, limit: MAX_PIXELS });
    }
    if width == 0 || height == 0 {
        return Err(unreadable(path, "it has no pixels"));
    }
    check_color(decoder.original_color_type(), path)?;
    Ok((Box::new(decoder), format))
}

/// Rejects JPEG files that the decoder would silently convert (CMYK) or complete (truncated files).
fn check_jpeg(bytes: &[u8], path: &Path) -> Result<(), DataError> {
    match jpeg::markers(bytes) {
        Some(markers) if markers.n_components == 4 => Err(unsupported(path, "CMYK colour")),
        Some(markers) if !markers.complete => Err(unreadable(path, "it ends too early")),
        _ => Ok(()),
    }
}

fn check_color(color: ExtendedColorType, path: &Path) -> Result<(), DataError> {
    use ExtendedColorType as Type;
    match color {
        Type::Cmyk8 | Type::Cmyk16 => Err(unsupported(path, "CMYK colour")),
        Type::Rgb32F | Type::Rgba32F => Err(unsupported(path, "floating point")),
        _ => Ok(()),
    }
}

/// Separates the decoded values into planes of colour and, if present, alpha.
fn planar(stored: DynamicImage, path: &Path) -> Result<(Image, Option<Pixels>), DataError> {
    let (height, width) = (stored.height() as usize, stored.width() as usize);
    let n_stored = usize::from(stored.color().channel_count());
    let (colour, alpha) = match stored {
        DynamicImage::ImageLuma8(_)
        | DynamicImage::ImageLumaA8(_)
        | DynamicImage::ImageRgb8(_)
        | DynamicImage::ImageRgba8(_) => {
            let (colour, alpha) = split(&stored.into_bytes(), n_stored);
            (Pixels::U8(colour), alpha.map(Pixels::U8))
        }
        DynamicImage::ImageLuma16(buffer) => split_u16(buffer.as_raw(), n_stored),
        DynamicImage::ImageLumaA16(buffer) => split_u16(buffer.as_raw(), n_stored),
        DynamicImage::ImageRgb16(buffer) => split_u16(buffer.as_raw(), n_stored),
        DynamicImage::ImageRgba16(buffer) => split_u16(buffer.as_raw(), n_stored),
        _ => return Err(unsupported(path, "this kind of colour")),
    };
    let channels = if n_stored < 3 { 1 } else { 3 };
    Ok((Image::new(channels, height, width, colour), alpha))
}

fn split_u16(values: &[u16], n_stored: usize) -> (Pixels, Option<Pixels>) {
    let (colour, alpha) = split(values, n_stored);
    (Pixels::U16(colour), alpha.map(Pixels::U16))
}

/// Converts interleaved values to planes, with alpha in a plane of its own.
fn split<T: Copy + Default>(interleaved: &[T], n_stored: usize) -> (Vec<T>, Option<Vec<T>>) {
    match n_stored {
        1 => (interleaved.to_vec(), None),
        2 => with_alpha(planes::<T, 2>(interleaved), 2),
        3 => (planes::<T, 3>(interleaved), None),
        _ => with_alpha(planes::<T, 4>(interleaved), 4),
    }
}

/// Converts interleaved pixels of `N` values to consecutive planes, in one pass: twice as fast as one pass
/// per channel.
fn planes<T: Copy + Default, const N: usize>(interleaved: &[T]) -> Vec<T> {
    let pixels = interleaved.as_chunks::<N>().0;
    let mut values = vec![T::default(); pixels.len() * N];
    let mut planes = values.chunks_exact_mut(pixels.len().max(1));
    let mut planes: [&mut [T]; N] = std::array::from_fn(|_| planes.next().unwrap_or_default());
    for (i, pixel) in pixels.iter().enumerate() {
        for (plane, value) in planes.iter_mut().zip(pixel) {
            plane[i] = *value;
        }
    }
    values
}

/// Splits off the last of `n` planes.
fn with_alpha<T>(mut planes: Vec<T>, n: usize) -> (Vec<T>, Option<Vec<T>>) {
    let alpha = planes.split_off(planes.len() / n * (n - 1));
    (planes, Some(alpha))
}

fn failure(path: &Path, error: ImageError) -> DataError {
    match error {
        ImageError::IoError(source) if source.kind() == std::io::ErrorKind::UnexpectedEof => {
            unreadable(path, "it ends too early")
        }
        ImageError::IoError(source) => unreadable(path, &source.to_string()),
        ImageError::Unsupported(error) => unsupported(path, &error.to_string()),
        error => unreadable(path, &error.to_string()),
    }
}

pub(super) fn unreadable(path: &Path, reason: &str) -> DataError {
    DataError::Image { path: path.to_owned(), reason: reason.trim_end().to_owned() }
}

fn unsupported(path: &Path, color: &str) -> DataError {
    DataError::Color { path: PathBuf::from(path), color: color.to_owned() }
}
