//! What the scripts of a run's page fetch: curves as JSON, and news as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::sse::{Event, KeepAlive, Sse};
use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::app::Shared;
use crate::runs::metrics::{History, News};
use crate::runs::pages::find;
use crate::server::failure::Failure;

/// How long a page waits for the end of a file that was not read before.
pub(super) const PATIENCE: Duration = Duration::from_millis(60);
/// How often a quiet stream says that it is alive.
const ALIVE_EVERY: Duration = Duration::from_secs(15);

/// The curves so far: `{"ready", "read", "phases": [[name, first step]], "series": {name: {"step", "mean", "min",
/// "max"}}}`.
pub(super) async fn curves(
    State(app): State<Shared>,
    Path(slug): Path<String>,
) -> Result<Json<Value>, Failure> {
    let run = find(&app, &slug)?;
    let followed = app.followers.of(&run);
    let is_ready = followed.ready(PATIENCE).await;
    let history = followed.history();
    let History { n_read, phases, series, .. } = &*history;
    Ok(Json(json!({ "ready": is_ready, "read": n_read, "phases": phases, "series": series })))
}

type Stream = Sse<axum::response::sse::KeepAliveStream<ReceiverStream<Result<Event, Infallible>>>>;

/// News of a run until the page is closed: `points` (with data), `curves` and `page` (fetch them again).
pub(super) async fn news(State(app): State<Shared>, Path(slug): Path<String>) -> Result<Stream, Failure> {
    let run = find(&app, &slug)?;
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(forward(app.followers.of(&run).news(), sender));
    Ok(Sse::new(ReceiverStream::new(receiver)).keep_alive(KeepAlive::new().interval(ALIVE_EVERY)))
}

/// Passes news on. A browser that reads slowly misses some, and is told to fetch everything.
async fn forward(mut news: Receiver<News>, sender: mpsc::Sender<Result<Event, Infallible>>) {
    // Browsers take a stream as open once something came, and from here on nothing is missed.
    if sender.send(Ok(event("curves"))).await.is_err() {
        return;
    }
    loop {
        let received = tokio::select! {
            received = news.recv() => received,
            () = sender.closed() => return,
        };
        let events = match received {
            Ok(News::Points(points)) => vec![Event::default().event("points").data(&*points)],
            Ok(News::Curves) => vec![event("curves")],
            Ok(News::Page) => vec![event("page")],
            Err(RecvError::Lagged(_)) => vec![event("curves"), event("page")],
            Err(RecvError::Closed) => return,
        };
        for event in events {
            if sender.send(Ok(event)).await.is_err() {
                return;
            }
        }
    }
}

/// An event without data; browsers pass on only what has some.
fn event(name: &str) -> Event {
    Event::default().event(name).data("-")
}
