//! `simgan bench`: measures the images per second of the paper's networks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use candle_core::{Device, Module, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use simgan_data::{Image, MemorySource, Pixels, Sample, Size, Source};
use simgan_models::{Parameters, Precision, Refiner};
use simgan_train::{Recipe, Sources, TrainConfig, Trainer};

use crate::arguments::{BenchArguments, Figure};
use crate::compute;
use crate::console::{Progress, print};

/// Minimum number of untimed repetitions before the timed ones.
const WARM_UP: usize = 2;
/// Minimum duration of the warm-up and of the timed part: an idle processor needs time to reach its clock
/// speed, and a shorter sample is not representative.
const AT_LEAST: Duration = Duration::from_secs(1);

/// Medians in images per second; figures not requested are absent.
#[derive(Serialize)]
struct Speed {
    recipe: Recipe,
    device: String,
    size: String,
    channels: usize,
    batch: usize,
    threads: usize,
    precision: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    refine: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refiner_step: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    discriminator_step: Option<f64>,
    /// Peak resident memory in MB (10⁶ bytes); absent where the system does not report it.
    #[serde(skip_serializing_if = "Option::is_none")]
    peak_memory_mb: Option<u64>,
}

/// Measures and prints the speed.
pub(crate) fn bench(arguments: &BenchArguments) -> Result<()> {
    let device = compute::open(&arguments.compute)?;
    let precision = compute::precision("--precision", arguments.products.precision, &device)?;
    let BenchArguments { recipe, channels, batch, only, .. } = *arguments;
    let size = arguments.size.unwrap_or(match recipe {
        Recipe::HandPose => Size { width: 224, height: 224 },
        Recipe::Depth => Size { width: 64, height: 64 },
        Recipe::Demo | Recipe::EyeGaze => Size { width: 55, height: 35 },
    });
    let noise = Noise { channels, size };
    let wanted = |figure: Figure| only.is_none_or(|only| only == figure);
    let config = config(arguments, size, precision)?;
    let mut clock = Clock::new(arguments, &device);
    let mut refine = None;
    if wanted(Figure::Refine) {
        let refiner = Refiner::new(&config.refiner, channels, Parameters::new(0, &device).var_builder())?;
        let refiner = refiner.frozen().with_precision(precision);
        let synthetic = noise.tensor(0, batch)?.to_device(&device)?;
        refine = Some(clock.images_per_sec(|| Ok(refiner.forward(&synthetic)?))?);
    }
    let (mut refiner_step, mut discriminator_step) = (None, None);
    if only != Some(Figure::Refine) {
        let sources =
            Sources { synthetic: noise.source(1, batch)?, real: noise.source(2, batch)?, tone: None };
        let mut trainer = Trainer::new(config, &sources, &device)?;
        if wanted(Figure::RefinerStep) {
            refiner_step = Some(clock.images_per_sec(|| Ok(trainer.update_refiner()?))?);
        }
        if wanted(Figure::DiscriminatorStep) {
            discriminator_step = Some(clock.images_per_sec(|| Ok(trainer.update_discriminator()?))?);
        }
    }
    drop(clock);
    let speed = Speed {
        recipe,
        device: compute::Name(&device).to_string(),
        size: size.to_string(),
        channels,
        batch,
        threads: rayon::current_num_threads(),
        precision: precision.to_string(),
        refine,
        refiner_step,
        discriminator_step,
        peak_memory_mb: peak_memory_mb(),
    };
    print(&if arguments.json { format!("{}\n", serde_json::to_string(&speed)?) } else { speed.text() })
}

/// Builds the recipe's configuration without pretraining, so that every step is adversarial.
fn config(arguments: &BenchArguments, size: Size, precision: Precision) -> Result<TrainConfig> {
    let batch = arguments.batch;
    let set = [
        // Where 0 can mean "not measured", as with depths.
        format!("data.range={}", if arguments.recipe == Recipe::Depth { "1..255" } else { "full" }),
        format!("data.batch={batch}"),
        format!("data.size={size}"),
        format!("data.channels={}", arguments.channels),
        format!("compute.precision={precision}"),
        // The history replaces half of each batch, which an odd batch does not allow.
        format!("history.capacity={}", if batch.is_multiple_of(2) { batch } else { 0 }),
        "schedule.pretrain_refiner=0".to_owned(),
        "schedule.pretrain_discriminator=0".to_owned(),
    ];
    Ok(TrainConfig::resolve(Some(arguments.recipe), None, &set)?)
}

impl Speed {
    fn text(&self) -> String {
        let Self { recipe, size, channels, batch, device, threads, precision, .. } = self;
        let planes = if *channels == 1 { "1 channel".to_owned() } else { format!("{channels} channels") };
        let mut text = format!(
            "{recipe} networks, {size} pixels, {planes}, batch {batch}, {device}, {threads} threads, {precision}; images per second:\n"
        );
        let figures = [
            ("refine", self.refine),
            ("refiner step", self.refiner_step),
            ("discriminator step", self.discriminator_step),
        ];
        for (name, figure) in figures {
            if let Some(figure) = figure {
                text.push_str(&format!("{name:<18}  {figure:>10.1}\n"));
            }
        }
        if let Some(megabytes) = self.peak_memory_mb {
            text.push_str(&format!("peak memory         {megabytes:>10} MB\n"));
        }
        text
    }
}

/// Reads `VmHWM`, the peak resident set, from Linux' procfs.
fn peak_memory_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kibibytes =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?;
    kibibytes.trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1024 / 1_000_000)
}

/// Times the work on one batch.
struct Clock<'a> {
    batch: usize,
    reps: usize,
    device: &'a Device,
    progress: Progress,
    n_done: u64,
}

impl<'a> Clock<'a> {
    fn new(arguments: &BenchArguments, device: &'a Device) -> Self {
        let n_figures = if arguments.only.is_some() { 1 } else { 3 };
        let progress = Progress::new("measuring", n_figures, "figures");
        Self { batch: arguments.batch, reps: arguments.reps, device, progress, n_done: 0 }
    }

    /// Warms up, then returns the median rate over the timed repetitions.
    fn images_per_sec<T>(&mut self, mut run: impl FnMut() -> Result<T>) -> Result<f64> {
        self.repeat(WARM_UP, &mut run)?;
        let mut secs = self.repeat(self.reps, &mut run)?;
        self.n_done += 1;
        self.progress.update(self.n_done, "");
        secs.sort_by(f64::total_cmp);
        let median = f64::midpoint(secs[(secs.len() - 1) / 2], secs[secs.len() / 2]);
        Ok((self.batch as f64 / median * 100.0).round() / 100.0)
    }

    /// Times at least `n` repetitions and at least [`AT_LEAST`] in total; returns the seconds of each.
    fn repeat<T>(&self, n: usize, run: &mut impl FnMut() -> Result<T>) -> Result<Vec<f64>> {
        let begun = Instant::now();
        let mut secs = Vec::with_capacity(n);
        while secs.len() < n || begun.elapsed() < AT_LEAST {
            // A GPU queues work asynchronously, so wait on both sides of the timed call.
            self.device.synchronize()?;
            let started = Instant::now();
            run()?;
            self.device.synchronize()?;
            secs.push(started.elapsed().as_secs_f64());
        }
        Ok(secs)
    }
}

/// Images of uniform noise.
struct Noise {
    channels: usize,
    size: Size,
}

impl Noise {
    fn source(&self, seed: u64, n_images: usize) -> Result<Arc<dyn Source>> {
        let Self { channels, size: Size { width, height } } = *self;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let sample = |index: usize| {
            let values = (0..channels * height * width).map(|_| rng.random()).collect();
            let image = Image::new(channels, height, width, Pixels::U8(values));
            Sample::new(index.to_string(), image)
        };
        Ok(Arc::new(MemorySource::new((0..n_images).map(sample).collect())?))
    }

    fn tensor(&self, seed: u64, n_images: usize) -> Result<Tensor> {
        let Self { channels, size: Size { width, height } } = *self;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let values =
            (0..n_images * channels * height * width).map(|_| rng.random_range(-1.0..=1.0f32)).collect();
        Ok(Tensor::from_vec(values, (n_images, channels, height, width), &Device::Cpu)?)
    }
}
