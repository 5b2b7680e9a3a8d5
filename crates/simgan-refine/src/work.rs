//! Runs reading, refining and writing in parallel. Short queues between the three stages bound the memory.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use rayon::prelude::*;
use simgan_data::{DataError, Image, OnError};

use super::batches::Batches;
use super::images::InputImage;
use super::pixels::{Refinable, refine_batch};
use super::{RefineError, RefineInput, RefineModel};

/// Maximum number of batches waiting between two stages.
const QUEUE: usize = 2;

/// A refinement's remaining work.
#[derive(Clone, Copy)]
pub(super) struct Work<'a> {
    pub(super) model: &'a RefineModel,
    pub(super) input: &'a RefineInput,
    /// Indices of the images to refine.
    pub(super) pending: &'a [usize],
    pub(super) batch: usize,
    pub(super) on_error: OnError,
    pub(super) stop: &'a AtomicBool,
}

/// An image in the pipeline.
pub(super) struct Job {
    pub(super) index: usize,
    pub(super) input: InputImage,
    refinable: Refinable,
}

/// Output of the pipeline.
pub(super) enum Outcome {
    /// Refined images to write, each with its mean change.
    Refined(Vec<(Job, Image, f64)>),
    /// The index of an image that looks like a mask among photographs.
    Doubtful(usize),
    /// The index of an image that could not be read, and why.
    Unreadable(usize, DataError),
}

type Step<T> = Result<T, RefineError>;

enum Read {
    Batch(Vec<Job>),
    Doubtful(usize),
    Unreadable(usize, DataError),
}

impl Work<'_> {
    /// Reads and refines in two threads and passes each outcome to `write`, until the work is done, a stage
    /// fails or the stop flag is set. Images in the pipeline when the flag is set are still written.
    pub(super) fn run(self, mut write: impl FnMut(Outcome) -> Step<()>) -> Step<()> {
        let (read_sender, read) = sync_channel(QUEUE);
        let (refined_sender, refined) = sync_channel(QUEUE);
        thread::scope(|scope| {
            scope.spawn(move || self.read(&read_sender));
            scope.spawn(move || self.refine(&read, &refined_sender));
            refined.into_iter().try_for_each(|outcome| write(outcome?))
            // On an error this drops `refined`. The threads' sends then fail, which ends them; the scope
            // joins them.
        })
    }

    /// Decodes a few images at a time in parallel and sends them on in batches of one size.
    fn read(self, sender: &SyncSender<Step<Read>>) -> Result<(), Closed> {
        let mut batches = Batches::new(self.batch);
        // Two images a thread even out decoding times; more would hold more decoded images outside the
        // bounded queues.
        let at_once = 2 * rayon::current_num_threads();
        for indices in self.pending.chunks(at_once) {
            if self.stop.load(Ordering::Relaxed) {
                break;
            }
            let decoded: Vec<_> = indices.par_iter().map(|&index| (index, self.job(index))).collect();
            for (index, job) in decoded {
                match (job, self.on_error) {
                    (Ok(job), _) if job.input.is_doubtful => send(sender, Ok(Read::Doubtful(index)))?,
                    (Ok(job), _) => {
                        let spec = job.refinable.spec();
                        send_batches(sender, batches.push(spec.height, spec.width, job))?;
                    }
                    (Err(error), OnError::Skip) => send(sender, Ok(Read::Unreadable(index, error)))?,
                    // The error ends the other stages, after which sending fails and ends this one.
                    (Err(error), OnError::Fail) => send(sender, Err(error.into()))?,
                }
            }
        }
        send_batches(sender, batches.flush())
    }

    fn job(self, index: usize) -> Result<Job, DataError> {
        let input = self.input.images.read(index)?;
        let refinable = Refinable::new(input.file.image(), self.model.refiner.channels());
        Ok(Job { index, input, refinable })
    }

    fn refine(self, read: &Receiver<Step<Read>>, sender: &SyncSender<Step<Outcome>>) -> Result<(), Closed> {
        read.iter().try_for_each(|message| {
            let outcome = message.and_then(|message| match message {
                Read::Batch(jobs) => self.refine_jobs(jobs),
                Read::Doubtful(index) => Ok(Outcome::Doubtful(index)),
                Read::Unreadable(index, error) => Ok(Outcome::Unreadable(index, error)),
            });
            send(sender, outcome)
        })
    }

    fn refine_jobs(self, jobs: Vec<Job>) -> Step<Outcome> {
        let RefineModel { refiner, device, .. } = self.model;
        let images: Vec<&Refinable> = jobs.iter().map(|job| &job.refinable).collect();
        let refined = refine_batch(refiner, &images, device)?;
        let finish = |(job, refined): (Job, Vec<f32>)| {
            let (image, change) = job.refinable.with_refined(&refined);
            (job, image, change)
        };
        Ok(Outcome::Refined(jobs.into_par_iter().zip(refined).map(finish).collect()))
    }
}

/// The next stage has ended. It reports its own error, so this carries none.
struct Closed;

fn send<T>(sender: &SyncSender<Step<T>>, message: Step<T>) -> Result<(), Closed> {
    sender.send(message).map_err(|_| Closed)
}

fn send_batches(sender: &SyncSender<Step<Read>>, batches: Vec<Vec<Job>>) -> Result<(), Closed> {
    batches.into_iter().try_for_each(|batch| send(sender, Ok(Read::Batch(batch))))
}
