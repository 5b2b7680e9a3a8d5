use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;

use crate::DataError;

/// Writes a file atomically: to a temporary file beside `path`, which is then renamed over it.
///
/// The file gets the permissions of any new file (the process's umask), not those of a temporary file.
///
/// # Errors
/// The folder is not writable, or the disk is full; `path` is then unchanged.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), DataError> {
    written(path, |file| file.write_all(bytes))
}

/// Copies a file byte for byte, atomically like [`write_atomic`]. The copy gets the time of the original's last
/// change, so that [`is_copy`] finds out cheaply whether it is still one.
///
/// # Errors
/// The original cannot be read, or those of [`write_atomic`].
pub fn copy_atomic(from: &Path, to: &Path) -> Result<(), DataError> {
    let failed = |error| DataError::io(from, error);
    let mut original = File::open(from).map_err(failed)?;
    let metadata = original.metadata().map_err(failed)?;
    let changed = metadata.modified().map_err(failed)?;
    written(to, |file| {
        // It takes fewer calls of the system to copy a small file than to let the system do it.
        if metadata.len() <= SMALL {
            let mut bytes = Vec::with_capacity(metadata.len() as usize + 1);
            original.read_to_end(&mut bytes)?;
            file.write_all(&bytes)?;
        } else {
            io::copy(&mut original, file)?;
        }
        file.set_modified(changed)
    })
}

/// Gives a file the time of another's last change.
///
/// # Errors
/// Either file cannot be opened.
pub fn copy_time(from: &Path, to: &Path) -> Result<(), DataError> {
    let changed = std::fs::metadata(from).and_then(|metadata| metadata.modified());
    let changed = changed.map_err(|error| DataError::io(from, error))?;
    let file = File::options().write(true).open(to);
    file.and_then(|file| file.set_modified(changed)).map_err(|error| DataError::io(to, error))
}

/// Whether `to` is a plain file that [`copy_atomic`] or [`copy_time`] made after `from` changed last; with
/// `same_length`, also whether both have one length.
#[must_use]
pub fn is_copy(from: &Path, to: &Path, same_length: bool) -> bool {
    // Mostly there is no copy yet.
    let Ok(to) = std::fs::symlink_metadata(to) else { return false };
    let Ok(from) = std::fs::metadata(from) else { return false };
    let times = (from.modified().ok(), to.modified().ok());
    to.is_file() && times.0.is_some() && times.0 == times.1 && (!same_length || from.len() == to.len())
}

/// Length of a file up to which it is read as a whole.
const SMALL: u64 = 1 << 16;

fn written(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), DataError> {
    let io = |error| DataError::io(path, error);
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".simgan-").suffix(".tmp");
    // The system subtracts the umask from this; tempfile's default is 0600.
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    let mut file = builder.tempfile_in(folder).map_err(io)?;
    write(file.as_file_mut()).map_err(io)?; // not on `file`: its errors repeat the path
    file.persist(path).map_err(|error| io(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_and_nothing_is_left_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        write_atomic(&path, b"one").unwrap();
        write_atomic(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_copy_is_known_until_either_file_changes() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
        std::fs::write(&from, "label").unwrap();
        assert!(!is_copy(&from, &to, true));
        copy_atomic(&from, &to).unwrap();
        assert!(is_copy(&from, &to, true) && std::fs::read(&to).unwrap() == b"label");
        for (file, secs) in [(&from, 2), (&to, 4)] {
            let later = std::time::SystemTime::now() + std::time::Duration::from_secs(secs);
            File::options().write(true).open(file).unwrap().set_modified(later).unwrap();
            assert!(!is_copy(&from, &to, true), "{file:?}");
            copy_atomic(&from, &to).unwrap();
        }
        write_atomic(&to, b"longer than before").unwrap();
        copy_time(&from, &to).unwrap();
        assert!(!is_copy(&from, &to, true) && is_copy(&from, &to, false));
    }

    #[cfg(unix)]
    #[test]
    fn the_mode_is_that_of_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (ours, plain) = (folder.path().join("ours"), folder.path().join("plain"));
        write_atomic(&ours, b"").unwrap();
        std::fs::write(&plain, b"").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }

    #[test]
    fn a_missing_folder_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none").join("a.png");
        assert!(write_atomic(&path, b"").unwrap_err().to_string().contains("a.png"));
    }
}
