//! One reader for each run that is looked at, however many look.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;
use simgan_train::run_dir::METRICS_FILE;
use tokio::sync::{broadcast, watch};
use tokio::task::spawn_blocking;
use tokio::time::{sleep, timeout};

use super::history::{History, NewPoint, Told};
use super::tail::{Appended, Tail};
use crate::runs::library::Run;
use crate::runs::state::RunState;

/// How often the file is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// How long a run is read after the last page of it was asked for.
const KEPT_FOR: Duration = Duration::from_secs(120);
/// New points sent one by one; a page that missed more fetches the curves again.
const MOST_POINTS: usize = 100;
/// News that a slow follower may be behind; then it is told to fetch everything.
const QUEUE: usize = 16;

/// What followers of a run are told.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// New points, as JSON: `{"read": lines of steps before, "points": [{"step", "values"}]}`.
    Points(Arc<str>),
    /// The curves are others than before.
    Curves,
    /// What the page says in words, its state or its pictures changed.
    Page,
}

/// The runs being read.
#[derive(Default)]
pub(crate) struct Followers {
    runs: Mutex<BTreeMap<String, Arc<Followed>>>,
}

/// A run being read.
pub(crate) struct Followed {
    history: Mutex<History>,
    news: broadcast::Sender<News>,
    /// Whether the file was read to its end once.
    is_ready: watch::Sender<bool>,
    last_used: Mutex<Instant>,
}

impl Followers {
    /// The run's history, kept up to date from now on. Must be called within the server's runtime.
    pub(crate) fn of(self: &Arc<Self>, run: &Run) -> Arc<Followed> {
        let mut runs = lock(&self.runs);
        let followed = runs.entry(run.slug.clone()).or_insert_with(|| {
            let followed = Arc::new(Followed::new());
            tokio::spawn(follow(Arc::clone(self), run.clone(), Arc::clone(&followed)));
            followed
        });
        *lock(&followed.last_used) = Instant::now();
        Arc::clone(followed)
    }

    /// Forgets a run that nobody looks at; `false` if somebody does.
    fn forget_unused(&self, run: &Run, followed: &Followed) -> bool {
        let mut runs = lock(&self.runs);
        let is_used = followed.news.receiver_count() > 0 || lock(&followed.last_used).elapsed() < KEPT_FOR;
        if !is_used {
            runs.remove(&run.slug);
        }
        !is_used
    }
}

impl Followed {
    fn new() -> Self {
        Self {
            history: Mutex::default(),
            news: broadcast::Sender::new(QUEUE),
            is_ready: watch::Sender::new(false),
            last_used: Mutex::new(Instant::now()),
        }
    }

    /// What is known so far.
    pub(crate) fn history(&self) -> MutexGuard<'_, History> {
        lock(&self.history)
    }

    /// What happens from now on.
    pub(crate) fn news(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }

    /// Waits until the file was read once, but not for long; a long file goes on being read. Returns whether it
    /// was.
    pub(crate) async fn ready(&self, at_most: Duration) -> bool {
        let mut is_ready = self.is_ready.subscribe();
        timeout(at_most, is_ready.wait_for(|is_ready| *is_ready)).await.is_ok()
    }

    fn tell(&self, news: News) {
        let _ = self.news.send(news); // nobody may be listening
    }

    /// Adds lines and tells the followers.
    fn add(&self, lines: &[u8]) {
        let mut history = self.history();
        let read = history.n_read;
        let (mut points, mut is_noted) = (Vec::new(), false);
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            match history.read(line) {
                Told::Step(point) => points.push(point),
                Told::Note => is_noted = true,
                Told::Nothing => {}
            }
        }
        drop(history);
        match points.len() {
            0 => {}
            1..=MOST_POINTS => self.tell(points_json(read, &points)),
            _ => self.tell(News::Curves),
        }
        if is_noted {
            self.tell(News::Page);
        }
    }
}

fn points_json(read: u64, points: &[NewPoint]) -> News {
    News::Points(json!({ "read": read, "points": points }).to_string().into())
}

/// Reads a run's file until nobody looks at it any more.
async fn follow(followers: Arc<Followers>, run: Run, followed: Arc<Followed>) {
    let (mut tail, mut state) = (Tail::default(), None);
    loop {
        let (reading, reader) = (run.clone(), Arc::clone(&followed));
        let look = spawn_blocking(move || {
            let more = read_on(&reading, &reader, &mut tail);
            let state = RunState::of(&reading.folder, &reader.history());
            (tail, more, state)
        });
        let Ok((read, more, now)) = look.await else { return }; // the server ends
        tail = read;
        if more {
            continue;
        }
        if !followed.is_ready.send_replace(true) {
            followed.tell(News::Curves);
            followed.tell(News::Page);
        }
        if state.replace(now).is_some_and(|before| before != now) {
            followed.tell(News::Page);
        }
        if followers.forget_unused(&run, &followed) {
            return;
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Reads a part; returns whether there is more at once.
fn read_on(run: &Run, followed: &Followed, tail: &mut Tail) -> bool {
    match tail.read(&run.folder, Path::new(METRICS_FILE)) {
        Ok(Appended::Lines(lines, more)) => {
            followed.add(&lines);
            more
        }
        Ok(Appended::Rewritten) => {
            *followed.history() = History::default();
            followed.tell(News::Curves);
            true
        }
        Err(error) => {
            tracing::debug!("{}: {error}", run.folder.path().display());
            false
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
