//! Draws predictions onto images.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result, bail};
use simgan_data::{Source, Want, write_atomic};
use simgan_eval::report;

use super::table::Prediction;

/// Draws a prediction, and the label if there is one, onto an image; writes it as PNG under the image's name.
pub(super) fn write(folder: &Path, source: &dyn Source, idx: usize, prediction: &Prediction) -> Result<()> {
    let image = source.sample(idx, Want::Image)?.image;
    let png = report::overlay(&image, &prediction.answer, prediction.truth.as_ref())?;
    let path = folder.join(place(&prediction.name)?);
    let around = path.parent().unwrap_or(folder);
    std::fs::create_dir_all(around).with_context(|| around.display().to_string())?;
    Ok(write_atomic(&path, &png)?)
}

/// The picture's path inside the folder: the image's name with another ending.
fn place(name: &str) -> Result<PathBuf> {
    let path = PathBuf::from(format!("{name}.png"));
    let is_inside = path.components().all(|part| matches!(part, Component::Normal(_)));
    if !is_inside {
        bail!("`{name}` is no name for a picture inside a folder");
    }
    let has_ending = Path::new(name).extension().is_some();
    Ok(if has_ending { Path::new(name).with_extension("png") } else { path })
}
