//! Draws predictions onto images.

use std::path::{Component, Path, PathBuf};

use anyhow::{Context, Result};
use simgan_data::{Source, Want, write_atomic};
use simgan_eval::{KeptEstimator, report};

use super::table::Prediction;

/// Draws a prediction, and the label if there is one, onto an image, with the estimator's range as black and
/// white; writes it as PNG under the image's name.
pub(super) fn write(
    folder: &Path,
    source: &dyn Source,
    idx: usize,
    kept: &KeptEstimator,
    prediction: &Prediction,
) -> Result<()> {
    let image = source.sample(idx, Want::Image)?.image;
    let image = kept.range().map_or_else(|| image.clone(), |range| image.in_range(range));
    let png = report::overlay(kept.task(), &image, &prediction.answer, prediction.truth.as_ref())?;
    let path = folder.join(place(&prediction.name));
    let around = path.parent().unwrap_or(folder);
    std::fs::create_dir_all(around).with_context(|| around.display().to_string())?;
    Ok(write_atomic(&path, &png)?)
}

/// The picture's path inside the folder: the image's name, what leads out of the folder left out, and `.png`.
fn place(name: &str) -> PathBuf {
    let name = PathBuf::from(format!("{name}.png"));
    let inside = name.components().filter(|part| matches!(part, Component::Normal(_)));
    inside.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_stays_in_its_folder() {
        for (name, expected) in
            [("a.jpg", "a.jpg.png"), ("../b/c.png", "b/c.png.png"), ("/d", "d.png"), ("e/../../f", "e/f.png")]
        {
            assert_eq!(place(name), PathBuf::from(expected), "{name}");
        }
    }
}
