use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::columns::{AnnotationColumn, ColumnName, Columns, Fixed};
use super::header::{DATA_START, Header, TensorInfo, VERSION};
use crate::source::check_same;
use crate::{DataError, OnError, Sample, Source, Want};

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
    /// The format's version; older ones did not say.
    #[serde(default)]
    version: String,
}

impl Job {
    /// Whether this is the work of `job` in another version of the format.
    fn is_older(&self, job: &Self) -> bool {
        (&self.source, self.n_samples, self.shape) == (&job.source, job.n_samples, job.shape)
    }
}

/// Samples that are decoded before they are written: enough for all threads, and little memory.
const CHUNK: usize = 256;

/// Packs a source into one file, which [`Packed`](super::Packed) reads. Images of 16 bits become 8.
///
/// Samples are decoded by the threads of rayon's current pool and written in the source's order: the file
/// does not depend on the number of threads, nor memory on the number of samples. The work is done in a
/// folder beside the output, `OUTPUT.partial`; interrupted and called again, it goes on there. The output
/// appears when it is complete. `progress` hears how many samples are done.
///
/// # Errors
/// An image that cannot be read (unless skipped) or differs in size; a failed write; another process at work
/// on the same output; leftovers of a different job.
pub fn pack(
    source: &dyn Source,
    output: &Path,
    options: &PackOptions,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<PackReport, DataError> {
    let spec = source.spec();
    let n_samples = options.limit.unwrap_or(usize::MAX).min(source.len());
    let shape = [spec.channels, spec.height, spec.width];
    let version = VERSION.to_owned();
    let job = Job { source: options.source.clone(), n_samples, shape, version };
    let partial = Partial::open(output, &job)?;
    let io = |error| DataError::io(&partial.folder, error);
    let mut columns = Columns::open(&partial.folder, shape.iter().product())?;
    let (n_resumed, next) = columns.recover()?;
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
        columns.append(&readable)?;
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
    let sample = source.sample(index, Want::Labels)?;
    check_same(("the source's first image", source.spec()), (&sample.name, sample.image.spec()))?;
    Ok(sample)
}

/// Appends all other columns to that of the images, and puts the header in front.
fn finish(columns: Columns, job: &Job, n: usize) -> std::io::Result<()> {
    let [channels, height, width] = job.shape;
    let Columns { mut images, names, mut annotations, .. } = columns;
    let images_end = n as u64 * images.row_bytes;
    // A job that was interrupted here had appended some of this already.
    images.file.seek(SeekFrom::Start(DATA_START + images_end))?;
    let mut file = Appended { file: images.file, tensors: BTreeMap::new(), end: 0 };
    file.add("images", "U8", vec![n, channels, height, width], images_end);
    // The order in which they appeared depends on interruptions.
    annotations.sort_by(|a, b| a.name.cmp(&b.name));
    let mut listed = Vec::new();
    for column in annotations {
        listed.extend(file.append_annotation(column, n)?);
    }
    file.append("name_ends", "U64", vec![n], names.ends)?;
    let n_bytes = names.values.file.metadata()?.len() as usize;
    file.append("names", "U8", vec![n_bytes], names.values)?;
    file.write_header(&job.source, &listed)
}

/// A packed file behind its images.
struct Appended {
    file: File,
    tensors: BTreeMap<String, TensorInfo>,
    /// Bytes of data.
    end: u64,
}

impl Appended {
    /// Notes a tensor of `length` bytes at the end of the data.
    fn add(&mut self, name: &str, dtype: &str, shape: Vec<usize>, length: u64) {
        let data_offsets = [self.end, self.end + length];
        self.end += length;
        self.tensors.insert(name.to_owned(), TensorInfo { dtype: dtype.to_owned(), shape, data_offsets });
    }

    /// Copies a column to the end of the file.
    fn append(
        &mut self,
        name: &str,
        dtype: &str,
        shape: Vec<usize>,
        mut column: Fixed,
    ) -> std::io::Result<()> {
        column.file.seek(SeekFrom::Start(0))?;
        let length = std::io::copy(&mut column.file, &mut self.file)?;
        self.add(name, dtype, shape, length);
        Ok(())
    }

    /// Copies an annotation's column, unless no row of it is known, and says what it is called.
    fn append_annotation(
        &mut self,
        column: AnnotationColumn,
        n: usize,
    ) -> std::io::Result<Option<ColumnName>> {
        let AnnotationColumn { name, form, mut rows } = column;
        let (n_known, length) = rows.lengths()?;
        if n_known == 0 {
            return Ok(None);
        }
        let n_items = rows.values.file.metadata()?.len() as usize / form.item_bytes();
        let mut shape = match length {
            Some(1) => vec![n_known],
            Some(length) => vec![n_known, length],
            None => vec![n_items],
        };
        shape.extend((form.width > 1).then_some(form.width));
        let [values_key, ends_key] = name.keys();
        self.append(&values_key, form.dtype.name(), shape, rows.values)?;
        self.append(&ends_key, "I64", vec![n], rows.ends)?;
        Ok(Some(name))
    }

    fn write_header(mut self, source: &str, columns: &[ColumnName]) -> std::io::Result<()> {
        let header = Header::new(source, columns, self.tensors)?.to_bytes().map_err(std::io::Error::other)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&header)?;
        self.file.sync_all()
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
        let found = std::fs::read(&path).ok();
        match found.map(|text| serde_json::from_slice::<Job>(&text).ok()) {
            Some(Some(found)) if found == *job => return Ok(Self { folder, _lock: lock }),
            // An older version left out some annotations: what it did cannot be continued.
            Some(Some(found)) if found.is_older(job) => clear(&folder).map_err(io)?,
            Some(_) => return Err(DataError::OtherJob { path: folder }),
            None => {}
        }
        let text = serde_json::to_vec(job).map_err(|error| io(error.into()))?;
        crate::write_atomic(&path, &text)?;
        Ok(Self { folder, _lock: lock })
    }

    /// Moves the file to its place and removes the rest.
    fn publish(self, output: &Path) -> Result<(), DataError> {
        let io = |error| DataError::io(output, error);
        std::fs::rename(self.folder.join("images"), output).map_err(io)?;
        std::fs::remove_dir_all(&self.folder).map_err(|error| DataError::io(&self.folder, error))
    }
}

/// Removes the files in a folder of unfinished work, except its lock and the job, which tells what they are
/// until then.
fn clear(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name != "lock" && name != "job.json") {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}
