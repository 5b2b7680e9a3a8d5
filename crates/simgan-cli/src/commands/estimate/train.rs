use std::sync::atomic::Ordering;

use anyhow::{Context, Result, bail};
use simgan_data::{Hinted, Role};
use simgan_eval::evaluation::read_labelled;
use simgan_eval::{About, EstimatorTrainer, EstimatorTraining, InputShape, KeptEstimator};
use simgan_metrics::Strength;
use simgan_models::ESTIMATOR_CONFIG_FILE;
use simgan_train::{DataConfig, DataSize, Recipe, ToneKind, TrainConfig, sources};

use crate::arguments::EstimateTrainArguments;
use crate::commands::evaluate::is_depth;
use crate::console::Progress;
use crate::registry::registry;
use crate::{compute, interrupt, program};

/// Updates between two savings of an unfinished training.
const SAVE_EVERY: usize = 500;

/// Trains an estimator, or goes on training it, and keeps it.
pub(crate) fn train(arguments: &EstimateTrainArguments) -> Result<()> {
    let device = compute::open(&arguments.compute)?;
    let precision = compute::precision("--precision", arguments.products.precision, &device)?;
    let folder = &arguments.output;
    check_output(folder)?;
    let data = data(arguments)?;
    let source = sources::open_all(&data.synthetic, &data, Role::Synthetic, arguments.seed, &registry())?;
    let stop = interrupt::stop_flag()?;
    let (name, inputs) = (arguments.task.as_deref(), &arguments.inputs);
    let (task, images) = read_labelled(&*source, name, inputs, arguments.images, &device)?;
    let (_, channels, height, width) = images.images().dims4()?;
    let extra = images.inputs().extra().map_or(Ok(0), |extra| extra.dim(1))?;
    let shape = InputShape { channels, height, width, extra };
    let network = task.estimator(arguments.network.into(), shape)?;
    let EstimateTrainArguments { steps, batch, seed, augment, .. } = *arguments;
    let strength = if augment { Strength::Strong } else { Strength::Light };
    let (depth, defaults) = (is_depth(&data), EstimatorTraining::default());
    let training = EstimatorTraining { steps, batch, seed, augment, strength, depth, precision, ..defaults };
    let mut trainer = EstimatorTrainer::new(&*task, &network, &images, training)?;
    if trainer.restore(folder)? {
        tracing::info!("going on after {} of {steps} updates", trainer.n_done());
    }
    tracing::info!("{} from {} images of {width}x{height} pixels", task.spec(), images.n_images());
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let mut progress = Progress::new("training", steps as u64, "updates");
    while !trainer.is_done() {
        let loss = trainer.update()?;
        progress.update(trainer.n_done() as u64, &format!("loss {loss:.4}"));
        let is_stopped = stop.load(Ordering::Relaxed);
        if (is_stopped || trainer.n_done().is_multiple_of(SAVE_EVERY)) && !trainer.is_done() {
            trainer.save(folder)?;
        }
        if is_stopped && !trainer.is_done() {
            let message = format!("interrupted after {} of {steps} updates", trainer.n_done());
            bail!(Hinted::new(message, "run the same command again to continue"));
        }
    }
    drop(progress);
    let about = About::new(task.spec().clone(), inputs.clone(), &data);
    let kept = KeptEstimator::new(about, network, trainer.finish()?);
    kept.save(folder)?;
    EstimatorTrainer::forget(folder)?;
    let (name, folder) = (program::name(), folder.display());
    tracing::info!("estimator {folder}");
    tracing::info!("use it: {name} estimate predict --model {folder} IMAGES");
    Ok(())
}

/// Rejects a folder that holds a finished estimator or anything else.
fn check_output(folder: &std::path::Path) -> Result<()> {
    if folder.join(ESTIMATOR_CONFIG_FILE).exists() {
        let message = format!("{}: holds a trained estimator", folder.display());
        bail!(Hinted::new(message, "choose another folder"));
    }
    if simgan_eval::is_training_only(folder) { Ok(()) } else { super::super::check_empty(folder) }
}

/// How to read the images: what the options leave open follows from them.
fn data(arguments: &EstimateTrainArguments) -> Result<DataConfig> {
    let mut config = TrainConfig::resolve(Some(Recipe::Demo), None, &[])?;
    config.seed = arguments.seed;
    let data = &mut config.data;
    data.synthetic.clone_from(&arguments.sources);
    data.real.clone_from(&arguments.sources);
    data.channels = arguments.channels.unwrap_or(data.channels);
    data.range = arguments.range;
    data.tone = ToneKind::None; // there is one domain
    data.size = arguments.size.map_or(DataSize::Auto, DataSize::Pixels);
    let chosen = sources::choose(&config, &registry())?;
    chosen.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    Ok(chosen.config.data)
}
