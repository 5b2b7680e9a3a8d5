//! The manifest `refined.jsonl` of an output folder, one JSON object a line.
//!
//! The first line is the [`Header`]; each image adds one [`Entry`], written after the image itself, so that a
//! continued job can skip it. A completed job ends with [`Entry::Finished`].

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use simgan_data::{check_plain, is_junk};
use simgan_models::{NoiseSource, Precision};

use super::RefineError;

/// The manifest's name in the output folder.
pub const MANIFEST_FILE: &str = "refined.jsonl";

pub(super) const FORMAT: &str = "simgan-refine";
/// Version 2 added [`Entry::Kept`] and what is known of the outputs; version 1 is still continued.
pub(super) const FORMAT_VERSION: u32 = 2;

/// Maximum length of a line in bytes. Ours are far shorter.
const MAX_LINE: u64 = 1 << 20;
/// Maximum plausible number of label files of one image, and of pixels along a side.
const MAX_COUNT: u64 = 1 << 24;

/// What identifies the job: the model and the input.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) format: String,
    pub(super) format_version: u32,
    /// The program and its version.
    pub(super) program: String,
    /// The checkpoint's folder, for information only: jobs are compared by `model_crc32c`.
    pub(super) model: PathBuf,
    /// crc32c of the refiner's two files, in hexadecimal.
    pub(super) model_crc32c: String,
    /// The refiner's channels and config, for information only.
    pub(super) refiner: Value,
    /// The name of the input: a folder's absolute path, or the name of a data set or simulator.
    pub(super) input: String,
    /// What determines the noise of a refiner that takes some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) noise: Option<Noise>,
    /// Of the products, f32 before there was a choice.
    #[serde(default = "single", skip_serializing_if = "is_single")]
    pub(super) precision: String,
}

fn single() -> String {
    Precision::F32.to_string()
}

fn is_single(precision: &String) -> bool {
    *precision == single()
}

/// [`NoiseSource`] as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Noise {
    seed: u64,
    variant: u64,
    /// Whether all images have the same noise.
    shared: bool,
}

impl From<NoiseSource> for Noise {
    fn from(NoiseSource { seed, variant, is_shared }: NoiseSource) -> Self {
        Self { seed, variant, shared: is_shared }
    }
}

/// A line after the header: the fate of one image, or the end of the job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Entry {
    /// The image was written.
    Refined(Refined),
    /// The image could not be read and was skipped.
    Skipped { image: String, reason: String },
    /// The image looks like a mask among photographs and was copied.
    Kept { image: String },
    /// The job is complete.
    Finished { refined: u64, skipped: u64, label_files: u64 },
}

/// A written image.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Refined {
    /// The path relative to the input and output folders, with `/` as the separator.
    pub(super) image: String,
    pub(super) width: usize,
    pub(super) height: usize,
    /// 1 (gray) or 3 (RGB); alpha does not count.
    pub(super) channels: usize,
    /// Bits per channel: 8 or 16; 32 is floating point.
    pub(super) bits: u32,
    /// Mean of |R(x) − x|, x in [−1, 1].
    #[serde(rename = "drift")] // its name in version 1 of the format
    pub(super) change: f64,
    /// Label files written with the image, not counting those shared with an earlier image.
    pub(super) label_files: u64,
    /// crc32c of the input file or of a sample's pixels, in hexadecimal; `None` for a simulator's sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) input_crc32c: Option<String>,
    /// Length of the written file in bytes; `None` in version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) output_bytes: Option<u64>,
    /// crc32c of the written file, in hexadecimal; `None` in version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) output_crc32c: Option<String>,
}

impl Refined {
    /// Refuses numbers that no job writes, before anything is computed from them.
    fn check(&self) -> Result<(), String> {
        let Self { width, height, label_files, change, .. } = *self;
        let counts = [("width", width as u64), ("height", height as u64), ("label_files", label_files)];
        if let Some((name, count)) = counts.into_iter().find(|(_, count)| *count > MAX_COUNT) {
            return Err(format!("{name} = {count} is out of range"));
        }
        if !(0.0..=MAX_CHANGE).contains(&change) {
            return Err(format!("drift = {change} is out of range"));
        }
        Ok(())
    }
}

/// Removes a manifest that tells of no image from a folder that holds nothing else: what failed at once shall not
/// keep another job out. A failure is not worth another error.
pub(super) fn forget_unused(folder: &Path) {
    let path = folder.join(MANIFEST_FILE);
    let is_alone = || {
        let names = folder.read_dir().ok()?.map(|entry| entry.map(|entry| entry.file_name()));
        let names: Vec<_> = names.collect::<Result<_, _>>().ok()?;
        Some(names.iter().all(|name| name == MANIFEST_FILE || is_junk(name)))
    };
    let is_unused = || {
        let mut text = String::new();
        File::open(&path).ok()?.take(MAX_LINE).read_to_string(&mut text).ok()?;
        Some(text.lines().count() <= 1)
    };
    if check_plain(&path).is_err() {
        return;
    }
    // Another job that runs holds the lock: the manifest is its own.
    let Ok(file) = OpenOptions::new().read(true).append(true).open(&path) else { return };
    if simgan_data::lock_open(&file, &path, folder).is_err() {
        return;
    }
    if is_alone() == Some(true) && is_unused() == Some(true) {
        let _ = std::fs::remove_file(&path);
    }
}

/// Maximum plausible mean change; images have the range [−1, 1], and a bad refiner may exceed it.
const MAX_CHANGE: f64 = 1e6;

/// An open manifest, locked against other processes for its lifetime.
pub(super) struct Manifest {
    path: PathBuf,
    file: File,
}

/// What earlier calls did with images, by name.
pub(super) type Done = BTreeMap<String, Earlier>;

/// What an earlier call did with an image.
pub(super) enum Earlier {
    Refined(Refined),
    /// Copied as [`Entry::Kept`].
    Kept,
}

impl Manifest {
    /// Creates the manifest, or opens an existing one after checking that it belongs to the same job. Fails
    /// if the folder has no manifest but other files, or if the manifest is not a plain file of ours; nothing
    /// is then written.
    pub(super) fn open(folder: &Path, header: &Header) -> Result<(Self, Done), RefineError> {
        let path = folder.join(MANIFEST_FILE);
        check_plain(&path)?;
        if !path.exists() && !is_empty(folder)? {
            return Err(RefineError::Occupied { path: folder.to_owned() });
        }
        let file = OpenOptions::new().read(true).append(true).create(true).open(&path);
        let mut manifest = Self { file: file.map_err(RefineError::io(&path))?, path };
        // Lock the handle that writes: on some systems the lock keeps every other handle from writing.
        simgan_data::lock_open(&manifest.file, &manifest.path, folder)?;
        let done = manifest.read(header)?;
        Ok((manifest, done))
    }

    /// Reads the existing lines, and writes the header to an empty file. An incomplete last line, left by a
    /// killed job, is cut off.
    fn read(&mut self, header: &Header) -> Result<Done, RefineError> {
        let mut done = Done::new();
        let mut reader = BufReader::new(&self.file);
        let (mut line, mut line_idx, mut whole_bytes) = (Vec::new(), 0, 0);
        loop {
            line.clear();
            let read = reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
            read.map_err(RefineError::io(&self.path))?;
            if !line.ends_with(b"\n") {
                break;
            }
            line_idx += 1;
            whole_bytes += line.len() as u64;
            if line_idx == 1 {
                self.check_header(&line, header)?;
                continue;
            }
            self.add(&line, line_idx, &mut done)?;
        }
        self.check_rest(&line, line_idx + 1)?;
        // Without this, the next line would continue an incomplete one.
        self.file.set_len(whole_bytes).map_err(RefineError::io(&self.path))?;
        self.file.seek(SeekFrom::End(0)).map_err(RefineError::io(&self.path))?;
        if line_idx == 0 {
            self.append(&[header])?;
        }
        Ok(done)
    }

    fn add(&self, line: &[u8], line_idx: usize, done: &mut Done) -> Result<(), RefineError> {
        match self.parse(line, line_idx)? {
            Entry::Refined(entry) => {
                entry.check().map_err(|reason| self.refused(line_idx, reason))?;
                done.insert(entry.image.clone(), Earlier::Refined(entry));
            }
            Entry::Kept { image } => {
                done.insert(image, Earlier::Kept);
            }
            Entry::Skipped { .. } | Entry::Finished { .. } => {}
        }
        Ok(())
    }

    /// Checks that an incomplete last line may be cut off: it is one that a killed job of ours left.
    fn check_rest(&self, rest: &[u8], line_idx: usize) -> Result<(), RefineError> {
        if rest.len() as u64 == MAX_LINE {
            return Err(self.refused(line_idx, format!("longer than {MAX_LINE} bytes")));
        }
        let begins = format!("{{\"format\":\"{FORMAT}\"");
        let n_alike = begins.bytes().zip(rest).take_while(|(ours, theirs)| ours == *theirs).count();
        if line_idx == 1 && n_alike < rest.len().min(begins.len()) {
            return Err(self.refused(line_idx, "not a manifest of this program".to_owned()));
        }
        Ok(())
    }

    fn refused(&self, line: usize, reason: String) -> RefineError {
        RefineError::Manifest { path: self.path.clone(), line, reason }
    }

    fn check_header(&self, line: &[u8], now: &Header) -> Result<(), RefineError> {
        let before: Header = self.parse(line, 1)?;
        if before.format != FORMAT || !(1..=FORMAT_VERSION).contains(&before.format_version) {
            let reason = format!(
                "format {} {}, this program reads {FORMAT} 1 to {FORMAT_VERSION}",
                before.format, before.format_version
            );
            return Err(self.refused(1, reason));
        }
        let changed = |before, now| Err(RefineError::Changed { path: self.path.clone(), before, now });
        // By content, so that a job continues with a moved or copied checkpoint.
        if before.model_crc32c != now.model_crc32c {
            let told = |header: &Header| {
                format!("the model {} (crc32c {})", header.model.display(), header.model_crc32c)
            };
            return changed(told(&before), told(now));
        }
        if before.input != now.input {
            return changed(format!("the input {}", before.input), format!("the input {}", now.input));
        }
        if before.noise != now.noise {
            let told = |noise: Option<Noise>| match noise {
                None => "no noise".to_owned(),
                Some(Noise { seed, variant, shared }) => {
                    let of = if shared { ", one for all frames" } else { "" };
                    format!("noise of seed {seed}, variant {variant}{of}")
                }
            };
            return changed(told(before.noise), told(now.noise));
        }
        if before.precision != now.precision {
            let told = |precision: &str| format!("--precision {precision}");
            return changed(told(&before.precision), told(&now.precision));
        }
        Ok(())
    }

    fn parse<T: for<'a> Deserialize<'a>>(&self, line: &[u8], line_number: usize) -> Result<T, RefineError> {
        serde_json::from_slice(line).map_err(|error| self.refused(line_number, error.to_string()))
    }

    /// Appends lines in one write.
    pub(super) fn append(&mut self, lines: &[impl Serialize]) -> Result<(), RefineError> {
        let mut text = Vec::new();
        for line in lines {
            serde_json::to_writer(&mut text, line)
                .map_err(|error| RefineError::io(&self.path)(error.into()))?;
            text.push(b'\n');
        }
        self.file.write_all(&text).map_err(RefineError::io(&self.path))
    }
}

/// Whether a folder holds nothing, or only what systems leave in any folder.
fn is_empty(folder: &Path) -> Result<bool, RefineError> {
    for entry in folder.read_dir().map_err(RefineError::io(folder))? {
        if !is_junk(&entry.map_err(RefineError::io(folder))?.file_name()) {
            return Ok(false);
        }
    }
    Ok(true)
}
