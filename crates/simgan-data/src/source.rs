use std::sync::Arc;

use crate::{DataError, Image, ImageSpec, Label};

/// Random access to the images of one domain.
pub trait Source: Send + Sync {
    /// How many samples there are; never zero.
    fn len(&self) -> usize;

    /// Always false: a source without samples is an error when it is opened.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What every image of the source has in common.
    fn spec(&self) -> ImageSpec;

    /// The sample at `index`, the same at each call.
    ///
    /// # Errors
    /// A file that cannot be read or decoded; the error names it.
    ///
    /// # Panics
    /// If `index >= self.len()`, as slices do.
    fn sample(&self, index: usize) -> Result<Sample, DataError>;

    /// The name of the sample at `index`; sources that know it without reading the image say so here.
    ///
    /// # Errors
    /// As [`Source::sample`].
    ///
    /// # Panics
    /// As [`Source::sample`].
    fn sample_name(&self, index: usize) -> Result<String, DataError> {
        Ok(self.sample(index)?.name)
    }
}

/// One image with what is known about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Path relative to the source's root, `/` between its parts (`s01/0007.png`), or the index of a rendered sample.
    pub name: String,
    /// The pixels as they were stored.
    pub image: Image,
    /// What is known about the image; empty for an unlabelled photograph.
    pub label: Label,
}

/// Samples held in memory: made in code, or small enough to be read once.
pub struct MemorySource {
    samples: Vec<Sample>,
}

impl MemorySource {
    /// A source of these samples.
    ///
    /// # Errors
    /// If there are none, or if two images differ in size or channels.
    pub fn new(samples: Vec<Sample>) -> Result<Self, DataError> {
        let first = samples.first().ok_or_else(|| DataError::Empty { what: "no samples".to_owned() })?;
        for other in &samples {
            check_same((&first.name, first.image.spec()), (&other.name, other.image.spec()))?;
        }
        Ok(Self { samples })
    }
}

impl Source for MemorySource {
    fn len(&self) -> usize {
        self.samples.len()
    }

    fn spec(&self) -> ImageSpec {
        self.samples[0].image.spec()
    }

    fn sample(&self, index: usize) -> Result<Sample, DataError> {
        Ok(self.samples[index].clone())
    }
}

/// Several sources as one, in the order in which they are given.
pub struct Concat {
    sources: Vec<Arc<dyn Source>>,
    n_samples: usize,
}

impl Concat {
    /// The sources one behind the other.
    ///
    /// # Errors
    /// If there are none, or if two differ in size or channels; [`Fitted`](crate::Fitted) brings them together.
    pub fn new(sources: Vec<Arc<dyn Source>>) -> Result<Self, DataError> {
        let first = sources.first().ok_or_else(|| DataError::Empty { what: "no sources".to_owned() })?;
        for (i, other) in sources.iter().enumerate() {
            let name = format!("source {}", i + 1);
            check_same(("source 1", first.spec()), (&name, other.spec()))?;
        }
        let n_samples = sources.iter().map(|source| source.len()).sum();
        Ok(Self { sources, n_samples })
    }
}

impl Source for Concat {
    fn len(&self) -> usize {
        self.n_samples
    }

    fn spec(&self) -> ImageSpec {
        self.sources[0].spec()
    }

    fn sample(&self, index: usize) -> Result<Sample, DataError> {
        assert!(index < self.n_samples, "sample {index} of {}", self.n_samples);
        let mut index = index;
        let mut sources = self.sources.iter();
        loop {
            match sources.next() {
                Some(source) if index >= source.len() => index -= source.len(),
                Some(source) => return source.sample(index),
                None => unreachable!("the sources' lengths sum to {}", self.n_samples),
            }
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Pixels;

    fn source(width: usize, names: &[&str]) -> Arc<dyn Source> {
        let sample = |name: &&str| Sample {
            name: (*name).to_owned(),
            image: Image::new(1, 1, width, Pixels::U8(vec![0; width])),
            label: Label::default(),
        };
        Arc::new(MemorySource::new(names.iter().map(sample).collect()).unwrap())
    }

    #[test]
    fn concatenated_sources_are_indexed_through() {
        let all =
            Concat::new(vec![source(2, &["a", "b"]), source(2, &["c"]), source(2, &["d", "e"])]).unwrap();
        let names: Vec<String> = (0..all.len()).map(|i| all.sample(i).unwrap().name).collect();
        assert_eq!(names, ["a", "b", "c", "d", "e"]);
    }

    #[test]
    #[should_panic(expected = "sample 2 of 2")]
    fn an_index_beyond_the_end_panics() {
        let _ = Concat::new(vec![source(2, &["a", "b"])]).unwrap().sample(2);
    }

    #[test]
    fn different_sizes_are_refused() {
        let error = Concat::new(vec![source(2, &["a"]), source(3, &["b"])]).err().unwrap().to_string();
        assert!(error.contains("2×1 gray") && error.contains("3×1 gray"), "{error}");
        assert!(Concat::new(Vec::new()).is_err());
        assert!(MemorySource::new(Vec::new()).is_err());
    }
}
