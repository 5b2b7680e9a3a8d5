//! Data sets distributed as HDF5: Kaggle's eye-gaze set, and BlenderProc's renders.

#[cfg(feature = "hdf5")]
mod blenderproc;
#[cfg(feature = "hdf5")]
mod read;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::listing::has_extension;
use crate::{DataError, Layout, Listing, Match, Source, SourceRequest};

/// The layout of Kaggle's eye-gaze files and of single renders of BlenderProc. The feature `hdf5` reads them; without it they are recognised, and
/// opening one fails with a hint.
pub(crate) struct Hdf5Layout;

impl Layout for Hdf5Layout {
    fn name(&self) -> &'static str {
        "hdf5"
    }

    fn help(&self) -> String {
        "an HDF5 file of Kaggle's eye-gaze set (.h5) or of BlenderProc (.hdf5)".to_owned()
    }

    fn recognise(&self, at: &Listing) -> Match {
        if at.is_file_with(&["h5", "hdf5"]) { Match::Specific } else { Match::No }
    }

    fn open(&self, _: &SourceRequest, at: Listing) -> Result<Arc<dyn Source>, DataError> {
        open(at.path())
    }
}

#[cfg(feature = "hdf5")]
fn open(path: &Path) -> Result<Arc<dyn Source>, DataError> {
    match (path.parent(), path.file_name()) {
        (Some(root), Some(name)) if blenderproc::is_render(path) => open_renders(root, &[name.into()]),
        _ => Ok(Arc::new(read::open(path)?)),
    }
}

#[cfg(not(feature = "hdf5"))]
fn open(path: &Path) -> Result<Arc<dyn Source>, DataError> {
    Err(DataError::NoHdf5 { path: path.to_owned() })
}

/// The layout of a folder of BlenderProc's renders `0.hdf5`, `1.hdf5`, …. A folder that also holds image files, as
/// BlenderProc writes them for COCO, is read as a plain folder, whose labels are carried along.
pub(crate) struct BlenderProcLayout;

impl Layout for BlenderProcLayout {
    fn name(&self) -> &'static str {
        "blenderproc"
    }

    fn help(&self) -> String {
        "a folder of BlenderProc's renders (N.hdf5)".to_owned()
    }

    fn recognise(&self, at: &Listing) -> Match {
        let is_render = at.path().is_dir() && at.images().is_empty() && renders(at).next().is_some();
        if is_render { Match::Specific } else { Match::No }
    }

    fn open(&self, _: &SourceRequest, at: Listing) -> Result<Arc<dyn Source>, DataError> {
        let files: Vec<PathBuf> = renders(&at).map(Path::to_owned).collect();
        open_renders(at.path(), &files)
    }
}

/// The files of a folder that are named like BlenderProc's.
fn renders(at: &Listing) -> impl Iterator<Item = &Path> {
    at.files().filter(|file| has_extension(file, &["hdf5"]))
}

#[cfg(feature = "hdf5")]
fn open_renders(root: &Path, files: &[PathBuf]) -> Result<Arc<dyn Source>, DataError> {
    Ok(Arc::new(blenderproc::BlenderProc::open(root, files)?))
}

#[cfg(not(feature = "hdf5"))]
fn open_renders(root: &Path, files: &[PathBuf]) -> Result<Arc<dyn Source>, DataError> {
    Err(DataError::NoHdf5 { path: files.first().map_or_else(|| root.to_owned(), |file| root.join(file)) })
}
