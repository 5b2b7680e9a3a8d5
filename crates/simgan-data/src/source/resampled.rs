use std::sync::Arc;

use super::{Source, Want};
use crate::{DataError, ImageSpec, Sample};

/// A source whose samples are drawn from another one by weight: as many, the heavy ones several times, the light
/// ones perhaps not at all.
pub struct Resampled {
    source: Arc<dyn Source>,
    /// For each sample the underlying one, and how many samples before it are the same.
    picks: Vec<(usize, usize)>,
}

impl Resampled {
    /// Draws `source.len()` samples of `source` by the weights of [`resampled`].
    #[must_use]
    pub fn new(source: Arc<dyn Source>, weights: &[f64]) -> Self {
        let mut picks: Vec<(usize, usize)> = Vec::with_capacity(weights.len());
        for place in resampled(weights, weights.len()) {
            let n_before = picks.last().filter(|last| last.0 == place).map_or(0, |last| last.1 + 1);
            picks.push((place, n_before));
        }
        Self { source, picks }
    }

    /// A name of its own for each copy.
    fn renamed(name: String, n_before: usize) -> String {
        if n_before == 0 { name } else { format!("{name}+{n_before}") }
    }
}

impl Source for Resampled {
    fn len(&self) -> usize {
        self.picks.len()
    }

    fn spec(&self) -> ImageSpec {
        self.source.spec()
    }

    fn sample(&self, index: usize, want: Want) -> Result<Sample, DataError> {
        let (place, n_before) = self.picks[index];
        let sample = self.source.sample(place, want)?;
        Ok(Sample { name: Self::renamed(sample.name, n_before), ..sample })
    }

    fn probe(&self, index: usize) -> Result<ImageSpec, DataError> {
        self.source.probe(self.picks[index].0)
    }

    fn drawn(&self, index: usize, draw: u64, want: Want) -> Result<Sample, DataError> {
        let (place, n_before) = self.picks[index];
        let sample = self.source.drawn(place, draw, want)?;
        Ok(Sample { name: Self::renamed(sample.name, n_before), ..sample })
    }

    fn name(&self, index: usize) -> Result<String, DataError> {
        let (place, n_before) = self.picks[index];
        Ok(Self::renamed(self.source.name(place)?, n_before))
    }
}

/// Returns `count` places, in ascending order, each as often as its share of the weights says to within one:
/// systematic resampling, which needs no random numbers. Weights are finite and not negative; if all are 0, or
/// there are none, nothing is drawn.
#[must_use]
pub fn resampled(weights: &[f64], count: usize) -> Vec<usize> {
    let total: f64 = weights.iter().sum();
    let (mut picked, mut sum) = (Vec::with_capacity(count), 0.0);
    for (place, weight) in weights.iter().enumerate() {
        sum += weight;
        while *weight > 0.0
            && picked.len() < count
            && (picked.len() as f64 + 0.5) * total < sum * count as f64
        {
            picked.push(place);
        }
    }
    picked
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Image, MemorySource, Pixels};

    #[test]
    fn each_place_comes_as_often_as_its_weight_says() {
        assert_eq!(resampled(&[1.0, 1.0, 1.0], 3), [0, 1, 2]);
        assert_eq!(resampled(&[0.5, 0.0, 2.0, 0.2, 1.3], 4), [0, 2, 2, 4]);
        let weights: Vec<f64> = (0..97).map(|idx| f64::from(idx * 31 % 17)).collect();
        let (count, total) = (500, weights.iter().sum::<f64>());
        let picked = resampled(&weights, count);
        assert_eq!(picked.len(), count);
        for (place, weight) in weights.iter().enumerate() {
            let found = picked.iter().filter(|picked| **picked == place).count() as f64;
            assert!((found - weight * count as f64 / total).abs() <= 1.0, "{place}");
        }
        assert!(resampled(&[], 3).is_empty() && resampled(&[0.0], 3).is_empty());
    }

    #[test]
    fn copies_have_names_of_their_own() {
        let image = |value: u8| Image::new(1, 1, 2, Pixels::U8(vec![value, value]));
        let samples = (0..3).map(|idx| Sample::new(format!("{idx}.png"), image(idx))).collect();
        let source = Arc::new(MemorySource::new(samples).unwrap());
        let picked = Resampled::new(source, &[0.4, 2.6, 0.0]);
        let names: Vec<_> = (0..picked.len()).map(|idx| picked.name(idx).unwrap()).collect();
        assert_eq!(names, ["1.png", "1.png+1", "1.png+2"]);
        let sample = picked.sample(2, Want::Labels).unwrap();
        assert_eq!((sample.name.as_str(), sample.image), ("1.png+2", image(1)));
    }
}
