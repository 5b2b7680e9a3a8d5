//! Styles, scripts and pictures, compiled into the program.

use axum::extract::Path;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

use crate::server::failure::Failure;

const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";

/// Name, media type and content.
const ASSETS: &[(&str, &str, &str)] = &[
    ("app.css", CSS, include_str!("../../assets/app.css")),
    ("charts.js", JS, include_str!("../../assets/charts.js")),
    ("turing.css", CSS, include_str!("../../assets/turing.css")),
    ("turing.js", JS, include_str!("../../assets/turing.js")),
    ("compare.js", JS, include_str!("../../assets/compare.js")),
    ("index.js", JS, include_str!("../../assets/index.js")),
    ("run.js", JS, include_str!("../../assets/run.js")),
    ("try.js", JS, include_str!("../../assets/try.js")),
    ("samples.js", JS, include_str!("../../assets/samples.js")),
    ("live.js", JS, include_str!("../../assets/live.js")),
    ("icon.svg", "image/svg+xml", include_str!("../../assets/icon.svg")),
];

/// Serves one by its name.
pub(super) async fn asset(Path(name): Path<String>) -> Response {
    match ASSETS.iter().find(|(known, ..)| *known == name) {
        Some((_, kind, text)) => {
            ([(CONTENT_TYPE, *kind), (CACHE_CONTROL, "no-cache")], *text).into_response()
        }
        None => Failure::not_found("This file").into_response(),
    }
}
