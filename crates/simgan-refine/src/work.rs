//! Runs reading, refining and writing in parallel. Short queues between the three stages bound the memory.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use rayon::prelude::*;
use simgan_data::{Budget, DataError, Image, ImageFile, OnError, Permit};

use super::batches::Batches;
use super::change::Change;
use super::forward::refine_batch;
use super::images::InputImage;
use super::pixels::Refinable;
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

/// An image whose file is read but not decoded.
struct Encoded {
    index: usize,
    bytes: Result<Vec<u8>, DataError>,
    /// [`Work::n_bytes`].
    n_bytes: u64,
}

/// An image in the pipeline.
pub(super) struct Job {
    pub(super) index: usize,
    pub(super) input: InputImage,
    refinable: Refinable,
    /// The memory of the image on its way through the pipeline.
    _permit: Permit,
}

/// Output of the pipeline.
pub(super) enum Outcome {
    /// Refined images to write, each with its change.
    Refined(Vec<(Job, Image, Change)>),
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
        let budget = Budget::new(Budget::decoding().limit());
        let (mut pending, mut ahead) = (self.pending, VecDeque::new());
        while !self.stop.load(Ordering::Relaxed) {
            self.read_ahead(&mut pending, &mut ahead);
            if ahead.is_empty() {
                break;
            }
            let room = ahead.iter().map_while(|encoded| budget.try_acquire(encoded.n_bytes));
            let mut permits: Vec<Permit> = room.collect();
            if permits.is_empty() {
                // Only what is on its way can make room, so nothing may wait here for others of its size.
                send_batches(sender, batches.flush())?;
                permits.push(budget.acquire(ahead[0].n_bytes));
            }
            let work: Vec<_> = ahead.drain(..permits.len()).zip(permits).collect();
            let job = |(encoded, permit): (Encoded, Permit)| (encoded.index, self.job(encoded, permit));
            let decoded: Vec<_> = work.into_par_iter().map(job).collect();
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

    /// Reads the files of the next images, for as many as are decoded at once.
    fn read_ahead(self, pending: &mut &[usize], ahead: &mut VecDeque<Encoded>) {
        // Two images a thread even out decoding times; more would hold more decoded images outside the
        // bounded queues.
        let at_once = 2 * rayon::current_num_threads();
        let (indices, rest) = pending.split_at(pending.len().min(at_once - ahead.len()));
        *pending = rest;
        let encoded = |index: &usize| {
            let bytes = self.input.images.bytes(*index);
            let n_bytes = bytes.as_ref().map_or(0, |bytes| self.n_bytes(bytes));
            Encoded { index: *index, bytes, n_bytes }
        };
        ahead.par_extend(indices.par_iter().map(encoded));
    }

    /// Bytes that an image needs while it is refined, about, given its file: its values as stored, before and
    /// after, and as floating point four times. Images without a file are small and count nothing.
    fn n_bytes(self, bytes: &[u8]) -> u64 {
        // An image that cannot be read says so when it is its turn.
        let Ok(spec) = ImageFile::probe_bytes(bytes, Path::new("")) else { return 0 };
        let n_values = (spec.width * spec.height * spec.channels.max(self.model.refiner.channels())) as u64;
        n_values * u64::from(2 * spec.depth.bits() / 8 + 4 * 4)
    }

    fn job(self, Encoded { index, bytes, .. }: Encoded, permit: Permit) -> Result<Job, DataError> {
        let input = self.input.images.decode(index, &bytes?)?;
        let RefineModel { refiner, range, tone, .. } = self.model;
        let refinable = Refinable::new(input.file.image(), refiner.channels(), *range, tone.as_ref());
        Ok(Job { index, input, refinable, _permit: permit })
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
        let RefineModel { refiner, device, noise, .. } = self.model;
        let images: Vec<&Refinable> = jobs.iter().map(|job| &job.refinable).collect();
        let refined = refine_batch(refiner, &images, *noise, device)?;
        let finish = |(job, refined): (Job, Vec<f32>)| {
            let (image, change) = job.refinable.with_refined(&refined);
            // The mean over all pixels: one that is not finite makes it so, and nothing more need be read.
            if !change.mean.is_finite() {
                let image = self.input.images.name(job.index);
                return Err(RefineError::NotFinite { image, model: self.model.folder.clone() });
            }
            Ok((job, image, change))
        };
        let finished: Step<Vec<_>> = jobs.into_par_iter().zip(refined).map(finish).collect();
        finished.map(Outcome::Refined)
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
