use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

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

    /// The sample at `index` with an empty label; sources to which labels are work do without it here.
    ///
    /// # Errors
    /// As [`Source::sample`].
    ///
    /// # Panics
    /// As [`Source::sample`].
    fn unlabelled(&self, index: usize) -> Result<Sample, DataError> {
        Ok(Sample { label: Label::default(), ..self.sample(index)? })
    }

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

    /// The source that holds sample `index`, and its place there.
    fn find(&self, index: usize) -> (&dyn Source, usize) {
        assert!(index < self.n_samples, "sample {index} of {}", self.n_samples);
        let mut index = index;
        let mut sources = self.sources.iter();
        loop {
            match sources.next() {
                Some(source) if index >= source.len() => index -= source.len(),
                Some(source) => return (&**source, index),
                None => unreachable!("the sources' lengths sum to {}", self.n_samples),
            }
        }
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
        let (source, index) = self.find(index);
        source.sample(index)
    }

    fn unlabelled(&self, index: usize) -> Result<Sample, DataError> {
        let (source, index) = self.find(index);
        source.unlabelled(index)
    }
}

/// A source whose labels are left away, and need not be made: refiners and discriminators learn from images alone.
pub struct Unlabelled(pub Arc<dyn Source>);

impl Source for Unlabelled {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn spec(&self) -> ImageSpec {
        self.0.spec()
    }

    fn sample(&self, index: usize) -> Result<Sample, DataError> {
        self.0.unlabelled(index)
    }

    fn sample_name(&self, index: usize) -> Result<String, DataError> {
        self.0.sample_name(index)
    }
}

/// A source that keeps the images it gave without labels, so that they are read or rendered once however often they are asked for.
pub struct Remembering {
    source: Arc<dyn Source>,
    most_bytes: usize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    samples: HashMap<usize, Sample>,
    n_bytes: usize,
}

impl Remembering {
    /// Keeps images of `source` until they have `most_bytes` bytes of pixels; others are made anew each time.
    #[must_use]
    pub fn new(source: Arc<dyn Source>, most_bytes: usize) -> Self {
        Self { source, most_bytes, kept: Mutex::default() }
    }
}

impl Source for Remembering {
    fn len(&self) -> usize {
        self.source.len()
    }

    fn spec(&self) -> ImageSpec {
        self.source.spec()
    }

    fn sample(&self, index: usize) -> Result<Sample, DataError> {
        self.source.sample(index)
    }

    fn unlabelled(&self, index: usize) -> Result<Sample, DataError> {
        let kept = || self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sample) = kept().samples.get(&index) {
            return Ok(sample.clone());
        }
        // Not under the lock: other threads go on meanwhile.
        let sample = self.source.unlabelled(index)?;
        let (mut kept, n_bytes) = (kept(), sample.image.n_bytes());
        if kept.n_bytes + n_bytes <= self.most_bytes && kept.samples.insert(index, sample.clone()).is_none() {
            kept.n_bytes += n_bytes;
        }
        Ok(sample)
    }

    fn sample_name(&self, index: usize) -> Result<String, DataError> {
        self.source.sample_name(index)
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
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::{Gaze, Pixels};

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

    /// Counts how often it is asked, with labels and without.
    struct Counting {
        source: MemorySource,
        n_asked: [AtomicUsize; 2],
    }

    impl Counting {
        fn asked(&self) -> [usize; 2] {
            [0, 1].map(|kind| self.n_asked[kind].load(Ordering::SeqCst))
        }
    }

    impl Source for Counting {
        fn len(&self) -> usize {
            self.source.len()
        }

        fn spec(&self) -> ImageSpec {
            self.source.spec()
        }

        fn sample(&self, index: usize) -> Result<Sample, DataError> {
            self.n_asked[0].fetch_add(1, Ordering::SeqCst);
            self.source.sample(index)
        }

        fn unlabelled(&self, index: usize) -> Result<Sample, DataError> {
            self.n_asked[1].fetch_add(1, Ordering::SeqCst);
            self.source.unlabelled(index)
        }
    }

    fn counting() -> Arc<Counting> {
        let sample = |level: u8| Sample {
            name: level.to_string(),
            image: Image::new(1, 2, 3, Pixels::U8(vec![level; 6])),
            label: Label { gaze: Gaze::from_vector([0.0, 0.0, -1.0]), ..Label::default() },
        };
        let source = MemorySource::new((0..4).map(sample).collect()).unwrap();
        Arc::new(Counting { source, n_asked: Default::default() })
    }

    #[test]
    fn labels_are_left_away_before_they_are_made() {
        let source = counting();
        let all = Arc::new(Concat::new(vec![Arc::clone(&source) as Arc<dyn Source>]).unwrap());
        let unlabelled = Unlabelled(Arc::new(crate::Fitted::new(all, crate::Target::default())));
        let expected = source.source.sample(3).unwrap();
        assert!(expected.label.gaze.is_some());
        assert_eq!(unlabelled.sample(3).unwrap(), Sample { label: Label::default(), ..expected });
        assert_eq!((source.asked(), unlabelled.sample_name(3).unwrap().as_str()), ([0, 1], "3"));
    }

    #[test]
    fn what_has_room_is_made_once() {
        let source = counting();
        let remembering = Remembering::new(Arc::clone(&source) as Arc<dyn Source>, 13);
        for _ in 0..3 {
            for index in 0..4 {
                let expected = source.source.unlabelled(index).unwrap();
                assert_eq!(remembering.unlabelled(index).unwrap(), expected);
            }
        }
        assert_eq!(source.asked(), [0, 2 + 2 * 3]);
        assert!(remembering.sample(0).unwrap().label.gaze.is_some());
        assert_eq!(source.asked(), [1, 2 + 2 * 3]);
    }
}
