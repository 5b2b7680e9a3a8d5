//! The pages of Turing tests: the owner's, which show results, and the subjects', which show nothing but images.

mod chart;
mod owner;
mod results;
mod subject;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::{TestFile, TuringError};
use crate::app::Shared;
use crate::secret;
use crate::server::failure::Failure;

/// The tests that the server shows.
pub(crate) struct Tests(Vec<Arc<TestFile>>);

impl Tests {
    pub(crate) fn open(paths: &[PathBuf]) -> Result<Self, TuringError> {
        paths.iter().map(|path| TestFile::open(path).map(Arc::new)).collect::<Result<_, _>>().map(Self)
    }

    /// The test that admits subjects by this link.
    fn by_link(&self, link: &str) -> Result<Arc<TestFile>, Failure> {
        self.find(|test| secret::is_equal(link, &test.design().link))
    }

    /// The test of these owner's pages.
    fn by_key(&self, key: &str) -> Result<Arc<TestFile>, Failure> {
        self.find(|test| secret::is_equal(key, &test.design().key))
    }

    fn find(&self, is_it: impl Fn(&TestFile) -> bool) -> Result<Arc<TestFile>, Failure> {
        self.0.iter().find(|test| is_it(test)).cloned().ok_or_else(|| Failure::not_found("This test"))
    }
}

/// The pages below `/turing`.
///
/// What lies below `/turing/t/` needs no token: its random link is what admits a subject, who need not see the
/// runs.
pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route("/", get(owner::list))
        .route("/results/{key}", get(owner::results))
        .route("/results/{key}/image/{id}", get(owner::image))
        .route("/t/{link}", get(subject::intro))
        .route("/t/{link}/examples", get(subject::examples))
        .route("/t/{link}/example/{place}", get(subject::example))
        .route("/t/{link}/begin", post(subject::begin))
        .route("/t/{link}/next", get(subject::question))
        .route("/t/{link}/image/{key}", get(subject::image))
        .route("/t/{link}/answer", post(subject::answer))
}

/// Works on a test's file without holding up other requests.
async fn with<T: Send + 'static>(
    test: &Arc<TestFile>,
    act: impl FnOnce(&TestFile) -> Result<T, TuringError> + Send + 'static,
) -> Result<T, Failure> {
    let test = Arc::clone(test);
    let done = tokio::task::spawn_blocking(move || act(&test)).await;
    done.map_err(|error| Failure::broken(&error))?.map_err(|error| failure(&error))
}

/// Words an error for subjects, who neither know nor need to know the file.
fn failure(error: &TuringError) -> Failure {
    tracing::error!("{error}");
    match error {
        TuringError::Full { .. } => {
            let message = "Your answer could not be stored, because the server's disk is full.";
            Failure::new(StatusCode::INSUFFICIENT_STORAGE, message)
                .hint("Earlier answers are kept. Please tell who invited you, then go back and answer again.")
        }
        _ => {
            let message = "The test's file could not be read or written; the server's log says more.";
            Failure::new(StatusCode::INTERNAL_SERVER_ERROR, message)
                .hint("Answers given before are kept. Please tell who invited you, then try again.")
        }
    }
}

fn png(bytes: Option<Vec<u8>>) -> Result<Response, Failure> {
    let bytes = bytes.ok_or_else(|| Failure::not_found("This image"))?;
    Ok(([(CONTENT_TYPE, "image/png")], bytes).into_response())
}

/// Milliseconds since 1970; 0 on a clock before that.
fn now_ms() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_millis() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_learn_of_a_full_disk_and_not_of_paths() {
        let full = failure(&TuringError::Full { path: "/home/owner/test.turing".into() });
        assert!(!format!("{full:?}").contains("owner") && format!("{full:?}").contains("disk is full"));
        assert_eq!(full.into_response().status(), StatusCode::INSUFFICIENT_STORAGE);
    }
}
