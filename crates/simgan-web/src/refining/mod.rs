//! A page that refines an image of the visitor's.

mod models;
mod pages;
mod results;
mod work;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;

pub(crate) use self::work::Refining;
use crate::app::Shared;

/// Largest image file in bytes.
pub(crate) const MAX_UPLOAD: usize = 32 << 20;
/// Most pixels of an image; the paper's refiner takes about ten seconds for as many on a laptop.
const MAX_PIXELS: usize = 1 << 22;
/// Longest side of an image. Narrow strips are cut into tiles that are mostly margin, which take far longer.
const MAX_SIDE: usize = 8192;

/// The pages.
pub(crate) fn router() -> Router<Shared> {
    // A form's other parts take little.
    let limit = DefaultBodyLimit::max(MAX_UPLOAD + (64 << 10));
    Router::new()
        .route("/runs/{slug}/try", get(pages::form).post(pages::refine).layer(limit))
        .route("/tried/{id}/{which}", get(pages::picture))
}
