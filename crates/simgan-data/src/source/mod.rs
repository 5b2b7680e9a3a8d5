mod adapter;
mod augmented;
mod concat;
mod film;
mod memory;
mod remembering;
#[cfg(test)]
mod tests;
mod toned;

pub(crate) use self::adapter::Adapter;
pub use self::augmented::{Augmentation, Augmented};
pub use self::concat::Concat;
pub use self::film::FramePairs;
pub use self::memory::MemorySource;
pub use self::remembering::Remembering;
pub use self::toned::Toned;
use crate::{DataError, ImageSpec, Sample};

/// Random access to the samples of one domain.
///
/// Every method is deterministic: repeated calls give equal results.
pub trait Source: Send + Sync {
    /// Number of samples; never zero.
    fn len(&self) -> usize;

    /// Always false: opening a source without samples is an error.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The size, channels and bit depth that all images share.
    fn spec(&self) -> ImageSpec;

    /// Reads or renders the sample at `index`, with labels if `want` asks for them.
    ///
    /// # Errors
    /// A file cannot be read or decoded; the error names it. A damaged label is an error only if labels are
    /// wanted or the image depends on it.
    ///
    /// # Panics
    /// If `index >= self.len()`.
    fn sample(&self, index: usize, want: Want) -> Result<Sample, DataError>;

    /// The size, channels and bit depth of the sample at `index`, from its header alone where the source can.
    ///
    /// # Errors
    /// Those of [`Source::sample`]; damage after the header may go unnoticed.
    ///
    /// # Panics
    /// If `index >= self.len()`.
    fn probe(&self, index: usize) -> Result<ImageSpec, DataError> {
        Ok(self.sample(index, Want::Image)?.image.spec())
    }

    /// Reads the sample at `index` as the `draw`-th one that a [`Loader`](crate::Loader) draws. Only a source
    /// that changes images at random ([`Augmented`]) needs its own.
    ///
    /// # Errors
    /// As [`Source::sample`].
    ///
    /// # Panics
    /// If `index >= self.len()`.
    fn drawn(&self, index: usize, _draw: u64, want: Want) -> Result<Sample, DataError> {
        self.sample(index, want)
    }

    /// The [`Sample::name`] of the sample at `index`, without reading its image.
    ///
    /// # Errors
    /// A file cannot be read; the error names it.
    ///
    /// # Panics
    /// If `index >= self.len()`.
    fn name(&self, index: usize) -> Result<String, DataError>;

    /// Two consecutive frames of the film that the sample at `index` belongs to: itself and its next, or, for
    /// a film's last frame, the one before it and itself. `None` if it belongs to no film of two frames or
    /// more.
    ///
    /// # Panics
    /// If `index >= self.len()`.
    fn frames(&self, _index: usize) -> Option<[usize; 2]> {
        None
    }
}

/// How much of a sample to read. Labels may take longer than the image: they are in files of their own, or
/// computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Want {
    /// The image and its name, without annotations or record; all that training a refiner needs.
    #[default]
    Image,
    /// Everything: image, name, annotations and record.
    Labels,
}

/// Returns `read` of the first readable sample among the first thousand, or else the error of sample 0.
pub(crate) fn first_readable<T>(
    n_samples: usize,
    read: impl Fn(usize) -> Result<T, DataError>,
) -> Result<T, DataError> {
    let first = read(0);
    if first.is_ok() {
        return first;
    }
    (1..n_samples.min(1000)).find_map(|index| read(index).ok()).map_or(first, Ok)
}

/// Fails, naming both images, if they differ in size or channels; bit depths may differ.
pub(crate) fn check_same(
    (first, first_spec): (&str, ImageSpec),
    (other, other_spec): (&str, ImageSpec),
) -> Result<(), DataError> {
    if first_spec.size() == other_spec.size() && first_spec.channels == other_spec.channels {
        return Ok(());
    }
    Err(DataError::Mixed { first: first.to_owned(), first_spec, other: other.to_owned(), other_spec })
}
