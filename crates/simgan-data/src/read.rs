use std::fs::File;
use std::io::{Error, ErrorKind, Read};
use std::path::Path;

use crate::DataError;

/// Maximum bytes of a text that a person writes, such as a configuration.
pub const MAX_TEXT: u64 = 1 << 24;

/// Reads a regular file of at most `max_bytes` bytes, such as a configuration or a list.
///
/// A pipe or device is refused before it is opened: it may never end, or wait for ever. A link counts as what
/// it leads to.
///
/// # Errors
/// The file is missing, unreadable, larger, or no regular file.
pub fn read_regular(path: &Path, max_bytes: u64) -> Result<Vec<u8>, DataError> {
    read(path, max_bytes).map_err(|error| DataError::io(path, error))
}

/// Reads like [`read_regular`] a text in UTF-8 of at most [`MAX_TEXT`] bytes.
///
/// # Errors
/// Those of [`read_regular`], or the text is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, DataError> {
    let bytes = read_regular(path, MAX_TEXT)?;
    String::from_utf8(bytes).map_err(|error| DataError::io(path, Error::new(ErrorKind::InvalidData, error)))
}

fn read(path: &Path, max_bytes: u64) -> std::io::Result<Vec<u8>> {
    let metadata = std::fs::metadata(path)?;
    if !metadata.is_file() {
        return Err(Error::new(ErrorKind::InvalidInput, "not a regular file"));
    }
    let too_large = || Error::new(ErrorKind::InvalidData, format!("it has more than {max_bytes} bytes"));
    if metadata.len() > max_bytes {
        return Err(too_large());
    }
    let mut bytes = Vec::with_capacity(metadata.len() as usize);
    // One byte more, so that a file that has grown is refused rather than cut.
    File::open(path)?.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max_bytes { Err(too_large()) } else { Ok(bytes) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_up_to_its_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.toml");
        std::fs::write(&path, "a = 1").unwrap();
        assert_eq!(read_regular(&path, 5).unwrap(), b"a = 1");
        assert_eq!(read_text(&path).unwrap(), "a = 1");
        let error = read_regular(&path, 4).unwrap_err().to_string();
        assert!(error.contains("a.toml") && error.contains("more than 4 bytes"), "{error}");
        std::fs::write(&path, [0xff]).unwrap();
        assert!(read_text(&path).unwrap_err().to_string().contains("utf-8"));
        assert!(read_text(&folder.path().join("none")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn pipes_devices_and_folders_are_refused_without_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        for path in [&pipe, Path::new("/dev/zero"), folder.path()] {
            let error = read_text(path).unwrap_err().to_string();
            assert!(error.ends_with("not a regular file"), "{error}");
        }
    }
}
