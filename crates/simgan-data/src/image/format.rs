use std::path::Path;

/// An image file format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ImageFormat {
    /// Lossless, 8 or 16 bits.
    Png,
    /// Lossy, 8 bits.
    Jpeg,
    /// Lossless, 8 or 16 bits or floating point of 32 bits.
    Tiff,
    /// Lossless, 8 bits, uncompressed.
    Bmp,
    /// Lossless, 8 or 16 bits, uncompressed: PGM, PPM, PBM and PAM.
    Pnm,
    /// 8 bits; read with and written without loss.
    WebP,
    /// 8 bits and at most 256 colours; not animated.
    Gif,
}

/// Extensions of images that are not read, each with the reason, a noun phrase that completes "is not read:".
const NOT_READ: &[(&[&str], &str)] = &[
    (&["jp2", "j2k", "jpx", "jpf", "jpc"], "JPEG 2000"),
    (&["dib"], "a bitmap without the header of a file"),
    (&["jxl"], "JPEG XL"),
    (&["heic", "heif", "hif", "avif"], "HEIF"),
    (&["exr"], "OpenEXR"),
    (&["hdr", "pfm", "rgbe"], "radiance in floating point"),
    (&["tga", "icb", "vda"], "Targa, which no signature tells from other files"),
    (&["dds", "ktx", "ktx2"], "textures of graphics cards"),
    (&["psd", "psb", "xcf", "kra"], "layers of a paint program"),
    (&["svg", "svgz", "eps", "ai", "wmf", "emf"], "drawings, which have no pixels"),
    (&["ico", "cur", "icns"], "icons"),
    (&["dng", "cr2", "cr3", "nef", "arw", "orf", "rw2", "raf"], "raw camera data"),
    (&["dcm", "nii", "mha", "mhd"], "medical volumes"),
    (&["qoi", "ff", "farbfeld", "pcx", "ras", "sgi", "xbm", "xpm"], "a rare format"),
];

impl ImageFormat {
    /// All formats.
    pub const ALL: [Self; 7] =
        [Self::Png, Self::Jpeg, Self::Tiff, Self::Bmp, Self::Pnm, Self::WebP, Self::Gif];

    /// The format that a file's extension stands for, ignoring case.
    #[must_use]
    pub fn from_path(path: &Path) -> Option<Self> {
        Self::of_extension(path.extension()?.to_str()?)
    }

    /// The format that an extension, without its dot and in any case, stands for.
    #[must_use]
    pub fn of_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "png" => Some(Self::Png),
            "jpg" | "jpeg" | "jpe" | "jfif" => Some(Self::Jpeg),
            "tif" | "tiff" => Some(Self::Tiff),
            "bmp" => Some(Self::Bmp),
            "pgm" | "ppm" | "pbm" | "pnm" | "pam" => Some(Self::Pnm),
            "webp" => Some(Self::WebP),
            "gif" => Some(Self::Gif),
            _ => None,
        }
    }

    /// Why images with an extension, without its dot and in any case, are not read; `None` if they are, or if
    /// the extension is not that of an image. The reason names the format.
    #[must_use]
    pub fn not_read(extension: &str) -> Option<&'static str> {
        let extension = extension.to_ascii_lowercase();
        let found = NOT_READ.iter().find(|(extensions, _)| extensions.contains(&extension.as_str()));
        found.map(|(_, reason)| *reason)
    }

    /// The format of a file with this content; `None` if it is no image that is read.
    pub(super) fn of_content(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => Some(Self::Png),
            [0xFF, 0xD8, 0xFF, ..] => Some(Self::Jpeg),
            [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Self::Tiff),
            [b'B', b'M', ..] => Some(Self::Bmp),
            [b'P', b'1'..=b'7', b'\n' | b'\r' | b' ' | b'\t' | b'#', ..] => Some(Self::Pnm),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::WebP),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
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
            Self::Pnm => "PNM",
            Self::WebP => "WebP",
            Self::Gif => "GIF",
        }
    }
}
