use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{PAGE, Picture};
use crate::EvalError;

/// Marks a page as ours: only a folder with such a page may be replaced.
pub(super) const MARK: &str = "<meta name=\"generator\" content=\"simgan evaluate\">";

/// Checks that a report may be written to `folder`: it does not exist, is empty, or holds an earlier report.
/// Call it before the work that the report is about.
///
/// # Errors
///
/// If the folder holds anything else, or its parent is missing.
pub fn check_folder(folder: &Path) -> Result<(), EvalError> {
    // `beside` also rejects paths without a name, such as `..`, which cannot be replaced.
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

/// Writes everything to a hidden folder beside `folder`, then swaps it in.
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

/// Returns the path of a hidden folder next to `folder`.
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
        vec![Picture {
            name: "a.png",
            title: String::new(),
            caption: String::new(),
            png: vec![byte],
            svg: None,
        }]
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
