use super::{Source, Want, check_same};
use crate::{DataError, ImageSpec, Sample};

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

    fn sample(&self, index: usize, want: Want) -> Result<Sample, DataError> {
        let sample = &self.samples[index];
        Ok(match want {
            Want::Image => Sample::new(sample.name.clone(), sample.image.clone()),
            Want::Labels => sample.clone(),
        })
    }

    fn name(&self, index: usize) -> Result<String, DataError> {
        Ok(self.samples[index].name.clone())
    }
}
