//! Runs: found, read and shown.

mod api;
mod compare;
mod digest;
mod files;
mod folder;
mod index;
mod library;
mod metrics;
mod pages;
mod settings;
mod state;
mod tables;
mod words;

use axum::Router;
use axum::routing::get;

pub(crate) use self::files::{checkpoint_path, checkpoint_steps};
pub(crate) use self::library::{Library, Run};
pub(crate) use self::metrics::Followers;
pub(crate) use self::pages::find;
pub(crate) use self::words::{figure, whole};
use crate::app::Shared;

/// The pages of runs.
pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route("/", get(index::index))
        .route("/compare", get(compare::compare))
        .route("/runs/{slug}", get(pages::run))
        .route("/runs/{slug}/config.toml", get(pages::config))
        .route("/runs/{slug}/samples/{name}", get(pages::samples))
        .route("/runs/{slug}/reports/{name}", get(pages::report_of_run))
        .route("/runs/{slug}/newest.png", get(pages::newest_samples))
        .route("/reports/{slug}", get(pages::report))
        .route("/api/runs/{slug}/curves", get(api::curves))
        .route("/api/runs/{slug}/news", get(api::news))
}
