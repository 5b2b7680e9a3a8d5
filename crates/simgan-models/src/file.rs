use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use candle_core::safetensors::Load;
use candle_core::{Device, Tensor};
use safetensors::SafeTensors;

use crate::ModelError;

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
    let bytes = fs::read(path).map_err(ModelError::io(path))?;
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| ModelError::damaged(path, &e))?;
    let version = header.metadata().as_ref().and_then(|metadata| metadata.get(FORMAT_KEY));
    if let Some(version) = version.filter(|version| *version != FORMAT_VERSION) {
        return Err(ModelError::damaged(path, &format!("format version {version}, this program reads 1")));
    }
    let file = SafeTensors::deserialize(&bytes).map_err(|e| ModelError::damaged(path, &e))?;
    let mut tensors = Vec::with_capacity(file.len());
    for (name, view) in file.iter() {
        let tensor = view.load(device).map_err(|e| ModelError::damaged(path, &format!("`{name}`: {e}")))?;
        tensors.push((name.to_owned(), tensor));
    }
    // The file's iterator walks a hash map.
    tensors.sort_by(|(left, _), (right, _)| left.cmp(right));
    Ok(tensors)
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
