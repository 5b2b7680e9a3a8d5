//! Describes a run from its folder: settings, progress, losses, checkpoints.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use simgan_train::run_dir::{CHECKPOINTS_DIR, CONFIG_FILE, METRICS_FILE, SAMPLES_DIR, config_of_run};
use simgan_train::{Best, Event, StepReport, Summary, TrainConfig, Warning, read_metrics};

use crate::report::{self, Figures};

/// Whether `path` is the folder of a run.
pub(crate) fn is_run(path: &Path) -> bool {
    path.join(CONFIG_FILE).is_file()
}

/// The present state of a run, which may still be training.
#[derive(Serialize)]
pub(crate) struct Run {
    kind: &'static str,
    run: String,
    /// CRC-32C of the resolved configuration.
    config_crc32c: String,
    config: TrainConfig,
    step: u64,
    total_steps: u64,
    /// The last step of each phase.
    losses: Vec<StepReport>,
    /// Means over the last steps; absent until the run ends or is interrupted.
    summary: Option<Summary>,
    warnings: Vec<Warning>,
    failure: Option<String>,
    checkpoints: Vec<String>,
    /// The best checkpoint, if the run selects.
    best: Option<Best>,
    samples: Vec<String>,
}

impl Run {
    /// Reads a run without taking its lock, so that it may be training meanwhile.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let config = config_of_run(path)?;
        let schedule = &config.schedule;
        let mut run = Self {
            kind: "run",
            run: path.display().to_string(),
            config_crc32c: format!("{:08x}", crc32c::crc32c(config.resolved().as_bytes())),
            step: 0,
            total_steps: schedule.pretrain_refiner + schedule.pretrain_discriminator + schedule.steps,
            losses: Vec::new(),
            summary: None,
            warnings: Vec::new(),
            failure: None,
            checkpoints: names(&path.join(CHECKPOINTS_DIR))?,
            best: Best::read(path)?,
            samples: names(&path.join(SAMPLES_DIR))?,
            config,
        };
        let metrics = path.join(METRICS_FILE);
        if metrics.exists() {
            read_metrics(&metrics)?.into_iter().for_each(|event| run.take(event));
        }
        Ok(run)
    }

    fn take(&mut self, event: Event) {
        self.step = event.step();
        match event {
            // A resumed run supersedes its earlier summary or failure.
            Event::Start { .. } => (self.summary, self.failure) = (None, None),
            Event::Step(report) => {
                self.losses.retain(|earlier| earlier.phase != report.phase);
                self.losses.push(report);
            }
            Event::Warning(warning) => self.warnings.push(warning),
            Event::Failed { error, .. } => self.failure = Some(error),
            Event::Finish(summary) => self.summary = Some(summary),
            Event::Samples { .. } | Event::Checkpoint { .. } => {}
            Event::Judging { .. } | Event::Judged { .. } => {}
        }
    }

    /// Formats the run for people.
    pub(crate) fn text(&self) -> String {
        let mut text = format!("{}: step {} of {}\n", self.run, self.step, self.total_steps);
        text.push_str(&self.settings());
        for report in &self.losses {
            let phase = report::phase(report.phase);
            text.push_str(&format!("step {}, {phase}:\n", report.step));
            let StepReport { refiner, discriminator, .. } = report;
            let (range, kind) = (self.config.data.range.fixed(), self.config.loss.adversarial_kind);
            text.push_str(&report::losses(refiner.as_ref(), discriminator.as_ref(), range, kind));
        }
        for warning in &self.warnings {
            text.push_str(&format!("warning at step {}: {}\n", warning.step, warning.message));
        }
        if let Some(failure) = &self.failure {
            text.push_str(&format!("failed: {failure}\n"));
        }
        text.push_str(&self.how_it_went());
        text.push_str(&format!("checkpoints    {}\n", list(&self.checkpoints)));
        if let Some(best) = &self.best {
            let why = report::judgement(&best.judgement, false);
            text.push_str(&format!("best           step {}, {why}\n", best.step));
        }
        text.push_str(&format!("samples        {}\n", list(&self.samples)));
        text
    }

    /// The verdict on the means that the run ended with, else on its last step.
    fn how_it_went(&self) -> String {
        let ended = self.summary.as_ref().filter(|summary| summary.n_averaged > 0);
        let last = self.losses.iter().max_by_key(|report| report.step);
        let figures = ended.map(Figures::from).or_else(|| last.map(Figures::from));
        figures.map(|figures| report::how_it_went(&figures, &self.config)).unwrap_or_default()
    }

    fn settings(&self) -> String {
        let TrainConfig { recipe, seed, data, loss, schedule, .. } = &self.config;
        format!(
            "recipe {recipe}, seed {seed}, config crc32c {}\n\
             synthetic      {}\n\
             real           {}\n\
             images         {} pixels, {} channel(s), range {}, tone {}, batch {}\n\
             lambda         {} (mean adversarial loss per patch + lambda * mean |difference| per pixel)\n\
             schedule       {} + {} + {} steps, k_g {}, k_d {}\n",
            self.config_crc32c,
            data.synthetic.join(", "),
            data.real.join(", "),
            data.size,
            data.channels,
            data.range,
            data.tone,
            data.batch,
            loss.lambda,
            schedule.pretrain_refiner,
            schedule.pretrain_discriminator,
            schedule.steps,
            schedule.k_g,
            schedule.k_d
        )
    }
}

/// Lists the names in a folder, sorted; none if it is missing. Skips hidden files, which are still being
/// written.
fn names(folder: &Path) -> Result<Vec<String>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let cannot = || format!("{}: cannot be read", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(cannot)? {
        let name = entry.with_context(cannot)?.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn list(names: &[String]) -> String {
    match names {
        [] => "none yet".to_owned(),
        [name] => name.clone(),
        [first, .., last] => format!("{} of them, {first} to {last}", names.len()),
    }
}
