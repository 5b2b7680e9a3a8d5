use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use anyhow::{Context, Result, bail};
use candle_core::{Device, Tensor};
use simgan_data::{Concat, Fitted, Hinted, Role, Size, Source, SourceRequest, Target};
use simgan_eval::evaluation::{read_labelled, read_unlabelled};
use simgan_eval::{
    Adaptation, AdaptationTraining, EvalError, KeptEstimator, LabelledImages, is_adaptation_only,
};
use simgan_models::ESTIMATOR_CONFIG_FILE;

use crate::arguments::EstimateAdaptArguments;
use crate::console::Progress;
use crate::registry::registry;
use crate::{compute, interrupt, program};

/// Updates between two savings of an unfinished adaptation.
const SAVE_EVERY: usize = 200;

/// Adapts an estimator to real images, or goes on adapting it, and keeps it.
pub(crate) fn adapt(arguments: &EstimateAdaptArguments) -> Result<()> {
    let folder = &arguments.output;
    check_output(folder)?;
    let device = compute::open(&arguments.compute)?;
    let kept = KeptEstimator::open(&arguments.model, &device)?;
    if kept.about().calibration.is_some() {
        tracing::warn!("the adapted estimator has no calibration: calibrate it anew");
    }
    let kept = kept.calibrated(None);
    let (renders, real) = images(arguments, &kept, &device)?;
    let EstimateAdaptArguments { steps, batch, roll, weight, seed, .. } = *arguments;
    let depth = kept.range().is_some();
    let defaults = AdaptationTraining::default();
    let training = AdaptationTraining { steps, batch, roll_deg: roll, weight, seed, depth, ..defaults };
    let stop = interrupt::stop_flag()?;
    let mut adaptation = Adaptation::new(kept.task(), kept.estimator(), &renders, &real, training)?;
    if adaptation.restore(folder)? {
        tracing::info!("going on after {} of {steps} updates", adaptation.n_done());
    }
    std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let mut progress = Progress::new("adapting", steps as u64, "updates");
    let mut agreed = 0.0;
    while !adaptation.is_done() {
        let step = adaptation.update()?;
        agreed += 0.05 * (step.agreed - agreed);
        let told = format!("loss {:.4}, answers agree on {:.0} %", step.loss, 100.0 * step.agreed);
        progress.update(adaptation.n_done() as u64, &told);
        let is_stopped = stop.load(Ordering::Relaxed);
        if (is_stopped || adaptation.n_done().is_multiple_of(SAVE_EVERY)) && !adaptation.is_done() {
            adaptation.save(folder)?;
        }
        if is_stopped && !adaptation.is_done() {
            let message = format!("interrupted after {} of {steps} updates", adaptation.n_done());
            bail!(Hinted::new(message, "run the same command again to continue"));
        }
    }
    drop(progress);
    adaptation.finish()?;
    kept.save(folder)?;
    Adaptation::forget(folder)?;
    tracing::info!("in the last updates, answers agreed on {:.0} % of the real images", 100.0 * agreed);
    tracing::info!("use it: {} estimate predict --model {} IMAGES", program::name(), folder.display());
    Ok(())
}

/// Rejects a folder that holds a finished estimator or anything else.
fn check_output(folder: &Path) -> Result<()> {
    if folder.join(ESTIMATOR_CONFIG_FILE).exists() {
        let message = format!("{}: holds a trained estimator", folder.display());
        bail!(Hinted::new(message, "choose another folder"));
    }
    if is_adaptation_only(folder) { Ok(()) } else { super::super::check_empty(folder) }
}

/// Reads the renders with their labels, and the real images without theirs, as the estimator sees them.
fn images(
    arguments: &EstimateAdaptArguments,
    kept: &KeptEstimator,
    device: &Device,
) -> Result<(LabelledImages, Tensor)> {
    let about = kept.about();
    if !about.inputs.is_empty() {
        let message =
            format!("{}: sees {} beside images", arguments.model.display(), about.inputs.join(", "));
        bail!(Hinted::new(message, "adapt an estimator that sees images alone"));
    }
    let renders = fitted(&arguments.synthetic, kept, Role::Synthetic, arguments.seed)?;
    let real = fitted(&arguments.real, kept, Role::Real, arguments.seed)?;
    let (task, renders) = read_labelled(&*renders, Some(&about.task.name), &[], arguments.images, device)?;
    if *task.spec() != about.task {
        let message = format!("the estimator predicts {}, the renders have {}", about.task, task.spec());
        return Err(EvalError::Mismatch(message).into());
    }
    Ok((renders, read_unlabelled(&*real, arguments.images, device)?))
}

/// Opens sources at the estimator's size, channels and range, as one.
fn fitted(names: &[String], kept: &KeptEstimator, role: Role, seed: u64) -> Result<Arc<dyn Source>> {
    let (shape, about) = (kept.shape(), kept.about());
    let size = Size { width: shape.width, height: shape.height };
    let target =
        Target { size: Some(size), fit: about.fit, channels: Some(shape.channels), range: kept.range() };
    let open = |name: &String| -> Result<Arc<dyn Source>> {
        let request = SourceRequest {
            role,
            size: Some(size),
            channels: Some(shape.channels),
            crop: about.crop,
            seed,
            ..SourceRequest::new(name)
        };
        Ok(Arc::new(Fitted::new(registry().open(&request)?, target)))
    };
    Ok(Arc::new(Concat::new(names.iter().map(open).collect::<Result<_>>()?)?))
}
