//! The list of runs.

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use tokio::task::spawn_blocking;

use crate::app::Shared;
use crate::runs::digest::Digest;
use crate::runs::files::sample_steps;
use crate::runs::library::{Report, Run};
use crate::runs::metrics::{History, Series};
use crate::runs::settings::Settings;
use crate::runs::state::RunState;
use crate::runs::words::{ago, figure, percent, percent_done, whole};
use crate::server::failure::Failure;
use crate::server::page;

#[derive(Template)]
#[template(path = "runs.html")]
struct Index {
    runs: Vec<Card>,
    reports: Vec<Report>,
    paths: Vec<String>,
}

/// A run in the list.
struct Card {
    slug: String,
    name: String,
    state: RunState,
    step: String,
    total: String,
    /// 0 to 100.
    progress: u64,
    changed: String,
    /// What each figure is, and its value.
    figures: Vec<(&'static str, String)>,
    /// Step of the newest sample grid.
    samples: Option<u64>,
}

/// All runs.
pub(super) async fn index(State(app): State<Shared>) -> Result<Html<String>, Failure> {
    let read = spawn_blocking(move || Index {
        runs: app.library.list().into_iter().map(Card::of).collect(),
        reports: app.library.reports(),
        paths: app.library.paths(),
    });
    page::render(&read.await.map_err(|error| Failure::broken(&error))?)
}

impl Card {
    fn of(run: Run) -> Self {
        let Digest { history, state, changed } = Digest::read(&run.folder);
        let step = history.steps_done();
        let total = Settings::read(&run.folder).total_steps().unwrap_or(history.total_steps);
        Self {
            state,
            step: whole(step),
            total: whole(total),
            progress: percent_done(step, total),
            changed: changed.map(ago).unwrap_or_default(),
            figures: figures(&history),
            samples: sample_steps(&run.folder).pop(),
            slug: run.slug,
            name: run.name,
        }
    }
}

/// The last figures of a run: what each is, and its value.
pub(super) fn figures(history: &History) -> Vec<(&'static str, String)> {
    let last = |name: &str| history.series.get(name).and_then(Series::last).map(|(_, value)| value);
    let rows = [
        ("Refiner’s loss", last("refiner/loss").map(figure)),
        ("Change |R(x) − x|", last("refiner/change").map(figure)),
        ("D right on real", last("accuracy/real").map(percent)),
        ("D right on refined", last("accuracy/refined").map(percent)),
        ("Images per second", last("images_per_sec").map(figure)),
    ];
    rows.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}
