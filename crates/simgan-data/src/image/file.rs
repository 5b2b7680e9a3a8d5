use super::jpeg::Style;
use super::png::Chunks;
use super::pnm::Pnm;
use super::tiff::Tiff;
use super::{Fit, Image, ImageFormat, Orientation, Pixels, Size};

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
/// Formats are those of [`ImageFormat`], recognised by content rather than name: gray or RGB with 8 or 16
/// bits, in TIFF also floating point of 32 bits, with or without alpha. Lower bit depths and palettes are
/// expanded to 8 bits; [`ImageFile::has_palette`] tells of a palette that is lost. What is not read (CMYK,
/// animations, several pages, further channels, …) is an error that names it.
///
/// Alpha is not part of [`Image`]: training ignores it, and writing copies it unchanged.
///
/// A camera's orientation tag is applied to the image. Writing turns the image back and keeps the tag, so
/// that pixels stay in the frame in which they were stored.
///
/// Other metadata are written again:
///
/// - PNG: every ancillary chunk (profile, gamma, resolution, texts, EXIF, time);
/// - JPEG: EXIF with its thumbnail, XMP, profile, density, comments and other application segments; the
///   quantization tables, chroma subsampling, restart interval and whether it is progressive;
/// - TIFF: every tag but those on the storage of pixels, byte for byte, with EXIF and GPS; byte order,
///   BigTIFF, compression and predictor. Tiles and planes become strips. Reduced copies of the image in
///   further pages are dropped, since they show the old pixels;
/// - BMP: resolution; PNM: the greatest value; WebP: profile and EXIF, but not XMP.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageFile {
    /// The upright image.
    pub(super) image: Image,
    pub(super) format: ImageFormat,
    pub(super) alpha: Option<Pixels>,
    pub(super) extras: Extras,
    pub(super) orientation: Orientation,
    pub(super) has_palette: bool,
}

/// What a file holds besides pixels.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Extras {
    None,
    Png(Chunks),
    Jpeg(Style),
    Tiff(Box<Tiff>),
    Pnm(Pnm),
    /// Pixels per metre, horizontally and vertically, as stored.
    Bmp([u8; 8]),
    WebP {
        profile: Option<Vec<u8>>,
        exif: Option<Vec<u8>>,
    },
}

impl ImageFile {
    /// Wraps an image to be written in `format`.
    #[must_use]
    pub fn new(image: Image, format: ImageFormat) -> Self {
        let orientation = Orientation::UPRIGHT;
        Self { image, format, alpha: None, extras: Extras::None, orientation, has_palette: false }
    }

    /// Replaces the image; format, alpha and metadata are kept.
    ///
    /// # Panics
    /// If the new image differs in width or height.
    #[must_use]
    pub fn with_image(self, image: Image) -> Self {
        assert_eq!(image.spec().size(), self.image.spec().size(), "the size of a file's image stays");
        Self { image, ..self }
    }

    /// Resizes the image as [`Image::resized`] does, and alpha with it. The format and metadata are kept, but
    /// EXIF's width and height are corrected and its thumbnail is dropped.
    #[must_use]
    pub fn with_resized(self, size: Size, fit: Fit) -> Self {
        self.moved(size, |image| image.resized(size, fit))
    }

    /// Like [`ImageFile::with_resized`], but as [`Image::nearest`] does: for a mask.
    #[must_use]
    pub fn with_nearest(self, size: Size, fit: Fit) -> Self {
        self.moved(size, |image| image.nearest(size, fit))
    }

    fn moved(mut self, to: Size, moved: impl Fn(&Image) -> Image) -> Self {
        let from = self.image.spec().size();
        if from == to {
            return self;
        }
        let plane = |alpha| moved(&Image::new(1, from.height, from.width, alpha)).pixels;
        let stored = self.orientation.inverse().size(to);
        match &mut self.extras {
            Extras::Png(chunks) => chunks.resize(stored),
            Extras::Jpeg(style) => style.resize(stored),
            Extras::Tiff(tiff) => tiff.resize(stored),
            Extras::WebP { exif: Some(exif), .. } => super::exif::resize(exif, stored),
            Extras::WebP { .. } | Extras::Pnm(_) | Extras::Bmp(_) | Extras::None => {}
        }
        Self { alpha: self.alpha.map(plane), image: moved(&self.image), ..self }
    }

    /// The upright image, without alpha.
    #[must_use]
    pub fn image(&self) -> &Image {
        &self.image
    }

    /// The upright image, without alpha.
    #[must_use]
    pub fn into_image(self) -> Image {
        self.image
    }

    /// The file's format.
    #[must_use]
    pub fn format(&self) -> ImageFormat {
        self.format
    }

    /// The opacity of each pixel of the upright image, row by row, if the file has an alpha channel.
    #[must_use]
    pub fn alpha(&self) -> Option<&Pixels> {
        self.alpha.as_ref()
    }

    /// What brings the stored image upright, from the file's orientation tag.
    #[must_use]
    pub fn orientation(&self) -> Orientation {
        self.orientation
    }

    /// Whether the file stores indices of a palette of colours. It is written with the colours themselves.
    #[must_use]
    pub fn has_palette(&self) -> bool {
        self.has_palette
    }

    /// What the file holds and a written one does not, as a noun; `None` if nothing is lost.
    #[must_use]
    pub fn lost(&self) -> Option<&'static str> {
        match &self.extras {
            _ if self.has_palette => Some("palette"),
            Extras::Tiff(tiff) if tiff.has_copies() => Some("reduced copy"),
            _ => None,
        }
    }

    /// The image and alpha as stored, before the orientation tag is applied.
    pub(super) fn stored(&self) -> (Image, Option<Pixels>) {
        let back = self.orientation.inverse();
        let size = self.image.spec().size();
        let alpha = self
            .alpha
            .clone()
            .map(|alpha| Image::new(1, size.height, size.width, alpha).oriented(back).pixels);
        (self.image.oriented(back), alpha)
    }
}
