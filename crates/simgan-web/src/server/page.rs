//! Pages from templates.

use askama::Template;
use axum::response::Html;

use crate::server::failure::Failure;

/// Renders a page.
pub(crate) fn render(page: &impl Template) -> Result<Html<String>, Failure> {
    page.render().map(Html).map_err(|error| Failure::broken(&error))
}

/// The page after a token was accepted, which goes on to the page asked for.
#[derive(Template)]
#[template(path = "entered.html")]
pub(crate) struct Entered<'a> {
    pub(crate) path: &'a str,
}
