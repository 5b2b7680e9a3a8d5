//! A run's page and its files.

use std::io;
use std::time::Duration;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::{self, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Response};
use simgan_train::{Best, Phase};
use tokio::task::spawn_blocking;

use crate::app::Shared;
use crate::runs::api::PATIENCE;
use crate::runs::digest::changed;
use crate::runs::files::{self, checkpoint_steps, reports, sample_path, sample_steps, step_of};
use crate::runs::folder::Guarded;
use crate::runs::index::figures;
use crate::runs::library::Run;
use crate::runs::metrics::{Ended, History, Judged};
use crate::runs::settings::Settings;
use crate::runs::state::RunState;
use crate::runs::tables::{CurveTable, tables};
use crate::runs::words::{ago, duration, figure, percent, percent_done, whole};
use crate::server::failure::Failure;
use crate::server::page;

/// A report is one file with its styles and pictures inside. In its sandbox it can do nothing else.
const REPORT_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; \
                             base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The run with this name in links.
pub(crate) fn find(app: &Shared, slug: &str) -> Result<Run, Failure> {
    let missing = || Failure::not_found("This run").hint("It may have been moved or removed.");
    app.library.find(slug).ok_or_else(missing)
}

#[derive(Template)]
#[template(path = "run.html")]
struct RunPage {
    slug: String,
    name: String,
    path: String,
    state: RunState,
    step: String,
    total: String,
    progress: u64,
    changed: String,
    /// How long the rest takes, while it trains.
    left: Option<String>,
    is_ready: bool,
    failure: Option<String>,
    problems: Vec<String>,
    warnings: Vec<(u64, String)>,
    figures: Vec<(&'static str, String)>,
    facts: Vec<(&'static str, String)>,
    tables: Vec<CurveTable>,
    samples: Vec<u64>,
    checkpoints: Vec<Checkpoint>,
    reports: Vec<String>,
    config: String,
}

/// A checkpoint in the list.
struct Checkpoint {
    step: u64,
    is_best: bool,
    /// What its judgement says.
    judgement: String,
}

/// The page of a run.
pub(super) async fn run(
    State(app): State<Shared>,
    Path(slug): Path<String>,
) -> Result<Html<String>, Failure> {
    let run = find(&app, &slug)?;
    let followed = app.followers.of(&run);
    let is_ready = followed.ready(PATIENCE).await;
    let read = spawn_blocking(move || {
        let history = followed.history().clone();
        RunPage::read(run, &history, is_ready)
    });
    page::render(&read.await.map_err(|error| Failure::broken(&error))?)
}

impl RunPage {
    fn read(run: Run, history: &History, is_ready: bool) -> Self {
        let Run { slug, name, folder } = run;
        let settings = Settings::read(&folder);
        let state = RunState::of(&folder, history);
        let step = history.steps_done();
        let total = settings.total_steps().unwrap_or(history.total_steps);
        let best = Best::read(folder.path());
        Self {
            slug,
            name,
            path: simgan_data::printable_line(&folder.path().to_string_lossy()).into_owned(),
            state,
            step: whole(step),
            total: whole(total),
            progress: percent_done(step, total),
            changed: changed(&folder).map(ago).unwrap_or_default(),
            left: (state == RunState::Running).then(|| left(history, &settings, total)).flatten(),
            is_ready,
            failure: match &history.ended {
                Some(Ended::Failed(error)) => Some(error.clone()),
                _ => None,
            },
            problems: problems(history, &settings, best.as_ref().err()),
            warnings: history
                .warnings
                .iter()
                .rev()
                .map(|found| (found.step, found.message.clone()))
                .collect(),
            figures: figures(history),
            facts: settings.facts(),
            tables: tables(history),
            samples: sample_steps(&folder),
            checkpoints: checkpoints(&folder, history, best.ok().flatten().as_ref()),
            reports: reports(&folder),
            config: settings.text,
        }
    }
}

/// How long the steps that are left take at the speed of the last one.
fn left(history: &History, settings: &Settings, total: u64) -> Option<String> {
    let batch: f64 = settings.value("data.batch")?.parse().ok()?;
    let last = history.last.as_ref().filter(|last| last.phase == Phase::Adversarial)?;
    let k = |key| settings.value(key).and_then(|value| value.parse::<f64>().ok()).unwrap_or(1.0);
    // Each update of R takes a batch of synthetic images, each of D one of both.
    let images = batch * (k("schedule.k_g") + 2.0 * k("schedule.k_d"));
    let secs = total.checked_sub(last.step)? as f64 * images / last.images_per_sec;
    (0.0..1e9).contains(&secs).then(|| format!("about {} left", duration(Duration::from_secs_f64(secs))))
}

/// What of the run cannot be read.
fn problems(history: &History, settings: &Settings, best: Option<&simgan_train::TrainError>) -> Vec<String> {
    let lines = match history.n_unreadable {
        0 => None,
        1 => Some("One line of metrics.jsonl is no event and is left out.".to_owned()),
        n => Some(format!("{n} lines of metrics.jsonl are no events and are left out.")),
    };
    let best = best.map(|error| simgan_data::message_of(error));
    [settings.problem.clone(), best, lines].into_iter().flatten().collect()
}

fn checkpoints(folder: &Guarded, history: &History, best: Option<&Best>) -> Vec<Checkpoint> {
    let judgement = |step| history.judged.iter().rev().find(|judged| judged.step == step);
    let steps = checkpoint_steps(folder).into_iter().rev();
    let checkpoint = |step| Checkpoint {
        step,
        is_best: best.is_some_and(|best| best.step == step),
        judgement: judgement(step).map(judged_text).unwrap_or_default(),
    };
    steps.map(checkpoint).collect()
}

fn judged_text(Judged { judgement, is_best, .. }: &Judged) -> String {
    let shift = judgement.pupil.or(judgement.points);
    let moved = shift.map(|shift| format!(", labelled points move {} px", figure(shift.shift_px)));
    let best = if *is_best { ", the best by then" } else { "" };
    let accuracy = percent(judgement.accuracy);
    format!("a new classifier tells {accuracy} right{}{best}", moved.unwrap_or_default())
}

/// The configuration as it is.
pub(super) async fn config(State(app): State<Shared>, Path(slug): Path<String>) -> Result<Response, Failure> {
    let settings = Settings::read(&find(&app, &slug)?.folder);
    Ok(([(CONTENT_TYPE, "text/plain; charset=utf-8")], settings.text).into_response())
}

/// A sample grid.
pub(super) async fn samples(
    State(app): State<Shared>,
    Path((slug, name)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let run = find(&app, &slug)?;
    let step = name.strip_suffix(".png").and_then(step_of);
    picture(run, step.ok_or_else(|| Failure::not_found("This picture"))?).await
}

/// The newest sample grid.
pub(super) async fn newest_samples(
    State(app): State<Shared>,
    Path(slug): Path<String>,
) -> Result<Response, Failure> {
    let run = find(&app, &slug)?;
    let step = sample_steps(&run.folder).pop();
    picture(run, step.ok_or_else(|| Failure::not_found("A sample grid"))?).await
}

async fn picture(run: Run, step: u64) -> Result<Response, Failure> {
    let read = spawn_blocking(move || run.folder.read(&sample_path(step), files::MAX_SAMPLES));
    let bytes = read.await.map_err(|error| Failure::broken(&error))?.map_err(|error| of_file(&error))?;
    // Grids do not change, but a resumed run may write one anew.
    let headers = [(CONTENT_TYPE, "image/png"), (header::CACHE_CONTROL, "private, max-age=60")];
    Ok((headers, bytes).into_response())
}

/// A report inside a run.
pub(super) async fn report_of_run(
    State(app): State<Shared>,
    Path((slug, name)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let run = find(&app, &slug)?;
    let is_known = reports(&run.folder).contains(&name);
    let folder = is_known.then(|| run.folder.child(std::path::Path::new(&name))).flatten();
    show_report(folder.ok_or_else(|| Failure::not_found("This report"))?).await
}

/// A report given on the command line.
pub(super) async fn report(State(app): State<Shared>, Path(slug): Path<String>) -> Result<Response, Failure> {
    let report = app.library.reports().into_iter().find(|report| report.slug == slug);
    show_report(report.ok_or_else(|| Failure::not_found("This report"))?.folder).await
}

async fn show_report(folder: Guarded) -> Result<Response, Failure> {
    let read = spawn_blocking(move || files::read_report(&folder));
    let page = read.await.map_err(|error| Failure::broken(&error))?.map_err(|error| of_file(&error))?;
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, REPORT_POLICY)];
    Ok((headers, page).into_response())
}

/// Words a file's error without its path, which the reader did not ask for.
fn of_file(error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => Failure::not_found("This file"),
        io::ErrorKind::PermissionDenied => {
            Failure::new(StatusCode::FORBIDDEN, format!("This file is not shown: {error}."))
        }
        _ => Failure::broken(&io::Error::new(error.kind(), error.to_string())),
    }
}
