//! Two runs side by side.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Html;
use serde::Deserialize;
use tokio::task::spawn_blocking;

use crate::app::Shared;
use crate::runs::api::PATIENCE;
use crate::runs::files::sample_steps;
use crate::runs::library::Run;
use crate::runs::pages::find;
use crate::runs::settings::Settings;
use crate::runs::tables::{CurveTable, tables};
use crate::server::failure::Failure;
use crate::server::page;

/// The names of the two runs in links; either may be missing or empty while they are chosen.
#[derive(Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    a: String,
    #[serde(default)]
    b: String,
}

#[derive(Template)]
#[template(path = "compare.html")]
struct ComparePage {
    runs: Vec<Run>,
    a: String,
    b: String,
    pair: Option<Pair>,
}

/// The two runs that were chosen.
struct Pair {
    sides: [Side; 2],
    differences: Vec<[String; 3]>,
}

struct Side {
    run: Run,
    samples: Vec<u64>,
    problem: Option<String>,
    tables: Vec<CurveTable>,
}

/// The page, with two runs or the form to choose them.
pub(super) async fn compare(
    State(app): State<Shared>,
    Query(Asked { a, b }): Query<Asked>,
) -> Result<Html<String>, Failure> {
    let runs = app.library.list();
    let pair = match a.is_empty() || b.is_empty() {
        true => None,
        false => Some(Pair::read(&app, find(&app, &a)?, find(&app, &b)?).await?),
    };
    page::render(&ComparePage { runs, a, b, pair })
}

impl Pair {
    async fn read(app: &Shared, a: Run, b: Run) -> Result<Self, Failure> {
        let mut histories = Vec::new();
        for run in [&a, &b] {
            let followed = app.followers.of(run);
            followed.ready(PATIENCE).await;
            histories.push(followed.history().clone());
        }
        let read = spawn_blocking(move || {
            let settings = [&a, &b].map(|run| Settings::read(&run.folder));
            let differences = settings[0].differences(&settings[1]);
            let mut told = settings.into_iter().map(|settings| settings.problem).zip(histories);
            let sides = [a, b].map(|run| {
                let (problem, history) = told.next().unwrap_or_default();
                Side { samples: sample_steps(&run.folder), run, problem, tables: tables(&history) }
            });
            Self { sides, differences }
        });
        read.await.map_err(|error| Failure::broken(&error))
    }
}
