mod adapter;
mod concat;
mod memory;
mod remembering;
#[cfg(test)]
mod tests;

pub(crate) use self::adapter::Adapter;
pub use self::concat::Concat;
pub use self::memory::MemorySource;
pub use self::remembering::Remembering;
use crate::{DataError, ImageSpec, Sample};

/// Random access to the images of one domain.
///
/// Every method gives the same answer at each call.
pub trait Source: Send + Sync {
    /// How many samples there are; never zero.
    fn len(&self) -> usize;

    /// Always false: a source without samples is an error when it is opened.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What every image of the source has in common.
    fn spec(&self) -> ImageSpec;

    /// The sample at `index`, with as much of it as `want` says.
    ///
    /// # Errors
    /// A file that cannot be read or decoded; the error names it. A damaged label is an error only where
    /// labels are wanted, or the image depends on it.
    ///
    /// # Panics
    /// If `index >= self.len()`, as slices do.
    fn sample(&self, index: usize, want: Want) -> Result<Sample, DataError>;

    /// What [`Sample::name`] of the sample at `index` is, without reading its image.
    ///
    /// # Errors
    /// A file that cannot be read; the error names it.
    ///
    /// # Panics
    /// If `index >= self.len()`.
    fn name(&self, index: usize) -> Result<String, DataError>;
}

/// How much of a sample is wanted. Labels may take longer than the image: they are files of their own, or
/// computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Want {
    /// The image and its name; there are no annotations and no record. Refiners learn from images alone.
    #[default]
    Image,
    /// All that is known.
    Labels,
}

/// What the first readable one of a source's first thousand samples gives, or else the first one's error.
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

/// An error that names both images if they differ in size or channels; bit depths may differ.
pub(crate) fn check_same(
    (first, first_spec): (&str, ImageSpec),
    (other, other_spec): (&str, ImageSpec),
) -> Result<(), DataError> {
    if first_spec.size() == other_spec.size() && first_spec.channels == other_spec.channels {
        return Ok(());
    }
    Err(DataError::Mixed { first: first.to_owned(), first_spec, other: other.to_owned(), other_spec })
}
