use std::path::Path;

use hdf5_reader::{Dataset, Datatype, Hdf5File, OpenOptions};

use crate::{DataError, Direction, Image, MemorySource, Pixels, Sample, names};

/// Maximum number of bytes of all images together, and of each read.
const MAX_BYTES: usize = 1 << 30;

/// Reads all images of a file such as `gaze.h5` or `real_gaze.h5` of Kaggle's set `4quant/eye-gaze` into
/// memory.
///
/// The group `image` holds one data set per image, rows × columns, gray: bytes 0 to 255, or floating-point
/// numbers 0 to 1. Samples are in the order of their names, as h5py lists them. An optional data set
/// `look_vec` holds the direction of each image in a row of 3 or 4 floating-point numbers in UnityEyes'
/// convention: y up, and a fourth number without meaning.
///
/// # Errors
/// The file is damaged or does not have this content; the images differ in size or exceed 1 GiB.
pub(super) fn open(path: &Path) -> Result<MemorySource, DataError> {
    let samples = read(path).map_err(|reason| DataError::Dataset { path: path.to_owned(), reason })?;
    MemorySource::new(samples)
}

fn read(path: &Path) -> Result<Vec<Sample>, String> {
    let options = OpenOptions::default().with_max_read_bytes(MAX_BYTES);
    let file = Hdf5File::open_with_options(path, options).map_err(|error| error.to_string())?;
    let group = file.group("image").map_err(|error| format!("it has no group \"image\": {error}"))?;
    let mut images = group.datasets().map_err(|error| format!("group \"image\": {error}"))?;
    images.sort_by(|a, b| a.name().cmp(b.name()));
    let first = images.first().ok_or("its group \"image\" holds no data set")?;
    let (rows, columns) = size(first)?;
    if rows.checked_mul(columns).and_then(|n| n.checked_mul(images.len())).is_none_or(|n| n > MAX_BYTES) {
        return Err(format!("{} images of {columns}×{rows} are more than 1 GiB", images.len()));
    }
    let gaze = directions(&file, images.len())?;
    let sample = |(index, data): (usize, &Dataset)| {
        if size(data)? != (rows, columns) {
            return Err(format!(
                "image {} is {:?} instead of [{rows}, {columns}]",
                data.name(),
                data.shape()
            ));
        }
        let values = pixels(data).map_err(|reason| format!("image {}: {reason}", data.name()))?;
        let image = Image::new(1, rows, columns, Pixels::U8(values));
        let annotations = gaze.get(index).map(|gaze| (names::GAZE.into(), (*gaze).into()));
        Ok(Sample { annotations: annotations.into_iter().collect(), ..Sample::new(data.name(), image) })
    };
    images.iter().enumerate().map(sample).collect()
}

/// Number of rows and columns of an image.
fn size(image: &Dataset) -> Result<(usize, usize), String> {
    match *image.shape() {
        [rows, columns] if (1..=16384).contains(&rows) && (1..=16384).contains(&columns) => {
            Ok((rows as usize, columns as usize))
        }
        ref shape => Err(format!("image {} is {shape:?} instead of rows and columns", image.name())),
    }
}

fn pixels(image: &Dataset) -> Result<Vec<u8>, String> {
    if let Datatype::FixedPoint { size: 1, signed: false, .. } = image.dtype() {
        let values = image.read_array::<u8>().map_err(|error| error.to_string())?;
        return Ok(values.iter().copied().collect());
    }
    let byte = |value: f64| {
        let inside = (0.0..=1.0).contains(&value);
        inside.then(|| (value * 255.0).round() as u8).ok_or_else(|| format!("{value} is not within 0 to 1"))
    };
    floats(image)?.into_iter().map(byte).collect()
}

/// Reads the direction of each image; empty if the file has none.
fn directions(file: &Hdf5File, n_images: usize) -> Result<Vec<Direction>, String> {
    let (_, names) =
        file.root_group().and_then(|root| root.member_names()).map_err(|error| error.to_string())?;
    if !names.iter().any(|name| name == "look_vec") {
        return Ok(Vec::new());
    }
    let data = file.dataset("look_vec").map_err(|error| error.to_string())?;
    let width = match *data.shape() {
        [rows, width @ (3 | 4)] if rows == n_images as u64 => width as usize,
        ref shape => return Err(format!("\"look_vec\" is {shape:?} instead of [{n_images}, 3]")),
    };
    let numbers = floats(&data).map_err(|reason| format!("\"look_vec\": {reason}"))?;
    let gaze = |row: &[f64]| {
        // `look_vec` has y up, a `Direction` y down.
        let gaze = Direction::from_vector([row[0] as f32, -row[1] as f32, row[2] as f32]);
        gaze.ok_or_else(|| format!("\"look_vec\" holds {row:?}, which is no direction"))
    };
    numbers.chunks_exact(width).map(gaze).collect()
}

fn floats(data: &Dataset) -> Result<Vec<f64>, String> {
    let failed = |error: hdf5_reader::error::Error| error.to_string();
    match data.dtype() {
        Datatype::FloatingPoint { size: 4, .. } => {
            Ok(data.read_array::<f32>().map_err(failed)?.iter().copied().map(f64::from).collect())
        }
        Datatype::FloatingPoint { size: 8, .. } => {
            Ok(data.read_array::<f64>().map_err(failed)?.iter().copied().collect())
        }
        other => Err(format!("its numbers are {other:?} and not bytes or floating-point numbers")),
    }
}
