use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::Picture;
use crate::EvalError;

/// The page.
const PAGE: &str = "index.html";
/// By this in the page a report is known.
pub(super) const MARK: &str = "<meta name=\"generator\" content=\"simgan evaluate\">";

/// Looks whether a report may be written to a folder: one that is not there, is empty, or holds an earlier report. To be
/// asked before the work that the report is about.
///
/// # Errors
///
/// If it holds anything else, or its parent is missing.
pub fn check_folder(folder: &Path) -> Result<(), EvalError> {
    let parent = beside(folder, "")?;
    let parent = parent.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !parent.is_dir() {
        return Err(EvalError::Folder {
            path: folder.to_owned(),
            reason: "its parent folder does not exist",
        });
    }
    let mut entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(EvalError::io(folder)(error)),
    };
    let is_report = fs::read_to_string(folder.join(PAGE)).is_ok_and(|page| page.contains(MARK));
    if entries.next().is_none() || is_report {
        return Ok(());
    }
    Err(EvalError::Folder { path: folder.to_owned(), reason: "not empty, and holds no report" })
}

/// Writes everything beside the folder's place, then puts it there.
pub(super) fn replace(folder: &Path, page: &str, pictures: &[Picture]) -> Result<(), EvalError> {
    let (new, old) = (beside(folder, ".new")?, beside(folder, ".old")?);
    let written =
        write_all(&new, page, pictures).and_then(|()| Ok(simgan_data::replace_folder(folder, &new, &old)?));
    if written.is_err() {
        remove(&new)?;
    }
    written
}

fn write_all(new: &Path, page: &str, pictures: &[Picture]) -> Result<(), EvalError> {
    remove(new)?;
    fs::create_dir(new).map_err(EvalError::io(new))?;
    let files = pictures.iter().map(|picture| (picture.name, &picture.png[..]));
    for (name, bytes) in files.chain([(PAGE, page.as_bytes())]) {
        let path = new.join(name);
        fs::write(&path, bytes).map_err(EvalError::io(&path))?;
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<(), EvalError> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(EvalError::io(folder)(error)),
        _ => Ok(()),
    }
}

/// A hidden folder next to this one.
fn beside(folder: &Path, suffix: &str) -> Result<PathBuf, EvalError> {
    let Some(name) = folder.file_name() else {
        return Err(EvalError::Folder { path: folder.to_owned(), reason: "not a folder's name" });
    };
    Ok(folder.with_file_name(format!(".{}{suffix}", name.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pictures(byte: u8) -> Vec<Picture> {
        vec![Picture { name: "a.png", title: "", caption: String::new(), png: vec![byte], svg: None }]
    }

    #[test]
    fn a_report_replaces_a_report_and_nothing_else() {
        let around = tempfile::tempdir().unwrap();
        let folder = around.path().join("report");
        for byte in [1, 2] {
            check_folder(&folder).unwrap();
            replace(&folder, MARK, &pictures(byte)).unwrap();
            assert_eq!(fs::read(folder.join("a.png")).unwrap(), [byte]);
        }
        assert_eq!(fs::read_dir(around.path()).unwrap().count(), 1, "nothing is left beside it");
        fs::write(folder.join(PAGE), "mine").unwrap();
        assert!(check_folder(&folder).unwrap_err().to_string().contains("not empty"));
        assert!(check_folder(&around.path().join("a/b")).unwrap_err().hint().is_some());
        assert!(check_folder(Path::new("..")).is_err());
        fs::remove_dir_all(&folder).unwrap();
        fs::create_dir(&folder).unwrap();
        check_folder(&folder).unwrap();
    }
}
