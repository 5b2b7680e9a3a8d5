use std::path::{Path, PathBuf};

use clap::ValueEnum;
use simgan_data::labels::{self, LabelFile};
use simgan_data::mat::{self, Limits};
use simgan_data::{Fit, ImageFile, Registry, Size, SourceRequest, Transform, Want};

use crate::fetch;

/// A reader of files that others made.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Target {
    /// MATLAB files
    Mat,
    /// The unpacker of fetched archives, without the gzip layer
    Tar,
    /// Images
    Image,
    /// Label files beside an image, read and moved
    Label,
    /// Label files about several images, read and moved
    Index,
    /// Packed data sets and other files that hold many images
    Set,
}

/// Limits of the MATLAB reader; small files may not expand beyond them.
const LIMITS: Limits = Limits { bytes: 64 << 20, arrays: 100_000, depth: 32 };
const SIZE: Size = Size { width: 64, height: 48 };

/// Reads the content of a file called `name`.
pub(super) fn read(target: Target, name: &Path, bytes: &[u8]) -> Result<(), String> {
    match target {
        Target::Mat => mat::read(bytes, &LIMITS).map(drop).map_err(|error| error.to_string()),
        Target::Tar => fetch::try_unpack(bytes).map_err(|error| format!("{error:#}")),
        Target::Image => ImageFile::decode(bytes, name).map(drop).map_err(|error| error.to_string()),
        Target::Label => label(name, bytes, &[name.with_extension("png")], &[0]),
        Target::Index => {
            let images: Vec<PathBuf> = (0..3).map(|idx| format!("images/{idx}.png").into()).collect();
            label(name, bytes, &images, &[])
        }
        Target::Set => set(name, bytes).map_err(|error| format!("{error:#}")),
    }
}

fn label(name: &Path, bytes: &[u8], images: &[PathBuf], owners: &[usize]) -> Result<(), String> {
    let moved = |_| Ok(Transform::resize(SIZE, Size { width: 20, height: 20 }, Fit::Cover));
    let file = LabelFile { path: name, images, apart: labels::Apart::default(), owners, moved: &moved };
    labels::follow(bytes, &file).map_err(|error| error.to_string())?;
    match owners {
        [] => labels::read_index(bytes, name, images, SIZE).map(drop),
        _ => labels::read(bytes, name, SIZE).map(drop),
    }
    .map_err(|error| error.to_string())
}

/// Opens a file of many images as a user's SOURCE, and reads them all.
fn set(name: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join(name);
    std::fs::write(&path, bytes)?;
    let source = Registry::default().open(&SourceRequest::new(path.display().to_string()))?;
    for index in 0..source.len() {
        source.sample(index, Want::Labels)?;
    }
    Ok(())
}
