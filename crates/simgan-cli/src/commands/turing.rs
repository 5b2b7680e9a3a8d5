//! `simgan turing`: makes visual Turing tests, prints their results, plans them.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};
use simgan_data::{Role, printable_line, write_atomic};
use simgan_refine::RefineModel;
use simgan_train::run_dir::config_of_run;
use simgan_train::sources::open_all;
use simgan_web::turing::design::{TestOptions, TestSources, prepare};
use simgan_web::turing::statistics::{LEVELS, POWERS, answers_for_equivalence, answers_to_beat_chance};
use simgan_web::turing::{Results, TestFile, TuringError};

use crate::arguments::{
    TuringArguments, TuringCommand, TuringNewArguments, TuringPlanArguments, TuringResultsArguments,
};
use crate::commands::check_around;
use crate::commands::trained::{data_of, run_of, untrained};
use crate::console::print;
use crate::failure::usage;
use crate::program::{self, shell_quoted};
use crate::registry::registry;
use crate::{compute, interrupt};

/// Number of unrefined and of real images in a baseline: the paper's.
const BASELINE: usize = 10;

/// Runs one of its commands.
pub(crate) fn turing(arguments: &TuringArguments) -> Result<()> {
    match &arguments.command {
        TuringCommand::New(arguments) => new(arguments),
        TuringCommand::Results(arguments) => results(arguments),
        TuringCommand::Plan(arguments) => plan(arguments),
    }
}

/// Makes a test and says what to do with it.
fn new(arguments: &TuringNewArguments) -> Result<()> {
    let TuringNewArguments { model: path, output, seed, .. } = arguments;
    // Before anything is refined.
    check_around(output)?;
    if output.symlink_metadata().is_ok() {
        bail!(TuringError::Exists { path: output.clone() });
    }
    let device = compute::open(&arguments.compute)?;
    let model = RefineModel::open(path, &device)?;
    tracing::info!("refiner {}", model.folder().display());
    let run = run_of(path, model.folder()).map(config_of_run).transpose()?;
    if let Some(untrained) = untrained(model.folder(), run.as_ref())? {
        tracing::warn!("{untrained}, so it copies its input");
    }
    let data = data_of(arguments.size, run.as_ref(), &model)?;
    let named = |given: &[String], own: &[String]| match (given, run.is_some()) {
        ([], false) => Err(usage(format!("{} belongs to no run", path.display()))
            .hint("say where images come from with --real and --synthetic")),
        ([], true) => Ok(own.to_vec()),
        _ => Ok(given.to_vec()),
    };
    let (real_names, synthetic_names) =
        (named(&arguments.real, &data.real)?, named(&arguments.synthetic, &data.synthetic)?);
    let real = open_all(&real_names, &data, Role::Real, *seed, &registry())?;
    let synthetic = open_all(&synthetic_names, &data, Role::Synthetic, *seed, &registry())?;
    let options = TestOptions {
        design: arguments.design.into(),
        per_class: arguments.per_class,
        examples: arguments.examples,
        baseline: if arguments.baseline { BASELINE } else { 0 },
        seed: *seed,
        show_score: arguments.show_score,
    };
    let sources = TestSources {
        model: &model,
        device: &device,
        real: &*real,
        synthetic: &*synthetic,
        real_name: real_names.join(", "),
        synthetic_name: synthetic_names.join(", "),
    };
    let stop = interrupt::stop_flag()?;
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as i64);
    let (design, images) = prepare(&options, &sources, now_ms)?;
    if stop.load(std::sync::atomic::Ordering::Relaxed) {
        bail!("interrupted; nothing was written");
    }
    TestFile::create(output, &design, &images)?;
    print(&format!(
        "{}: {} images of {}x{}, {} questions a subject\nshow it with {} serve {}\n",
        output.display(),
        images.len(),
        design.width,
        design.height,
        design.n_questions(),
        program::name(),
        shell_quoted(output)
    ))
}

/// Prints the results of a test.
fn results(arguments: &TuringResultsArguments) -> Result<()> {
    let test = TestFile::open(&arguments.file)?;
    if let Some(path) = &arguments.csv {
        check_around(path)?;
        if path.exists() && path.canonicalize()? == arguments.file.canonicalize()? {
            bail!(
                usage(format!("{}: the test itself", path.display()))
                    .hint("write the answers to another file")
            );
        }
    }
    let results = Results::read(&test)?;
    if let Some(path) = &arguments.csv {
        write_atomic(path, test.csv()?.as_bytes())?;
    }
    match arguments.json {
        true => print(&format!("{:#}\n", serde_json::to_value(&results)?)),
        false => print(&text(&results)),
    }
}

/// Formats the verdict, the figures of each part, and each subject's.
fn text(results: &Results) -> String {
    let mut text = format!(
        "{}\n{} subjects, {} finished; refiner {}\n\n",
        results.verdict(),
        results.n_subjects,
        results.n_finished,
        printable_line(&results.design.model)
    );
    let header: Vec<&str> = results.parts().iter().map(|(name, _)| *name).collect();
    let rows = results.rows();
    let widest = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or_default();
    let mut line = |name: &str, cells: &[String]| {
        let cells: String = cells.iter().map(|cell| format!("  {cell:>20}")).collect();
        text.push_str(format!("{name:<widest$}{cells}").trim_end());
        text.push('\n');
    };
    line("", &header.iter().map(ToString::to_string).collect::<Vec<_>>());
    for (name, cells) in &rows {
        line(name, cells);
    }
    if results.main_attentive.is_some() {
        text.push_str(&format!("\n{}\n", results.rule));
    }
    text.push('\n');
    for subject in &results.subjects {
        let main = &subject.main;
        text.push_str(&format!(
            "subject {}: {} of {} right, {} of {} questions answered, {} of {} checks failed\n",
            subject.subject.id,
            main.n_right,
            main.n,
            subject.subject.n_answered,
            subject.subject.n_questions,
            subject.n_checks_failed,
            subject.n_checks
        ));
    }
    text
}

/// Prints how many answers the two claims need.
fn plan(arguments: &TuringPlanArguments) -> Result<()> {
    let TuringPlanArguments { share, power, alpha, margin } = *arguments;
    let refused = |what: &str| usage(what.to_owned()).hint("these are fractions: 0.55 is 55 %");
    if !POWERS.contains(&power) {
        bail!(refused("--power must be from 0.5 to 0.999"));
    }
    if !LEVELS.contains(&alpha) {
        bail!(refused("--alpha must be at least 0.000001 and below 0.5"));
    }
    let Some(to_beat) = answers_to_beat_chance(share, power, alpha) else {
        bail!(refused("--share must be at least 0.505 and below 1"));
    };
    let Some(to_equal) = answers_for_equivalence(margin, power, alpha) else {
        bail!(refused("--margin must be at least 0.005 and below 0.5"));
    };
    let [share, power, alpha, margin] = [share, power, alpha, margin].map(|share| {
        let percent = format!("{:.4}", 100.0 * share);
        percent.trim_end_matches('0').trim_end_matches('.').to_owned()
    });
    print(&format!(
        "{to_beat} answers show with {power} % power that subjects who are right in {share} % of answers beat chance \
         (exact binomial test, one-sided at {alpha} %)\n\
         {to_equal} answers show with {power} % power that images nobody can tell apart are within ±{margin} points of \
         chance (two exact one-sided tests at {alpha} %)\n"
    ))
}
