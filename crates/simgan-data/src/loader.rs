use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use serde::{Deserialize, Serialize};

use crate::batch::{Batch, BatchBuilder};
use crate::{DataError, Sampler, SamplerState, Source, Want};

/// Produces batches from a source in a sampler's order; background threads decode ahead.
///
/// The batches do not depend on the number of threads. Dropping the loader stops its threads.
pub struct Loader {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    state: SamplerState,
    next: u64,
    skipped: BTreeMap<usize, String>,
}

/// Options of a [`Loader`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoaderOptions {
    /// Images per batch, at least 1.
    pub batch: usize,
    /// Decode threads; 0 counts as 1.
    pub workers: usize,
    /// Maximum number of batches decoded ahead, at least one per worker; this bounds the memory.
    pub queue: usize,
    /// What to do about an unreadable image.
    pub on_error: OnError,
    /// Whether batches carry labels.
    pub want: Want,
    /// The part of each batch that is decoded; the sampler draws all of it.
    pub share: Share,
}

/// One of equal parts of a batch, such as the part of one of several processes that train together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// The part, from 0.
    pub index: usize,
    /// The number of parts, at least 1.
    pub count: usize,
}

impl Share {
    /// The whole batch.
    pub const WHOLE: Self = Self { index: 0, count: 1 };

    /// Returns which of `n` images belong to the part; parts differ by at most one image.
    #[must_use]
    pub fn of(self, n: usize) -> Range<usize> {
        let start = |index: usize| index.min(self.count) * n / self.count.max(1);
        start(self.index)..start(self.index + 1)
    }
}

impl Default for Share {
    fn default() -> Self {
        Self::WHOLE
    }
}

/// What to do about an unreadable image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnError {
    /// Fail with an error that names it.
    #[default]
    Fail,
    /// Substitute the next readable image of the source, wrapping around at its end, and report the skipped
    /// ones in [`Loader::skipped`].
    Skip,
}

impl Default for LoaderOptions {
    fn default() -> Self {
        let (on_error, want, share) = (OnError::Fail, Want::Image, Share::WHOLE);
        Self { batch: 32, workers: 2, queue: 4, on_error, want, share }
    }
}

/// After this many consecutive unreadable images the source counts as unreadable.
const MAX_SKIPPED_IN_A_ROW: usize = 1000;

impl Loader {
    /// Starts decoding batches of `source` in the order of `sampler`. All images must have one size and
    /// number of channels; see [`Fitted`](crate::Fitted).
    ///
    /// # Errors
    /// The sampler was made for a different number of samples, or a thread cannot be started.
    pub fn new(source: Arc<dyn Source>, sampler: Sampler, options: LoaderOptions) -> Result<Self, DataError> {
        let state = sampler.state();
        if state.len != source.len() {
            return Err(DataError::Changed { n_expected: state.len, n_found: source.len() });
        }
        let n_workers = options.workers.clamp(1, 256);
        let queue = Queue {
            sampler,
            n_drawn: 0,
            // At least one batch per worker, or some workers would always idle.
            n_allowed: options.queue.max(n_workers) as u64,
            done: BTreeMap::new(),
            stop: false,
        };
        let shared = Arc::new(Shared {
            source,
            options: LoaderOptions { batch: options.batch.max(1), ..options },
            queue: Mutex::new(queue),
            changed: Condvar::new(),
        });
        let mut loader = Self { shared, workers: Vec::new(), state, next: 0, skipped: BTreeMap::new() };
        for i in 0..n_workers {
            let shared = Arc::clone(&loader.shared);
            let thread = std::thread::Builder::new().name(format!("loader-{i}"));
            let started = thread.spawn(move || shared.work());
            loader.workers.push(started.map_err(|error| DataError::Worker { reason: error.to_string() })?);
        }
        Ok(loader)
    }

    /// Returns the next batch, blocking until it is decoded. The sequence never ends.
    ///
    /// # Errors
    /// An image cannot be read, or its size or channels differ from the source's. The batch is lost, and
    /// [`Loader::state`] still points before it.
    pub fn next_batch(&mut self) -> Result<Batch, DataError> {
        let ticket = self.next;
        // Advance even on an error: the ticket's result is gone, and waiting for it again would never end.
        self.next += 1;
        let made = self.shared.take(ticket);
        let (batch, state) = made?;
        self.skipped.extend(batch.skipped.iter().cloned());
        self.state = state;
        Ok(batch)
    }

    /// The sampler's position after the last returned batch, however much has been decoded ahead.
    #[must_use]
    pub fn state(&self) -> SamplerState {
        self.state
    }

    /// Index and error of every image skipped so far.
    #[must_use]
    pub fn skipped(&self) -> &BTreeMap<usize, String> {
        &self.skipped
    }
}

impl Drop for Loader {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.changed.notify_all();
        for worker in self.workers.drain(..) {
            // Workers catch their own panics, so the result of joining says nothing.
            let _ended = worker.join();
        }
    }
}

/// State shared by the loader and its threads.
struct Shared {
    source: Arc<dyn Source>,
    options: LoaderOptions,
    queue: Mutex<Queue>,
    changed: Condvar,
}

struct Queue {
    sampler: Sampler,
    /// Number of batches handed to threads so far.
    n_drawn: u64,
    /// Number of batches that may have been handed to threads by now.
    n_allowed: u64,
    done: BTreeMap<u64, Made>,
    stop: bool,
}

/// The indices of a batch.
struct Drawn {
    /// The number of its first draw, counted from the sampler's beginning.
    first: u64,
    indices: Vec<usize>,
}

/// A batch and the sampler's state after it.
type Made = Result<(Batch, SamplerState), DataError>;

impl Shared {
    /// Runs one worker thread: decodes whole batches until the loader is dropped.
    fn work(&self) {
        while let Some((ticket, drawn, state)) = self.draw() {
            // A panic must become this batch's result: without one, `take` would wait for it forever.
            let made = catch_unwind(AssertUnwindSafe(|| self.make(&drawn)));
            let made = made.unwrap_or_else(|panic| Err(DataError::Worker { reason: message(&*panic) }));
            let Some(made) = made.transpose() else { return };
            self.lock().done.insert(ticket, made.map(|batch| (batch, state)));
            self.changed.notify_all();
        }
    }

    /// Waits for room in the queue, then draws the next ticket with its indices and the sampler's state after
    /// them; `None` once the loader is dropped.
    fn draw(&self) -> Option<(u64, Drawn, SamplerState)> {
        let mut queue = self.lock();
        while !queue.stop && queue.n_drawn >= queue.n_allowed {
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        if queue.stop {
            return None;
        }
        // Indices and ticket are drawn under one lock, so that tickets follow the sampler's order.
        let first = queue.sampler.state().n_drawn();
        let indices = queue.sampler.next_batch(self.options.batch);
        queue.n_drawn += 1;
        Some((queue.n_drawn - 1, Drawn { first, indices }, queue.sampler.state()))
    }

    /// Decodes a batch; `None` if the loader was dropped in the meantime.
    fn make(&self, drawn: &Drawn) -> Result<Option<Batch>, DataError> {
        let own = self.options.share.of(drawn.indices.len());
        let mut batch = BatchBuilder::new(self.source.spec(), own.len());
        for (draw, &index) in (drawn.first..).zip(&drawn.indices).skip(own.start).take(own.len()) {
            // Checked for each image, so that dropping the loader need not wait for a whole batch.
            if self.lock().stop {
                return Ok(None);
            }
            match self.options.on_error {
                OnError::Fail => batch.push(index, self.source.drawn(index, draw, self.options.want)?)?,
                OnError::Skip => self.push_readable(index, draw, &mut batch)?,
            }
        }
        Ok(Some(batch.finish()))
    }

    /// Adds the first readable sample at or after `index`. The choice ignores other batches, so it does not
    /// depend on the threads.
    fn push_readable(&self, index: usize, draw: u64, batch: &mut BatchBuilder) -> Result<(), DataError> {
        let n = self.source.len();
        let n_tried = n.min(MAX_SKIPPED_IN_A_ROW);
        let mut last = None;
        for i in (0..n_tried).map(|step| (index + step) % n) {
            let drawn = self.source.drawn(i, draw, self.options.want);
            let pushed = drawn.and_then(|sample| batch.push(i, sample));
            let Err(error) = pushed else { return Ok(()) };
            batch.skip(i, error.to_string());
            last = Some(error);
        }
        let last = last.map_or(DataError::Empty { what: "an empty source".to_owned() }, |error| error);
        Err(DataError::NoneReadable { n_tried, last: Box::new(last) })
    }

    /// Waits for the batch of `ticket` and makes room for another.
    fn take(&self, ticket: u64) -> Made {
        let mut queue = self.lock();
        loop {
            if let Some(made) = queue.done.remove(&ticket) {
                queue.n_allowed += 1;
                self.changed.notify_all();
                return made;
            }
            queue = self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Locks the queue. Poisoning is ignored: nothing but a buggy sampler panics while holding the lock.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it panicked".to_owned())
}
