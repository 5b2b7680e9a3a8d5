//! The owner's pages: the tests, and what they found.

use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE, HOST};
use axum::response::{Html, IntoResponse, Response};

use super::results::ResultsPage;
use super::{png, with};
use crate::app::Shared;
use crate::server::failure::Failure;
use crate::server::page;
use crate::turing::statistics::Design;
use crate::turing::{Results, TestFile};

#[derive(Template)]
#[template(path = "turing/list.html")]
struct List {
    tests: Vec<Row>,
    /// The links lead to this machine from this machine only.
    is_local: bool,
}

/// A test in the list.
struct Row {
    name: String,
    kind: &'static str,
    model: String,
    /// The link to send to subjects.
    link: String,
    key: String,
    n_subjects: usize,
    n_finished: usize,
    n_answers: usize,
}

/// All tests.
pub(super) async fn list(State(app): State<Shared>, headers: HeaderMap) -> Result<Html<String>, Failure> {
    let mut tests = Vec::new();
    for test in &app.tests.0 {
        let subjects = with(test, TestFile::subjects).await?;
        tests.push(Row {
            name: name(test),
            kind: kind(test.design().design),
            model: test.design().model.clone(),
            link: link(&headers, test),
            key: test.design().key.clone(),
            n_subjects: subjects.len(),
            n_finished: subjects.iter().filter(|one| one.n_answered == one.n_questions).count(),
            n_answers: subjects.iter().map(|one| one.n_answered).sum(),
        });
    }
    let host = host(&headers);
    let is_local = ["localhost", "127.", "[::1]"].iter().any(|name| host.starts_with(name));
    page::render(&List { tests, is_local })
}

/// The results as a page, as `KEY.csv` or as `KEY.json`.
pub(super) async fn results(
    State(app): State<Shared>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let (key, extension) = file.split_once('.').unwrap_or((&file, ""));
    let test = app.tests.by_key(key)?;
    match extension {
        "" => {
            let results = with(&test, Results::read).await?;
            let link = link(&headers, &test);
            Ok(page::render(&ResultsPage::new(&name(&test), link, &results))?.into_response())
        }
        "json" => Ok(download(&test, "json", Json(with(&test, Results::read).await?))),
        "csv" => {
            let text = with(&test, TestFile::csv).await?;
            Ok(download(&test, "csv", ([(CONTENT_TYPE, "text/csv; charset=utf-8")], text)))
        }
        _ => Err(Failure::not_found("This file")),
    }
}

/// An image of the test, whatever its part.
pub(super) async fn image(
    State(app): State<Shared>,
    Path((key, id)): Path<(String, i64)>,
) -> Result<Response, Failure> {
    let test = app.tests.by_key(&key)?;
    png(with(&test, move |test| test.png(id)).await?)
}

fn download(test: &TestFile, extension: &str, content: impl IntoResponse) -> Response {
    // The test's own name might hold what a header may not.
    let name = test.path().file_stem().unwrap_or_default().to_string_lossy();
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' };
    let name: String = name.chars().map(plain).collect();
    let disposition = format!("attachment; filename=\"{name}.{extension}\"");
    ([(CONTENT_DISPOSITION, disposition)], content).into_response()
}

/// The link for subjects, at the name by which the owner reached the server.
fn link(headers: &HeaderMap, test: &TestFile) -> String {
    format!("http://{}/turing/t/{}", host(headers), test.design().link)
}

fn host(headers: &HeaderMap) -> &str {
    headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default()
}

fn name(test: &Arc<TestFile>) -> String {
    test.path().file_name().unwrap_or_default().to_string_lossy().into_owned()
}

pub(super) fn kind(design: Design) -> &'static str {
    match design {
        Design::YesNo => "one image: real or refined",
        Design::TwoAlternatives => "two images: which is real",
    }
}
