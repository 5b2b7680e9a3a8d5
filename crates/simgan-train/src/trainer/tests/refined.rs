//! A refiner with noise, and films.

use simgan_data::{DataError, ImageSpec};

use super::*;
use crate::TrainError;

/// The usual synthetic images as films of two frames.
struct Films(Arc<dyn Source>);

impl Source for Films {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn spec(&self) -> ImageSpec {
        self.0.spec()
    }

    fn sample(&self, index: usize, want: Want) -> Result<Sample, DataError> {
        self.0.sample(index, want)
    }

    fn name(&self, index: usize) -> Result<String, DataError> {
        self.0.name(index)
    }

    fn frames(&self, index: usize) -> Option<[usize; 2]> {
        let first = (index / 2 * 2).min(self.len() - 2);
        Some([first, first + 1])
    }
}

fn films() -> Sources {
    Sources { synthetic: Arc::new(Films(sources().synthetic)), ..sources() }
}

fn with_noise(steps: u64, film: f64) -> TrainConfig {
    let mut config = config(steps);
    (config.refiner.noise_channels, config.refiner.grain_channels) = (3, 1);
    config.loss.film = film;
    config
}

fn film_trainer(config: &TrainConfig) -> Trainer {
    Trainer::new(config.clone(), &films(), &Device::Cpu).unwrap()
}

/// Resumes in each phase: neither noise nor pairs of frames need a state of their own.
#[test]
fn a_resumed_run_with_noise_and_films_is_the_same_run() {
    let config = with_noise(6, 2.0);
    let mut whole = film_trainer(&config);
    let reports = steps(&mut whole, 12);
    let last = reports[11].refiner.as_ref().unwrap();
    assert!(last.diversity.is_some() && last.film.is_some(), "{last:?}");
    for k in [1, 4, 7, 11] {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::create(&dir.path().join("run"), &config).unwrap();
        let mut first = film_trainer(&config);
        steps(&mut first, k);
        first.save(&run.checkpoints()).unwrap();
        let mut resumed = Trainer::resume(&run, config.clone(), &films(), &Device::Cpu).unwrap();
        assert_eq!(steps(&mut resumed, 12 - k), reports[k..], "after {k} steps");
        assert_eq!(snapshot(&resumed), snapshot(&whole), "after {k} steps");
    }
}

#[test]
fn noise_makes_refined_images_differ_as_far_as_the_bound() {
    let diversity = |weight: f64, bound: f64| {
        let mut config = with_noise(40, 0.0);
        config.optim.refiner.lr = 0.005;
        (config.loss.diversity, config.loss.diversity_bound) = (weight, bound);
        let reports = steps(&mut trainer(config), 46);
        reports[45].refiner.as_ref().unwrap().diversity.unwrap()
    };
    let (ignored, rewarded) = (diversity(0.0, 0.05), diversity(20.0, 0.05));
    // Rounding, and with it how far images differ unasked, depends on the processor.
    assert!(rewarded > 0.035 && rewarded > 1.5 * ignored, "{ignored} {rewarded}");
    assert!(rewarded <= 0.0501, "no more is counted than the bound: {rewarded}");
}

#[test]
fn each_step_draws_its_own_noise() {
    for channels in [[3, 0], [0, 1], [3, 1]] {
        let mut config = with_noise(4, 0.0);
        [config.refiner.noise_channels, config.refiner.grain_channels] = channels;
        let mut trainer = trainer(config);
        let synthetic = trainer.samples.synthetic.clone();
        let mut draw = || {
            let refined = trainer.refined_for_discriminator(&synthetic).unwrap();
            refined.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        assert_ne!(draw(), draw(), "{channels:?}");
        // Only z asks for two images of each.
        let refined = trainer.refined(&synthetic).unwrap();
        let twice = if channels[0] > 0 { 2 } else { 1 };
        assert_eq!(refined.all.dim(0).unwrap(), twice * synthetic.dim(0).unwrap(), "{channels:?}");
        assert_eq!(refined.diversity.is_some(), channels[0] > 0, "{channels:?}");
    }
}

/// The frames of a pair get one noise, so that it adds nothing to what changes between them.
#[test]
fn both_frames_get_the_same_noise() {
    let mut trainer = film_trainer(&with_noise(4, 1.0));
    let frame = trainer.samples.synthetic.narrow(0, 0, 2).unwrap();
    let batch = Tensor::cat(&[&frame, &frame], 0).unwrap();
    let refined = trainer.refined(&batch).unwrap();
    assert_eq!(refined.all.dim(0).unwrap(), 8);
    let film = trainer.film_loss(&refined.all, &refined.rendered).unwrap().unwrap();
    assert!(film.to_scalar::<f32>().unwrap() < 1e-6, "{film}");
    // Another order of the batch is no pair of equal frames.
    let other = batch.index_select(&Tensor::new(&[0u32, 2, 1, 3], &Device::Cpu).unwrap(), 0).unwrap();
    let other = Tensor::cat(&[&other, &other], 0).unwrap();
    assert!(trainer.film_loss(&refined.all, &other).unwrap().unwrap().to_scalar::<f32>().unwrap() > 1e-3);
}

#[test]
fn the_film_loss_brings_frames_together() {
    let film = |weight: f64| {
        let mut config = with_noise(40, weight);
        (config.refiner.noise_channels, config.optim.refiner.lr) = (0, 0.005);
        config.loss.lambda = 0.2;
        let reports = steps(&mut film_trainer(&config), 46);
        reports[45].refiner.as_ref().unwrap().film.unwrap()
    };
    let (without, with) = (film(1e-9), film(50.0));
    assert!(with < 0.7 * without, "{with} {without}");
}

#[test]
fn images_that_are_no_film_are_refused() {
    let error = Trainer::new(with_noise(1, 1.0), &sources(), &Device::Cpu).err().unwrap();
    assert!(matches!(error, TrainError::Data(DataError::NoFilm { .. })), "{error}");
    assert!(error.hint().unwrap().to_string().contains("film_frames"));
    let mut odd = with_noise(1, 1.0);
    (odd.data.batch, odd.history.capacity) = (3, None);
    let error = Trainer::new(odd, &films(), &Device::Cpu).err().unwrap().to_string();
    assert!(error.contains("`loss.film` cannot be 1") && error.contains("even"), "{error}");
}
