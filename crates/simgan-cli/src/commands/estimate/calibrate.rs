use anyhow::{Result, bail};
use simgan_data::Hinted;
use simgan_eval::{Calibrated, Calibration, CalibrationForm, EvalError, KeptEstimator, Measure};

use super::images::Images;
use crate::arguments::EstimateCalibrateArguments;
use crate::commands::check_empty;
use crate::compute;
use crate::console::print;

/// Calibrates an estimator and keeps it.
pub(crate) fn calibrate(arguments: &EstimateCalibrateArguments) -> Result<()> {
    let device = compute::open(&arguments.compute)?;
    // Calibrating twice must not correct what is corrected already.
    let kept = KeptEstimator::open(&arguments.model, &device)?.calibrated(None);
    arguments.output.as_deref().map(check_empty).transpose()?;
    let images = Images::open(&arguments.sources, kept.about().crop, Some(arguments.count), arguments.seed)?;
    let seen = images.read(&kept, 0, images.len(), &device)?;
    let label = |(name, annotations)| -> Result<_, EvalError> { kept.about().task.label(name, annotations) };
    let truths: Result<Vec<_>, _> =
        seen.names.iter().map(String::as_str).zip(&seen.annotations).map(label).collect();
    let (truths, answers) = (truths?, kept.predict(&seen.inputs, &seen.eyes)?);
    let found = Calibration::choose(kept.task(), &answers, &truths, &seen.eyes)?;
    let measures = kept.task().measures();
    let Some(error) = measures.first() else { bail!(Hinted::new("nothing is measured", "use another task")) };
    print(&text(&found, error, truths.len()))?;
    let folder = arguments.output.as_ref().unwrap_or(&arguments.model);
    kept.calibrated(found.chosen).save(folder)?;
    tracing::info!("estimator {}", folder.display());
    Ok(())
}

/// Says what was chosen, and why.
fn text(found: &Calibrated, measure: &Measure, n_images: usize) -> String {
    let number = |value: f64| {
        format!("{:.*}{}", measure.unit.digits(), value * measure.unit.scale(), measure.unit.symbol())
    };
    let mut text = format!("calibration on {n_images} images\n");
    text += &format!("{:<18} error {}\n", "as it is", number(found.error));
    for (form, error) in &found.left_out {
        text += &format!("{:<18} error {} on images left out one at a time\n", name(*form), number(*error));
    }
    text + &match &found.chosen {
        None => {
            "chosen: no correction, because none errs less on images that it was not fitted to\n".to_owned()
        }
        Some(Calibration { form, gain, offset, .. }) => {
            let list = |values: &[f64]| {
                values.iter().map(|value| format!("{value:+.3}")).collect::<Vec<_>>().join(", ")
            };
            let gain = match form {
                CalibrationForm::Offset => String::new(),
                CalibrationForm::Affine => format!(", gain {}", list(gain)),
            };
            format!("chosen: {}, which errs least: offset {}{gain}\n", name(*form), list(offset))
        }
    }
}

fn name(form: CalibrationForm) -> &'static str {
    match form {
        CalibrationForm::Offset => "offset",
        CalibrationForm::Affine => "offset and gain",
    }
}
