use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::columns::{Column, Columns};
use super::header::{DATA_START, Header, TensorInfo};
use crate::source::check_same;
use crate::{DataError, OnError, Sample, Source};

/// How a data set is packed.
#[derive(Clone, Debug, Default)]
pub struct PackOptions {
    /// What it is and how it was made: kept in the file, and compared when an interrupted job goes on.
    pub source: String,
    /// What to do about an image that cannot be read; with [`OnError::Skip`] it is left out.
    pub on_error: OnError,
    /// At most so many samples of the source.
    pub limit: Option<usize>,
}

/// What [`pack`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackReport {
    /// Images in the file.
    pub n_packed: usize,
    /// How many of them an earlier, interrupted job had done.
    pub n_resumed: usize,
    /// The errors of those that were left out by this job.
    pub skipped: Vec<String>,
}

/// What an interrupted job was about.
#[derive(PartialEq, Serialize, Deserialize)]
struct Job {
    source: String,
    n_samples: usize,
    shape: [usize; 3],
}

/// Samples that are decoded before they are written: enough for all threads, and little memory.
const CHUNK: usize = 256;

/// Packs a source into one file, which [`Packed`](super::Packed) reads. Images of 16 bits become 8.
///
/// Samples are decoded by the threads of rayon's current pool and written in the source's order: the file does not
/// depend on the number of threads, nor memory on the number of samples. The work is done in a folder beside the output,
/// `OUTPUT.partial`; interrupted and called again, it goes on there. The output appears when it is complete.
/// `progress` hears how many samples are done.
///
/// # Errors
/// An image that cannot be read (unless skipped) or differs in size; a failed write; another process at work on the
/// same output; leftovers of a different job.
pub fn pack(
    source: &dyn Source,
    output: &Path,
    options: &PackOptions,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<PackReport, DataError> {
    let spec = source.spec();
    let n_samples = options.limit.unwrap_or(usize::MAX).min(source.len());
    let shape = [spec.channels, spec.height, spec.width];
    let job = Job { source: options.source.clone(), n_samples, shape };
    let partial = Partial::open(output, &job)?;
    let io = |error| DataError::io(&partial.folder, error);
    let mut columns = Columns::open(&partial.folder, shape.iter().product()).map_err(io)?;
    let (n_resumed, next) = columns.recover().map_err(io)?;
    let mut report =
        PackReport { n_packed: n_resumed as usize, n_resumed: n_resumed as usize, skipped: Vec::new() };
    for start in (next..n_samples).step_by(CHUNK) {
        progress(start, n_samples);
        let indices = start..n_samples.min(start + CHUNK);
        let samples: Vec<_> = indices.into_par_iter().map(|index| (index, read(source, index))).collect();
        let mut readable = Vec::with_capacity(samples.len());
        for (index, sample) in samples {
            match (sample, options.on_error) {
                (Ok(sample), _) => readable.push((index, sample)),
                (Err(error), OnError::Skip) => report.skipped.push(error.to_string()),
                (Err(error), OnError::Fail) => return Err(error),
            }
        }
        report.n_packed += readable.len();
        columns.append(&readable).map_err(io)?;
    }
    progress(n_samples, n_samples);
    if report.n_packed == 0 {
        return Err(DataError::Empty { what: "no image of the source could be read".to_owned() });
    }
    finish(columns, &job, report.n_packed).map_err(io)?;
    partial.publish(output)?;
    Ok(report)
}

fn read(source: &dyn Source, index: usize) -> Result<Sample, DataError> {
    let sample = source.sample(index)?;
    check_same(("the source's first image", source.spec()), (&sample.name, sample.image.spec()))?;
    Ok(sample)
}

/// Appends all other columns to that of the images, and puts the header in front.
fn finish(columns: Columns, job: &Job, n: usize) -> std::io::Result<()> {
    let [channels, height, width] = job.shape;
    let Columns { mut images, gaze, head_pose, landmarks, names, name_ends, .. } = columns;
    let images_end = n as u64 * images.row_bytes;
    let mut tensors = BTreeMap::new();
    let mut end = 0;
    let mut add = |name: &str, dtype: &str, shape: Vec<usize>, length: u64| {
        let data_offsets = [end, end + length];
        end += length;
        tensors.insert(name.to_owned(), TensorInfo { dtype: dtype.to_owned(), shape, data_offsets });
    };
    add("images", "U8", vec![n, channels, height, width], images_end);
    // A job that was interrupted here had appended some of this already.
    images.file.seek(SeekFrom::Start(DATA_START + images_end))?;
    for (name, column, shape) in [
        ("gaze", gaze, vec![n, 3]),
        ("head_pose", head_pose, vec![n, 3]),
        ("landmarks", landmarks, vec![n, super::columns::N_LANDMARKS, 2]),
    ] {
        if has_numbers(&column)? {
            add(name, "F32", shape, append(&mut images.file, column)?);
        }
    }
    add("name_ends", "U64", vec![n], append(&mut images.file, name_ends)?);
    let n_bytes = append(&mut images.file, names)?;
    add("names", "U8", vec![n_bytes as usize], n_bytes);
    let header = Header::new(&job.source, tensors).to_bytes().map_err(std::io::Error::other)?;
    images.file.seek(SeekFrom::Start(0))?;
    images.file.write_all(&header)?;
    images.file.sync_all()
}

/// Copies a column to the end of `file`, and says how many bytes it has.
fn append(file: &mut File, mut column: Column) -> std::io::Result<u64> {
    column.file.seek(SeekFrom::Start(0))?;
    std::io::copy(&mut column.file, file)
}

/// Whether any row of a label is known.
fn has_numbers(column: &Column) -> std::io::Result<bool> {
    let mut file = File::open(&column.path)?;
    let mut bytes = vec![0; 1 << 16];
    loop {
        let n = file.read(&mut bytes)?;
        if n == 0 {
            return Ok(false);
        }
        if bytes[..n].chunks(4).any(|number| number != f32::NAN.to_le_bytes()) {
            return Ok(true);
        }
    }
}

/// The folder in which a file is made.
struct Partial {
    folder: PathBuf,
    /// Held while this process works there.
    _lock: File,
}

impl Partial {
    fn open(output: &Path, job: &Job) -> Result<Self, DataError> {
        let mut folder = output.as_os_str().to_owned();
        folder.push(".partial");
        let folder = PathBuf::from(folder);
        let io = |error| DataError::io(&folder, error);
        std::fs::create_dir_all(&folder).map_err(io)?;
        let lock = crate::lock(&folder.join("lock"), &folder)?;
        let path = folder.join("job.json");
        match std::fs::read(&path) {
            Ok(text) if serde_json::from_slice::<Job>(&text).is_ok_and(|found| found == *job) => {}
            Ok(_) => return Err(DataError::OtherJob { path: folder }),
            Err(_) => {
                let text = serde_json::to_vec(job).map_err(|error| io(error.into()))?;
                crate::write_atomic(&path, &text)?;
            }
        }
        Ok(Self { folder, _lock: lock })
    }

    /// Moves the file to its place and removes the rest.
    fn publish(self, output: &Path) -> Result<(), DataError> {
        let io = |error| DataError::io(output, error);
        std::fs::rename(self.folder.join("images"), output).map_err(io)?;
        std::fs::remove_dir_all(&self.folder).map_err(|error| DataError::io(&self.folder, error))
    }
}
