mod annotations;
mod columns;
mod format1;
mod header;
mod layout;
mod write;

use std::fs::File;
use std::path::{Path, PathBuf};

use self::annotations::Labels;
use self::header::{Header, Tensor};
pub(crate) use self::layout::PackedLayout;
pub use self::write::{PackOptions, PackReport, pack};
use crate::{BitDepth, DataError, Image, ImageSpec, Pixels, Sample, Source, Want};

/// A data set packed into one safetensors file by [`pack`].
///
/// | tensor | type | shape | |
/// |---|---|---|---|
/// | `images` | u8, u16 or f32 | N, C, H, W | |
/// | `NAME.KIND` | by kind | M, … | values of one annotation, concatenated over the M samples with it |
/// | `NAME.KIND.ends` | i64 | N | where each sample's values end |
/// | `names`, `name_ends` | u8, u64 | bytes, N | the concatenated names, and where each ends |
///
/// The metadata list the annotations by name and kind, such as `gaze` of the kind `direction`. Its values,
/// `gaze.direction`, are M × 3 numbers; those of `iris.points` are M × 32 × 2 if every iris has 32 points,
/// otherwise points × 2. Ends count items (points, boxes, directions, …), not numbers. For a sample without
/// the annotation, the end is that of the previous sample, stored as its complement, −1 − end.
///
/// Records are not packed. Files of version 1 (`gaze`, `head_pose` and `landmarks` of N rows, with NaN for a
/// missing label) can still be read.
///
/// Each sample is read on demand through the operating system's cache, so opening is immediate and memory
/// does not depend on N. Random reads of an uncached file on a solid-state disk were measured at 15,000
/// images/s (55×35, one thread), far more than training consumes. For a hard disk, read the file once
/// beforehand to cache it (`cat FILE > /dev/null`). A memory map would need `unsafe` and would kill the
/// process if the file shrank; reading 2 kB from the cache takes about a microsecond.
pub struct Packed {
    content: Content,
    spec: ImageSpec,
    n: usize,
    images: Tensor,
    labels: Labels,
    names: Tensor,
    name_ends: Tensor,
    source: String,
}

/// The name in safetensors of the type that images of this depth have.
fn dtype(depth: BitDepth) -> &'static str {
    match depth {
        BitDepth::Eight => "U8",
        BitDepth::Sixteen => "U16",
        BitDepth::Float => "F32",
    }
}

/// The file from which rows are read.
struct Content {
    path: PathBuf,
    file: File,
}

impl Packed {
    /// Whether a file has the header of a packed data set.
    #[must_use]
    pub fn is_at(path: &Path) -> bool {
        path.is_file() && Header::read(path).is_ok()
    }

    /// Opens a packed data set.
    ///
    /// # Errors
    /// The file is not a packed data set, is damaged, or is truncated.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let failed = |reason| DataError::Packed { path: path.to_owned(), reason };
        let (file, header) = Header::read(path).map_err(failed)?;
        let (n, spec) = header.images().map_err(failed)?;
        let required = |name: &str, kind, shape: &[usize]| {
            let tensor = header.tensor(name, kind, shape).map_err(failed)?;
            tensor.ok_or_else(|| failed(format!("its tensor \"{name}\" is missing")))
        };
        Ok(Self {
            images: required("images", dtype(spec.depth), &[n, spec.channels, spec.height, spec.width])?,
            labels: Labels::new(&header, n).map_err(failed)?,
            name_ends: required("name_ends", "U64", &[n])?,
            names: header.rows("names", "U8", 1).map_err(failed)?,
            source: header.source().to_owned(),
            content: Content { path: path.to_owned(), file },
            spec,
            n,
        })
    }

    /// The description given to [`pack`] as [`PackOptions::source`].
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }
}

impl Source for Packed {
    fn len(&self) -> usize {
        self.n
    }

    fn spec(&self) -> ImageSpec {
        self.spec
    }

    fn sample(&self, index: usize, want: Want) -> Result<Sample, DataError> {
        assert!(index < self.n, "sample {index} of {}", self.n);
        let ImageSpec { channels, height, width, depth } = self.spec;
        let pixels = Pixels::from_le_bytes(depth, self.content.row(self.images, index)?);
        let mut sample = Sample::new(self.name(index)?, Image::new(channels, height, width, pixels));
        if want == Want::Labels {
            sample.annotations = self.labels.read(&self.content, index)?;
        }
        Ok(sample)
    }

    fn name(&self, index: usize) -> Result<String, DataError> {
        assert!(index < self.n, "sample {index} of {}", self.n);
        let [start, end] = self.content.ends(self.name_ends, index)?;
        // Bounded before allocating: the ends come from the file and may be damaged.
        let length = end.checked_sub(start).filter(|length| *length < 1 << 16);
        let Some(length) = length.filter(|_| end <= self.names.n_rows as u64) else {
            return Err(self.content.damaged(format!("the name of image {index} ends in the wrong place")));
        };
        let mut bytes = vec![0; length as usize];
        self.content.read(&mut bytes, self.names.start + start)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Content {
    /// Reads row `index` of a tensor.
    fn row(&self, tensor: Tensor, index: usize) -> Result<Vec<u8>, DataError> {
        let mut bytes = vec![0; tensor.row_bytes];
        self.read(&mut bytes, tensor.start + (index * tensor.row_bytes) as u64)?;
        Ok(bytes)
    }

    /// Reads the stored ends of the row before `index` and of row `index`; the former is 0 for row 0.
    fn ends(&self, tensor: Tensor, index: usize) -> Result<[u64; 2], DataError> {
        // One read for both, because a system call costs more than the bytes.
        let mut bytes = [0; 16];
        match index.checked_sub(1) {
            Some(before) => self.read(&mut bytes, tensor.start + 8 * before as u64)?,
            None => self.read(&mut bytes[8..], tensor.start)?,
        }
        let [before, this] = [&bytes[..8], &bytes[8..]];
        let number = |bytes: &[u8]| bytes.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        Ok([number(before), number(this)])
    }

    fn read(&self, bytes: &mut [u8], offset: u64) -> Result<(), DataError> {
        read_at(&self.file, bytes, offset).map_err(|error| DataError::io(&self.path, error))
    }

    fn damaged(&self, reason: String) -> DataError {
        DataError::Packed { path: self.path.clone(), reason }
    }
}

#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        match std::os::windows::fs::FileExt::seek_read(file, bytes, offset)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            n => {
                bytes = &mut bytes[n..];
                offset += n as u64;
            }
        }
    }
    Ok(())
}
