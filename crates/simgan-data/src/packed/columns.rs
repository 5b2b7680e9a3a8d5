use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::header::DATA_START;
use crate::{Landmarks, Pixels, Sample};

/// Points of UnityEyes' lid margin, caruncle and iris.
const PARTS: [usize; 3] = [16, 7, 32];
pub(super) const N_LANDMARKS: usize = 16 + 7 + 32;

/// The tensors of a packed file in the making: one file each, to which rows are appended.
pub(super) struct Columns {
    pub(super) images: Column,
    pub(super) gaze: Column,
    pub(super) head_pose: Column,
    pub(super) landmarks: Column,
    pub(super) names: Column,
    pub(super) name_ends: Column,
    /// Where in the source each row comes from, to go on behind it.
    pub(super) indices: Column,
    names_len: u64,
}

/// One tensor in the making.
pub(super) struct Column {
    pub(super) path: PathBuf,
    pub(super) file: File,
    /// Bytes in front of the rows.
    start: u64,
    /// Bytes of a row; 0 if they differ.
    pub(super) row_bytes: u64,
}

impl Columns {
    /// Opens the files in `folder`, or makes them.
    pub(super) fn open(folder: &Path, image_bytes: usize) -> std::io::Result<Self> {
        let column = |name: &str, start, row_bytes| Column::open(folder.join(name), start, row_bytes);
        Ok(Self {
            images: column("images", DATA_START, image_bytes as u64)?,
            gaze: column("gaze", 0, 12)?,
            head_pose: column("head_pose", 0, 12)?,
            landmarks: column("landmarks", 0, N_LANDMARKS as u64 * 8)?,
            names: column("names", 0, 0)?,
            name_ends: column("name_ends", 0, 8)?,
            indices: column("indices", 0, 8)?,
            names_len: 0,
        })
    }

    fn fixed(&mut self) -> [&mut Column; 6] {
        let Self { images, gaze, head_pose, landmarks, name_ends, indices, .. } = self;
        [images, gaze, head_pose, landmarks, name_ends, indices]
    }

    /// Cuts every file back to the rows that all of them have, and says how many and which sample is next.
    pub(super) fn recover(&mut self) -> std::io::Result<(u64, usize)> {
        let mut n_rows = u64::MAX;
        for column in self.fixed() {
            n_rows = n_rows.min(column.n_rows()?);
        }
        // The names are written before their ends.
        let names_end = if n_rows == 0 { 0 } else { self.name_ends.number(n_rows - 1)? };
        let next = if n_rows == 0 { 0 } else { self.indices.number(n_rows - 1)? + 1 };
        for column in self.fixed() {
            column.cut(n_rows)?;
        }
        self.names.file.set_len(names_end)?;
        self.names.file.seek(SeekFrom::End(0))?;
        self.names_len = names_end;
        Ok((n_rows, next as usize))
    }

    /// Appends samples with their places in the source.
    pub(super) fn append(&mut self, samples: &[(usize, Sample)]) -> std::io::Result<()> {
        let mut rows: [Vec<u8>; 7] = Default::default();
        let [images, gaze, head_pose, landmarks, names, name_ends, indices] = &mut rows;
        for (index, sample) in samples {
            extend_bytes(images, sample.image.pixels());
            extend(gaze, sample.label.gaze.map(crate::Gaze::vector).as_ref(), 3);
            extend(head_pose, sample.label.head_pose.as_ref(), 3);
            let points = sample.label.landmarks.as_ref().and_then(flat);
            extend(landmarks, points.as_ref(), 2 * N_LANDMARKS);
            names.extend(sample.name.bytes());
            self.names_len += sample.name.len() as u64;
            name_ends.extend(self.names_len.to_le_bytes());
            indices.extend((*index as u64).to_le_bytes());
        }
        let Self { images, gaze, head_pose, landmarks, names, name_ends, indices, .. } = self;
        for (column, rows) in
            [images, gaze, head_pose, landmarks, names, name_ends, indices].into_iter().zip(&rows)
        {
            column.file.write_all(rows)?;
        }
        Ok(())
    }
}

impl Column {
    fn open(path: PathBuf, start: u64, row_bytes: u64) -> std::io::Result<Self> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(&path)?;
        Ok(Self { path, file, start, row_bytes })
    }

    /// Whole rows that are there.
    fn n_rows(&self) -> std::io::Result<u64> {
        Ok(self.file.metadata()?.len().saturating_sub(self.start) / self.row_bytes)
    }

    /// The number in a row of 8 bytes.
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

/// Values as 8 bits.
fn extend_bytes(row: &mut Vec<u8>, pixels: &Pixels) {
    match pixels {
        Pixels::U8(values) => row.extend(values),
        Pixels::U16(values) => row.extend(values.iter().map(|&value| ((u32::from(value) + 128) / 257) as u8)),
    }
}

/// A row of `n` numbers, NaN if they are missing.
fn extend<const N: usize>(row: &mut Vec<u8>, values: Option<&[f32; N]>, n: usize) {
    match values {
        Some(values) => row.extend(values.iter().flat_map(|value| value.to_le_bytes())),
        None => row.extend(std::iter::repeat_n(f32::NAN.to_le_bytes(), n).flatten()),
    }
}

/// The landmarks one behind the other; `None` unless there are as many as UnityEyes has.
fn flat(landmarks: &Landmarks) -> Option<[f32; 2 * N_LANDMARKS]> {
    let parts = [&landmarks.lid_margin, &landmarks.caruncle, &landmarks.iris];
    let all: Vec<f32> = parts.into_iter().flatten().flatten().copied().collect();
    let same = parts.iter().zip(PARTS).all(|(part, n)| part.len() == n);
    all.try_into().ok().filter(|_| same)
}

/// The opposite of [`flat`].
pub(super) fn landmarks(floats: &[f32]) -> Landmarks {
    let points = floats.as_chunks::<2>().0;
    let (lid_margin, rest) = points.split_at(PARTS[0].min(points.len()));
    let (caruncle, iris) = rest.split_at(PARTS[1].min(rest.len()));
    Landmarks {
        lid_margin: lid_margin.to_vec(),
        caruncle: caruncle.to_vec(),
        iris: iris.to_vec(),
        ..Landmarks::default()
    }
}
