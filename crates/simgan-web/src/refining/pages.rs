//! The form, and the page of a refined image.

use std::sync::Arc;

use askama::Template;
use axum::extract::multipart::{Multipart, MultipartError, MultipartRejection};
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use tokio::task::spawn_blocking;

use super::MAX_UPLOAD;
use super::results::Tried;
use super::work::{Upload, too_large};
use crate::app::Shared;
use crate::runs::{Run, figure, find};
use crate::secret;
use crate::server::failure::Failure;
use crate::server::page;

/// Longest name of an upload, in characters.
const MAX_NAME: usize = 100;

/// The checkpoint that is chosen at first, and a result to show.
#[derive(Deserialize)]
pub(super) struct Asked {
    step: Option<u64>,
    result: Option<String>,
}

#[derive(Template)]
#[template(path = "try.html")]
struct TryPage {
    run: Run,
    /// Steps of intact checkpoints, newest first.
    steps: Vec<u64>,
    chosen: u64,
    max_megabytes: usize,
    tried: Option<(String, Arc<Tried>)>,
    /// A result was asked for that is no longer kept.
    is_gone: bool,
    change: String,
}

/// The form, with a result below it if one is named.
pub(super) async fn form(
    State(app): State<Shared>,
    Path(slug): Path<String>,
    Query(Asked { step, result }): Query<Asked>,
) -> Result<Html<String>, Failure> {
    let run = find(&app, &slug)?;
    let is_asked = result.is_some();
    let tried = result.and_then(|id| app.refining.results.get(&id).map(|tried| (id, tried)));
    let tried = tried.filter(|(_, tried)| tried.slug == slug);
    let read = spawn_blocking(move || {
        let mut steps = app.refining.models.intact(&run);
        steps.reverse();
        (run, steps)
    });
    let (run, steps) = read.await.map_err(|error| Failure::broken(&error))?;
    let chosen = tried.as_ref().map(|(_, tried)| tried.step).or(step);
    page::render(&TryPage {
        run,
        chosen: chosen.or(steps.first().copied()).unwrap_or_default(),
        steps,
        max_megabytes: MAX_UPLOAD >> 20,
        change: tried.as_ref().map(|(_, tried)| figure(tried.change)).unwrap_or_default(),
        is_gone: is_asked && tried.is_none(),
        tried,
    })
}

/// Refines the image that is sent, and goes to its page.
pub(super) async fn refine(
    State(app): State<Shared>,
    Path(slug): Path<String>,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Redirect, Failure> {
    let run = find(&app, &slug)?;
    let form = form.map_err(|error| Failure::new(error.status(), "This page takes a form with an image."))?;
    // Before the upload is read, and held until it is refined.
    let uploads = Arc::clone(&app.refining.uploads).try_acquire_owned().map_err(|_| busy())?;
    let (step, upload) = read(form).await?;
    let turn = Arc::clone(&app.refining.turn).acquire_owned().await.map_err(|_| busy())?;
    let id = secret::random_id().map_err(|error| Failure::broken(&error))?;
    let link = format!("/runs/{slug}/try?result={id}#result");
    let work = spawn_blocking(move || {
        let _held = (uploads, turn); // however long it takes, and whether or not the browser waits
        let tried = app.refining.refine(&run, step, &upload)?;
        app.refining.results.keep(id, tried);
        Ok(())
    });
    work.await.map_err(|error| Failure::broken(&error))??;
    Ok(Redirect::to(&link))
}

fn busy() -> Failure {
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, "Other images are being refined.")
        .hint("Try again in a moment.")
}

/// Reads the form: a step and an image.
async fn read(mut form: Multipart) -> Result<(u64, Upload), Failure> {
    let (mut step, mut upload) = (None, None);
    while let Some(field) = form.next_field().await.map_err(|error| unreadable(&error))? {
        match field.name() {
            Some("step") => step = field.text().await.map_err(|error| unreadable(&error))?.parse().ok(),
            Some("image") => {
                let name = plain_name(field.file_name().unwrap_or_default());
                let bytes = field.bytes().await.map_err(|error| unreadable(&error))?;
                upload = Some(Upload { name, bytes: bytes.into() });
            }
            _ => {}
        }
    }
    let step = step.ok_or_else(|| Failure::bad("The form names no checkpoint."))?;
    match upload {
        Some(upload) if !upload.bytes.is_empty() => Ok((step, upload)),
        _ => Err(Failure::bad("No image was chosen.").hint("Choose an image file and send the form again.")),
    }
}

fn unreadable(error: &MultipartError) -> Failure {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Failure::new(StatusCode::PAYLOAD_TOO_LARGE, too_large())
            .hint("The command simgan refine takes images of any size."),
        status => Failure::new(status, "The upload broke off or is damaged.").hint("Send it again."),
    }
}

/// The last part of a file's name, without what a terminal or a header would take for its own.
fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.chars().filter(|c| !c.is_control()).take(MAX_NAME).collect();
    if plain.is_empty() { "image".to_owned() } else { plain }
}

/// A picture of a result, or the refined file.
pub(super) async fn picture(
    State(app): State<Shared>,
    Path((id, which)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let gone = || {
        Failure::not_found("This result").hint("Only the newest results are kept; refine the image again.")
    };
    let tried = app.refining.results.get(&id).ok_or_else(gone)?;
    let at = ["original.png", "refined.png", "difference.png"].iter().position(|name| *name == which);
    if let Some(at) = at {
        return Ok(([(CONTENT_TYPE, "image/png")], tried.pictures[at].clone()).into_response());
    }
    if which != "file" {
        return Err(gone());
    }
    let headers =
        [(CONTENT_TYPE, tried.media_type.to_owned()), (CONTENT_DISPOSITION, attachment(&tried.file_name))];
    Ok((headers, tried.file.clone()).into_response())
}

/// The header that names a download, with the name's other characters as RFC 8187 spells them.
fn attachment(name: &str) -> String {
    let spelled: String = name
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect();
    format!("attachment; filename*=UTF-8''{spelled}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_harmless() {
        assert_eq!(plain_name("../../etc/passwd"), "passwd");
        assert_eq!(plain_name("C:\\a\\b.png"), "b.png");
        assert_eq!(plain_name("a\r\nb\u{1b}.png"), "ab.png");
        assert_eq!(plain_name(""), "image");
        assert_eq!(attachment("ö\";.png"), "attachment; filename*=UTF-8''%C3%B6%22%3B.png");
    }
}
