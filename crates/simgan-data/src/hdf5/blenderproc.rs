use std::path::{Path, PathBuf};

use hdf5_reader::{Dataset, Hdf5File, OpenOptions};

use crate::{DataError, Image, ImageSpec, Pixels, Sample, Source, Want};

/// Maximum number of bytes of one read: the largest RGB image.
const MAX_BYTES: usize = 3 * MAX_SIDE * MAX_SIDE;
const MAX_SIDE: usize = 16_384;

/// The data set of an image.
const COLORS: &str = "colors";

/// A folder of BlenderProc's files `0.hdf5`, `1.hdf5`, …, each of which holds one render.
///
/// The data set `colors`, rows × columns × 3 bytes, is the image. The others (`depth`, `normals`, `*_segmaps`,
/// `instance_attribute_maps`, …) are passed over; opening the folder names them in a warning.
pub(super) struct BlenderProc {
    root: PathBuf,
    /// Relative to the root, in the order of their numbers.
    files: Vec<PathBuf>,
    spec: ImageSpec,
}

impl BlenderProc {
    /// Opens a folder with these files and reads the first.
    ///
    /// # Errors
    /// The first file is damaged or has no image.
    pub(super) fn open(root: &Path, files: &[PathBuf]) -> Result<Self, DataError> {
        let number = |file: &PathBuf| file.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
        let mut files = files.to_vec();
        files.sort_by(|a, b| (a.parent(), number(a), a).cmp(&(b.parent(), number(b), b)));
        let first = files.first().ok_or_else(|| DataError::NoImages { path: root.to_owned(), n_other: 0 })?;
        let path = root.join(first);
        let file = opened(&path)?;
        let spec = image(&file, &path)?.spec();
        let passed_over = others(&file);
        if !passed_over.is_empty() {
            let (n, names) = (files.len(), passed_over.join(", "));
            tracing::warn!("{}: \"{COLORS}\" of {n} files is read; not carried: {names}", root.display());
        }
        Ok(Self { root: root.to_owned(), files, spec })
    }
}

impl Source for BlenderProc {
    fn len(&self) -> usize {
        self.files.len()
    }

    fn spec(&self) -> ImageSpec {
        self.spec
    }

    fn sample(&self, index: usize, _: Want) -> Result<Sample, DataError> {
        let path = self.root.join(&self.files[index]);
        Ok(Sample::new(self.name(index)?, image(&opened(&path)?, &path)?))
    }

    fn name(&self, index: usize) -> Result<String, DataError> {
        let name = self.files[index].with_extension("");
        let parts: Vec<_> = name.iter().map(|part| part.to_string_lossy()).collect();
        Ok(parts.join("/"))
    }
}

/// Whether a file is one of BlenderProc's.
pub(super) fn is_render(path: &Path) -> bool {
    opened(path).is_ok_and(|file| file.dataset(COLORS).is_ok())
}

fn opened(path: &Path) -> Result<Hdf5File, DataError> {
    let options = OpenOptions::default().with_max_read_bytes(MAX_BYTES);
    Hdf5File::open_with_options(path, options).map_err(|error| failed(path, error.to_string()))
}

fn image(file: &Hdf5File, path: &Path) -> Result<Image, DataError> {
    let data =
        file.dataset(COLORS).map_err(|error| failed(path, format!("no data set \"{COLORS}\": {error}")))?;
    planar(&data).map_err(|reason| failed(path, reason))
}

fn planar(data: &Dataset) -> Result<Image, String> {
    let sides = 1..=MAX_SIDE as u64;
    let (height, width) = match *data.shape() {
        [height, width, 3] if sides.contains(&height) && sides.contains(&width) => {
            (height as usize, width as usize)
        }
        ref shape => return Err(format!("\"{COLORS}\" is {shape:?} instead of rows, columns and 3")),
    };
    let values: Vec<u8> =
        data.read_array::<u8>().map_err(|error| format!("\"{COLORS}\": {error}"))?.iter().copied().collect();
    let n_pixels = height * width;
    if values.len() != 3 * n_pixels {
        return Err(format!("\"{COLORS}\" has {} bytes instead of {}", values.len(), 3 * n_pixels));
    }
    let channel = |c: usize| values.iter().skip(c).step_by(3).copied();
    Ok(Image::new(3, height, width, Pixels::U8((0..3).flat_map(channel).collect())))
}

/// The other data sets of a file; none if they cannot be listed.
fn others(file: &Hdf5File) -> Vec<String> {
    let listed = file.root_group().and_then(|root| root.member_names());
    let mut names = listed.map(|(_, names)| names).unwrap_or_default();
    // The last is the writer's version, which nobody misses.
    names.retain(|name| name != COLORS && name != "blender_proc_version");
    names.sort_unstable();
    names
}

fn failed(path: &Path, reason: String) -> DataError {
    DataError::Image { path: path.to_owned(), reason }
}
