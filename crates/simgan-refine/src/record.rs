//! Brings written images to the disk and records them, beside the work that writes more.

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, Scope};

use super::RefineError;
use super::manifest::{Entry, Manifest};
use super::output::Output;

/// Images that were written, and what the manifest shall say of them.
#[derive(Default)]
pub(super) struct Record {
    /// Paths relative to the output folder.
    pub(super) images: Vec<PathBuf>,
    pub(super) entries: Vec<Entry>,
}

/// Maximum number of records that wait for the disk.
const QUEUE: usize = 4;
/// Number of files brought to the disk at once: a disk does several in the time of one.
const AT_ONCE: usize = 8;

impl Record {
    /// A record without an image.
    pub(super) fn of(entry: Entry) -> Self {
        Self { images: Vec::new(), entries: vec![entry] }
    }
}

/// Runs `work`, which passes records on; returns the manifest when all of them are in it.
pub(super) fn recording(
    output: &Output,
    manifest: Manifest,
    work: impl FnOnce(&dyn Fn(Record) -> Result<(), RefineError>) -> Result<(), RefineError>,
) -> Result<Manifest, RefineError> {
    let (sender, records) = sync_channel(QUEUE);
    thread::scope(|scope| {
        let recorder = scope.spawn(move || record(output, manifest, &records));
        let closed = || std::io::Error::other("the recorder has ended");
        // A recorder that ended reports its own error, which comes first below.
        let pass = |record| sender.send(record).map_err(|_| output.failed(closed()));
        let worked = work(&pass);
        drop(sender);
        let manifest = recorder.join().unwrap_or_else(|panic| resume_unwind(panic))?;
        worked.map(|()| manifest)
    })
}

fn record(
    output: &Output,
    mut manifest: Manifest,
    records: &Receiver<Record>,
) -> Result<Manifest, RefineError> {
    thread::scope(|scope| {
        // Not in the thread pool, whose threads have work to do meanwhile.
        let syncers: Vec<_> = (0..AT_ONCE).map(|_| Syncer::start(scope, output)).collect();
        for Record { images, entries } in records {
            sync(output, &syncers, &images)?;
            manifest.append(&entries)?;
        }
        Ok(manifest)
    })
}

/// Waits until the images are on the disk.
fn sync(output: &Output, syncers: &[Syncer], images: &[PathBuf]) -> Result<(), RefineError> {
    let each = images.len().div_ceil(AT_ONCE).max(1);
    let ended = || output.failed(std::io::Error::other("a thread has ended"));
    let mut busy = Vec::new();
    for (syncer, some) in syncers.iter().zip(images.chunks(each)) {
        syncer.images.send(some.to_vec()).map_err(|_| ended())?;
        busy.push(syncer);
    }
    busy.into_iter().try_for_each(|syncer| syncer.done.recv().unwrap_or_else(|_| Err(ended())))
}

/// A thread that brings files to the disk, until it is dropped.
struct Syncer {
    images: SyncSender<Vec<PathBuf>>,
    done: Receiver<Result<(), RefineError>>,
}

impl Syncer {
    fn start<'scope>(scope: &'scope Scope<'scope, '_>, output: &'scope Output) -> Self {
        let (images, jobs) = sync_channel::<Vec<PathBuf>>(1);
        let (report, done) = sync_channel(1);
        scope.spawn(move || {
            let sync = |images: Vec<PathBuf>| images.iter().try_for_each(|image| output.sync(image));
            // Nobody waits for a report after an error.
            jobs.into_iter().map(sync).try_for_each(|result| report.send(result))
        });
        Self { images, done }
    }
}
