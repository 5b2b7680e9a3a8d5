//! `simgan experiment`: compares refiners that differ in one setting.

use anyhow::{Result, bail};
use simgan_data::Hinted;
use simgan_eval::EvalError;
use simgan_eval::experiment::{Experiment, ExperimentConfig, ExperimentEvent};
use simgan_eval::report;
use simgan_models::Precision;
use simgan_train::ScheduleConfig;

use super::domains::check_domains;
use super::evaluate::{self, Bars};
use super::most_test;
use super::train::{self, with_absolute_paths};
use crate::arguments::ExperimentArguments;
use crate::console::{Rough, print, terminal_width};
use crate::failure::{usage, usage_of};
use crate::registry::registry;
use crate::{compute, interrupt};

/// Does the work that is still missing, prints the table and writes the page.
pub(crate) fn experiment(arguments: &ExperimentArguments) -> Result<()> {
    let device = compute::open(&arguments.compute)?;
    let config = config(
        arguments,
        compute::precision(evaluate::ESTIMATOR_PRECISION, arguments.measure.estimator_precision, &device)?,
    )?;
    let schedule = config.training.schedule.clone();
    let experiment = Experiment::open(&arguments.output, config, registry(), &device)?;
    let stop = interrupt::stop_flag()?;
    let mut observer = Observer::new(arguments.draws, schedule);
    let results = match experiment.run(&mut |event| observer.see(event), &stop) {
        Err(EvalError::Stopped) => {
            bail!(Hinted::new("interrupted", "run the same command again to continue"))
        }
        results => results?,
    };
    drop(observer);
    let width = terminal_width();
    let parts = [report::experiment_table(&results).text(width), report::experiment_verdict(&results, width)];
    // A failed print waits until the page is written.
    let printed = print(&parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n"));
    let title = format!("simgan experiment {}: {}", results.experiment.set, arguments.output.display());
    report::write_experiment(&arguments.output, &title, &results)?;
    tracing::info!("report {}", arguments.output.join("index.html").display());
    printed
}

fn config(arguments: &ExperimentArguments, precision: Precision) -> Result<ExperimentConfig> {
    check_domains(&arguments.synthetic, &arguments.real, &arguments.set, None)?;
    // Unless asked for: variants are compared after the same number of steps.
    let mut settings = vec!["selection.every=0".to_owned()];
    settings.extend(arguments.set.iter().cloned());
    for (key, names) in [("data.synthetic", &arguments.synthetic), ("data.real", &arguments.real)] {
        if !names.is_empty() {
            settings.push(format!("{key}={}", serde_json::to_string(names)?));
        }
    }
    settings.push(format!("seed={}", arguments.seed));
    let training = with_absolute_paths(train::resolved(arguments.recipe, None, &settings)?)?;
    let training = train::chosen(&training)?;
    let test = match &arguments.test[..] {
        // The recipe's "real" images are simulated, and the test's have a seed of their own.
        [] if training.data.real == training.recipe.config().data.real => training.data.real.clone(),
        [] => bail!(usage("--test is missing").hint("give labelled real images, none of them in --real")),
        test => test.iter().map(|name| Ok(registry().absolute(name)?)).collect::<Result<_>>()?,
    };
    let most_test = most_test(arguments.measure.test_images, &test);
    let evaluation = evaluate::config(&arguments.measure, arguments.seed, &training.data, precision);
    let draws = arguments.draws as u64;
    let config = ExperimentConfig::new(arguments.name.into(), training, test, most_test, evaluation, draws);
    config.map_err(|error| usage_of(&error))
}

/// Shows an experiment's progress, with one bar per part.
struct Observer {
    n_draws: usize,
    schedule: ScheduleConfig,
    training: train::Observer,
    measuring: Bars,
}

impl Observer {
    fn new(n_draws: usize, schedule: ScheduleConfig) -> Self {
        Self { n_draws, training: train::Observer::new(&schedule), schedule, measuring: Bars::default() }
    }

    fn see(&mut self, event: &ExperimentEvent<'_>) {
        match event {
            ExperimentEvent::Begin { draw, doing } => {
                // Dropping the previous part's bars removes them from the terminal.
                *self = Self::new(self.n_draws, self.schedule.clone());
                tracing::info!("draw {} of {}: {doing}", draw + 1, self.n_draws);
            }
            ExperimentEvent::Estimate(time) => {
                tracing::info!("{} draws: about {} on this machine", self.n_draws, Rough(*time));
            }
            ExperimentEvent::Training(event) => self.training.see(event),
            ExperimentEvent::Measuring(progress) => {
                self.measuring.show(progress);
            }
        }
    }
}
