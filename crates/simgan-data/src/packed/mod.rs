mod columns;
mod header;
mod write;

use std::fs::File;
use std::path::{Path, PathBuf};

use self::header::{Header, Tensor};
pub use self::write::{PackOptions, PackReport, pack};
use crate::{BitDepth, DataError, Gaze, Image, ImageSpec, Label, Landmarks, Pixels, Sample, Source};

/// A data set packed into one safetensors file by [`pack`].
///
/// | tensor | type | shape | |
/// |---|---|---|---|
/// | `images` | u8 | N, C, H, W | |
/// | `gaze` | f32 | N, 3 | unit vectors, camera coordinates as [`Gaze`] |
/// | `head_pose` | f32 | N, 3 | rotation vectors in radians |
/// | `landmarks` | f32 | N, 55, 2 | pixels: lid margin (16), caruncle (7), iris (32) |
/// | `names`, `name_ends` | u8, u64 | bytes, N | names one behind the other, and where each ends |
///
/// Labels that no sample has are absent; where single samples lack one, its row is NaN. Samples are read at their place
/// in the file when they are asked for, through the system's cache: opening is immediate and memory does not depend on
/// N. Reading in a random order from a disk that has not cached the file was measured at 15,000 images/s (55×35, one
/// thread, solid state), far above what training takes; for a disk with heads, read the file once first (`cat FILE >
/// /dev/null`), which caches it. (A memory map would need `unsafe` and ends the process if the file shrinks; a read of 2 kB from the cache takes
/// about a microsecond.)
pub struct Packed {
    path: PathBuf,
    file: File,
    spec: ImageSpec,
    n: usize,
    images: Tensor,
    gaze: Option<Tensor>,
    head_pose: Option<Tensor>,
    landmarks: Option<Tensor>,
    names: Tensor,
    name_ends: Tensor,
    source: String,
}

impl Packed {
    /// Whether a file looks like a packed data set, by its beginning.
    #[must_use]
    pub fn is_at(path: &Path) -> bool {
        path.is_file() && Header::read(path).is_ok()
    }

    /// Opens a packed data set.
    ///
    /// # Errors
    /// A file that is no packed data set, damaged or cut short.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let failed = |reason| DataError::Packed { path: path.to_owned(), reason };
        let (file, header) = Header::read(path).map_err(failed)?;
        let (n, spec) = header.images().map_err(failed)?;
        let tensor = |name, kind, shape: &[usize]| header.tensor(name, kind, shape).map_err(failed);
        let required = |name: &str, tensor: Option<Tensor>| {
            tensor.ok_or_else(|| failed(format!("its tensor \"{name}\" is missing")))
        };
        let names = header.bytes("names").map_err(failed)?;
        Ok(Self {
            images: required(
                "images",
                tensor("images", "U8", &[n, spec.channels, spec.height, spec.width])?,
            )?,
            gaze: tensor("gaze", "F32", &[n, 3])?,
            head_pose: tensor("head_pose", "F32", &[n, 3])?,
            landmarks: tensor("landmarks", "F32", &[n, columns::N_LANDMARKS, 2])?,
            name_ends: required("name_ends", tensor("name_ends", "U64", &[n])?)?,
            names,
            source: header.source().to_owned(),
            path: path.to_owned(),
            file,
            spec,
            n,
        })
    }

    /// What was packed, as it was described to [`pack`].
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Row `index` of a tensor.
    fn row(&self, tensor: Tensor, index: usize) -> Result<Vec<u8>, DataError> {
        let mut bytes = vec![0; tensor.row_bytes];
        self.read(&mut bytes, tensor.start + (index * tensor.row_bytes) as u64)?;
        Ok(bytes)
    }

    fn read(&self, bytes: &mut [u8], offset: u64) -> Result<(), DataError> {
        read_at(&self.file, bytes, offset).map_err(|error| DataError::io(&self.path, error))
    }

    /// Numbers of a row, unless they are NaN, which stands for a missing label.
    fn floats(&self, tensor: Option<Tensor>, index: usize) -> Result<Option<Vec<f32>>, DataError> {
        let Some(tensor) = tensor else { return Ok(None) };
        let row = self.row(tensor, index)?;
        let floats: Vec<f32> = row.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        Ok(floats.iter().all(|value| value.is_finite()).then_some(floats))
    }

    fn name(&self, index: usize) -> Result<String, DataError> {
        let end = |index: usize| {
            let row = self.row(self.name_ends, index)?;
            Ok::<u64, DataError>(row.as_chunks().0.first().map_or(0, |bytes| u64::from_le_bytes(*bytes)))
        };
        let (start, end) = (if index == 0 { 0 } else { end(index - 1)? }, end(index)?);
        let length = end.checked_sub(start).filter(|length| *length < 1 << 16);
        let inside = end <= (self.names.row_bytes * self.names.n_rows) as u64;
        let Some(length) = length.filter(|_| inside) else {
            let reason = format!("the name of image {index} ends in the wrong place");
            return Err(DataError::Packed { path: self.path.clone(), reason });
        };
        let mut bytes = vec![0; length as usize];
        self.read(&mut bytes, self.names.start + start)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn label(&self, index: usize) -> Result<Label, DataError> {
        let vector = |floats: Vec<f32>| <[f32; 3]>::try_from(floats).ok();
        let gaze = self.floats(self.gaze, index)?.and_then(vector).and_then(Gaze::from_unit_vector);
        let head_pose = self.floats(self.head_pose, index)?.and_then(vector);
        let landmarks = self.floats(self.landmarks, index)?.map(|floats| columns::landmarks(&floats));
        Ok(Label {
            gaze,
            head_pose,
            landmarks: landmarks.filter(|l| *l != Landmarks::default()),
            record: None,
        })
    }
}

impl Source for Packed {
    fn len(&self) -> usize {
        self.n
    }

    fn spec(&self) -> ImageSpec {
        self.spec
    }

    fn sample(&self, index: usize) -> Result<Sample, DataError> {
        assert!(index < self.n, "sample {index} of {}", self.n);
        let ImageSpec { channels, height, width, .. } = self.spec;
        let pixels = Pixels::U8(self.row(self.images, index)?);
        let image = Image::new(channels, height, width, pixels);
        debug_assert_eq!(self.spec.depth, BitDepth::Eight);
        Ok(Sample { name: self.name(index)?, image, label: self.label(index)? })
    }

    fn sample_name(&self, index: usize) -> Result<String, DataError> {
        assert!(index < self.n, "sample {index} of {}", self.n);
        self.name(index)
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
