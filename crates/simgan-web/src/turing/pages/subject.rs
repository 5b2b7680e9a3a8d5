//! A subject's pages. Nothing in them differs between real and refined images but the pixels.

use askama::Template;
use axum::extract::{Form, Path, Query, State};
use axum::http::HeaderMap;
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

use super::{now_ms, png, with};
use crate::app::Shared;
use crate::server::failure::Failure;
use crate::server::page;
use crate::turing::design::{Kind, Part, TestDesign};
use crate::turing::statistics::Design;
use crate::turing::store::examples as examples_of;
use crate::turing::{Question, Recorded, Results, TestFile};

/// How wide and high an image is shown at most, in CSS pixels; two side by side get less.
const SHOWN: usize = 440;
const SHOWN_OF_TWO: usize = 320;
const SHOWN_EXAMPLE: usize = 130;

/// The longest response time that is believed, in milliseconds: an hour.
const LONGEST_MS: i64 = 3_600_000;

#[derive(Template)]
#[template(path = "turing/intro.html")]
struct Intro<'a> {
    link: &'a str,
    is_pair: bool,
    n_questions: usize,
    n_examples: usize,
    minutes: usize,
    /// The browser did not keep the cookie.
    has_no_cookie: bool,
    /// The subject has begun and goes on.
    has_begun: bool,
}

#[derive(Deserialize)]
pub(super) struct IntroQuery {
    cookie: Option<String>,
}

/// What the test is, before it begins.
pub(super) async fn intro(
    State(app): State<Shared>,
    Path(link): Path<String>,
    Query(query): Query<IntroQuery>,
    headers: HeaderMap,
) -> Result<Html<String>, Failure> {
    let test = app.tests.by_link(&link)?;
    let has_begun = match subject_key(&headers, &link) {
        Some(key) => with(&test, move |test| test.progress(&key)).await?.is_some(),
        None => false,
    };
    let design = test.design();
    let n_questions = design.n_questions();
    page::render(&Intro {
        link: &link,
        is_pair: design.design == Design::TwoAlternatives,
        n_questions,
        n_examples: design.examples,
        minutes: (n_questions * 4).div_ceil(60), // three or four seconds each
        has_no_cookie: query.cookie.is_some() && !has_begun,
        has_begun,
    })
}

#[derive(Template)]
#[template(path = "turing/examples.html")]
struct Examples<'a> {
    link: &'a str,
    real: Vec<usize>,
    refined: Vec<usize>,
    width: usize,
    height: usize,
}

/// Labelled examples.
pub(super) async fn examples(
    State(app): State<Shared>,
    Path(link): Path<String>,
) -> Result<Html<String>, Failure> {
    let test = app.tests.by_link(&link)?;
    let images = with(&test, TestFile::images).await?;
    let examples = examples_of(&images);
    let of = |kind| {
        let places = examples.iter().enumerate().filter(|(_, image)| image.kind == kind);
        places.map(|(place, _)| place).collect()
    };
    let [width, height] = shown(test.design(), SHOWN_EXAMPLE);
    page::render(&Examples { link: &link, real: of(Kind::Real), refined: of(Kind::Refined), width, height })
}

/// The image of an example.
pub(super) async fn example(
    State(app): State<Shared>,
    Path((link, place)): Path<(String, usize)>,
) -> Result<Response, Failure> {
    let test = app.tests.by_link(&link)?;
    let bytes = with(&test, move |test| {
        let images = test.images()?;
        examples_of(&images).get(place).map_or(Ok(None), |image| test.png(image.id))
    });
    png(bytes.await?)
}

/// Admits a subject, or lets one go on who has begun.
pub(super) async fn begin(
    State(app): State<Shared>,
    Path(link): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let test = app.tests.by_link(&link)?;
    let next = Redirect::to(&format!("/turing/t/{link}/next"));
    if let Some(key) = subject_key(&headers, &link)
        && with(&test, move |test| test.progress(&key)).await?.is_some()
    {
        return Ok(next.into_response());
    }
    let key = with(&test, |test| test.begin(now_ms())).await?;
    // Lax, so that the link in a message leads back to where one was; forms of other sites send no such cookie.
    let name = cookie_name(&link);
    let cookie = format!("{name}={key}; Path=/turing/t/{link}; Max-Age=31536000; HttpOnly; SameSite=Lax");
    Ok(([(SET_COOKIE, cookie)], next).into_response())
}

#[derive(Template)]
#[template(path = "turing/question.html")]
struct QuestionPage<'a> {
    link: &'a str,
    is_pair: bool,
    question: &'a Question,
    n_answered: usize,
    n_questions: usize,
    width: usize,
    height: usize,
}

#[derive(Template)]
#[template(path = "turing/end.html")]
struct End {
    /// Number of right answers and of all that count, if the owner lets subjects know.
    score: Option<[u64; 2]>,
    chance: u64,
}

/// The question that the subject is at, or the end.
pub(super) async fn question(
    State(app): State<Shared>,
    Path(link): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let test = app.tests.by_link(&link)?;
    let intro = || Redirect::to(&format!("/turing/t/{link}?cookie=none")).into_response();
    let Some(key) = subject_key(&headers, &link) else { return Ok(intro()) };
    let Some(progress) = with(&test, move |test| test.progress(&key)).await? else { return Ok(intro()) };
    let Some(question) = &progress.question else { return end(&test, progress.subject).await };
    let (subject, number) = (progress.subject, question.number);
    with(&test, move |test| test.note_shown(subject, number, now_ms())).await?;
    let is_pair = question.keys.len() == 2;
    let [width, height] = shown(test.design(), if is_pair { SHOWN_OF_TWO } else { SHOWN });
    let (n_answered, n_questions) = (progress.n_answered, progress.n_questions);
    let page = QuestionPage { link: &link, is_pair, question, n_answered, n_questions, width, height };
    Ok(page::render(&page)?.into_response())
}

async fn end(test: &std::sync::Arc<TestFile>, subject: i64) -> Result<Response, Failure> {
    let score = match test.design().show_score {
        false => None,
        true => Some(with(test, move |test| score(test, subject)).await?),
    };
    let chance = score.map_or(0, |[_, n]| n / 2);
    Ok(page::render(&End { score, chance })?.into_response())
}

fn score(test: &TestFile, subject: i64) -> Result<[u64; 2], crate::turing::TuringError> {
    let answers: Vec<_> = test.answers()?.into_iter().filter(|answer| answer.subject == subject).collect();
    let main: Vec<_> = answers.into_iter().filter(|answer| answer.part == Part::Main).collect();
    let figures = Results::of(test.design().clone(), &test.images()?, &[], &main).main.figures;
    Ok([figures.n_right, figures.n])
}

/// The image of a question.
pub(super) async fn image(
    State(app): State<Shared>,
    Path((link, image)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let test = app.tests.by_link(&link)?;
    let key = subject_key(&headers, &link).unwrap_or_default();
    png(with(&test, move |test| test.shown_png(&key, &image)).await?)
}

/// What a question's form sends.
#[derive(Deserialize)]
pub(super) struct AnswerForm {
    number: usize,
    said: usize,
    /// Measured by the page's script; empty without it.
    #[serde(default)]
    response_ms: String,
}

/// Takes an answer, and goes on to the next question.
pub(super) async fn answer(
    State(app): State<Shared>,
    Path(link): Path<String>,
    headers: HeaderMap,
    Form(form): Form<AnswerForm>,
) -> Result<Redirect, Failure> {
    let test = app.tests.by_link(&link)?;
    let key = subject_key(&headers, &link).unwrap_or_default();
    let response_ms = form.response_ms.parse().ok().filter(|time| (0..=LONGEST_MS).contains(time));
    let AnswerForm { number, said, .. } = form;
    let recorded = with(&test, move |test| test.answer(&key, number, said, response_ms, now_ms())).await?;
    Ok(match recorded {
        Recorded::NoSubject => Redirect::to(&format!("/turing/t/{link}")),
        // An answer from an old page changes nothing; the next page shows where the subject is.
        Recorded::Stored | Recorded::Before | Recorded::NotAsked => {
            Redirect::to(&format!("/turing/t/{link}/next"))
        }
    })
}

/// Each test has a cookie of its own, so that one person can take several.
fn cookie_name(link: &str) -> String {
    format!("turing-{}", link.get(..8).unwrap_or(link))
}

fn subject_key(headers: &HeaderMap, link: &str) -> Option<String> {
    let name = cookie_name(link);
    let cookies = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, key)| key.to_owned())
}

/// The size at which images are shown: magnified by a whole number, so that each pixel is a square, up to
/// `most` CSS pixels.
pub(super) fn shown(design: &TestDesign, most: usize) -> [usize; 2] {
    let factor = (most / design.width.max(design.height)).max(1);
    [design.width * factor, design.height * factor]
}
