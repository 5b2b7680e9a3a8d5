use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use candle_core::safetensors::Load;
use candle_core::{Device, Tensor};
use safetensors::SafeTensors;
use safetensors::tensor::Metadata;

use crate::layout::MAX_HEADER;
use crate::{Layout, ModelError, regular};

const FORMAT_KEY: &str = "simgan_format_version";
const FORMAT_VERSION: &str = "1";

/// Writes named tensors as a safetensors file, atomically: a crash leaves the previous file intact.
///
/// # Errors
///
/// If the file cannot be written, or a name occurs twice.
pub fn write_tensors(path: &Path, tensors: &[(String, Tensor)]) -> Result<(), ModelError> {
    let mut names: Vec<_> = tensors.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(ModelError::Config(format!("two tensors are named `{}`", pair[0])));
    }
    let metadata = HashMap::from([(FORMAT_KEY.to_owned(), FORMAT_VERSION.to_owned())]);
    let views = tensors.iter().map(|(name, tensor)| (name, tensor));
    let bytes = safetensors::serialize(views, Some(metadata)).map_err(|e| ModelError::damaged(path, &e))?;
    write_atomically(path, &bytes)
}

/// Reads a file written by [`write_tensors`]; returns its tensors sorted by name.
///
/// # Errors
///
/// If the file cannot be read, is damaged, or has another format version.
pub fn read_tensors(path: &Path, device: &Device) -> Result<Vec<(String, Tensor)>, ModelError> {
    TensorFile::read(path, u64::MAX)?.tensors(device)
}

/// Reads like [`read_tensors`] a file whose tensors take at most `max_bytes`: a larger one is refused before
/// it takes memory.
///
/// # Errors
///
/// Those of [`read_tensors`], and if the file is larger.
pub fn read_tensors_within(
    path: &Path,
    max_bytes: u64,
    device: &Device,
) -> Result<Vec<(String, Tensor)>, ModelError> {
    TensorFile::read(path, max_bytes.saturating_add(MAX_HEADER))?.tensors(device)
}

/// The bytes of a safetensors file, and its header, which fits them.
pub(crate) struct TensorFile {
    path: PathBuf,
    bytes: Vec<u8>,
    header: Metadata,
}

impl TensorFile {
    /// Reads a file of at most `max_bytes` bytes.
    pub(crate) fn read(path: &Path, max_bytes: u64) -> Result<Self, ModelError> {
        Self::new(path, regular::read(path, max_bytes).map_err(ModelError::io(path))?)
    }

    /// Takes the bytes of the file at `path`, whose header must be sound.
    pub(crate) fn new(path: &Path, bytes: Vec<u8>) -> Result<Self, ModelError> {
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| ModelError::damaged(path, &e))?;
        let version = header.metadata().as_ref().and_then(|metadata| metadata.get(FORMAT_KEY));
        if let Some(version) = version.filter(|version| *version != FORMAT_VERSION) {
            return Err(ModelError::damaged(
                path,
                &format!("format version {version}, this program reads 1"),
            ));
        }
        Ok(Self { path: path.to_owned(), bytes, header })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Compares the header with the parameters of a network.
    pub(crate) fn check(&self, layout: &Layout) -> Result<(), ModelError> {
        layout.check(&self.path, &self.header)
    }

    /// Returns the tensors sorted by name.
    pub(crate) fn tensors(&self, device: &Device) -> Result<Vec<(String, Tensor)>, ModelError> {
        let damaged = |reason: &dyn std::fmt::Display| ModelError::damaged(&self.path, &reason.to_string());
        let file = SafeTensors::deserialize(&self.bytes).map_err(|e| damaged(&e))?;
        let mut tensors = Vec::with_capacity(file.len());
        for (name, view) in file.iter() {
            let tensor = view.load(device).map_err(|e| damaged(&format!("`{name}`: {e}")))?;
            tensors.push((name.to_owned(), tensor));
        }
        // The file's iterator walks a hash map.
        tensors.sort_by(|(left, _), (right, _)| left.cmp(right));
        Ok(tensors)
    }
}

/// Writes a temporary file beside `path`, syncs it, and renames it over `path`.
///
/// simgan-data has its own version, without the sync, for thousands of small files; no crate lies below both.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), ModelError> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    let builder = {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666)) // minus the umask, like any new file
    };
    let mut file = builder.tempfile_in(&folder).map_err(ModelError::io(path))?;
    // Through the inner `File`: the error of the handle itself would name the temporary path.
    file.as_file_mut().write_all(bytes).map_err(ModelError::io(path))?;
    file.as_file().sync_all().map_err(ModelError::io(path))?;
    file.persist(path).map_err(|e| ModelError::io(path)(e.error))?;
    // The rename survives a crash only once the folder is synced too.
    #[cfg(unix)]
    File::open(&folder).and_then(|folder| folder.sync_all()).map_err(ModelError::io(&folder))?;
    Ok(())
}
