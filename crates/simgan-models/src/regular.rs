//! Reads files of a checkpoint: plain files only, and no more of them than they can need.
//!
//! simgan-data has its own version for files that a user names; no crate lies below both.

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Read, Result};
use std::path::Path;

/// Maximum bytes of `state.toml`, `best.toml` and `refiner.toml`.
pub(crate) const MAX_TEXT: u64 = 1 << 20;

/// Opens a plain file; returns its length too.
///
/// A link is refused like a device or a pipe: it leads out of the checkpoint, or to something without an end.
pub(crate) fn open(path: &Path) -> Result<(File, u64)> {
    // Before opening: to open a pipe without a writer would wait for ever.
    if !fs::symlink_metadata(path)?.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "not a plain file"));
    }
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    Ok((file, length))
}

/// Reads a plain file of at most `max_bytes` bytes.
pub(crate) fn read(path: &Path, max_bytes: u64) -> Result<Vec<u8>> {
    let (file, length) = open(path)?;
    if length > max_bytes {
        let reason = format!("{length} bytes, of which it can need no more than {max_bytes}");
        return Err(Error::new(ErrorKind::InvalidData, reason));
    }
    let mut bytes = Vec::with_capacity(length as usize);
    file.take(max_bytes).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Reads a plain text file of at most [`MAX_TEXT`] bytes.
pub(crate) fn read_text(path: &Path) -> Result<String> {
    String::from_utf8(read(path, MAX_TEXT)?).map_err(|error| Error::new(ErrorKind::InvalidData, error))
}
