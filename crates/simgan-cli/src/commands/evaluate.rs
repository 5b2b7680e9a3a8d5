//! `simgan evaluate`: measures whether refining helps and whether labels stay true.

mod input;

use std::path::Path;

use anyhow::{Result, bail};
use simgan_data::{Hinted, write_atomic};
use simgan_eval::evaluation::{self, Evaluation, EvaluationConfig, EvaluationData, Plan, Watch};
use simgan_eval::report::{self, Table};
use simgan_eval::{EvalError, GazeTraining};
use simgan_metrics::RealismTraining;

use self::input::Input;
use crate::arguments::{EvaluateArguments, Measure};
use crate::console::{Progress, print};
use crate::{compute, interrupt};

/// Measures, prints the tables, and writes the requested files.
pub(crate) fn evaluate(arguments: &EvaluateArguments) -> Result<()> {
    check_outputs(arguments)?;
    let device = compute::open(&arguments.compute)?;
    let input = Input::open(arguments, &device)?;
    let config = config(&arguments.measure, input.seed);
    let stop = interrupt::stop_flag()?;
    let mut bar: Option<Progress> = None;
    let mut observe = |progress: &evaluation::Progress| {
        let bar = bar.get_or_insert_with(|| Progress::new("evaluating", 0, "updates"));
        bar.set_length(progress.total);
        bar.update(progress.done, &progress.doing);
    };
    let mut watch = Watch::new(&mut observe, &stop);
    let data = told(EvaluationData::read(&input.images.sources(), &config, &device, &mut watch))?;
    let plan = Plan::new(&data, &config)?;
    let n_updates = plan.n_updates();
    tracing::info!(
        "{} networks of {} updates",
        n_updates / config.training.steps as u64,
        config.training.steps
    );
    let found = told(evaluation::evaluate(input.model.refiner(), &plan, &mut watch))?;
    if let Some(path) = &arguments.json {
        write_atomic(path, format!("{:#}\n", serde_json::to_value(&found)?).as_bytes())?;
    }
    // JSON comes first and a failed print waits until the end, so that neither a closed pipe nor a failed
    // picture loses hours of work.
    let printed = print(&text(&found));
    if let Some(folder) = &arguments.report {
        let title = format!("simgan evaluate: {}", arguments.model.display());
        told(report::write(folder, &title, &found, &data, input.model.refiner(), &mut watch))?;
        tracing::info!("report {}", folder.join("index.html").display());
    }
    printed
}

/// Checks the output paths before the work begins.
fn check_outputs(arguments: &EvaluateArguments) -> Result<()> {
    if let Some(folder) = &arguments.report {
        report::check_folder(folder)?;
    }
    let around = arguments.json.as_deref().and_then(Path::parent).filter(|path| !path.as_os_str().is_empty());
    match around.filter(|path| !path.is_dir()) {
        Some(path) => bail!(Hinted::new(format!("{}: no such folder", path.display()), "make it first")),
        None => Ok(()),
    }
}

/// Converts the shared measuring options.
pub(super) fn config(measure: &Measure, seed: u64) -> EvaluationConfig {
    let Measure { images, fold, seeds, network, gaze_steps, gaze_batch, augment, ref methods, .. } = *measure;
    let (steps, batch) = (gaze_steps, gaze_batch);
    let realism = RealismTraining::default();
    EvaluationConfig {
        images,
        fold,
        seeds: seeds as u64,
        network: network.into(),
        training: GazeTraining { steps, batch, seed, ..GazeTraining::default() },
        augment,
        methods: methods.clone(),
        // A quick evaluation shortens the classifier's training too.
        realism: RealismTraining { seed, steps: steps.min(realism.steps), ..realism },
        ..EvaluationConfig::default()
    }
}

/// Gives an interruption a message of its own.
fn told<T>(result: Result<T, EvalError>) -> Result<T> {
    match result {
        Err(EvalError::Stopped) => bail!("interrupted; nothing was written"),
        result => Ok(result?),
    }
}

/// Formats the conditions and all tables.
fn text(found: &Evaluation) -> String {
    let tables = report::tables(found).iter().map(Table::text).collect::<Vec<_>>();
    format!("{}\n{}", report::conditions(&found.config, &found.data), tables.join("\n"))
}
