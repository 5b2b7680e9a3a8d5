use std::path::Path;

use super::{Eye, HEIGHT, WIDTH};
use crate::mat::{self, Array, Data, Limits, Numbers};

/// One unpacked day file.
pub(super) struct Day {
    pub(super) left: Eyes,
    pub(super) right: Eyes,
    /// The name of each row's photograph; may be empty.
    pub(super) file_names: Vec<String>,
}

/// All left or all right eyes.
pub(super) struct Eyes {
    /// The pixels of all images in turn, row by row.
    images: Vec<u8>,
    pub(super) gaze: Vec<[f32; 3]>,
    /// Rotation vectors in radians; may be empty.
    pub(super) pose: Vec<[f32; 3]>,
}

impl Day {
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let bytes = std::fs::read(path).map_err(|error| error.to_string())?;
        let variables = mat::read(&bytes, &Limits::default()).map_err(|error| error.to_string())?;
        let variable = |name: &str| variables.iter().find(|variable| variable.name == name);
        let data = &variable("data").ok_or("it has no variable \"data\"")?.array;
        let file_names = variable("filenames").map(|names| texts(&names.array)).unwrap_or_default();
        let eyes =
            |side: &str| Eyes::read(field(data, side)?).map_err(|reason| format!("{side} eyes: {reason}"));
        Ok(Self { left: eyes("left")?, right: eyes("right")?, file_names })
    }

    pub(super) fn eyes(&self, eye: Eye) -> &Eyes {
        match eye {
            Eye::Left => &self.left,
            Eye::Right => &self.right,
        }
    }

    /// The name of a row's photograph, or the row's number if the file has no names.
    pub(super) fn file_name(&self, row: usize) -> String {
        self.file_names.get(row).cloned().unwrap_or_else(|| format!("{:04}", row + 1))
    }

    /// Approximate size in memory.
    pub(super) fn n_bytes(&self) -> usize {
        let names: usize = self.file_names.iter().map(|name| name.len() + size_of::<String>()).sum();
        [&self.left, &self.right].map(|eyes| eyes.images.len() + 24 * eyes.len()).iter().sum::<usize>()
            + names
    }
}

impl Eyes {
    fn read(side: &Array) -> Result<Self, String> {
        let gaze = vectors(field(side, "gaze")?).map_err(|reason| format!("\"gaze\" {reason}"))?;
        let images = images(field(side, "image")?, gaze.len())?;
        let pose = match field(side, "pose") {
            Ok(pose) => vectors(pose).map_err(|reason| format!("\"pose\" {reason}"))?,
            Err(_) => Vec::new(),
        };
        if !pose.is_empty() && pose.len() != gaze.len() {
            return Err(format!("\"pose\" has {} rows instead of {}", pose.len(), gaze.len()));
        }
        Ok(Self { images, gaze, pose })
    }

    pub(super) fn len(&self) -> usize {
        self.gaze.len()
    }

    pub(super) fn image(&self, row: usize) -> &[u8] {
        &self.images[row * HEIGHT * WIDTH..][..HEIGHT * WIDTH]
    }
}

fn field<'a>(array: &'a Array, name: &str) -> Result<&'a Array, String> {
    array.field(name).ok_or_else(|| format!("it has no field \"{name}\""))
}

/// The rows of a matrix with three columns.
fn vectors(array: &Array) -> Result<Vec<[f32; 3]>, String> {
    let numbers = array.to_f64().filter(|_| array.dims.len() == 2 && array.dims[1] == 3);
    let numbers =
        numbers.ok_or_else(|| format!("is not a matrix of numbers with 3 columns but {:?}", array.dims))?;
    if let Some(odd) = numbers.iter().find(|number| !number.is_finite()) {
        return Err(format!("holds {odd}"));
    }
    let n = array.dims[0];
    Ok((0..n).map(|row| [0, 1, 2].map(|column| numbers[row + n * column] as f32)).collect())
}

/// Reorders the pixels of `n` images from MATLAB's column-major order, in which the image index runs fastest,
/// to one image after another, row by row.
fn images(array: &Array, n: usize) -> Result<Vec<u8>, String> {
    let Data::Real(Numbers::U8(stored)) = &array.data else {
        return Err("\"image\" does not hold bytes".to_owned());
    };
    if array.dims != [n, HEIGHT, WIDTH] {
        return Err(format!("\"image\" is {:?} instead of {n}×{HEIGHT}×{WIDTH}", array.dims));
    }
    let mut images = vec![0; stored.len()];
    for (i, image) in images.chunks_exact_mut(HEIGHT * WIDTH).enumerate() {
        for (row, line) in image.chunks_exact_mut(WIDTH).enumerate() {
            for (column, pixel) in line.iter_mut().enumerate() {
                *pixel = stored[i + n * (row + HEIGHT * column)];
            }
        }
    }
    Ok(images)
}

fn texts(array: &Array) -> Vec<String> {
    let Data::Cell(cells) = &array.data else { return Vec::new() };
    cells.iter().map(|cell| cell.to_rows().map(|rows| rows.concat()).unwrap_or_default()).collect()
}
