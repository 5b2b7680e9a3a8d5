//! IDX, the format of MNIST's files.

mod layout;
mod name;
mod read;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

pub(crate) use self::layout::IdxLayout;
use self::read::{Content, read};
use crate::{BitDepth, Class, DataError, Image, ImageSpec, Pixels, Sample, Size, Source, Want, names};

/// A file of gray images in the format of MNIST (LeCun, Cortes and Burges): `train-images-idx3-ubyte`, plain
/// or packed by gzip.
///
/// The labels beside it, `train-labels-idx1-ubyte`, become the annotation [`names::CLASS`]; without that file
/// the images have none. Labels are read when a sample's are first wanted. A sample is named by its number,
/// from 0. All pixels are held in memory, 47 MB for MNIST's 60,000.
pub struct Idx {
    path: PathBuf,
    n: usize,
    size: Size,
    pixels: Vec<u8>,
    labels_path: Option<PathBuf>,
    labels: OnceLock<Vec<u8>>,
}

impl Idx {
    /// Reads a file of images.
    ///
    /// # Errors
    /// The file is damaged, cut short, longer than its header says, or holds something else than gray images
    /// of bytes.
    pub fn open(path: &Path) -> Result<Self, DataError> {
        let Content { dimensions: [n, height, width], values: pixels } = read(path, "images")?;
        if width > Size::MAX || height > Size::MAX {
            let reason = format!("images of {width}×{height} pixels are larger than {} each way", Size::MAX);
            return Err(DataError::Dataset { path: path.to_owned(), reason });
        }
        let labels_path = name::labels_of(path);
        let size = Size { width, height };
        Ok(Self { path: path.to_owned(), n, size, pixels, labels_path, labels: OnceLock::new() })
    }

    /// The class of an image; `None` if there is no file of labels.
    fn class(&self, index: usize) -> Result<Option<Class>, DataError> {
        let Some(path) = &self.labels_path else { return Ok(None) };
        if self.labels.get().is_none() {
            let Content { dimensions: [n], values } = read(path, "labels")?;
            if n != self.n {
                let reason = format!("{n} labels for the {} images of {}", self.n, self.path.display());
                return Err(DataError::Dataset { path: path.clone(), reason });
            }
            // Another thread may have been quicker, with an equal value.
            let _ = self.labels.set(values);
        }
        Ok(self.labels.get().map(|labels| Class(labels[index].into())))
    }
}

impl Source for Idx {
    fn len(&self) -> usize {
        self.n
    }

    fn spec(&self) -> ImageSpec {
        ImageSpec { channels: 1, height: self.size.height, width: self.size.width, depth: BitDepth::Eight }
    }

    fn sample(&self, index: usize, want: Want) -> Result<Sample, DataError> {
        let Size { width, height } = self.size;
        let pixels = self.pixels[index * width * height..][..width * height].to_vec();
        let mut sample = Sample::new(self.name(index)?, Image::new(1, height, width, Pixels::U8(pixels)));
        if want == Want::Labels {
            let class = self.class(index)?;
            sample.annotations.extend(class.map(|class| (names::CLASS.into(), class.into())));
        }
        Ok(sample)
    }

    fn probe(&self, _: usize) -> Result<ImageSpec, DataError> {
        Ok(self.spec())
    }

    fn name(&self, index: usize) -> Result<String, DataError> {
        assert!(index < self.n, "sample {index} of {}", self.n);
        Ok(index.to_string())
    }
}
