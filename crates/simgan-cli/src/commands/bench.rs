//! `simgan bench`: images per second of the paper's eye-gaze networks.

use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use candle_core::{Device, Module, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use simgan_data::{Image, Label, MemorySource, Pixels, Sample, Source};
use simgan_models::{Parameters, Refiner, RefinerConfig};
use simgan_train::{Recipe, Sources, TrainConfig, Trainer};

use crate::arguments::BenchArguments;
use crate::compute;
use crate::console::{Progress, print};

const WIDTH: usize = 55;
const HEIGHT: usize = 35;
/// Untimed repetitions before the timed ones.
const WARM_UP: usize = 2;

/// Medians, in images per second.
#[derive(Serialize)]
struct Speed {
    device: String,
    batch: usize,
    threads: usize,
    refine: f64,
    refiner_step: f64,
    discriminator_step: f64,
}

/// Measures and prints the speed.
pub(crate) fn bench(arguments: &BenchArguments) -> Result<()> {
    let device = compute::open(&arguments.compute)?;
    let mut clock = Clock::new(arguments, &device);
    let refine = {
        let refiner =
            Refiner::new(&RefinerConfig::eye_gaze(), Parameters::new(0, &device).var_builder())?.frozen();
        let synthetic = noise(0, arguments.batch)?.to_device(&device)?;
        clock.images_per_sec(|| Ok(refiner.forward(&synthetic)?))?
    };
    let mut trainer = trainer(arguments.batch, &device)?;
    let refiner_step = clock.images_per_sec(|| Ok(trainer.update_refiner()?))?;
    let discriminator_step = clock.images_per_sec(|| Ok(trainer.update_discriminator()?))?;
    drop(clock);
    let (device, batch) = (compute::Name(&device).to_string(), arguments.batch);
    let threads = rayon::current_num_threads();
    let speed = Speed { device, batch, threads, refine, refiner_step, discriminator_step };
    if arguments.json {
        return print(&format!("{}\n", serde_json::to_string(&speed)?));
    }
    print(&speed.text())
}

impl Speed {
    fn text(&self) -> String {
        let Self { device, batch, threads, refine, refiner_step, discriminator_step } = self;
        format!(
            "eye-gaze networks, {WIDTH}x{HEIGHT} pixels, batch {batch}, {device}, {threads} threads; images per second:\n\
             refine              {refine:>10.1}\n\
             refiner step        {refiner_step:>10.1}\n\
             discriminator step  {discriminator_step:>10.1}\n"
        )
    }
}

/// Takes the time of one batch's work.
struct Clock<'a> {
    batch: usize,
    reps: usize,
    device: &'a Device,
    progress: Progress,
    n_done: u64,
}

impl<'a> Clock<'a> {
    fn new(arguments: &BenchArguments, device: &'a Device) -> Self {
        let n_runs = 3 * (WARM_UP + arguments.reps) as u64;
        let progress = Progress::new("measuring", n_runs, "batches");
        Self { batch: arguments.batch, reps: arguments.reps, device, progress, n_done: 0 }
    }

    /// The median over the repetitions.
    fn images_per_sec<T>(&mut self, mut run: impl FnMut() -> Result<T>) -> Result<f64> {
        let mut secs = Vec::with_capacity(self.reps);
        for rep in 0..WARM_UP + self.reps {
            self.device.synchronize()?;
            let started = Instant::now();
            run()?;
            self.device.synchronize()?;
            if rep >= WARM_UP {
                secs.push(started.elapsed().as_secs_f64());
            }
            self.n_done += 1;
            self.progress.update(self.n_done, "");
        }
        secs.sort_by(f64::total_cmp);
        let median = f64::midpoint(secs[(secs.len() - 1) / 2], secs[secs.len() / 2]);
        Ok((self.batch as f64 / median * 100.0).round() / 100.0)
    }
}

/// A trainer of the paper's networks in the adversarial phase, on noise from memory.
fn trainer(batch: usize, device: &Device) -> Result<Trainer> {
    let set = [
        format!("data.batch={batch}"),
        format!("history.capacity={}", if batch.is_multiple_of(2) { batch } else { 0 }),
        "schedule.pretrain_refiner=0".to_owned(),
        "schedule.pretrain_discriminator=0".to_owned(),
    ];
    let config = TrainConfig::resolve(Some(Recipe::EyeGaze), None, &set)?;
    let source = |seed| -> Result<Arc<dyn Source>> { Ok(Arc::new(noise_source(seed, batch)?)) };
    let sources = Sources { synthetic: source(1)?, real: source(2)? };
    Ok(Trainer::new(config, &sources, device)?)
}

fn noise_source(seed: u64, n_images: usize) -> Result<MemorySource> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let sample = |index: usize| {
        let values = (0..WIDTH * HEIGHT).map(|_| rng.random()).collect();
        let image = Image::new(1, HEIGHT, WIDTH, Pixels::U8(values));
        Sample { name: index.to_string(), image, label: Label::default() }
    };
    Ok(MemorySource::new((0..n_images).map(sample).collect())?)
}

fn noise(seed: u64, n_images: usize) -> Result<Tensor> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values = (0..n_images * HEIGHT * WIDTH).map(|_| rng.random_range(-1.0..=1.0f32)).collect();
    Ok(Tensor::from_vec(values, (n_images, 1, HEIGHT, WIDTH), &Device::Cpu)?)
}
