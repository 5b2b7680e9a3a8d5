//! Small runs for tests: two domains of a few images, networks of a few features.

use std::sync::{Arc, Barrier, Mutex};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use simgan_data::{Image, MemorySource, Pixels, Sample, Source};

use crate::{Ranks, RanksError, Recipe, Sources, TrainConfig};

/// Width and height of the images: odd and unequal.
pub(crate) const SIZE: (usize, usize) = (13, 9);

/// Returns a configuration that trains in milliseconds: three steps of each pretraining, `steps` of Algorithm
/// 1.
pub(crate) fn config(steps: u64) -> TrainConfig {
    let set = [
        "data.batch=4",
        "data.size=13x9",
        "data.channels=1",
        "data.range=full",
        "data.tone=none",
        "refiner.features=4",
        "refiner.blocks=1",
        "discriminator.layers=[{conv={kernel=3, stride=2, features=6}}, {max_pool={kernel=3, stride=1}}]",
        "history.capacity=6",
        "loss.lambda=2",
        "ema.decay=0",
        "schedule.pretrain_refiner=3",
        "schedule.pretrain_discriminator=3",
        "schedule.k_g=2",
        &format!("schedule.steps={steps}"),
        "output.log_every=1",
        "output.sample_every=4",
        "output.checkpoint_every=2",
    ];
    TrainConfig::resolve(Some(Recipe::Demo), None, &set.map(str::to_owned)).unwrap()
}

/// Dark noise as the synthetic domain, bright noise as the real one. Neither number of images is a multiple
/// of the batch size.
pub(crate) fn sources() -> Sources {
    Sources { synthetic: noise(11, 40), real: noise(7, 200), tone: None }
}

/// Returns `n` images of noise from `brightness` up.
pub(crate) fn noise(n: usize, brightness: u8) -> Arc<dyn Source> {
    let mut rng = ChaCha8Rng::seed_from_u64(n as u64);
    let (width, height) = SIZE;
    let mut sample = |index: usize| {
        let pixels = (0..width * height).map(|_| brightness + rng.random_range(0..50)).collect();
        let image = Image::new(1, height, width, Pixels::U8(pixels));
        Sample::new(index.to_string(), image)
    };
    Arc::new(MemorySource::new((0..n).map(&mut sample).collect()).unwrap())
}

/// A rank that is a thread.
pub(crate) struct Thread {
    rank: usize,
    shared: Arc<(Barrier, Mutex<Vec<Vec<f32>>>)>,
}

impl Thread {
    /// Returns `count` ranks for as many threads.
    pub(crate) fn ranks(count: usize) -> Vec<Self> {
        let shared = Arc::new((Barrier::new(count), Mutex::new(vec![Vec::new(); count])));
        (0..count).map(|rank| Self { rank, shared: Arc::clone(&shared) }).collect()
    }

    fn exchange(&self, own: &[f32]) -> Vec<Vec<f32>> {
        let (barrier, values) = &*self.shared;
        values.lock().unwrap()[self.rank] = own.to_vec();
        barrier.wait();
        let all = values.lock().unwrap().clone();
        // No rank may write its next values before all have read these.
        barrier.wait();
        all
    }
}

impl Ranks for Thread {
    fn rank(&self) -> usize {
        self.rank
    }

    fn count(&self) -> usize {
        self.shared.1.lock().unwrap().len()
    }

    fn sum(&mut self, values: &mut [f32]) -> Result<(), RanksError> {
        let all = self.exchange(values);
        for (at, value) in values.iter_mut().enumerate() {
            *value = all.iter().map(|own| own[at]).sum();
        }
        Ok(())
    }

    fn gather(&mut self, own: &[f32]) -> Result<Vec<f32>, RanksError> {
        Ok(self.exchange(own).concat())
    }
}
