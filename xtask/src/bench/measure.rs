//! One figure of both sides, each in a process of its own.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail};
use serde_json::Value;

use super::{Arguments, announce};

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Figure {
    Refine,
    RefinerStep,
    DiscriminatorStep,
}

impl Figure {
    pub(super) const ALL: [Self; 3] = [Self::Refine, Self::RefinerStep, Self::DiscriminatorStep];

    /// As both programs' JSON names it.
    fn key(self) -> &'static str {
        match self {
            Self::Refine => "refine",
            Self::RefinerStep => "refiner_step",
            Self::DiscriminatorStep => "discriminator_step",
        }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refine => "refine",
            Self::RefinerStep => "refiner step",
            Self::DiscriminatorStep => "discriminator step",
        })
    }
}

/// A figure under its conditions.
#[derive(Clone, Copy)]
pub(super) struct Task {
    pub(super) figure: Figure,
    pub(super) batch: usize,
    pub(super) threads: usize,
    /// `WIDTHxHEIGHT`.
    pub(super) size: &'static str,
    pub(super) channels: usize,
    /// Whether `torch.compile` is tried too, which takes a minute to start.
    pub(super) compile: bool,
}

impl Task {
    pub(super) fn new(figure: Figure, batch: usize, threads: usize) -> Self {
        Self { figure, batch, threads, size: "55x35", channels: 1, compile: false }
    }
}

impl fmt::Display for Task {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { figure, batch, threads, size, channels, .. } = self;
        write!(f, "{figure}, batch {batch}, {size}, channels {channels}, threads {threads}")
    }
}

/// What both sides reached.
pub(super) struct Row {
    pub(super) task: Task,
    pub(super) images_per_sec: f64,
    pub(super) peak_memory_mb: Option<u64>,
    pub(super) peers: Option<Peers>,
}

/// What the other side reached.
pub(super) struct Peers {
    /// Of PyTorch.
    pub(super) version: String,
    /// Images per second, fastest first.
    pub(super) modes: Vec<(String, f64)>,
    pub(super) peak_memory_mb: Option<u64>,
}

/// The two programs.
pub(super) struct Programs {
    simgan: PathBuf,
    python: Option<PathBuf>,
    script: PathBuf,
    compile: bool,
    reps: u32,
}

impl Programs {
    /// Builds simgan.
    pub(super) fn new(root: &Path, arguments: &Arguments) -> anyhow::Result<Self> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo).current_dir(root).args(["build", "-p", "simgan-cli"]).status()?;
        if !built.success() {
            bail!("simgan does not build");
        }
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
        Ok(Self {
            simgan: target.join("debug/simgan"),
            python: arguments.python.clone(),
            script: root.join("xtask/src/bench/peers.py"),
            compile: !arguments.no_compile,
            reps: arguments.reps,
        })
    }

    pub(super) fn measure(&self, task: &Task) -> anyhow::Result<Row> {
        let key = task.figure.key();
        let mut command = Command::new(&self.simgan);
        command.args(["bench", "--json", "--only", &key.replace('_', "-")]);
        let ours = answer(self.with_conditions(&mut command, task))?;
        let Some(images_per_sec) = ours[key].as_f64() else {
            bail!("simgan bench did not tell {key}: {ours}")
        };
        announce(&format!("  simgan {images_per_sec:.1} images/s"));
        let peak_memory_mb = ours["peak_memory_mb"].as_u64();
        let peers = self.python.as_deref().map(|python| self.peers(python, task)).transpose()?;
        Ok(Row { task: *task, images_per_sec, peak_memory_mb, peers })
    }

    fn peers(&self, python: &Path, task: &Task) -> anyhow::Result<Peers> {
        let mut command = Command::new(python);
        command.args(["-W", "ignore"]).arg(&self.script).args(["--figure", task.figure.key()]);
        if self.compile && task.compile {
            command.arg("--compile");
        }
        let theirs = answer(self.with_conditions(&mut command, task))?;
        let modes = theirs["modes"].as_object().context("the script told no modes")?;
        let mut modes: Vec<(String, f64)> =
            modes.iter().filter_map(|(mode, rate)| Some((mode.clone(), rate.as_f64()?))).collect();
        modes.sort_by(|a, b| b.1.total_cmp(&a.1));
        for (mode, rate) in &modes {
            announce(&format!("  {mode} {rate:.1}"));
        }
        let version = theirs["torch"].as_str().unwrap_or("unknown").to_owned();
        Ok(Peers { version, modes, peak_memory_mb: theirs["peak_memory_mb"].as_u64() })
    }

    fn with_conditions<'a>(&self, command: &'a mut Command, task: &Task) -> &'a mut Command {
        command
            .args(["--batch", &task.batch.to_string(), "--threads", &task.threads.to_string()])
            .args(["--size", task.size, "--channels", &task.channels.to_string()])
            .args(["--reps", &self.reps.to_string()])
    }
}

/// The JSON that a program prints. What it says otherwise goes to the terminal.
fn answer(command: &mut Command) -> anyhow::Result<Value> {
    let program = command.get_program().to_owned();
    let name = Path::new(&program).display();
    let output = command
        .stderr(std::process::Stdio::inherit())
        .output()
        .with_context(|| format!("{name} does not start"))?;
    if !output.status.success() {
        bail!("{name} failed: {}\nhint: what it said stands above", output.status);
    }
    serde_json::from_slice(&output.stdout).with_context(|| format!("{name} did not print JSON"))
}
