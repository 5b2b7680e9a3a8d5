use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::columns::{AnnotationColumn, ColumnName, Columns, Fixed};
use super::header::{DATA_START, Header, TensorInfo, VERSION};
use crate::source::check_same;
use crate::{BitDepth, DataError, OnError, Sample, Source, Want};

/// Options of [`pack`].
#[derive(Clone, Debug, Default)]
pub struct PackOptions {
    /// What the data set is and how it was made: stored in the file, and compared when an interrupted job
    /// resumes.
    pub source: String,
    /// What to do about an unreadable image; with [`OnError::Skip`] it is left out.
    pub on_error: OnError,
    /// Maximum number of samples taken from the source; `None` takes all.
    pub limit: Option<usize>,
}

/// The outcome of [`pack`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackReport {
    /// Number of images in the file.
    pub n_packed: usize,
    /// How many of them an earlier, interrupted job had packed.
    pub n_resumed: usize,
    /// The errors of the images that this job left out.
    pub skipped: Vec<String>,
}

/// The description of a job, to recognise it after an interruption.
#[derive(PartialEq, Serialize, Deserialize)]
struct Job {
    source: String,
    n_samples: usize,
    shape: [usize; 3],
    /// The format's version; older jobs did not record it.
    #[serde(default)]
    version: String,
    /// The type of the images' values; older jobs knew only bytes.
    #[serde(default = "bytes")]
    dtype: String,
}

fn bytes() -> String {
    super::dtype(BitDepth::Eight).to_owned()
}

impl Job {
    /// Whether this is the same job in an older version of the format.
    fn is_older(&self, job: &Self) -> bool {
        // Version 1 did not record itself.
        let version = |job: &Self| job.version.parse::<u32>().unwrap_or(1);
        let is_same = (&self.source, self.n_samples, self.shape) == (&job.source, job.n_samples, job.shape);
        is_same && (version(self) < version(job) || self.dtype != job.dtype)
    }
}

/// Samples decoded before they are written: enough to occupy all threads, few enough to need little memory.
const CHUNK: usize = 256;

/// Packs a source into one file, which [`Packed`](super::Packed) reads. All images get the bit depth of
/// [`Source::spec`].
///
/// Samples are decoded by the threads of rayon's current pool and written in the source's order, so the file
/// does not depend on the number of threads, nor memory on the number of samples. The work is done in the
/// folder `OUTPUT.partial`; if interrupted, the next call resumes there. The output appears only when
/// complete. `progress` receives the number of samples done and their total.
///
/// # Errors
/// An image cannot be read (unless skipped), differs in size, or has floating point among whole numbers; a
/// write fails; another process is working on this output; the folder holds leftovers of a different job.
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
    let dtype = super::dtype(spec.depth).to_owned();
    let job = Job { source: options.source.clone(), n_samples, shape, version, dtype };
    let partial = Partial::open(output, &job)?;
    let io = |error| DataError::io(&partial.folder, error);
    let image_bytes = shape.iter().product::<usize>() * spec.depth.n_bytes();
    let mut columns = Columns::open(&partial.folder, image_bytes)?;
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
        if let ([(_, Sample { classes: Some(names), .. }), ..], true) = (&readable[..], start == next) {
            warn_of_names(&job.source, names);
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

/// Says which classes the numbers of a packed data set stand for: it keeps no names.
fn warn_of_names(source: &str, names: &[String]) {
    let told: Vec<_> = names.iter().enumerate().map(|(number, name)| format!("{number} = {name}")).collect();
    tracing::warn!("{source}: classes are packed as numbers: {}", told.join(", "));
}

fn read(source: &dyn Source, index: usize) -> Result<Sample, DataError> {
    let mut sample = source.sample(index, Want::Labels)?;
    let first = source.spec();
    check_same(("the source's first image", first), (&sample.name, sample.image.spec()))?;
    sample.image = sample.image.to_depth(first.depth).ok_or_else(|| {
        let reason = format!("it is {}, the source's first image {}", sample.image.spec().depth, first.depth);
        DataError::Unpackable { path: PathBuf::from(&sample.name), reason }
    })?;
    for (name, annotation) in &sample.annotations {
        let mut row = Vec::new();
        annotation.pack(&mut row);
        // `Packed` would take such a row for damage.
        if (annotation.form().unpack)(&row).is_none() {
            let reason = format!("its annotation \"{name}\" holds a number that is not finite");
            return Err(DataError::Label { path: PathBuf::from(&sample.name), reason });
        }
    }
    Ok(sample)
}

/// Appends all other columns to the file of images and writes the header.
fn finish(columns: Columns, job: &Job, n: usize) -> std::io::Result<()> {
    let [channels, height, width] = job.shape;
    let Columns { mut images, names, mut annotations, .. } = columns;
    let images_end = n as u64 * images.row_bytes;
    // A job interrupted at this point has already appended some of the columns; overwrite them.
    images.file.seek(SeekFrom::Start(DATA_START + images_end))?;
    let mut file = Appended { file: images.file, tensors: BTreeMap::new(), end: 0 };
    file.add("images", &job.dtype, vec![n, channels, height, width], images_end);
    // Interruptions affect the order of first appearance; sorting makes the file independent of them.
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

/// A packed file to which columns are appended after the images.
struct Appended {
    file: File,
    tensors: BTreeMap<String, TensorInfo>,
    /// Number of data bytes so far.
    end: u64,
}

impl Appended {
    /// Registers a tensor of `length` bytes at the end of the data.
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

    /// Copies an annotation's column and returns its name; skips a column without values.
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
        // A useful shape where all rows have equally many items, otherwise a flat list of items.
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
        // The header goes last, so that a file without one is recognisably unfinished.
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(&header)?;
        // On disk before `publish` renames it, so that a power failure cannot leave a half-written output.
        self.file.sync_all()
    }
}

/// The folder of an unfinished packed file.
struct Partial {
    folder: PathBuf,
    /// Locks the folder while this process works there.
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
            // An older version left out some annotations, so its work cannot be continued.
            Some(Some(found)) if found.is_older(job) => clear(&folder).map_err(io)?,
            Some(_) => return Err(DataError::OtherJob { path: folder }),
            None => {}
        }
        let text = serde_json::to_vec(job).map_err(|error| io(error.into()))?;
        crate::write_atomic(&path, &text)?;
        Ok(Self { folder, _lock: lock })
    }

    /// Moves the finished file to its place and removes the folder.
    fn publish(self, output: &Path) -> Result<(), DataError> {
        let io = |error| DataError::io(output, error);
        std::fs::rename(self.folder.join("images"), output).map_err(io)?;
        std::fs::remove_dir_all(&self.folder).map_err(|error| DataError::io(&self.folder, error))
    }
}

/// Removes the files of an unfinished job except its lock and its description: if this is interrupted, the
/// description still identifies what is left.
fn clear(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.file_name().is_some_and(|name| name != "lock" && name != "job.json") {
            std::fs::remove_file(path)?;
        }
    }
    Ok(())
}
