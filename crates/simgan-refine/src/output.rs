//! The output folder.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use simgan_data::{
    DataError, Image, KeptImage, check_plain, copy_atomic, copy_time, is_copy, is_junk, write_atomic,
};

use super::images::{Images, hex};
use super::manifest::Refined;
use super::work::Job;
use super::{CHANGE_UNITS, MANIFEST_FILE, RefineError, RefineInput};

/// The output folder, which mirrors the input folder.
pub(super) struct Output {
    root: PathBuf,
    /// Relative paths of folders below the root that are known to be folders and no links.
    known: Mutex<BTreeSet<PathBuf>>,
}

impl Output {
    /// Creates the folder if it is missing. Fails if it overlaps the input folder, directly or through a link
    /// in it.
    pub(super) fn open(path: &Path, input: &dyn Images) -> Result<Self, RefineError> {
        if let Some(root) = input.root() {
            let real = resolved(path)?;
            check_apart(root, &root.canonicalize().map_err(RefineError::io(root))?, path, &real)?;
            for link in input.links().iter().map(|link| root.join(link)) {
                let Ok(target) = fs::read_link(&link) else { continue };
                let target = link.parent().unwrap_or(root).join(target);
                let target = resolved(&target)?;
                check_apart(&link, &target, path, &real)?;
            }
        }
        fs::create_dir_all(path).map_err(RefineError::io(path))?;
        Ok(Self { root: path.to_owned(), known: Mutex::default() })
    }

    /// Removes the temporary files that a killed job left.
    pub(super) fn remove_leftovers(&self) -> Result<(), RefineError> {
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).map_err(RefineError::io(&folder))? {
                let entry = entry.map_err(RefineError::io(&folder))?;
                let (path, name) = (entry.path(), entry.file_name());
                if is_junk(&name) {
                    continue;
                }
                if entry.file_type().map_err(RefineError::io(&path))?.is_dir() {
                    folders.push(path);
                } else if is_leftover(name.as_encoded_bytes()) {
                    fs::remove_file(&path).map_err(RefineError::io(&path))?;
                }
            }
        }
        Ok(())
    }

    /// The place of a file, after making its folders and checking that no link, pipe or device is there.
    fn place(&self, relative: &Path) -> Result<PathBuf, RefineError> {
        let path = self.root.join(relative);
        self.make(relative.parent().unwrap_or(Path::new("")))?;
        check_plain(&path)?;
        Ok(path)
    }

    /// Makes a folder below the root; a link in its place would lead the files elsewhere.
    fn make(&self, folder: &Path) -> Result<(), RefineError> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(parent) = folder.parent() else { return Ok(()) };
        if known().contains(folder) {
            return Ok(());
        }
        self.make(parent)?;
        let full = self.root.join(folder);
        match fs::create_dir(&full) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                return Err(RefineError::io(&full)(error));
            }
            Err(_) if !fs::symlink_metadata(&full).is_ok_and(|metadata| metadata.is_dir()) => {
                return Err(DataError::NotPlain { path: full, what: "a link or file" }.into());
            }
            _ => {}
        }
        known().insert(folder.to_owned());
        Ok(())
    }

    /// Writes one image with its labels. The image comes last: an image that exists is complete, labels
    /// included.
    pub(super) fn write(
        &self,
        input: &RefineInput,
        job: Job,
        image: Image,
        change: f64,
    ) -> Result<Refined, RefineError> {
        let path = self.place(&input.images.path(job.index))?;
        let mut label_files = input.images.n_first_labels(job.index);
        if let Some(record) = &job.input.record {
            let label = self.place(&input.images.path(job.index).with_extension("json"))?;
            write_atomic(&label, recorded(record).as_bytes())?;
            label_files += 1;
        }
        let spec = image.spec();
        let bytes = job.input.file.with_image(image).encode(&path)?;
        write_atomic(&path, &bytes)?;
        Ok(Refined {
            image: input.images.name(job.index),
            width: spec.width,
            height: spec.height,
            channels: spec.channels,
            bits: spec.depth.bits(),
            change: (change * CHANGE_UNITS).round() / CHANGE_UNITS,
            label_files,
            input_crc32c: job.input.crc32c,
            output_bytes: Some(bytes.len() as u64),
            output_crc32c: Some(hex(crc32c::crc32c(&bytes))),
        })
    }

    /// Whether the file of a finished image, with its label, is as it was written; `None` if it is gone.
    pub(super) fn is_whole(&self, path: &Path, entry: &Refined) -> Result<Option<bool>, RefineError> {
        let path = self.root.join(path);
        check_plain(&path)?;
        let Ok(metadata) = fs::metadata(&path) else { return Ok(None) };
        let Some(n_bytes) = entry.output_bytes else { return Ok(Some(metadata.len() > 0)) };
        if metadata.len() != n_bytes {
            return Ok(Some(false));
        }
        let bytes = fs::read(&path).map_err(RefineError::io(&path))?;
        Ok(Some(entry.output_crc32c.as_ref().is_none_or(|crc| *crc == hex(crc32c::crc32c(&bytes)))))
    }

    /// Whether the label that is written with a data set's image is there.
    pub(super) fn has_label(&self, image: &Path) -> bool {
        let label = fs::symlink_metadata(self.root.join(image.with_extension("json")));
        label.is_ok_and(|label| label.is_file() && label.len() > 0)
    }

    /// Brings the label that is written with a data set's image up to date; `None` if it has none any more.
    pub(super) fn renew_record(&self, image: &Path, record: Option<&Value>) -> Result<(), RefineError> {
        let label = self.place(&image.with_extension("json"))?;
        match record.map(recorded) {
            Some(text) if fs::read(&label).is_ok_and(|found| found == text.as_bytes()) => Ok(()),
            Some(text) => Ok(write_atomic(&label, text.as_bytes())?),
            None => match fs::remove_file(&label) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    Err(RefineError::io(&label)(error))
                }
                _ => Ok(()),
            },
        }
    }

    /// An error about the folder as a whole.
    pub(super) fn failed(&self, error: std::io::Error) -> RefineError {
        RefineError::io(&self.root)(error)
    }

    /// Brings a written image to the disk, so that it outlives a loss of power.
    pub(super) fn sync(&self, image: &Path) -> Result<(), RefineError> {
        let path = self.root.join(image);
        File::open(&path).and_then(|file| file.sync_data()).map_err(RefineError::io(&path))
    }

    /// Copies a file of the input unless a copy is there already.
    pub(super) fn copy(&self, images: &dyn Images, file: &Path) -> Result<(), RefineError> {
        let Some(root) = images.root() else { return Ok(()) };
        if file == Path::new(MANIFEST_FILE) {
            tracing::warn!("not copied: {}, the record of an earlier job", root.join(file).display());
            return Ok(());
        }
        let (from, to) = (root.join(file), self.place(file)?);
        if !is_copy(&from, &to, true) {
            copy_atomic(&from, &to)?;
        }
        Ok(())
    }

    /// Copies a label file, which follows the pixels if they move, unless that was done already. Returns what
    /// was lost.
    pub(super) fn copy_label(&self, images: &dyn Images, label: &Path) -> Result<Vec<String>, RefineError> {
        let moves = images.moves_pixels() && label != Path::new(MANIFEST_FILE);
        let Some(root) = images.root().filter(|_| moves) else {
            return self.copy(images, label).map(|()| Vec::new());
        };
        let (from, to) = (root.join(label), self.place(label)?);
        // What it should say depends on the images too, so its time alone does not tell that it is done.
        let bytes = fs::read(&from).map_err(RefineError::io(&from))?;
        let (bytes, notes) = match images.carried(label, &bytes)? {
            Some(carried) => (carried.bytes, carried.notes),
            None => (bytes, Vec::new()),
        };
        if !fs::read(&to).is_ok_and(|found| found == bytes) {
            write_atomic(&to, &bytes)?;
            copy_time(&from, &to)?;
        }
        Ok(notes)
    }

    /// Copies an image that is not refined; a mask is resized with the images.
    pub(super) fn copy_kept(&self, images: &dyn Images, image: &KeptImage) -> Result<(), RefineError> {
        let Some(root) = images.root().filter(|_| images.moves_pixels()) else {
            return self.copy(images, &image.path);
        };
        let (from, to) = (root.join(&image.path), self.place(&image.path)?);
        if is_copy(&from, &to, false) {
            return Ok(());
        }
        match images.resized_mask(&image.path, image.why)? {
            Some(mask) => {
                mask.save(&to)?;
                self.sync(&image.path)?;
            }
            None => return self.copy(images, &image.path),
        }
        Ok(copy_time(&from, &to)?)
    }
}

/// A label as it is written.
fn recorded(record: &Value) -> String {
    format!("{record:#}\n")
}

/// Whether a file is a temporary one of [`write_atomic`].
fn is_leftover(name: &[u8]) -> bool {
    name.starts_with(b".simgan-") && name.ends_with(b".tmp")
}

/// Checks that neither of two real folders contains the other.
fn check_apart(
    input: &Path,
    real_input: &Path,
    output: &Path,
    real_output: &Path,
) -> Result<(), RefineError> {
    if real_output.starts_with(real_input) || real_input.starts_with(real_output) {
        return Err(RefineError::Overlap { input: input.to_owned(), output: output.to_owned() });
    }
    Ok(())
}

/// Resolves links in the absolute path of a folder that need not exist yet.
fn resolved(path: &Path) -> Result<PathBuf, RefineError> {
    // `canonicalize` needs a path that exists, so it gets the longest existing part.
    let absolute = std::path::absolute(path).map_err(RefineError::io(path))?;
    let existing = absolute.ancestors().find(|ancestor| ancestor.exists());
    let Some(existing) = existing else { return Ok(absolute) };
    let real = existing.canonicalize().map_err(RefineError::io(existing))?;
    // Parts that do not exist contain no links, so their `..` can be resolved as text.
    let mut resolved = real;
    for part in absolute.strip_prefix(existing).unwrap_or(Path::new("")).components() {
        match part {
            std::path::Component::ParentDir => {
                resolved.pop();
            }
            part => resolved.push(part),
        }
    }
    Ok(resolved)
}
