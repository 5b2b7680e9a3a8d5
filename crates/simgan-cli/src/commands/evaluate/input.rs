//! Opens the refiner and the images to measure it on.

use anyhow::{Result, bail};
use candle_core::Device;
use simgan_eval::evaluation::OpenedSources;
use simgan_refine::RefineModel;
use simgan_train::DataConfig;
use simgan_train::run_dir::config_of_run;

use crate::arguments::EvaluateArguments;
use crate::commands::most_test;
use crate::commands::trained::{data_of, run_of, untrained};
use crate::failure::usage;
use crate::registry::registry;

/// Everything an evaluation needs.
pub(super) struct Input {
    pub(super) model: RefineModel,
    pub(super) images: OpenedSources,
    /// How the images are read.
    pub(super) data: DataConfig,
    pub(super) seed: u64,
}

impl Input {
    /// Opens all inputs; reads only the refiner.
    pub(super) fn open(arguments: &EvaluateArguments, device: &Device) -> Result<Self> {
        let model = RefineModel::open(&arguments.model, device)?;
        tracing::info!("refiner {}", model.folder().display());
        let run = run_of(&arguments.model, model.folder()).map(config_of_run).transpose()?;
        if let Some(untrained) = untrained(model.folder(), run.as_ref())? {
            bail!(untrained);
        }
        let seed = arguments.seed.or(run.as_ref().map(|run| run.seed)).unwrap_or(0);
        let names = |given: &[String], of_run: fn(&DataConfig) -> &Vec<String>| match &run {
            Some(run) if given.is_empty() => of_run(&run.data).clone(),
            _ => given.to_vec(),
        };
        let synthetic = names(&arguments.synthetic, |data| &data.synthetic);
        if synthetic.is_empty() {
            let model = arguments.model.display();
            bail!(
                usage(format!("{model} belongs to no run"))
                    .hint("say where its images come from with --synthetic")
            );
        }
        let real = names(&arguments.real, |data| &data.real);
        let data = DataConfig { synthetic, real, ..data_of(arguments.size, run.as_ref(), &model)? };
        let most_test = most_test(arguments.measure.test_images, &arguments.test);
        let images = OpenedSources::open(&data, &arguments.test, most_test, seed, &registry())?
            .with_tone(model.tone().cloned());
        Ok(Self { model, images, data, seed })
    }
}
