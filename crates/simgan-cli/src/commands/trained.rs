//! Whether a refiner has learned anything yet.

use std::path::Path;

use anyhow::Result;
use simgan_data::{Hinted, Size};
use simgan_refine::RefineModel;
use simgan_train::run_dir::CONFIG_FILE;
use simgan_train::{
    Channels, Checkpoint, DataConfig, DataRange, DataSize, Phase, Recipe, ToneKind, TrainConfig,
};

use crate::program;

/// A file that a run's checkpoint has and an exported refiner lacks.
const STATE_FILE: &str = "state.toml";

/// Returns the run's folder: `given` itself, or the one that holds the checkpoint.
pub(super) fn run_of<'a>(given: &'a Path, checkpoint: &'a Path) -> Option<&'a Path> {
    // A checkpoint is RUN/checkpoints/NAME.
    let around = checkpoint.parent().and_then(Path::parent);
    [Some(given), around].into_iter().flatten().find(|folder| folder.join(CONFIG_FILE).is_file())
}

/// Returns how to bring images to the refiner's size, channels and range: as the run did, or for a refiner
/// without a run at their own size. `size` replaces either.
pub(super) fn data_of(
    size: Option<Size>,
    run: Option<&TrainConfig>,
    model: &RefineModel,
) -> Result<DataConfig> {
    let mut data = match run {
        Some(run) => run.data.clone(),
        None => {
            let demo = TrainConfig::resolve(Some(Recipe::Demo), None, &[])?.data;
            DataConfig { size: DataSize::Source, ..demo }
        }
    };
    data.channels = Channels::of_number(model.refiner().channels()).unwrap_or(data.channels);
    data.range = DataRange::of(model.range());
    data.tone = ToneKind::of(model.tone());
    if let Some(size) = size {
        data.size = DataSize::Pixels(size);
    }
    Ok(data)
}

/// What to say of a checkpoint without adversarial steps: pretraining alone teaches a refiner to copy its
/// input.
pub(super) fn untrained(folder: &Path, run: Option<&TrainConfig>) -> Result<Option<Hinted>> {
    if !folder.join(STATE_FILE).is_file() {
        return Ok(None);
    }
    let checkpoint = Checkpoint::open(folder)?;
    let before = run.map_or(0, |run| run.schedule.pretrain_refiner + run.schedule.pretrain_discriminator);
    if checkpoint.phase() == Phase::Adversarial && checkpoint.step() > before {
        return Ok(None);
    }
    let (folder, n) = (folder.display(), checkpoint.step());
    let message = format!("{folder}: not trained yet: {n} steps were done, none of them adversarial");
    let hint = format!("{} train --run RUN --resume continues the training", program::name());
    Ok(Some(Hinted::new(message, hint)))
}
