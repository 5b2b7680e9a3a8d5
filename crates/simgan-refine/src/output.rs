//! The output folder.

use std::fs;
use std::path::{Path, PathBuf};

use simgan_data::{Image, write_atomic};

use super::manifest::Refined;
use super::work::Job;
use super::{CHANGE_UNITS, RefineError, RefineInput};

/// The output folder, which mirrors the input folder.
pub(super) struct Output {
    root: PathBuf,
}

impl Output {
    /// Creates the folder if it is missing. Fails if it overlaps the input folder.
    pub(super) fn open(path: &Path, input: Option<&Path>) -> Result<Self, RefineError> {
        if let Some(input) = input {
            let real_input = input.canonicalize().map_err(RefineError::io(input))?;
            let real_output = resolved(path)?;
            if real_output.starts_with(&real_input) || real_input.starts_with(&real_output) {
                return Err(RefineError::Overlap { input: input.to_owned(), output: path.to_owned() });
            }
        }
        fs::create_dir_all(path).map_err(RefineError::io(path))?;
        Ok(Self { root: path.to_owned() })
    }

    /// Removes the temporary files that a killed job left.
    pub(super) fn remove_leftovers(&self) -> Result<(), RefineError> {
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).map_err(RefineError::io(&folder))? {
                let entry = entry.map_err(RefineError::io(&folder))?;
                let (path, name) = (entry.path(), entry.file_name());
                if entry.file_type().map_err(RefineError::io(&path))?.is_dir() {
                    folders.push(path);
                } else if is_leftover(name.as_encoded_bytes()) {
                    fs::remove_file(&path).map_err(RefineError::io(&path))?;
                }
            }
        }
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
        let path = self.root.join(input.images.path(job.index));
        create_parent(&path)?;
        self.copy_labels(input, &input.images.labels_of(job.index))?;
        let mut label_files = input.images.n_first_labels(job.index);
        if let Some(record) = &job.input.record {
            write_atomic(&path.with_extension("json"), format!("{record:#}\n").as_bytes())?;
            label_files += 1;
        }
        let spec = image.spec();
        job.input.file.with_image(image).save(&path)?;
        Ok(Refined {
            image: input.images.name(job.index),
            width: spec.width,
            height: spec.height,
            channels: spec.channels,
            bits: spec.depth.bits(),
            change: (change * CHANGE_UNITS).round() / CHANGE_UNITS,
            label_files,
            input_crc32c: job.input.crc32c,
        })
    }

    /// Copies label files unchanged and returns their number.
    pub(super) fn copy_labels(&self, input: &RefineInput, labels: &[PathBuf]) -> Result<u64, RefineError> {
        let Some(from) = input.images.root() else { return Ok(0) };
        for label in labels {
            let source = from.join(label);
            let target = self.root.join(label);
            create_parent(&target)?;
            write_atomic(&target, &fs::read(&source).map_err(RefineError::io(&source))?)?;
        }
        Ok(labels.len() as u64)
    }
}

/// Whether a file is a temporary one of [`write_atomic`].
fn is_leftover(name: &[u8]) -> bool {
    name.starts_with(b".simgan-") && name.ends_with(b".tmp")
}

fn create_parent(path: &Path) -> Result<(), RefineError> {
    path.parent().map_or(Ok(()), |parent| fs::create_dir_all(parent).map_err(RefineError::io(parent)))
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
