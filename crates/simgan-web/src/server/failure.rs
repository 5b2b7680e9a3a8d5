//! Answers that say what went wrong: as a page, or as JSON below `/api/`.

use askama::Template;
use axum::Json;
use axum::extract::Request;
use axum::http::header::{self, HeaderValue};
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;
use simgan_data::Hint;

/// Why a request gets no answer, in words for whoever made it.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    status: StatusCode,
    message: String,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), hint: None }
    }

    /// Something that is not there; `what` is its name as a sentence's subject.
    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, format!("{what} is not here."))
    }

    /// A request that makes no sense.
    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// A file or the system failed; the message is shown and logged.
    pub(crate) fn broken(error: &(dyn std::error::Error + 'static)) -> Self {
        let message = simgan_data::message_of(error);
        tracing::warn!("{message}");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    /// Says what to do.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Says what to do if a library knows it.
    pub(crate) fn maybe(self, hint: Option<Hint>) -> Self {
        Self { hint: hint.map(|hint| sentence(&hint.to_string())), ..self }
    }

    fn page(&self, is_subject: bool) -> Response {
        let Self { status, message, hint } = self;
        let title = title(*status);
        let page = FailurePage { title, message, hint: hint.as_deref(), status: status.as_u16(), is_subject };
        match page.render() {
            Ok(page) => Html(page).into_response(),
            Err(_) => message.clone().into_response(),
        }
    }
}

#[derive(Template)]
#[template(path = "failure.html")]
struct FailurePage<'a> {
    status: u16,
    title: &'a str,
    message: &'a str,
    hint: Option<&'a str>,
    /// Whether a subject of a Turing test reads it, who has no business with the runs.
    is_subject: bool,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The answer to a path that no page has.
pub(crate) async fn no_page(uri: Uri) -> Failure {
    Failure::not_found(&format!("The page {}", uri.path())).hint("The runs are on the first page.")
}

/// Words failures, ours and those of axum's extractors, for the reader: JSON below `/api/`, else a page.
pub(crate) async fn present(request: Request, next: Next) -> Response {
    let [is_api, is_subject] = ["/api/", "/turing/t/"].map(|part| request.uri().path().starts_with(part));
    let response = next.run(request).await;
    let status = response.status();
    if !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let failure = response.extensions().get::<Failure>().cloned().unwrap_or_else(|| plain(status));
    let mut worded = match is_api {
        true => Json(json!({ "error": failure.message, "hint": failure.hint })).into_response(),
        false => failure.page(is_subject),
    };
    *worded.status_mut() = status;
    for (name, value) in response.headers() {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            worded.headers_mut().insert(name, HeaderValue::clone(value));
        }
    }
    worded
}

/// A hint as a sentence.
fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// A status as a page's title.
fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "Not found",
        StatusCode::UNAUTHORIZED => "A token is needed",
        StatusCode::FORBIDDEN | StatusCode::MISDIRECTED_REQUEST => "Refused",
        StatusCode::PAYLOAD_TOO_LARGE => "Too large",
        StatusCode::UNPROCESSABLE_ENTITY => "Cannot be read",
        StatusCode::SERVICE_UNAVAILABLE => "Busy",
        StatusCode::INTERNAL_SERVER_ERROR => "Something went wrong",
        status => status.canonical_reason().unwrap_or("Something went wrong"),
    }
}

/// What a status says by itself.
fn plain(status: StatusCode) -> Failure {
    let message = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "That is more than this page takes.",
        StatusCode::METHOD_NOT_ALLOWED => "This page takes no such request.",
        StatusCode::BAD_REQUEST | StatusCode::UNPROCESSABLE_ENTITY => "The form or link is incomplete.",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "This page takes another kind of form.",
        status => status.canonical_reason().unwrap_or("The request failed."),
    };
    Failure::new(status, message)
}
