//! Measures one figure on both sides, each in its own process.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

use super::machine::has_bf16;
use super::{Arguments, announce};
use crate::failure::hinted;

/// A kind of work to measure.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Figure {
    Refine,
    RefinerStep,
    DiscriminatorStep,
    /// A forward pass, or a training step, of an estimator.
    Estimator(Estimator, Pass),
}

/// The networks that estimate labels.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Estimator {
    Hourglass,
    SmallHourglass,
    Gaze,
    HalfGaze,
    QuarterGaze,
    Plain,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pass {
    Forward,
    Step,
}

impl Figure {
    /// The figures of the paper's refiner and discriminator.
    pub(super) const ADVERSARIAL: [Self; 3] = [Self::Refine, Self::RefinerStep, Self::DiscriminatorStep];

    /// Its key in the JSON of both programs.
    fn key(self) -> String {
        match self {
            Self::Estimator(network, Pass::Forward) => format!("{}_forward", network.key()),
            Self::Estimator(network, Pass::Step) => format!("{}_step", network.key()),
            other => other.to_string().replace(' ', "_"),
        }
    }
}

impl Estimator {
    pub(super) const ALL: [Self; 6] =
        [Self::Hourglass, Self::SmallHourglass, Self::Gaze, Self::HalfGaze, Self::QuarterGaze, Self::Plain];

    fn key(self) -> &'static str {
        match self {
            Self::Hourglass => "hourglass",
            Self::SmallHourglass => "small_hourglass",
            Self::Gaze => "gaze",
            Self::HalfGaze => "half_gaze",
            Self::QuarterGaze => "quarter_gaze",
            Self::Plain => "plain",
        }
    }

    /// Width and height of its images, and the batch of its training.
    pub(super) fn conditions(self) -> (&'static str, usize) {
        match self {
            Self::Hourglass => ("256x256", 6),
            Self::SmallHourglass => ("96x96", 16),
            Self::Gaze | Self::HalfGaze | Self::QuarterGaze => ("55x35", 64),
            Self::Plain => ("28x28", 64),
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refine => f.write_str("refine"),
            Self::RefinerStep => f.write_str("refiner step"),
            Self::DiscriminatorStep => f.write_str("discriminator step"),
            Self::Estimator(network, pass) => {
                let pass = if *pass == Pass::Forward { "forward" } else { "step" };
                write!(f, "{} {pass}", network.key().replace('_', " "))
            }
        }
    }
}

/// A figure and its conditions.
#[derive(Clone, Copy)]
pub(super) struct Task {
    pub(super) figure: Figure,
    pub(super) batch: usize,
    pub(super) threads: usize,
    /// `WIDTHxHEIGHT`.
    pub(super) size: &'static str,
    pub(super) channels: usize,
    /// Whether it is a main figure, which also tries `torch.compile` and takes several rounds.
    pub(super) main: bool,
}

impl Task {
    pub(super) fn new(figure: Figure, batch: usize, threads: usize) -> Self {
        Self { figure, batch, threads, size: "55x35", channels: 1, main: false }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { figure, batch, threads, size, channels, .. } = self;
        write!(f, "{figure}, batch {batch}, {size}, channels {channels}, threads {threads}")
    }
}

/// The results of both sides.
pub(super) struct Row {
    pub(super) task: Task,
    /// In `f32`.
    pub(super) images_per_sec: f64,
    /// In bf16, where the processor has it.
    pub(super) in_bf16: Option<f64>,
    pub(super) peak_memory_mb: Option<u64>,
    pub(super) peers: Option<Peers>,
}

/// The results of the other side.
pub(super) struct Peers {
    /// PyTorch's version.
    pub(super) version: String,
    pub(super) modes: Vec<Mode>,
    pub(super) peak_memory_mb: Option<u64>,
}

/// A way in which the other side runs a network.
pub(super) struct Mode {
    pub(super) name: String,
    /// `f32`, `bf16` or `int8`.
    pub(super) precision: String,
    /// Images per second in each round; after [`Peers::sort`], only their median.
    pub(super) rates: Vec<f64>,
}

impl Mode {
    pub(super) fn rate(&self) -> f64 {
        self.rates.first().copied().unwrap_or(f64::NAN)
    }
}

impl Peers {
    /// Adds another round.
    fn add(&mut self, round: Self) {
        for Mode { name, rates, .. } in round.modes {
            if let Some(known) = self.modes.iter_mut().find(|known| known.name == name) {
                known.rates.extend(rates);
            }
        }
    }

    /// Reduces each mode to its median and puts the fastest first.
    fn sort(&mut self) {
        for mode in &mut self.modes {
            mode.rates = vec![median(&mut mode.rates)];
        }
        self.modes.sort_by(|a, b| b.rate().total_cmp(&a.rate()));
    }

    /// The fastest mode that computes as exactly as ours.
    pub(super) fn best_exact(&self) -> Option<&Mode> {
        self.modes.iter().find(|mode| mode.precision == "f32")
    }

    /// The fastest mode of any precision.
    pub(super) fn best(&self) -> Option<&Mode> {
        self.modes.first()
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
}

/// The programs of both sides.
pub(super) struct Programs {
    simgan: PathBuf,
    /// Measures the estimators.
    estimators: PathBuf,
    python: Option<PathBuf>,
    script: PathBuf,
    compile: bool,
    reps: u32,
    rounds: u32,
}

impl Programs {
    /// Builds simgan and the program that measures the estimators.
    pub(super) fn new(root: &Path, arguments: &Arguments) -> anyhow::Result<Self> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        // The whole workspace's features, as for the tests: nothing is built twice.
        let what = ["build", "--workspace", "--bin", "simgan", "--example", "estimator_speed"];
        if !Command::new(&cargo).current_dir(root).args(what).status()?.success() {
            bail!("cargo {} failed", what.join(" "));
        }
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        Ok(Self {
            simgan: target.join("debug/simgan"),
            estimators: target.join("debug/examples/estimator_speed"),
            python: arguments.python.clone(),
            script: root.join("xtask/src/bench/peers.py"),
            compile: !arguments.no_compile,
            reps: arguments.reps,
            rounds: arguments.rounds,
        })
    }

    /// Measures both sides in turn, in one or several rounds, and returns the median of each.
    pub(super) fn measure(&self, task: &Task) -> anyhow::Result<Row> {
        let (mut ours, mut in_bf16) = (Vec::new(), Vec::new());
        let mut peers: Option<Peers> = None;
        let mut peak_memory_mb = None;
        for round in 0..if task.main { self.rounds } else { 1 } {
            let (rate, memory) = self.ours(task, "f32")?;
            ours.push(rate);
            peak_memory_mb = memory;
            if has_bf16() {
                in_bf16.push(self.ours(task, "bf16")?.0);
            }
            if let Some(python) = &self.python {
                // Alternating both sides within a round spreads drift of the clock speed over both.
                let of_round = self.peers(python, task, round == 0)?;
                match &mut peers {
                    None => peers = Some(of_round),
                    Some(peers) => peers.add(of_round),
                }
            }
        }
        if let Some(peers) = &mut peers {
            peers.sort();
        }
        let in_bf16 = (!in_bf16.is_empty()).then(|| median(&mut in_bf16));
        Ok(Row { task: *task, images_per_sec: median(&mut ours), in_bf16, peak_memory_mb, peers })
    }

    /// Runs `simgan bench`, or the estimators' program; returns images per second and peak memory in MB.
    fn ours(&self, task: &Task, precision: &str) -> anyhow::Result<(f64, Option<u64>)> {
        let key = task.figure.key();
        let told = if let Figure::Estimator(..) = task.figure {
            let mut command = Command::new(&self.estimators);
            // Without candle's own threads, as simgan runs.
            let command =
                command.env("CANDLE_NUM_THREADS", "1").env("RAYON_NUM_THREADS", task.threads.to_string());
            answer(command.args([&key, &task.batch.to_string(), &self.reps.to_string(), precision]))?
        } else {
            let mut command = Command::new(&self.simgan);
            command.args(["bench", "--json", "--precision", precision, "--only", &key.replace('_', "-")]);
            answer(self.with_conditions(&mut command, task))?
        };
        let Some(rate) = told[&key].as_f64() else { bail!("our program did not tell {key}: {told}") };
        announce(&format!("  simgan, {precision} {rate:.1} images/s"));
        Ok((rate, told["peak_memory_mb"].as_u64()))
    }

    fn peers(&self, python: &Path, task: &Task, first_round: bool) -> anyhow::Result<Peers> {
        let mut command = Command::new(python);
        command.args(["-W", "ignore"]).arg(&self.script).args(["--figure", &task.figure.key()]);
        if self.compile && task.main && first_round {
            command.arg("--compile");
        }
        let told = answer(self.with_conditions(&mut command, task))?;
        let modes = told["modes"].as_object().context("the script told no modes")?;
        let mode = |(name, rate): (&String, &Value)| {
            let precision = told["precisions"][name].as_str()?.to_owned();
            Some(Mode { name: name.clone(), precision, rates: vec![rate.as_f64()?] })
        };
        let modes: Vec<Mode> = modes.iter().filter_map(mode).collect();
        for mode in &modes {
            announce(&format!("  {} {:.1}", mode.name, mode.rate()));
        }
        let version = told["torch"].as_str().unwrap_or("unknown").to_owned();
        Ok(Peers { version, modes, peak_memory_mb: told["peak_memory_mb"].as_u64() })
    }

    fn with_conditions<'a>(&self, command: &'a mut Command, task: &Task) -> &'a mut Command {
        command
            .args(["--batch", &task.batch.to_string(), "--threads", &task.threads.to_string()])
            .args(["--size", task.size, "--channels", &task.channels.to_string()])
            .args(["--reps", &self.reps.to_string()])
    }
}

/// Runs a program and parses its standard output as JSON; its standard error goes to the terminal.
fn answer(command: &mut Command) -> anyhow::Result<Value> {
    let program = command.get_program().to_owned();
    let name = Path::new(&program).display();
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("{name} does not start"))?;
    if !output.status.success() {
        bail!(hinted(format!("{name} failed: {}", output.status), "read its messages above"));
    }
    serde_json::from_slice(&output.stdout).with_context(|| format!("{name} did not print JSON"))
}
