//! The visual Turing test: do people tell refined from real images?

use axum::Router;

use crate::app::Shared;

/// The pages below `/turing`.
///
/// What lies below `/turing/t/` needs no token: its random link is what admits a subject, who need not see the
/// runs.
pub(crate) fn router() -> Router<Shared> {
    Router::new()
}
