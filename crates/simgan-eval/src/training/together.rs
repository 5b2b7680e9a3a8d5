use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::{sync::mpsc, thread};

use candle_core::Device;

use crate::EvalError;

/// Maximum number of trainings at a time: each holds a batch's feature maps.
const MOST_AT_ONCE: usize = 8;

/// What is called after each update; its error ends the training.
type AfterUpdate<'a> = &'a mut dyn FnMut() -> Result<(), EvalError>;

/// What a training's thread tells.
enum Event<T> {
    Update,
    Done(usize, Result<T, EvalError>),
}

/// How many of `n_jobs` trainings [`side_by_side`] runs at a time.
pub(crate) fn n_side_by_side(n_jobs: usize, device: &Device) -> usize {
    let most = if device.is_cpu() { rayon::current_num_threads().min(MOST_AT_ONCE) } else { 1 };
    most.min(n_jobs)
}

/// Runs trainings that do not depend on each other, as many at a time as there are threads, and returns their
/// results in order. A job gets its number and what to call after each update, as `after_update` is called here.
///
/// One small network cannot keep many threads busy, but many can. What comes out is the same: no operation's
/// result depends on the number of threads.
///
/// # Errors
///
/// The first error of a job or of `after_update`, which ends all jobs at their next update.
pub(crate) fn side_by_side<T: Send>(
    n_jobs: usize,
    device: &Device,
    job: &(dyn Fn(usize, AfterUpdate<'_>) -> Result<T, EvalError> + Sync),
    after_update: AfterUpdate<'_>,
) -> Result<Vec<T>, EvalError> {
    let (n_workers, n_threads) = (n_side_by_side(n_jobs, device), rayon::current_num_threads());
    if n_workers < 2 {
        return (0..n_jobs).map(|idx| job(idx, after_update)).collect();
    }
    let (next, halt) = (AtomicUsize::new(0), AtomicBool::new(false));
    let work = |events: mpsc::Sender<Event<T>>| {
        loop {
            let idx = next.fetch_add(1, Ordering::Relaxed);
            if idx >= n_jobs || halt.load(Ordering::Relaxed) {
                return;
            }
            // The last ones share the threads that have nothing else to do.
            let share = n_threads / n_workers.min(n_jobs - idx);
            let found = on_threads(share, || {
                let mut after_update = || {
                    let is_heard = events.send(Event::Update).is_ok() && !halt.load(Ordering::Relaxed);
                    if is_heard { Ok(()) } else { Err(EvalError::Stopped) }
                };
                job(idx, &mut after_update)
            });
            if events.send(Event::Done(idx, found.and_then(|found| found))).is_err() {
                return;
            }
        }
    };
    thread::scope(|scope| {
        let (sender, events) = mpsc::channel();
        for _ in 0..n_workers {
            let (sender, work) = (sender.clone(), &work);
            scope.spawn(move || work(sender));
        }
        drop(sender);
        collected(n_jobs, &events, &halt, after_update)
    })
}

/// Hears what the threads tell until the last has ended.
fn collected<T>(
    n_jobs: usize,
    events: &mpsc::Receiver<Event<T>>,
    halt: &AtomicBool,
    after_update: AfterUpdate<'_>,
) -> Result<Vec<T>, EvalError> {
    let mut results: Vec<Option<T>> = (0..n_jobs).map(|_| None).collect();
    let mut failure = None;
    for event in events {
        let outcome = match event {
            Event::Update if failure.is_none() => after_update(),
            Event::Update => Ok(()),
            Event::Done(idx, found) => found.map(|found| results[idx] = Some(found)),
        };
        if let Err(error) = outcome {
            halt.store(true, Ordering::Relaxed);
            failure.get_or_insert(error);
        }
    }
    match failure {
        Some(error) => Err(error),
        None => results.into_iter().collect::<Option<_>>().ok_or(EvalError::Stopped),
    }
}

/// Runs `work` on `count` threads of its own.
pub(crate) fn on_threads<T: Send>(count: usize, work: impl FnOnce() -> T + Send) -> Result<T, EvalError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(count.max(1)).build();
    let pool = pool.map_err(|error| EvalError::Mismatch(format!("{count} threads: {error}")))?;
    Ok(pool.install(work))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Updates of each job, and what it returns.
    fn run(threads: usize, last: usize) -> (usize, Result<Vec<usize>, EvalError>) {
        let mut n_updates = 0;
        let job = |idx: usize, after_update: &mut dyn FnMut() -> Result<(), EvalError>| {
            (0..idx).try_for_each(|_| after_update())?;
            if idx < last {
                Ok(10 * idx + rayon::current_num_threads().min(1))
            } else {
                Err(EvalError::NotFinite)
            }
        };
        let found = on_threads(threads, || {
            side_by_side(7, &Device::Cpu, &job, &mut || {
                n_updates += 1;
                Ok(())
            })
        });
        (n_updates, found.unwrap())
    }

    #[test]
    fn results_are_in_order_and_every_update_counts() {
        for threads in [1, 2, 5, 12] {
            let (n_updates, found) = run(threads, 7);
            assert_eq!(
                (n_updates, found.unwrap()),
                (21, vec![1, 11, 21, 31, 41, 51, 61]),
                "{threads} threads"
            );
        }
    }

    #[test]
    fn an_error_ends_all() {
        for threads in [1, 3] {
            assert!(matches!(run(threads, 2).1, Err(EvalError::NotFinite)), "{threads} threads");
        }
        let endless = |_: usize, after_update: &mut dyn FnMut() -> Result<(), EvalError>| -> Result<(), _> {
            loop {
                after_update()?;
            }
        };
        let mut n_updates = 0;
        let mut after_update = || {
            n_updates += 1;
            if n_updates == 9 { Err(EvalError::Stopped) } else { Ok(()) }
        };
        let found = on_threads(2, || side_by_side(3, &Device::Cpu, &endless, &mut after_update)).unwrap();
        assert!(matches!(found, Err(EvalError::Stopped)));
        assert_eq!(n_updates, 9);
    }
}
