//! A folder below which files are read, and never through a link.

use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

/// A folder as it was found when it was first seen: its path without any link.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Guarded {
    root: PathBuf,
}

impl Guarded {
    /// Takes the folder at `path`, where links may lead to it once: now.
    ///
    /// # Errors
    /// There is no folder.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let root = path.canonicalize()?;
        match root.is_dir() {
            true => Ok(Self { root }),
            false => Err(ErrorKind::NotADirectory.into()),
        }
    }

    /// A folder right below this one; `None` unless it is a real folder, no link.
    pub(crate) fn child(&self, name: &Path) -> Option<Self> {
        let path = self.place(name).ok()?;
        let is_folder = fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir());
        is_folder.then_some(Self { root: path })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.root
    }

    /// Checks that every folder on the way to `relative` is a real one and returns its path. The root is checked
    /// anew, because a link may have taken its place.
    ///
    /// # Errors
    /// There is a link on the way, or `relative` leads elsewhere.
    pub(crate) fn place(&self, relative: &Path) -> io::Result<PathBuf> {
        let is_inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
        if !is_inside || self.root.canonicalize()? != self.root {
            return Err(elsewhere());
        }
        let mut path = self.root.clone();
        let mut parts = relative.components().peekable();
        while let Some(part) = parts.next() {
            path.push(part);
            if parts.peek().is_some() && !fs::symlink_metadata(&path)?.is_dir() {
                return Err(elsewhere());
            }
        }
        Ok(path)
    }

    /// Opens a plain file for reading.
    ///
    /// # Errors
    /// It is not there, is a link, a pipe or a device, or cannot be read.
    pub(crate) fn file(&self, relative: &Path) -> io::Result<File> {
        let path = self.place(relative)?;
        let before = fs::symlink_metadata(&path)?;
        if !before.is_file() {
            return Err(elsewhere());
        }
        let file = File::open(&path)?;
        // A link may have been put there in between.
        match is_same(&before, &file.metadata()?) {
            true => Ok(file),
            false => Err(elsewhere()),
        }
    }

    /// Reads a whole file of at most `most` bytes.
    ///
    /// # Errors
    /// As [`file`](Self::file), and if it is longer.
    pub(crate) fn read(&self, relative: &Path, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file(relative)?.take(most + 1).read_to_end(&mut bytes)?;
        match bytes.len() as u64 > most {
            true => Err(io::Error::new(ErrorKind::FileTooLarge, format!("it has more than {most} bytes"))),
            false => Ok(bytes),
        }
    }

    /// The names in a folder below, those that are Unicode, sorted; none if it is missing or a link.
    pub(crate) fn names(&self, relative: &Path) -> Vec<String> {
        let folder = match relative.as_os_str().is_empty() {
            true => self.place(relative).ok(),
            false => self.child_path(relative),
        };
        let entries = folder.and_then(|folder| fs::read_dir(folder).ok()).into_iter().flatten();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        names.sort_unstable();
        names
    }

    fn child_path(&self, relative: &Path) -> Option<PathBuf> {
        let path = self.place(relative).ok()?;
        fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_dir()).then_some(path)
    }

    /// What the system says of a plain file; `None` if there is none.
    pub(crate) fn metadata(&self, relative: &Path) -> Option<Metadata> {
        let metadata = fs::symlink_metadata(self.place(relative).ok()?).ok()?;
        metadata.is_file().then_some(metadata)
    }
}

fn elsewhere() -> io::Error {
    io::Error::new(ErrorKind::PermissionDenied, "a link or device, which is not followed")
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    one.dev() == other.dev() && one.ino() == other.ino()
}

/// Elsewhere the system tells no file from another; links there need an administrator.
#[cfg(not(unix))]
fn is_same(_one: &Metadata, other: &Metadata) -> bool {
    other.is_file()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn nothing_outside_is_read() {
        let around = tempfile::tempdir().unwrap();
        let run = around.path().join("run");
        fs::create_dir_all(run.join("samples")).unwrap();
        fs::write(around.path().join("secret"), "mine").unwrap();
        fs::write(run.join("samples/a"), "ours").unwrap();
        symlink("../secret", run.join("link")).unwrap();
        symlink("..", run.join("up")).unwrap();
        let guarded = Guarded::open(&run).unwrap();
        assert_eq!(guarded.read(Path::new("samples/a"), 4).unwrap(), b"ours");
        assert!(guarded.read(Path::new("samples/a"), 3).is_err());
        for outside in ["link", "up/secret", "../secret", "/etc/passwd", "samples/../../secret", "samples"] {
            assert!(guarded.file(Path::new(outside)).is_err(), "{outside}");
        }
        assert!(guarded.child(Path::new("up")).is_none() && guarded.names(Path::new("up")).is_empty());
        assert_eq!(guarded.names(Path::new("samples")), ["a"]);
    }

    #[test]
    fn a_folder_replaced_by_a_link_is_refused() {
        let around = tempfile::tempdir().unwrap();
        let [run, other] = ["run", "other"].map(|name| around.path().join(name));
        [&run, &other].into_iter().for_each(|folder| fs::create_dir(folder).unwrap());
        fs::write(other.join("a"), "other's").unwrap();
        let guarded = Guarded::open(&run).unwrap();
        fs::remove_dir(&run).unwrap();
        symlink(&other, &run).unwrap();
        assert!(guarded.file(Path::new("a")).is_err() && guarded.names(Path::new("")).is_empty());
    }
}
