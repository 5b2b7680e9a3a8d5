use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::junk::{is_hidden, is_junk};
use crate::listing::has_extension;
use crate::{DataError, ImageFormat};

/// The files in a folder and its subfolders, as sorted relative paths; `/` sorts before other characters.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) images: Vec<PathBuf>,
    /// `.json`, `.txt` and `.csv` files.
    pub(crate) labels: Vec<PathBuf>,
    /// Files of other kinds.
    pub(crate) others: Vec<PathBuf>,
    /// Links among the files and folders, wherever they lead.
    pub(crate) links: Vec<PathBuf>,
    /// Images beside those that a pattern chooses.
    pub(crate) not_chosen: Vec<PathBuf>,
    pub(crate) passed: PassedOver,
}

/// What a walk through a folder passed over. Junk ([`is_junk`](crate::is_junk)) is not even counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PassedOver {
    /// Number of hidden files and folders.
    pub n_hidden: usize,
    /// Subfolders that cannot be listed, each with the system's error.
    pub unreadable: Vec<(PathBuf, String)>,
    /// Pipes, sockets, devices, and links that lead nowhere.
    pub special: Vec<PathBuf>,
    /// Links into a folder that contains them, and folders with more names than the walk follows.
    pub loops: Vec<PathBuf>,
    /// Label files beside the images that a pattern chooses which belong to none of them.
    pub labels: Vec<PathBuf>,
}

/// Extensions of the label files that layouts are recognised by.
pub(super) const LABELS: [&str; 3] = ["json", "txt", "csv"];

/// Maximum number of names under which links may show one folder; bounds what links to links can unfold to.
const MAX_NAMES: usize = 8;

/// A folder to list: its relative path, and the real paths of the folders above it.
struct Place {
    path: PathBuf,
    above: Vec<PathBuf>,
    /// Whether the path leads through a link.
    is_linked: bool,
}

/// Walks a folder. Junk and hidden files are skipped. Links are followed, each name of a linked folder showing
/// its files again; a link into a folder above it ends there, so that cycles end.
///
/// # Errors
/// The folder itself cannot be listed; subfolders that cannot are passed over.
pub(crate) fn walk(root: &Path) -> Result<Found, DataError> {
    let mut found = Found::default();
    let mut names: BTreeMap<PathBuf, usize> = BTreeMap::new();
    let mut places = vec![Place { path: PathBuf::new(), above: Vec::new(), is_linked: false }];
    while let Some(Place { path, mut above, is_linked }) = places.pop() {
        let full = root.join(&path);
        let listed = full.canonicalize().and_then(|real| {
            let n_names = names.entry(real.clone()).or_default();
            // The folder's own name always counts, however many links lead to it.
            if is_linked && (above.contains(&real) || *n_names >= MAX_NAMES) {
                return Ok(None);
            }
            *n_names += 1;
            above.push(real);
            list(&full, &path, &mut found).map(Some)
        });
        match listed {
            Ok(Some(mut inner)) => {
                // The stack is last in, first out: push in descending order to enter the first name first.
                inner.sort_unstable_by(|a, b| b.cmp(a));
                places.extend(inner.into_iter().map(|(path, is_link)| Place {
                    path,
                    above: above.clone(),
                    is_linked: is_linked || is_link,
                }));
            }
            Ok(None) => found.passed.loops.push(path),
            Err(error) if path.as_os_str().is_empty() => return Err(DataError::io(root, error)),
            Err(error) => found.passed.unreadable.push((path, error.to_string())),
        }
    }
    found.sort();
    Ok(found)
}

/// Adds the files of one folder to `found` and returns its subfolders, each with whether it is a link.
fn list(full: &Path, folder: &Path, found: &mut Found) -> std::io::Result<Vec<(PathBuf, bool)>> {
    let mut folders = Vec::new();
    for entry in std::fs::read_dir(full)? {
        let entry = entry?;
        let name = entry.file_name();
        if is_junk(&name) || is_hidden(&name) {
            found.passed.n_hidden += usize::from(!is_junk(&name));
            continue;
        }
        let path = folder.join(&name);
        let mut kind = entry.file_type()?;
        let is_link = kind.is_symlink();
        if is_link {
            found.links.push(path.clone());
            match std::fs::metadata(entry.path()) {
                Ok(metadata) => kind = metadata.file_type(),
                // A dangling link counts as an image, so that reading it fails with an error that names it.
                Err(_) if ImageFormat::from_path(&path).is_some() => found.images.push(path.clone()),
                Err(_) => {}
            }
        }
        if kind.is_dir() {
            folders.push((path, is_link));
        } else if kind.is_file() {
            found.add(path);
        } else if found.images.last() != Some(&path) {
            found.passed.special.push(path);
        }
    }
    Ok(folders)
}

impl PassedOver {
    /// Warns of folders that cannot be read: their images are missed without any other sign.
    pub(super) fn warn(&self, root: &Path) {
        for (folder, error) in &self.unreadable {
            tracing::warn!("passed over {}: {error}", root.join(folder).display());
        }
    }
}

impl Found {
    pub(crate) fn sort(&mut self) {
        for files in
            [&mut self.images, &mut self.labels, &mut self.others, &mut self.links, &mut self.passed.special]
        {
            files.sort_unstable();
        }
    }

    pub(crate) fn add(&mut self, path: PathBuf) {
        if ImageFormat::from_path(&path).is_some() {
            self.images.push(path);
        } else if has_extension(&path, &LABELS) {
            self.labels.push(path);
        } else {
            self.others.push(path);
        }
    }
}
