//! Compares simulators: trains a gaze network on each and measures it on MPIIGaze's real labelled images.
//!
//! `cargo run -p simgan-eval --example simulated_gaze -- MPIIGAZE SIMULATOR[,KEY=VALUE…]… [--seeds N] [--images N] [--steps N]`
//!
//! The network is the paper's (§3.1) with half of its feature maps, which two cores train in minutes. Errors
//! are in degrees and means over the seeds, which set both weights and renders. "on its own" is the error on
//! held-out renders of the same simulator.

use candle_core::Device;
use simgan_data::{MpiiGaze, MpiiGazeOptions, Source};
use simgan_eval::{Errors, EstimatorTraining, LabelledImages, TaskSpec, TestEye, predict, train_estimator};
use simgan_eyes::SimulatorName;
use simgan_models::{EstimatorConfig, GazeEstimatorConfig};

type Failure = Box<dyn std::error::Error>;

/// Number of images to calibrate on.
const N_CALIBRATION: usize = 9;

struct Options {
    n_seeds: u64,
    n_images: usize,
    training: EstimatorTraining,
}

#[expect(clippy::print_stdout, reason = "an example that reports")]
fn main() -> Result<(), Failure> {
    let mut options = Options {
        n_seeds: 1,
        n_images: 6000,
        training: EstimatorTraining { steps: 1500, batch: 64, ..EstimatorTraining::default() },
    };
    let (mut names, mut args) = (Vec::new(), std::env::args().skip(1));
    while let Some(arg) = args.next() {
        let mut number = || args.next().ok_or("a number is missing")?.parse::<usize>().map_err(Failure::from);
        match arg.as_str() {
            "--seeds" => options.n_seeds = number()? as u64,
            "--images" => options.n_images = number()?,
            "--steps" => options.training.steps = number()?,
            _ => names.push(arg),
        }
    }
    let [folder, simulators @ ..] = &names[..] else {
        return Err("which MPIIGaze, which simulators?".into());
    };
    let real = MpiiGaze::open(folder.as_ref(), &MpiiGazeOptions::default())?;
    let real = LabelledImages::read(&real, &TaskSpec::gaze(), 0..real.len(), &Device::Cpu)?;
    let task = TaskSpec::gaze().task();
    let middle = task.mean(&real.labels().iter().collect::<Vec<_>>()).ok_or("no mean gaze")?;
    let baseline = task.errors(&vec![middle; real.n_images()], real.labels())?;
    println!("{:<44} {:6.2}", "their own mean gaze", baseline.figure("error_deg").unwrap_or(f64::NAN));
    println!("{:<44} error  calibrated  within 7 deg  pitch offset  yaw offset  on its own", "trained on");
    for name in simulators {
        println!("{name:<44} {}", measured(name, &real, &options)?);
    }
    Ok(())
}

/// Trains networks on one simulator and formats their figures.
fn measured(name: &str, real: &LabelledImages, options: &Options) -> Result<String, Failure> {
    let task = TaskSpec::gaze().task();
    let (mut sums, n) = ([0.0; 6], options.n_seeds as f64);
    for seed in 0..options.n_seeds {
        let [simulated, held_out] = simulated(name, seed, options.n_images)?;
        let (_, channels, height, width) = simulated.images().dims4()?;
        let config = GazeEstimatorConfig {
            channels,
            height,
            width,
            features: [16, 16, 32, 40, 96],
            hidden: vec![256],
            ..GazeEstimatorConfig::eye_gaze()
        };
        let training = EstimatorTraining { seed, ..options.training };
        let network = train_estimator(&*task, &EstimatorConfig::Gaze(config), &simulated, &training)?;
        let guess = predict(&*task, &network, real.inputs())?;
        let errors = task.errors(&guess, real.labels())?;
        let one_person = vec![TestEye::default(); real.n_images()];
        let calibrated = task.calibrated(&guess, real.labels(), &one_person, N_CALIBRATION)?;
        let own = task.errors(&predict(&*task, &network, held_out.inputs())?, held_out.labels())?;
        let of = |errors: &Errors, key: &str| errors.figure(key).unwrap_or(f64::NAN);
        let figures = [
            of(&errors, "error_deg"),
            calibrated.map_or(f64::NAN, |errors| of(&errors, "error_deg")),
            100.0 * of(&errors, "within_7deg"),
            of(&errors, "pitch_offset_deg"),
            of(&errors, "yaw_offset_deg"),
            of(&own, "error_deg"),
        ];
        sums.iter_mut().zip(figures).for_each(|(sum, figure)| *sum += figure);
    }
    let [error, calibrated, within, pitch, yaw, own] = sums.map(|sum| sum / n);
    Ok(format!("{error:5.2}  {calibrated:10.2}  {within:10.0} %  {pitch:12.2}  {yaw:10.2}  {own:10.2}"))
}

/// Renders images to train on and held-out ones.
fn simulated(name: &str, seed: u64, n_images: usize) -> Result<[LabelledImages; 2], Failure> {
    const N_HELD_OUT: usize = 500;
    let mut parts = name.split(',');
    let simulator: SimulatorName = parts.next().unwrap_or_default().parse()?;
    let mut config = simulator.config();
    (config.seed, config.samples, config.width, config.height) = (seed, n_images + N_HELD_OUT, 60, 36);
    parts.try_for_each(|setting| config.set(setting))?;
    let simulator = simulator.open(config)?;
    let read = |range| LabelledImages::read(&simulator, &TaskSpec::gaze(), range, &Device::Cpu);
    Ok([read(0..n_images)?, read(n_images..n_images + N_HELD_OUT)?])
}
