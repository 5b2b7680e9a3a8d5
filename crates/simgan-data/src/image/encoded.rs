use std::path::{Path, PathBuf};

use super::jpeg::{self, LumaFrame};
use super::{CropWindow, Image, ImageFile, Size, decode};
use crate::{Budget, DataError};

/// An image file of which only a part may be decoded, in gray or in colour.
///
/// Read as gray, a colour JPEG file yields its stored luma: neither the chroma nor the rows below the part
/// are decoded. Other files are decoded whole and converted.
pub(crate) struct Encoded {
    path: PathBuf,
    content: Content,
}

enum Content {
    Jpeg(Vec<u8>, LumaFrame),
    Decoded(Image),
}

impl Encoded {
    /// Reads a file; `channels` is 1 (gray), 3 (RGB), or `None` for the file's own.
    pub(crate) fn open(path: &Path, channels: Option<usize>) -> Result<Self, DataError> {
        let bytes = decode::read(path)?;
        let frame = if channels == Some(1) { luma_frame(&bytes) } else { None };
        let content = match frame {
            Some(frame) => Content::Jpeg(bytes, frame),
            None => Content::Decoded(converted(ImageFile::decode(&bytes, path)?.into_image(), channels)),
        };
        Ok(Self { path: path.to_owned(), content })
    }

    /// Width and height of the whole image.
    pub(crate) fn size(&self) -> Size {
        match &self.content {
            Content::Jpeg(_, frame) => frame.size,
            Content::Decoded(image) => image.spec().size(),
        }
    }

    /// Decodes the part within `window`, or the whole image.
    pub(crate) fn decode(self, window: Option<CropWindow>) -> Result<Image, DataError> {
        let window = window.unwrap_or(CropWindow { left: 0, top: 0, size: self.size() });
        let image = match self.content {
            Content::Jpeg(bytes, frame) => luma(&bytes, frame, window.top + window.size.height, &self.path)?,
            Content::Decoded(image) => image,
        };
        Ok(if image.spec().size() == window.size { image } else { image.cropped(window) })
    }
}

fn luma_frame(bytes: &[u8]) -> Option<LumaFrame> {
    // `markers` assumes a JPEG file and skips the first two bytes.
    let frame = jpeg::markers(bytes).filter(|_| bytes.starts_with(b"\xFF\xD8"))?.luma?;
    let Size { width, height } = frame.size;
    // A larger image is left to `ImageFile::decode`, which reports it.
    ((width * height) as u64 <= decode::MAX_PIXELS).then_some(frame)
}

fn luma(bytes: &[u8], frame: LumaFrame, n_rows: usize, path: &Path) -> Result<Image, DataError> {
    let failed = |error: zune_jpeg::errors::DecodeErrors| decode::unreadable(path, &error.to_string());
    let permit = Budget::decoding().acquire((frame.size.width * n_rows) as u64);
    if let Some(image) = jpeg::luma(bytes, frame, n_rows).map_err(failed)? {
        return Ok(image);
    }
    drop(permit); // `ImageFile::decode` acquires its own
    // No luma is stored (RGB components, for example): compute it from the colours.
    Ok(converted(ImageFile::decode(bytes, path)?.into_image(), Some(1)))
}

fn converted(image: Image, channels: Option<usize>) -> Image {
    match channels {
        Some(channels) if channels != image.spec().channels => image.to_channels(channels),
        _ => image,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use safetensors::SafeTensors;

    /// The files of `tests/golden/luma`, 109×75 pixels upright.
    fn files() -> Vec<(String, tempfile::NamedTempFile)> {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/luma/case.safetensors");
        let case = std::fs::read(path).unwrap();
        let tensors = SafeTensors::deserialize(&case).unwrap();
        let file = |name: &str| {
            let path = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(&path, tensors.tensor(name).unwrap().data()).unwrap();
            (name.to_owned(), path)
        };
        tensors.names().into_iter().filter(|name| name.ends_with(".file")).map(file).collect()
    }

    #[test]
    fn luma_alone_is_decoded_where_it_can_be() {
        for (name, file) in files() {
            let Content::Jpeg(_, frame) = Encoded::open(file.path(), Some(1)).unwrap().content else {
                assert!(["420_progressive.file", "420_turned.file"].contains(&&name[..]), "{name}");
                continue;
            };
            assert_eq!(frame.size, Size { width: 109, height: 75 }, "{name}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(30))]
        #[test]
        fn a_part_is_what_the_whole_shows_there(
            left in 0usize..50, top in 0usize..50, width in 1usize..25, height in 1usize..25, gray: bool,
        ) {
            let window = CropWindow { left, top, size: Size { width, height } };
            let channels = gray.then_some(1);
            for (name, file) in files() {
                let whole = Encoded::open(file.path(), channels).unwrap().decode(None).unwrap();
                let part = Encoded::open(file.path(), channels).unwrap().decode(Some(window)).unwrap();
                prop_assert_eq!(part, whole.cropped(window), "{}", name);
            }
        }
    }

    #[test]
    fn a_file_that_is_cut_is_an_error() {
        for (name, file) in files() {
            let bytes = std::fs::read(&file).unwrap();
            std::fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
            let opened = Encoded::open(file.path(), Some(1)).and_then(|file| file.decode(None));
            let error = opened.unwrap_err();
            assert!(
                error.to_string().contains("ends too early") && error.hint().is_some(),
                "{name}: {error}"
            );
        }
    }
}
