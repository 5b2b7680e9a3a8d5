//! The pages of runs.

use askama::Template;
use axum::extract::State;
use axum::response::Html;

use crate::app::Shared;
use crate::runs::library::Run;
use crate::server::failure::Failure;
use crate::server::page;

#[derive(Template)]
#[template(path = "runs.html")]
struct Index {
    runs: Vec<Run>,
}

/// All runs.
pub(super) async fn index(State(app): State<Shared>) -> Result<Html<String>, Failure> {
    page::render(&Index { runs: app.library.list() })
}
