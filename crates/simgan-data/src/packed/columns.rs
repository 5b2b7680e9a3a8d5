use std::fs::{File, OpenOptions};
use std::io::{BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::header::DATA_START;
use crate::annotation::{Annotation, Form};
use crate::{DataError, Sample};

/// The tensors of a packed file while it is being made: separate files to which rows are appended, so that an
/// interrupted job can resume.
pub(super) struct Columns {
    folder: PathBuf,
    pub(super) images: Fixed,
    pub(super) names: Ragged,
    /// Index of each row's sample in the source: the job resumes after the last one.
    indices: Fixed,
    /// One column per name and kind of annotation, in order of first appearance.
    pub(super) annotations: Vec<AnnotationColumn>,
    n_rows: u64,
}

/// The name and kind of an annotation's column.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct ColumnName {
    pub(super) name: String,
    /// The tag of its [`Form`].
    pub(super) kind: String,
}

impl ColumnName {
    /// The names of the tensors for the column's values and their ends.
    pub(super) fn keys(&self) -> [String; 2] {
        let Self { name, kind } = self;
        [format!("{name}.{kind}"), format!("{name}.{kind}.ends")]
    }
}

pub(super) struct AnnotationColumn {
    pub(super) name: ColumnName,
    pub(super) form: &'static Form,
    pub(super) rows: Ragged,
}

/// Rows of equal length.
pub(super) struct Fixed {
    pub(super) file: File,
    /// Bytes before the first row.
    start: u64,
    pub(super) row_bytes: u64,
}

/// Rows of any number of items; some may be missing.
///
/// `ends` holds the index in `values` after each row's last item. For a missing row it is stored as its
/// bitwise complement, −1 − end.
pub(super) struct Ragged {
    pub(super) values: Fixed,
    pub(super) ends: Fixed,
    /// Number of items in all rows.
    n_items: u64,
}

/// The list of annotation columns, in the folder of the unfinished job.
const LIST: &str = "columns.json";
/// This many columns, with names of up to this many bytes, always fit in the header.
const MAX_COLUMNS: usize = 100;
const MAX_NAME_BYTES: usize = 100;

impl Columns {
    /// Opens the files in `folder`, creating those that are missing.
    pub(super) fn open(folder: &Path, image_bytes: usize) -> Result<Self, DataError> {
        let io = |error| DataError::io(folder, error);
        let mut columns = Self {
            folder: folder.to_owned(),
            images: Fixed::open(&folder.join("images"), DATA_START, image_bytes as u64).map_err(io)?,
            names: Ragged::open(&folder.join("names"), 1).map_err(io)?,
            indices: Fixed::open(&folder.join("indices"), 0, 8).map_err(io)?,
            annotations: Vec::new(),
            n_rows: 0,
        };
        let list = match std::fs::read(folder.join(LIST)) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| io(error.into()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(io(error)),
        };
        for name in list {
            let column = columns.annotation_column(name).map_err(io)?;
            columns.annotations.push(column);
        }
        Ok(columns)
    }

    /// Opens or creates the files of the next annotation column.
    fn annotation_column(&self, name: ColumnName) -> std::io::Result<AnnotationColumn> {
        let form = Form::of_tag(&name.kind).ok_or_else(|| {
            std::io::Error::other(format!("annotations of the kind \"{}\" are not known", name.kind))
        })?;
        // Numbered, because an annotation's name need not be a valid file name.
        let path = self.folder.join(format!("annotation-{}", self.annotations.len()));
        Ok(AnnotationColumn { name, form, rows: Ragged::open(&path, form.item_bytes() as u64)? })
    }

    /// Truncates every file to the rows that all of them have. Returns their number and the index of the next
    /// sample.
    pub(super) fn recover(&mut self) -> Result<(u64, usize), DataError> {
        let recovered = self.recover_files();
        recovered.map_err(|error| DataError::io(&self.folder, error))
    }

    fn recover_files(&mut self) -> std::io::Result<(u64, usize)> {
        // An interrupted `append_rows` may have reached some files and not others.
        let mut n_rows = self.images.n_rows()?.min(self.indices.n_rows()?).min(self.names.n_rows()?);
        for column in &self.annotations {
            n_rows = n_rows.min(column.rows.n_rows()?);
        }
        let next = if n_rows == 0 { 0 } else { self.indices.number(n_rows - 1)? + 1 };
        self.images.cut(n_rows)?;
        self.indices.cut(n_rows)?;
        self.names.cut(n_rows)?;
        for column in &mut self.annotations {
            column.rows.cut(n_rows)?;
        }
        self.n_rows = n_rows;
        Ok((n_rows, next as usize))
    }

    /// Appends samples, each with its index in the source.
    pub(super) fn append(&mut self, samples: &[(usize, Sample)]) -> Result<(), DataError> {
        for (_, sample) in samples {
            for (name, annotation) in &sample.annotations {
                if !self.annotations.iter().any(|column| column.holds(name, annotation)) {
                    self.add_column(name, annotation)?;
                }
            }
        }
        self.append_rows(samples).map_err(|error| DataError::io(&self.folder, error))?;
        self.n_rows += samples.len() as u64;
        Ok(())
    }

    /// Creates the column of an annotation that no earlier sample has.
    fn add_column(&mut self, name: &str, annotation: &Annotation) -> Result<(), DataError> {
        let failed = |reason| DataError::Unpackable { path: self.folder.clone(), reason };
        if self.annotations.len() == MAX_COLUMNS {
            return Err(failed(format!("there are more than {MAX_COLUMNS} kinds of annotation")));
        }
        // As the header writes it, without the quotes around it.
        if serde_json::to_string(name).map_or(usize::MAX, |json| json.len() - 2) > MAX_NAME_BYTES {
            return Err(failed(format!(
                "the annotation's name \"{name}\" is longer than {MAX_NAME_BYTES} bytes"
            )));
        }
        let io = |error| DataError::io(&self.folder, error);
        let name = ColumnName { name: name.to_owned(), kind: annotation.form().tag.to_owned() };
        let mut column = self.annotation_column(name).map_err(io)?;
        // An interrupted job may have left rows in these files.
        column.rows.cut(0).map_err(io)?;
        column.rows.append(std::iter::repeat_n(None, self.n_rows as usize)).map_err(io)?;
        let list: Vec<&ColumnName> =
            self.annotations.iter().chain([&column]).map(|column| &column.name).collect();
        let text = serde_json::to_vec(&list).map_err(|error| io(error.into()))?;
        // List the column only once it has all its rows: a job interrupted before this leaves files that
        // nothing refers to.
        crate::write_atomic(&self.folder.join(LIST), &text)?;
        self.annotations.push(column);
        Ok(())
    }

    fn append_rows(&mut self, samples: &[(usize, Sample)]) -> std::io::Result<()> {
        let mut images = Vec::with_capacity(samples.len() * self.images.row_bytes as usize);
        samples.iter().for_each(|(_, sample)| images.extend_from_slice(&sample.image.pixels().to_le_bytes()));
        self.images.file.write_all(&images)?;
        for column in &mut self.annotations {
            let AnnotationColumn { name, form, rows } = column;
            let row = |(_, sample): &(usize, Sample)| {
                let annotation = sample.annotations.get(&*name.name)?;
                let mut row = Vec::new();
                (annotation.form().tag == form.tag).then(|| annotation.pack(&mut row))?;
                Some(row)
            };
            rows.append(samples.iter().map(row))?;
        }
        self.names.append(samples.iter().map(|(_, sample)| Some(sample.name.clone().into_bytes())))?;
        let indices: Vec<u8> = samples.iter().flat_map(|(index, _)| (*index as u64).to_le_bytes()).collect();
        self.indices.file.write_all(&indices)
    }
}

impl AnnotationColumn {
    fn holds(&self, name: &str, annotation: &Annotation) -> bool {
        self.name.name == name && self.form.tag == annotation.form().tag
    }
}

impl Fixed {
    fn open(path: &Path, start: u64, row_bytes: u64) -> std::io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
        Ok(Self { file, start, row_bytes })
    }

    /// Number of complete rows in the file.
    fn n_rows(&self) -> std::io::Result<u64> {
        Ok(self.file.metadata()?.len().saturating_sub(self.start) / self.row_bytes)
    }

    /// Reads the number in a row of 8 bytes.
    fn number(&self, row: u64) -> std::io::Result<u64> {
        let mut bytes = [0; 8];
        super::read_at(&self.file, &mut bytes, self.start + row * self.row_bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn cut(&mut self, n_rows: u64) -> std::io::Result<()> {
        let end = self.start + n_rows * self.row_bytes;
        self.file.set_len(end)?;
        self.file.seek(SeekFrom::Start(end))?;
        Ok(())
    }
}

impl Ragged {
    fn open(path: &Path, item_bytes: u64) -> std::io::Result<Self> {
        let values = Fixed::open(&path.with_extension("values"), 0, item_bytes)?;
        let ends = Fixed::open(&path.with_extension("ends"), 0, 8)?;
        Ok(Self { values, ends, n_items: 0 })
    }

    /// Number of complete rows whose values are complete too.
    fn n_rows(&self) -> std::io::Result<u64> {
        let (mut n_rows, n_items) = (self.ends.n_rows()?, self.values.n_rows()?);
        while n_rows > 0 && end(self.ends.number(n_rows - 1)?).0 > n_items {
            n_rows -= 1;
        }
        Ok(n_rows)
    }

    fn cut(&mut self, n_rows: u64) -> std::io::Result<()> {
        self.n_items = if n_rows == 0 { 0 } else { end(self.ends.number(n_rows - 1)?).0 };
        self.values.cut(self.n_items)?;
        self.ends.cut(n_rows)
    }

    /// Appends rows; `None` stands for a missing one.
    fn append(&mut self, rows: impl Iterator<Item = Option<Vec<u8>>>) -> std::io::Result<()> {
        let (mut values, mut ends) = (Vec::new(), Vec::new());
        for row in rows {
            self.n_items += row.as_ref().map_or(0, Vec::len) as u64 / self.values.row_bytes;
            let written = if row.is_some() { self.n_items } else { !self.n_items };
            ends.extend(written.to_le_bytes());
            values.extend(row.unwrap_or_default());
        }
        self.values.file.write_all(&values)?;
        self.ends.file.write_all(&ends)
    }

    /// Returns the number of rows that are present, and their number of items if it is the same for all.
    pub(super) fn lengths(&mut self) -> std::io::Result<(usize, Option<usize>)> {
        let (mut n_known, mut before, mut common, mut is_even) = (0, 0, None, true);
        self.ends.file.seek(SeekFrom::Start(0))?;
        let mut reader = BufReader::new(&self.ends.file);
        let mut bytes = [0; 8];
        for _ in 0..self.ends.n_rows()? {
            reader.read_exact(&mut bytes)?;
            let (end, is_known) = end(u64::from_le_bytes(bytes));
            if is_known {
                n_known += 1;
                is_even &= *common.get_or_insert(end - before) == end - before;
            }
            before = end;
        }
        Ok((n_known, common.filter(|_| is_even).map(|length| length as usize)))
    }
}

/// Decodes where a row ends and whether it is present.
pub(super) fn end(written: u64) -> (u64, bool) {
    if written >> 63 == 0 { (written, true) } else { (!written, false) }
}
