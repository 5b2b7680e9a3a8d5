use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Ends the program if a read does not return in time: nothing else can stop an endless loop.
pub(super) struct Watchdog(Arc<Mutex<Option<(Instant, String)>>>);

/// A read that is being watched until this is dropped.
pub(super) struct Watched<'a>(&'a Watchdog);

impl Watchdog {
    pub(super) fn start(limit: Duration) -> Self {
        let current: Arc<Mutex<Option<(Instant, String)>>> = Arc::default();
        let watched = Arc::clone(&current);
        std::thread::spawn(move || {
            loop {
                std::thread::sleep(limit / 4);
                let current = watched.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some((start, name)) = current.as_ref().filter(|(start, _)| start.elapsed() > limit) {
                    eprintln!("error: {name} has not ended after {:.0} s", start.elapsed().as_secs_f64());
                    std::process::exit(1);
                }
            }
        });
        Self(current)
    }

    pub(super) fn watch(&self, name: String) -> Watched<'_> {
        self.set(Some((Instant::now(), name)));
        Watched(self)
    }

    fn set(&self, current: Option<(Instant, String)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = current;
    }
}

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        self.0.set(None);
    }
}
