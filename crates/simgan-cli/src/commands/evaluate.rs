//! `simgan evaluate`: measures whether refining helps and whether labels stay true.

mod input;

use std::path::Path;

use anyhow::{Result, bail};
use simgan_data::write_atomic;
use simgan_eval::evaluation::{
    self, Estimators, Evaluation, EvaluationConfig, EvaluationData, NetworkSize, Plan, Watch,
};
use simgan_eval::report;
use simgan_eval::{EstimatorTraining, EvalError};
use simgan_metrics::{RealismTraining, Strength};
use simgan_models::Precision;
use simgan_train::DataConfig;

use self::input::Input;
use crate::arguments::{EvaluateArguments, Measure};
use crate::commands::{check_around, check_empty};
use crate::console::{Progress, Rough, print, terminal_width};
use crate::{compute, interrupt};

/// The option of the estimators' precision.
pub(super) const ESTIMATOR_PRECISION: &str = "--estimator-precision";

/// Measures, prints the tables, and writes the requested files.
pub(crate) fn evaluate(arguments: &EvaluateArguments) -> Result<()> {
    check_outputs(arguments)?;
    let device = compute::open(&arguments.compute)?;
    let precision = compute::precision(ESTIMATOR_PRECISION, arguments.measure.estimator_precision, &device)?;
    let input = Input::open(arguments, &device)?;
    let config = config(&arguments.measure, input.seed, &input.data, precision);
    let stop = interrupt::stop_flag()?;
    let mut bars = Bars::default();
    let mut observe = |progress: &evaluation::Progress| bars.show(progress);
    let mut watch = Watch::new(&mut observe, &stop);
    let data = told(EvaluationData::read(&input.images.sources(), &config, &device, &mut watch))?;
    let plan = Plan::new(&data, &config)?;
    let (n_updates, steps) = (plan.n_updates(), config.training.steps);
    let time = Rough(plan.estimate()?);
    tracing::info!("{} networks of {steps} updates: about {time} on this machine", n_updates / steps as u64);
    let (found, estimators) = told(evaluation::evaluate(input.model.refiner(), &plan, &mut watch))?;
    if let Some(path) = &arguments.json {
        write_atomic(path, format!("{:#}\n", serde_json::to_value(&found)?).as_bytes())?;
    }
    // JSON comes first and a failed print waits until the end, so that neither a closed pipe nor a failed
    // picture loses hours of work.
    let printed = print(&text(&found));
    if let Some(folder) = &arguments.save {
        keep(folder, estimators, &plan, &input.data)?;
    }
    if let Some(folder) = &arguments.report {
        let title = format!("simgan evaluate: {}", arguments.model.display());
        told(report::write(folder, &title, &found, &data, input.model.refiner(), &mut watch))?;
        tracing::info!("report {}", folder.join("index.html").display());
    }
    printed
}

/// Writes the estimators of the first repetition, each into a folder with the name of its row.
fn keep(folder: &Path, estimators: Estimators, plan: &Plan<'_>, data: &DataConfig) -> Result<()> {
    for (method, networks) in estimators {
        if let Some(network) = networks.into_iter().next() {
            plan.kept(network, data)?.save(&folder.join(method.to_string()))?;
        }
    }
    tracing::info!("estimators {}", folder.display());
    Ok(())
}

/// Checks the output paths before the work begins.
fn check_outputs(arguments: &EvaluateArguments) -> Result<()> {
    if let Some(folder) = &arguments.save {
        check_empty(folder)?;
    }
    if let Some(folder) = &arguments.report {
        report::check_folder(folder)?;
    }
    arguments.json.as_deref().map_or(Ok(()), check_around)
}

/// Converts the shared measuring options.
pub(super) fn config(
    measure: &Measure,
    seed: u64,
    data: &DataConfig,
    precision: Precision,
) -> EvaluationConfig {
    let Measure { images, fold, variants, seeds, augment, ref methods, .. } = *measure;
    let (network, steps, batch) = match measure.paper {
        true => (NetworkSize::Paper, EstimatorTraining::default().steps, EstimatorTraining::default().batch),
        false => (measure.network.into(), measure.estimator_steps, measure.estimator_batch),
    };
    let realism = RealismTraining::default();
    let is_augmented = augment || methods.iter().any(|kind| kind.is_augmented());
    EvaluationConfig {
        images,
        fold,
        variants: variants as u64,
        seeds: seeds as u64,
        task: measure.task.clone(),
        inputs: measure.inputs.clone(),
        network,
        training: EstimatorTraining {
            steps,
            batch,
            seed,
            // Where nothing is augmented it says nothing, and experiments begun without it go on.
            strength: if is_augmented { Strength::Strong } else { Strength::Light },
            depth: is_depth(data),
            precision,
            ..EstimatorTraining::default()
        },
        augment,
        methods: methods.clone(),
        // A quick evaluation shortens the classifier's training too.
        realism: RealismTraining { seed, steps: steps.min(realism.steps), ..realism },
        ..EvaluationConfig::default()
    }
}

/// Whether pixels are measurements, such as depths, which have a range of their own.
pub(super) fn is_depth(data: &DataConfig) -> bool {
    data.range.fixed().is_some()
}

/// One bar for each part of a measurement.
#[derive(Default)]
pub(super) struct Bars {
    bar: Option<(String, Progress)>,
}

impl Bars {
    /// Shows progress; a new part replaces the bar of the previous one.
    pub(super) fn show(&mut self, progress: &evaluation::Progress) {
        let evaluation::Progress { done, total, doing, part_done, part_total } = progress;
        if self.bar.as_ref().is_some_and(|(part, _)| part != doing) {
            self.bar = None;
        }
        let (_, bar) =
            self.bar.get_or_insert_with(|| (doing.clone(), Progress::new(doing.clone(), *part_total, "")));
        let whole = if *total > 0 { format!("estimators: {done} of {total} updates") } else { String::new() };
        bar.update(*part_done, &whole);
    }
}

/// Gives an interruption a message of its own.
fn told<T>(result: Result<T, EvalError>) -> Result<T> {
    match result {
        Err(EvalError::Stopped) => bail!("interrupted; nothing was written"),
        result => Ok(result?),
    }
}

/// Formats the conditions, all tables and the verdict.
fn text(found: &Evaluation) -> String {
    let width = terminal_width();
    let tables = report::tables(found).iter().map(|table| table.text(width)).collect::<Vec<_>>();
    let verdict = report::evaluation_verdict(found, width);
    let parts = [report::conditions(&found.config, &found.data), tables.join("\n"), verdict];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}
