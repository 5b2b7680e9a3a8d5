//! Measures the estimators in images per second, for `cargo xtask bench`.
//!
//! `estimator_speed FIGURE BATCH REPS PRECISION` prints one JSON object. The environment variable `RAYON_NUM_THREADS`
//! sets the number of threads.

#![expect(clippy::print_stdout, reason = "another program reads it")]

use std::time::Instant;

use candle_core::{Device, Result, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use simgan_losses::{cross_entropy, gaze_distance, heat_map_distance};
use simgan_models::{
    Estimator, EstimatorConfig, GazeEstimatorConfig, HourglassConfig, Parameters, PlainConfig, Precision,
};
use simgan_optim::{Optimizer, Rule};

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [figure, batch, reps, precision] = &arguments[..] else {
        return Err("usage: estimator_speed FIGURE BATCH REPS PRECISION".into());
    };
    let precision = match precision.as_str() {
        "f32" => Precision::F32,
        "bf16" => Precision::Bf16,
        other => return Err(format!("{other} is not f32 or bf16").into()),
    };
    let (batch, reps) = (batch.parse()?, reps.parse()?);
    let (network, step) = match figure.rsplit_once('_') {
        Some((network, "forward")) => (network, false),
        Some((network, "step")) => (network, true),
        _ => return Err(format!("{figure} is not NETWORK_forward or NETWORK_step").into()),
    };
    let bench = Bench::new(&config(network)?, batch, precision)?;
    let rate = if step { bench.steps(reps)? } else { bench.forwards(reps)? };
    let memory = peak_memory_mb().map_or_else(String::new, |mb| format!(", \"peak_memory_mb\": {mb}"));
    println!("{{\"{figure}\": {rate:.2}{memory}}}");
    Ok(())
}

fn config(network: &str) -> std::result::Result<EstimatorConfig, String> {
    match network {
        "hourglass" => Ok(EstimatorConfig::Hourglass(HourglassConfig::paper())),
        "small_hourglass" => Ok(EstimatorConfig::Hourglass(HourglassConfig::small())),
        "gaze" => Ok(EstimatorConfig::Gaze(GazeEstimatorConfig::eye_gaze())),
        "half_gaze" => Ok(gaze([16, 16, 32, 40, 96], 256)),
        "quarter_gaze" => Ok(gaze([8, 8, 16, 20, 48], 128)),
        "plain" => Ok(EstimatorConfig::Plain(PlainConfig::digits())),
        other => Err(format!("there is no network {other}")),
    }
}

/// A form of the paper's gaze network with fewer features.
fn gaze(features: [usize; 5], hidden: usize) -> EstimatorConfig {
    EstimatorConfig::Gaze(GazeEstimatorConfig {
        features,
        hidden: vec![hidden],
        ..GazeEstimatorConfig::eye_gaze()
    })
}

/// A network, noise and random labels.
struct Bench {
    network: Estimator,
    parameters: Parameters,
    images: Tensor,
    labels: Tensor,
}

impl Bench {
    fn new(
        config: &EstimatorConfig,
        batch: usize,
        precision: Precision,
    ) -> std::result::Result<Self, Box<dyn std::error::Error>> {
        let parameters = Parameters::new(0, &Device::Cpu);
        let network = Estimator::new(config, parameters.var_builder())?.with_precision(precision);
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let mut draw = |dims: &[usize]| {
            let values: Vec<f32> = (0..dims.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
            Tensor::from_vec(values, dims, &Device::Cpu)
        };
        let [channels, height, width] = config.input();
        let images = draw(&[batch, channels, height, width])?;
        let labels = match config {
            EstimatorConfig::Hourglass(config) => draw(&[batch, config.points, height / 4, width / 4])?,
            EstimatorConfig::Gaze(config) => draw(&[batch, config.outputs])?,
            EstimatorConfig::Plain(config) => {
                let classes = (0..batch as u32).map(|image| image % config.outputs as u32);
                Tensor::from_vec(classes.collect(), batch, &Device::Cpu)?
            }
        };
        Ok(Self { network, parameters, images, labels })
    }

    fn forwards(&self, reps: usize) -> std::result::Result<f64, Box<dyn std::error::Error>> {
        // Without gradients, as when a kept network judges images.
        let frozen = Estimator::clone(&self.network);
        self.rate(reps, || Ok(frozen.forward_t(&self.images, None, false)?.detach()))
    }

    fn steps(&self, reps: usize) -> std::result::Result<f64, Box<dyn std::error::Error>> {
        let mut optimizer = Optimizer::new(self.parameters.vars(), Rule::adam([0.9, 0.999]), None)?;
        self.rate(reps, || {
            let loss = self.loss(&self.network.forward_t(&self.images, None, true)?)?;
            optimizer.step(&loss.backward()?, 1e-4)?;
            Ok(loss)
        })
    }

    fn loss(&self, output: &Tensor) -> Result<Tensor> {
        match self.network {
            Estimator::Hourglass(_) => heat_map_distance(output, &self.labels, None),
            Estimator::Gaze(_) => gaze_distance(output, &self.labels),
            Estimator::Plain(_) => cross_entropy(output, &self.labels),
        }
    }

    /// Returns the median images per second of at least `reps` runs and one second, after a warm-up.
    fn rate(
        &self,
        reps: usize,
        mut run: impl FnMut() -> std::result::Result<Tensor, Box<dyn std::error::Error>>,
    ) -> std::result::Result<f64, Box<dyn std::error::Error>> {
        let mut secs = Vec::new();
        for n_runs in [2, reps] {
            secs.clear();
            let begun = Instant::now();
            while secs.len() < n_runs || begun.elapsed().as_secs_f64() < 1.0 {
                let started = Instant::now();
                run()?;
                secs.push(started.elapsed().as_secs_f64());
            }
        }
        secs.sort_by(f64::total_cmp);
        let median = f64::midpoint(secs[(secs.len() - 1) / 2], secs[secs.len() / 2]);
        Ok(self.images.dim(0)? as f64 / median)
    }
}

/// Peak resident memory in MB, from Linux' procfs.
fn peak_memory_mb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kibibytes =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?;
    kibibytes.trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1024 / 1_000_000)
}
