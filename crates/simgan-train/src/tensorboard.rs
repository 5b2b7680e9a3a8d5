//! TensorBoard event files. [`Writer`] appends scalars and images; framing and protobuf encoding are
//! implemented here.
//!
//! A file is a sequence of little-endian records `length u64 · masked crc32c(length) · payload · masked
//! crc32c(payload)`. A payload is one `Event` message of TensorBoard's `event.proto`.

mod proto;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use self::proto::{SessionStart, event};

/// Writes one event file in a folder that TensorBoard watches (`tensorboard --logdir DIR`).
///
/// A resumed run continues in a new file, as with TensorBoard's own writer. Readers take a folder's files in
/// the order of their names, which start with the time of creation.
#[derive(Debug)]
pub(crate) struct Writer {
    path: PathBuf,
    file: File,
}

/// An encoded image with the metadata that TensorBoard requires.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PngImage<'a> {
    /// Rows.
    pub(crate) height: usize,
    /// Columns.
    pub(crate) width: usize,
    /// 1 (gray) or 3 (RGB).
    pub(crate) channels: usize,
    /// The PNG file's bytes.
    pub(crate) bytes: &'a [u8],
}

impl Writer {
    /// Starts a new file in `dir`, creating the folder if missing.
    ///
    /// # Errors
    /// The folder or file cannot be created or written.
    pub(crate) fn create(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let (path, file) = new_file(dir)?;
        let mut writer = Self { path, file };
        writer.append(&event(wall_time_secs(), 0, &proto::FileVersion))?;
        Ok(writer)
    }

    /// Starts a new file in `dir` for a run that resumes at `first_step`. TensorBoard then drops earlier
    /// files' events of that step and later ones, which the run will repeat.
    ///
    /// # Errors
    /// The folder or file cannot be created or written.
    pub(crate) fn resume(dir: &Path, first_step: u64) -> io::Result<Self> {
        let mut writer = Self::create(dir)?;
        writer.append(&event(wall_time_secs(), first_step, &SessionStart))?;
        Ok(writer)
    }

    /// Appends the values of one step. Each tag is a chart; tags with the same prefix before `/` form a
    /// group.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn scalars(&mut self, step: u64, values: &[(&str, f32)]) -> io::Result<()> {
        self.append(&event(wall_time_secs(), step, &proto::Scalars(values)))
    }

    /// Appends one image.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn image(&mut self, step: u64, tag: &str, image: PngImage<'_>) -> io::Result<()> {
        self.append(&event(wall_time_secs(), step, &proto::TaggedImage { tag, image }))
    }

    /// Returns the file being written.
    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a record with a single call, so that a crash loses at most that record.
    fn append(&mut self, payload: &[u8]) -> io::Result<()> {
        self.file.write_all(&record(payload))
    }
}

/// Creates a file whose name sorts after all earlier ones.
fn new_file(dir: &Path) -> io::Result<(PathBuf, File)> {
    loop {
        let time = since_epoch();
        let name = format!("events.out.tfevents.{:010}.{:09}.simgan", time.as_secs(), time.subsec_nanos());
        let path = dir.join(name);
        match OpenOptions::new().append(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
            // Two files in one tick of a coarse clock: try again with a later time.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
}

fn record(payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u64).to_le_bytes();
    let mut record = Vec::with_capacity(payload.len() + 16);
    record.extend(length);
    record.extend(masked_crc(&length).to_le_bytes());
    record.extend(payload);
    record.extend(masked_crc(payload).to_le_bytes());
    record
}

/// Returns the masked checksum of `TFRecord` files. Masking keeps CRCs of data that itself contains CRCs
/// reliable.
fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

fn since_epoch() -> std::time::Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

fn wall_time_secs() -> f64 {
    since_epoch().as_secs_f64()
}

#[cfg(test)]
mod tests;
