//! A file in transfer, and the part of it kept when the transfer is cut.

use std::fs::{self, File};
use std::io::{self, Seek};
use std::path::{Path, PathBuf};

use anyhow::Context;
use simgan_data::{Hint, Hinted};

use crate::failure::hinted;

/// A file in transfer. A second file beside it records its [`Origin`].
pub(super) struct Part {
    path: PathBuf,
}

/// The origin of a part: its address and, if the server gives one, its version.
pub(super) struct Origin {
    pub(super) url: String,
    pub(super) version: Option<String>,
}

impl Part {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn length(&self) -> u64 {
        fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }

    pub(super) fn discard(&self) -> anyhow::Result<()> {
        for path in [&self.path, &self.origin_path()] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| path.display().to_string());
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Moves the complete file to its place.
    pub(super) fn complete(&self, place: &Path) -> anyhow::Result<()> {
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        fs::rename(&self.path, place).with_context(|| place.display().to_string())?;
        self.discard()
    }

    fn origin_path(&self) -> PathBuf {
        self.path.with_added_extension("origin")
    }

    /// Returns the offset to resume at, and the version that the server must still have.
    pub(super) fn resume(&self, url: &str, is_known: bool) -> (u64, Option<String>) {
        let text = fs::read_to_string(self.origin_path()).unwrap_or_default();
        let mut lines = text.lines();
        let is_same = lines.next() == Some(url);
        let version = lines.next().map(str::to_owned);
        match (is_same, is_known) {
            (true, _) => (self.length(), version),
            (false, true) => (self.length(), None),
            (false, false) => (0, None),
        }
    }

    /// Opens the part for writing and cuts it off at `start`.
    pub(super) fn open(&self, start: u64, origin: &Origin) -> anyhow::Result<File> {
        let Origin { url, version } = origin;
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        }
        let text = format!("{url}\n{}", version.as_deref().unwrap_or_default());
        simgan_data::write_atomic(&self.origin_path(), text.trim_end().as_bytes())?;
        let open = || {
            let mut file = File::options().create(true).truncate(false).write(true).open(&self.path)?;
            file.set_len(start)?;
            file.seek(io::SeekFrom::End(0))?;
            Ok(file)
        };
        open().map_err(|error| written(&self.path, &error))
    }
}

/// Makes an error about writing `path`, with a hint if the disk is full.
pub(crate) fn written(path: &Path, error: &io::Error) -> anyhow::Error {
    let message = format!("{}: {error}", path.display());
    match Hint::of_io(error) {
        Some(_) => hinted(message, MAKE_ROOM),
        None => anyhow::Error::msg(message),
    }
}

const MAKE_ROOM: &str = "make room and run the same command again to continue";

/// Whether this is [`written`]'s error about a full disk.
pub(super) fn is_full(error: &anyhow::Error) -> bool {
    let mut hints = error.chain().filter_map(|cause| cause.downcast_ref::<Hinted>());
    hints.any(|hinted| hinted.hint == Hint::from(MAKE_ROOM))
}
