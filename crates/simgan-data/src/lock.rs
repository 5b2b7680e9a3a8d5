use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;

use crate::DataError;

/// Creates or opens the file at `path` and locks it. The lock lasts as long as the returned file: the
/// operating system releases it when the process ends, even by a crash.
///
/// `folder` is the folder that the lock protects; the error names it.
///
/// # Errors
/// [`DataError::InUse`] if another process holds the lock; [`DataError::NotPlain`] if `path` is a link, a pipe
/// or a device; an I/O error if the file cannot be opened.
pub fn lock(path: &Path, folder: &Path) -> Result<File, DataError> {
    check_plain(path)?;
    let options = File::options().create(true).append(true).open(path);
    let file = options.map_err(|error| DataError::io(path, error))?;
    lock_open(&file, path, folder)?;
    Ok(file)
}

/// Checks that `path` is a plain file or does not exist; a link is not followed.
///
/// # Errors
/// [`DataError::NotPlain`]; an I/O error if the path cannot be examined.
pub fn check_plain(path: &Path) -> Result<(), DataError> {
    let kind = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(DataError::io(path, error)),
    };
    let what = match kind {
        kind if kind.is_file() => return Ok(()),
        kind if kind.is_symlink() => "a link",
        kind if kind.is_dir() => "a folder",
        _ => "a pipe or device",
    };
    Err(DataError::NotPlain { path: path.to_owned(), what })
}

/// Locks a file that is already open; otherwise like [`lock`].
///
/// # Errors
/// [`DataError::InUse`] if another process holds the lock; an I/O error if the file cannot be locked.
pub fn lock_open(file: &File, path: &Path, folder: &Path) -> Result<(), DataError> {
    // `is_locked` holds a lock for a moment; who meets it tries again.
    for _ in 0..LOOKS {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => sleep(A_LOOK),
            done => return done.map_err(|error| DataError::io(path, error.into())),
        }
    }
    Err(DataError::InUse { path: folder.to_owned() })
}

/// How often a lock is tried before it counts as held, and how long each wait is.
const LOOKS: u32 = 5;
const A_LOOK: Duration = Duration::from_millis(10);

/// Whether another process holds the lock at `path`. It changes nothing, and a process that locks meanwhile
/// gets its lock.
///
/// # Errors
/// [`DataError::NotPlain`] if `path` is a link, a pipe or a device; an I/O error if the file cannot be opened.
pub fn is_locked(path: &Path) -> Result<bool, DataError> {
    check_plain(path)?;
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        file => file.map_err(|error| DataError::io(path, error))?,
    };
    // A shared lock is one that others who look get too; it ends with the file.
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(DataError::io(path, error)),
    }
}

/// Replaces `folder` by `new`. An existing `folder` is first moved to `old`, which is removed last.
///
/// All three paths must be on one file system. A crash leaves the earlier or the new content whole, under one
/// of the three names.
///
/// # Errors
/// A rename fails. If the earlier folder cannot be removed, that is only a warning.
pub fn replace_folder(folder: &Path, new: &Path, old: &Path) -> Result<(), DataError> {
    let moved = |from: &Path, to: &Path| fs::rename(from, to).map_err(|error| DataError::io(from, error));
    // An earlier call may have crashed before it could remove `old`.
    remove_quietly(old);
    if folder.exists() {
        moved(folder, old)?;
    }
    moved(new, folder)?;
    remove_quietly(old);
    Ok(())
}

/// Removes leftovers. A failure is only logged: if it matters, the rename that follows fails and reports it.
fn remove_quietly(folder: &Path) {
    if folder.exists()
        && let Err(error) = fs::remove_dir_all(folder)
    {
        tracing::warn!("{}: {error}", folder.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_keeps_others_out_until_it_is_dropped() {
        let around = tempfile::tempdir().unwrap();
        let (folder, path) = (around.path(), around.path().join("lock"));
        let held = lock(&path, folder).unwrap();
        let error = lock(&path, folder).unwrap_err();
        assert!(matches!(&error, DataError::InUse { path } if path == folder), "{error}");
        drop(held);
        lock(&path, folder).unwrap();
        assert!(lock(&folder.join("none/lock"), folder).unwrap_err().to_string().contains("none"));
    }

    #[test]
    fn whoever_looks_at_a_lock_keeps_nobody_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        assert!(!is_locked(&path).unwrap() && !path.exists(), "a look makes no file");
        let held = lock(&path, folder.path()).unwrap();
        assert!(is_locked(&path).unwrap());
        drop(held);
        assert!(!is_locked(&path).unwrap());
        let look = File::open(&path).unwrap();
        look.lock_shared().unwrap();
        let until = std::thread::spawn(move || {
            sleep(2 * A_LOOK);
            drop(look);
        });
        lock(&path, folder.path()).unwrap();
        until.join().unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn only_a_plain_file_is_locked() {
        let folder = tempfile::tempdir().unwrap();
        let [target, link, inner] = ["precious", "lock", "folder"].map(|name| folder.path().join(name));
        fs::write(&target, "mine").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        fs::create_dir(&inner).unwrap();
        for (path, what) in [(&link, "a link"), (&inner, "a folder")] {
            let error = lock(path, folder.path()).unwrap_err();
            assert!(error.to_string().contains(what) && error.hint().is_some(), "{error}");
        }
        assert_eq!(fs::read(&target).unwrap(), b"mine");
    }

    #[test]
    fn a_folder_is_replaced_and_nothing_is_left_beside_it() {
        let around = tempfile::tempdir().unwrap();
        let [folder, new, old] = ["folder", ".new", ".old"].map(|name| around.path().join(name));
        for byte in [1, 2] {
            fs::create_dir(&new).unwrap();
            fs::write(new.join("a"), [byte]).unwrap();
            fs::create_dir_all(&old).unwrap(); // left by a crash
            replace_folder(&folder, &new, &old).unwrap();
            assert_eq!(fs::read(folder.join("a")).unwrap(), [byte]);
        }
        assert_eq!(fs::read_dir(around.path()).unwrap().count(), 1);
        assert!(replace_folder(&folder, &new, &old).is_err(), "there is nothing new");
    }
}
