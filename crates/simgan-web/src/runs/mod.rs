//! Runs: found, read and shown.

mod folder;
mod library;
mod pages;

use axum::Router;
use axum::routing::get;

pub(crate) use self::library::Library;
use crate::app::Shared;

/// The pages of runs.
pub(crate) fn router() -> Router<Shared> {
    Router::new().route("/", get(pages::index))
}
