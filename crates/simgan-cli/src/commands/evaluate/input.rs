//! The refiner and the images that it is measured on.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use candle_core::Device;
use simgan_data::{NyuDomain, Source};
use simgan_eyes::SimulatorName;
use simgan_train::refine::RefineModel;
use simgan_train::run_dir::{CONFIG_FILE, config_of_run};
use simgan_train::{Checkpoint, DataConfig, DataSize, Phase, Recipe, TrainConfig, sources};

use crate::arguments::EvaluateArguments;
use crate::failure::usage;

/// What is tested on of a simulator, which never ends.
const SIMULATED_TEST_IMAGES: usize = 2000;
/// A simulator that is tested on must not repeat the images that were trained with.
const TEST_SEED_OFFSET: u64 = 1_000_003;
/// What a checkpoint of a run has and an exported refiner has not.
const STATE_FILE: &str = "state.toml";

/// All that goes into an evaluation.
pub(super) struct Input {
    pub(super) model: RefineModel,
    pub(super) synthetic: Arc<dyn Source>,
    pub(super) test: Arc<dyn Source>,
    pub(super) real: Option<Arc<dyn Source>>,
    pub(super) most_test: usize,
    pub(super) seed: u64,
}

impl Input {
    /// Opens everything; nothing is read yet but the refiner.
    pub(super) fn open(arguments: &EvaluateArguments, device: &Device) -> Result<Self> {
        let model = RefineModel::open(&arguments.model, device)?;
        tracing::info!("refiner {}", model.folder().display());
        let run = run_of(&arguments.model, model.folder()).map(config_of_run).transpose()?;
        check_trained(model.folder(), run.as_ref())?;
        let seed = arguments.seed.or(run.as_ref().map(|run| run.seed)).unwrap_or(0);
        let names = |given: &[String], of_run: fn(&DataConfig) -> &Vec<String>| match &run {
            Some(run) if given.is_empty() => of_run(&run.data).clone(),
            _ => given.to_vec(),
        };
        let synthetic = names(&arguments.synthetic, |data| &data.synthetic);
        if synthetic.is_empty() {
            let model = arguments.model.display();
            return Err(usage(format!(
                "{model} belongs to no run; hint: say where its images come from with --synthetic"
            )));
        }
        let real = names(&arguments.real, |data| &data.real);
        let data = data(arguments, run.as_ref(), &model)?;
        let open = |names: &[String], domain, seed| {
            sources::open_all(names, &data, domain, seed).map_err(anyhow::Error::from)
        };
        let is_simulated = arguments.test.iter().any(|name| SimulatorName::is_meant(name));
        let most_test = if is_simulated { SIMULATED_TEST_IMAGES } else { usize::MAX };
        Ok(Self {
            synthetic: open(&synthetic, NyuDomain::Synthetic, seed)?,
            test: open(&arguments.test, NyuDomain::Real, seed.wrapping_add(TEST_SEED_OFFSET))?,
            real: if real.is_empty() { None } else { Some(open(&real, NyuDomain::Real, seed)?) },
            most_test: arguments.test_images.unwrap_or(most_test),
            model,
            seed,
        })
    }
}

/// The run's folder that a model was given as, or that its checkpoint lies in.
fn run_of<'a>(given: &'a Path, checkpoint: &'a Path) -> Option<&'a Path> {
    let around = checkpoint.parent().and_then(Path::parent);
    [Some(given), around].into_iter().flatten().find(|folder| folder.join(CONFIG_FILE).is_file())
}

/// How images are brought to what the refiner knows.
fn data(arguments: &EvaluateArguments, run: Option<&TrainConfig>, model: &RefineModel) -> Result<DataConfig> {
    let mut data = match run {
        Some(run) => run.data.clone(),
        None => {
            let images_own = DataConfig {
                size: DataSize::Source,
                ..TrainConfig::resolve(Some(Recipe::Demo), None, &[])?.data
            };
            DataConfig { channels: model.refiner().config().channels, ..images_own }
        }
    };
    if let Some(size) = arguments.size {
        data.size = DataSize::Pixels(size);
    }
    Ok(data)
}

/// A refiner that never met a discriminator only copies.
fn check_trained(folder: &Path, run: Option<&TrainConfig>) -> Result<()> {
    if !folder.join(STATE_FILE).is_file() {
        return Ok(());
    }
    let checkpoint = Checkpoint::open(folder)?;
    let before = run.map_or(0, |run| run.schedule.pretrain_refiner + run.schedule.pretrain_discriminator);
    if checkpoint.phase() == Phase::Adversarial && checkpoint.step() > before {
        return Ok(());
    }
    bail!(
        "{}: not trained yet: {} steps were done, none of them adversarial; hint: simgan train --resume goes on",
        folder.display(),
        checkpoint.step()
    )
}
