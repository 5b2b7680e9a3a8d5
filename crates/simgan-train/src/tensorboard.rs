//! TensorBoard event files: [`Writer`] appends scalars and images, framed and encoded by hand.
//!
//! A file is a sequence of records, each `length u64 · masked crc32c(length) · payload · masked crc32c(payload)`, little
//! endian; a payload is one `Event` message of TensorBoard's `event.proto`.

mod proto;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use self::proto::{SessionStart, event};

/// Writes one event file in a folder that TensorBoard watches (`tensorboard --logdir DIR`).
///
/// A resumed run continues in a new file, as TensorBoard itself does: readers take a folder's files in the order of their
/// names, which begin with the time.
///
/// ```
/// use simgan_train::tensorboard::{PngImage, Writer};
/// # fn main() -> std::io::Result<()> {
/// # let folder = tempfile::tempdir()?;
/// # let dir = folder.path();
/// let mut writer = Writer::create(dir)?;
/// writer.scalars(100, &[("refiner/loss", 0.71), ("refiner/change", 0.12)])?;
/// # let png = &[0u8; 8];
/// writer.image(100, "samples", PngImage { height: 35, width: 55, channels: 1, bytes: png })?;
/// drop(writer);                                       // a crash, then a resume from the checkpoint at step 80
/// let mut writer = Writer::resume(dir, 81)?;          // what was written of steps 81 and later is superseded
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Writer {
    path: PathBuf,
    file: File,
}

/// An encoded image and what TensorBoard wants to know about it.
#[derive(Clone, Copy, Debug)]
pub struct PngImage<'a> {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// 1 (gray) or 3 (RGB).
    pub channels: usize,
    /// The PNG file's bytes.
    pub bytes: &'a [u8],
}

impl Writer {
    /// Starts a new file in `dir`, which is created when missing.
    ///
    /// # Errors
    /// The folder or file cannot be created or written.
    pub fn create(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        let (path, file) = new_file(dir)?;
        let mut writer = Self { path, file };
        writer.append(&event(wall_time_secs(), 0, &proto::FileVersion))?;
        Ok(writer)
    }

    /// Starts a new file in `dir` for a run that goes on with `first_step`: TensorBoard drops what earlier files hold of that
    /// step and later ones, which the run is going to repeat.
    ///
    /// # Errors
    /// The folder or file cannot be created or written.
    pub fn resume(dir: &Path, first_step: u64) -> io::Result<Self> {
        let mut writer = Self::create(dir)?;
        writer.append(&event(wall_time_secs(), first_step, &SessionStart))?;
        Ok(writer)
    }

    /// Appends the values of one step; each tag is a chart, and `/` in tags groups charts.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn scalars(&mut self, step: u64, values: &[(&str, f32)]) -> io::Result<()> {
        self.append(&event(wall_time_secs(), step, &proto::Scalars(values)))
    }

    /// Appends one image.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn image(&mut self, step: u64, tag: &str, image: PngImage<'_>) -> io::Result<()> {
        self.append(&event(wall_time_secs(), step, &proto::TaggedImage { tag, image }))
    }

    /// The file that is being written.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// One write for one record, so that a crash loses at most the record being written.
    fn append(&mut self, payload: &[u8]) -> io::Result<()> {
        self.file.write_all(&record(payload))
    }
}

/// A file that did not exist, whose name sorts after those written before.
fn new_file(dir: &Path) -> io::Result<(PathBuf, File)> {
    loop {
        let time = since_epoch();
        let name = format!("events.out.tfevents.{:010}.{:09}.simgan", time.as_secs(), time.subsec_nanos());
        let path = dir.join(name);
        match OpenOptions::new().append(true).create_new(true).open(&path) {
            Ok(file) => return Ok((path, file)),
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

/// The checksum of `TFRecord` files: rotated and shifted, so that a checksum of data that holds checksums stays sound.
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
