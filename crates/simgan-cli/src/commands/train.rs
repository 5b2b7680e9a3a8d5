//! `simgan train`: starts or resumes a run.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use candle_core::Device;
use simgan_data::{DataError, Hinted, read_text};
use simgan_train::run_dir::{CONFIG_FILE, config_of_run};
use simgan_train::{
    Event, Phase, Recipe, RunDir, ScheduleConfig, Sources, Start, Summary, TrainConfig, TrainError, Trainer,
    follow, run, sources,
};

use super::domains::check_domains;
use super::recount;
use crate::arguments::TrainArguments;
use crate::console::{Progress, print};
use crate::ranks::{self, World};
use crate::registry::registry;
use crate::tui::{self, Tui};
use crate::{compute, interrupt, report};

/// Parent folder of runs without `--run`.
const RUNS: &str = "runs";

/// Trains a new run or resumes one, and prints its summary. Processes that were started together train one run.
pub(crate) fn train(arguments: &TrainArguments) -> Result<()> {
    let world = ranks::join()?;
    let end = prepare_and_train(arguments, world.as_ref());
    if let (Err(_), Some(world)) = (&end, world) {
        world.abandon();
    }
    match end? {
        End::Finished(told) => print(&told),
        End::Interrupted(told, summary) => {
            print(&told)?;
            let message = format!("interrupted after {} of {} steps", summary.step, summary.total_steps);
            bail!(Hinted::new(message, report::resume(&summary)))
        }
        End::Followed => Ok(()),
    }
}

/// How training ended, in words for standard output.
enum End {
    Finished(String),
    Interrupted(String, Box<Summary>),
    /// Another process tells.
    Followed,
}

fn prepare_and_train(arguments: &TrainArguments, world: Option<&World>) -> Result<End> {
    if arguments.tui {
        tui::check()?;
    }
    let device = compute::open(&arguments.compute)?;
    let is_first = world.is_none_or(World::is_first);
    let (mut trainer, run_dir) = match &arguments.run {
        Some(path) if arguments.resume && is_first => match resume(path, arguments, &device)? {
            Resumed::Going(trainer, run) => (*trainer, Some(run)),
            Resumed::Finished(summary, config) => {
                return Ok(End::Finished(report::finished(&summary, &config)));
            }
        },
        Some(path) if arguments.resume => (Resuming::read(path, arguments, &device)?.trainer(&device)?, None),
        path => {
            let (trainer, config) = new_trainer(arguments, &device)?;
            (trainer, is_first.then(|| run_of(path.as_deref(), &config)).transpose()?)
        }
    };
    if let Some(world) = world.filter(|_| !trainer.is_done()) {
        trainer.join(world.ranks())?;
    }
    let stop = interrupt::stop_flag()?;
    let Some(run_dir) = run_dir else {
        follow(&mut trainer, &stop)?;
        return Ok(End::Followed);
    };
    tracing::info!("run {}, device {}", run_dir.path().display(), compute::Name(&device));
    let summary = if arguments.tui {
        let mut screen = Tui::open(&run_dir, &trainer, compute::Name(&device).to_string(), &stop)?;
        run(&mut trainer, &run_dir, &mut |event| screen.see(event), &stop)?
    } else {
        let mut observer = Observer::new(&trainer.config().schedule);
        run(&mut trainer, &run_dir, &mut |event| observer.see(event), &stop)?
    };
    if summary.is_complete() {
        return Ok(End::Finished(report::summary(&summary, trainer.config())));
    }
    Ok(End::Interrupted(report::ended(&summary, trainer.config()), Box::new(summary)))
}

/// Makes a new run's trainer. Nothing is written until configuration and images have proved valid.
fn new_trainer(arguments: &TrainArguments, device: &Device) -> Result<(Trainer, TrainConfig)> {
    let recipe: Option<Recipe> = arguments.recipe.as_deref().map(str::parse).transpose()?;
    let file = arguments.config.as_deref().map(read_text).transpose()?;
    let (file, set) = (file.as_deref(), settings(arguments, device)?);
    check_domains(&arguments.synthetic, &arguments.real, &arguments.set, file)?;
    let config = match &arguments.from {
        Some(path) => Start::open(path)?.resolve(recipe, file, &set)?,
        None => resolved(recipe, file, &set)?,
    };
    let config = chosen(&with_absolute_paths(config)?)?;
    let sources = Sources::open(&config, &registry())?;
    Ok((Trainer::new(config.clone(), &sources, device)?, config))
}

fn run_of(path: Option<&Path>, config: &TrainConfig) -> Result<RunDir> {
    path.map_or_else(|| numbered_run(config), |path| Ok(RunDir::create(path, config)?))
}

/// Resolves a configuration, with the recipe that suits the images unless one is named, and says so.
pub(super) fn resolved(recipe: Option<Recipe>, file: Option<&str>, set: &[String]) -> Result<TrainConfig> {
    let resolved = sources::resolve(recipe, file, set, &registry()).map_err(|error| match error {
        // A setting that was typed.
        TrainError::Config(error) => anyhow!(error),
        error => error.into(),
    });
    let (config, notice) = resolved?;
    notice.iter().for_each(|notice| tracing::info!("{notice}"));
    Ok(config)
}

/// Chooses by the images what the configuration leaves to them, and says so.
pub(super) fn chosen(config: &TrainConfig) -> Result<TrainConfig> {
    let chosen = sources::choose(config, &registry())?;
    chosen.notices.iter().for_each(|notice| tracing::info!("{notice}"));
    chosen.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    Ok(chosen.config)
}

/// A run to resume.
enum Resumed {
    Going(Box<Trainer>, RunDir),
    /// All its steps are done.
    Finished(Box<Summary>, Box<TrainConfig>),
}

/// What a run is resumed with.
struct Resuming<'a> {
    path: &'a Path,
    before: TrainConfig,
    config: TrainConfig,
}

impl<'a> Resuming<'a> {
    fn read(path: &'a Path, arguments: &TrainArguments, device: &Device) -> Result<Self> {
        let before = config_of_run(path)?;
        let config = TrainConfig::resolve(None, Some(&before.resolved()), &settings(arguments, device)?)?;
        let mut config = with_absolute_paths(config)?;
        config.keep_choices_of(&before);
        // Before the images are opened: nothing need be read to know that a setting must not change.
        before.check_resumable(&config, &path.join(CONFIG_FILE)).map_err(TrainError::from)?;
        Ok(Self { path, before, config })
    }

    fn trainer(&self, device: &Device) -> Result<Trainer> {
        let sources = Sources::open(&self.config, &registry())?;
        let trainer = Trainer::resume_unlocked(self.path, self.config.clone(), &sources, device);
        Ok(trainer.map_err(|error| recount::explained(error, &self.config.data))?)
    }
}

fn resume(path: &Path, arguments: &TrainArguments, device: &Device) -> Result<Resumed> {
    let run = RunDir::open(path)?;
    let resuming = Resuming::read(path, arguments, device)?;
    let trainer = resuming.trainer(device)?;
    let Resuming { before, config, .. } = resuming;
    if trainer.is_done()
        && config.selection == before.selection
        && let Some(summary) = run.finished()?
    {
        // The data may have moved since; a later resume shall find them.
        let (now, was) = (&trainer.config().data, &before.data);
        if (&now.synthetic, &now.real) != (&was.synthetic, &was.real) {
            let moved = TrainConfig { data: trainer.config().data.clone(), ..before };
            run.write_config(&moved)?;
        }
        return Ok(Resumed::Finished(Box::new(summary), Box::new(config)));
    }
    tracing::info!("resuming after step {} of {}", trainer.steps_done(), trainer.total_steps());
    Ok(Resumed::Going(Box::new(trainer), run))
}

/// Turns the arguments into `KEY=VALUE`s. Dedicated options come last and so override `--set`.
fn settings(arguments: &TrainArguments, device: &Device) -> Result<Vec<String>> {
    let mut settings = arguments.set.clone();
    for (key, names) in [("data.synthetic", &arguments.synthetic), ("data.real", &arguments.real)] {
        if !names.is_empty() {
            // A JSON list of strings is also a TOML one.
            settings.push(format!("{key}={}", serde_json::to_string(names)?));
        }
    }
    settings.extend(arguments.steps.map(|steps| format!("schedule.steps={steps}")));
    settings.extend(arguments.seed.map(|seed| format!("seed={seed}")));
    if let Some(choice) = arguments.precision {
        settings.push(format!("compute.precision={}", compute::precision("--precision", choice, device)?));
    }
    Ok(settings)
}

/// Makes paths absolute, so that the run can be resumed from any working directory.
pub(super) fn with_absolute_paths(mut config: TrainConfig) -> Result<TrainConfig> {
    let registry = registry();
    for name in config.data.synthetic.iter_mut().chain(&mut config.data.real) {
        *name = registry.absolute(name)?;
    }
    for (key, path) in [
        ("loss.psi_model", &mut config.loss.psi_model),
        ("loss.consistency_model", &mut config.loss.consistency_model),
        ("start.from", &mut config.start.from),
    ] {
        if !path.is_empty() {
            let absolute = std::path::absolute(&path).context(key)?.into_os_string().into_string();
            *path = absolute.map_err(|path| anyhow!("{key} = {}: not Unicode", path.display()))?;
        }
    }
    Ok(config)
}

/// Creates a run in `runs/`, named after its recipe and the first free number.
fn numbered_run(config: &TrainConfig) -> Result<RunDir> {
    for number in 1.. {
        let path = PathBuf::from(RUNS).join(format!("{}-{number:03}", config.recipe));
        if path.exists() {
            continue;
        }
        match RunDir::create(&path, config) {
            // Another process took this number between the check and the creation.
            Err(TrainError::RunExists { .. } | TrainError::Data(DataError::InUse { .. })) => {}
            run => return Ok(run?),
        }
    }
    unreachable!("there are more numbers than folders")
}

/// Logs an event, unless it is one of many.
pub(crate) fn log(event: &Event) {
    match event {
        Event::Start { n_synthetic, n_real, .. } => {
            tracing::info!("{n_synthetic} synthetic and {n_real} real images");
        }
        Event::Samples { step, path } | Event::Checkpoint { step, path } => {
            tracing::info!("step {step}: {}", path.display());
        }
        Event::Judged { step, judgement, is_best } => {
            tracing::info!("step {step}: {}", report::judgement(judgement, *is_best));
        }
        Event::Warning(warning) => tracing::warn!("step {}: {}", warning.step, warning.message),
        // The command reports the last two as its error or its result.
        Event::Step(_) | Event::Judging { .. } | Event::Failed { .. } | Event::Finish(_) => {}
    }
}

/// Shows a run's events, with one bar for each phase.
pub(super) struct Observer {
    schedule: ScheduleConfig,
    bar: Option<(Phase, Progress)>,
    judging: Option<Progress>,
}

impl Observer {
    pub(super) fn new(schedule: &ScheduleConfig) -> Self {
        Self { schedule: schedule.clone(), bar: None, judging: None }
    }

    pub(super) fn see(&mut self, event: &Event) {
        log(event);
        match event {
            Event::Step(step) => self.bar_of(step.phase).update(step.phase_step, &report::line(step)),
            Event::Judging { step, done, total } => {
                let new = || Progress::new(format!("judging step {step}"), *total, "updates");
                self.judging
                    .get_or_insert_with(new)
                    .update(*done, "a classifier learns to tell refined from real");
            }
            Event::Judged { .. } => self.judging = None,
            _ => {}
        }
    }

    /// The bar of a phase; the previous phase's is removed. Phases differ in speed, so that one bar for all
    /// would mislead about the time left.
    fn bar_of(&mut self, phase: Phase) -> &mut Progress {
        if self.bar.as_ref().is_some_and(|(of, _)| *of != phase) {
            self.bar = None;
        }
        let ScheduleConfig { pretrain_refiner, pretrain_discriminator, steps, .. } = self.schedule;
        let (_, bar) = self.bar.get_or_insert_with(|| {
            let length = match phase {
                Phase::PretrainRefiner => pretrain_refiner,
                Phase::PretrainDiscriminator => pretrain_discriminator,
                Phase::Adversarial => steps,
            };
            (phase, Progress::new(report::phase(phase), length, "steps"))
        });
        bar
    }
}
