//! Brings written images to the disk and records them, beside the work that writes more.

use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

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
    for Record { images, entries } in records {
        sync(output, &images)?;
        manifest.append(&entries)?;
    }
    Ok(manifest)
}

/// Waits until the images are on the disk. Not in the thread pool, whose threads have work to do meanwhile.
fn sync(output: &Output, images: &[PathBuf]) -> Result<(), RefineError> {
    let each = images.len().div_ceil(AT_ONCE).max(1);
    thread::scope(|scope| {
        let some = |images: &'_ [PathBuf]| images.iter().try_for_each(|image| output.sync(image));
        let threads: Vec<_> = images.chunks(each).map(|images| scope.spawn(move || some(images))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)))
    })
}
