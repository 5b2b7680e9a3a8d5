use simgan_data::names::GAZE;
use simgan_metrics::Spread;

use super::layout;
use crate::evaluation::{
    DataSummary, Evaluation, EvaluationConfig, Likeness, Method, MethodFigures, MethodKind,
};
use crate::{Errors, EstimatorTraining, Measure, Task, TaskSpec, Unit};

/// A table of text. The first row is the head; the first column names each row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The rows, all as long as the head.
    pub rows: Vec<Vec<String>>,
    /// Explanations below the table; may be empty.
    pub note: String,
}

impl Table {
    pub(super) fn new<T: Into<String>>(head: impl IntoIterator<Item = T>) -> Self {
        Self { rows: vec![head.into_iter().map(Into::into).collect()], note: String::new() }
    }

    pub(super) fn push(&mut self, row: impl IntoIterator<Item = String>) {
        self.rows.push(row.into_iter().collect());
    }

    /// Formats the table as text with aligned columns, the first flush left and the others flush right, in
    /// lines of at most `width` characters where its cells allow that.
    #[must_use]
    pub fn text(&self, width: usize) -> String {
        layout::fitted(&self.rows, width) + &layout::wrapped_lines(&self.note, width)
    }
}

/// Describes how the figures were measured, in two lines.
#[must_use]
pub fn conditions(config: &EvaluationConfig, data: &DataSummary) -> String {
    format!(
        "{}; mean ± deviation over {} repetition(s)\n{}\n",
        training(config, data),
        config.seeds,
        testing(data)
    )
}

/// Describes how the estimators were trained.
pub(super) fn training(config: &EvaluationConfig, data: &DataSummary) -> String {
    let network = data.task.task().estimator_name(config.network);
    let EstimatorTraining { steps, batch, .. } = config.training;
    let beside = match &config.inputs[..] {
        [] => String::new(),
        inputs => format!(" with {} beside them", inputs.join(", ")),
    };
    let (task, DataSummary { width, height, .. }) = (&data.task, data);
    format!("{task}: {network}, {steps} updates of {batch} images of {width}x{height} pixels{beside}")
}

/// Describes the test images.
pub(super) fn testing(data: &DataSummary) -> String {
    let repeated = match data.n_repeated {
        0 => String::new(),
        n => {
            format!("; {n} of them are also among the real images and excluded from training on real labels")
        }
    };
    let persons = match (data.task.name.as_str(), data.n_persons) {
        (GAZE, n) => format!(" of {n} person(s)"),
        _ => String::new(),
    };
    format!("tested on {} images{persons}{repeated}", data.n_test)
}

/// Returns the paper's two tables for this data, then one on label preservation and one on realism. Leaves
/// out empty tables.
#[must_use]
pub fn tables(found: &Evaluation) -> Vec<Table> {
    let all = [errors(found), shares(found), preservation(found), realism(found)];
    all.into_iter().filter(|table| table.rows.len() > 1).collect()
}

/// The measures of a task that tables show, without offsets: those in the unit of its error, or the others.
pub(super) fn shown(task: &TaskSpec, is_error: bool) -> Vec<Measure> {
    let measures = task.task().measures();
    let unit = measures.first().map(|error| error.unit);
    let is_meant = |measure: &Measure| (Some(measure.unit) == unit) == is_error;
    let shown = measures.into_iter().filter(|measure| measure.is_shown && !measure.is_offset);
    shown.filter(is_meant).collect()
}

/// The head of a table of errors: what is predicted, in which unit.
pub(super) fn error_head(task: &TaskSpec) -> String {
    let unit = task.task().measures().first().map_or("", |error| error.unit.name());
    format!("{} error in {unit}", task.name)
}

/// Formats a figure that is known in its measure's unit; the table's head names degrees and pixels.
pub(super) fn figure(measure: &Measure, value: Option<Spread>) -> String {
    let Some(value) = value else { return String::new() };
    let text = spread(value, measure.unit.scale(), measure.unit.digits());
    if measure.unit == Unit::Share { text + " %" } else { text }
}

/// Words the measures of errors that tables show, in one line.
#[must_use]
pub fn in_words(task: &dyn Task, errors: &Errors) -> String {
    let shown = task.measures().into_iter().filter(|measure| measure.is_shown && !measure.is_offset);
    let word = |measure: Measure| {
        let value = errors.figure(&measure.key)? * measure.unit.scale();
        Some(format!("{} {value:.*}{}", measure.name, measure.unit.digits(), measure.unit.symbol()))
    };
    shown.filter_map(word).collect::<Vec<_>>().join(", ")
}

/// The paper's second table: the errors of each method.
fn errors(found: &Evaluation) -> Table {
    let task = &found.data.task;
    let measures = shown(task, true);
    let offsets: Vec<_> =
        task.task().measures().into_iter().filter(|one| one.is_offset && one.is_shown).collect();
    let is_calibrated = found.methods.values().any(|figures| figures.calibrated.is_some());
    let mut head = vec![error_head(task), "learned from".to_owned()];
    head.extend(measures.iter().map(|measure| measure.name.clone()));
    head.extend(is_calibrated.then(|| "calibrated".to_owned()));
    if !offsets.is_empty() {
        head.push(offsets.iter().map(|offset| &offset.name[..]).collect::<Vec<_>>().join(", "));
    }
    head.push("of synthetic".to_owned());
    let mut table = Table::new(head);
    for (method, figures) in &found.methods {
        let mut row = vec![method_name(*method), figures.n_images.to_string()];
        row.extend(measures.iter().map(|measure| figure(measure, figures.figure(&measure.key))));
        if is_calibrated {
            let calibrated = figures.calibrated.as_ref().zip(measures.first());
            row.push(calibrated.map_or_else(String::new, |(calibrated, error)| {
                figure(error, calibrated.get(&error.key).copied())
            }));
        }
        if !offsets.is_empty() {
            let offset =
                |offset: &Measure| figures.figure(&offset.key).map(|value| format!("{:+.1}", value.mean));
            row.push(offsets.iter().filter_map(offset).collect::<Vec<_>>().join(", "));
        }
        row.push(figures.ratio_to_synthetic.map(|ratio| spread(ratio, 1.0, 2)).unwrap_or_default());
        table.push(row);
    }
    if is_calibrated {
        table.note = format!(
            "calibrated: each person's constant offset taken off, measured on {} of their images\n",
            found.config.calibration
        );
    }
    table
}

/// The paper's first table: the shares that networks get right, by training data. Empty without such measures.
fn shares(found: &Evaluation) -> Table {
    let measures = shown(&found.data.task, false);
    let is_calibrated = found.methods.values().any(|figures| figures.calibrated.is_some());
    let mut head = vec!["share of".to_owned(), "learned from".to_owned()];
    for measure in &measures {
        head.push(measure.name.clone());
        head.extend(is_calibrated.then(|| "calibrated".to_owned()));
    }
    let mut table = Table::new(head);
    if measures.is_empty() {
        return table;
    }
    for (method, figures) in found.methods.iter().filter(|(method, _)| method.kind.is_network()) {
        let mut row = vec![method_name(*method), figures.n_images.to_string()];
        for measure in &measures {
            row.push(figure(measure, figures.figure(&measure.key)));
            let calibrated = figures.calibrated.as_ref().and_then(|figures| figures.get(&measure.key));
            row.extend(is_calibrated.then(|| figure(measure, calibrated.copied())));
        }
        table.push(row);
    }
    table
}

/// Maximum number of classes in the table of a confusion matrix.
const MOST_CLASSES: usize = 30;

/// The confusion matrix of all repetitions, in numbers of images; `None` for other tasks and for many classes.
pub(super) fn confusion(figures: &MethodFigures, names: &[String]) -> Option<Table> {
    let matrices = || figures.runs.iter().map(|run| &run.errors.confusion);
    let n_classes = matrices().next().map(Vec::len).filter(|n| (1..=MOST_CLASSES).contains(n))?;
    let name = |class: usize| names.get(class).map_or_else(|| class.to_string(), Clone::clone);
    let mut table =
        Table::new(["true class, refined".to_owned()].into_iter().chain((0..n_classes).map(name)));
    for truth in 0..n_classes {
        let count = |answer| matrices().map(|matrix| matrix[truth][answer]).sum::<u64>().to_string();
        table.push([name(truth)].into_iter().chain((0..n_classes).map(count)));
    }
    table.note = "columns: predicted classes; all repetitions together\n".to_owned();
    Some(table)
}

fn preservation(found: &Evaluation) -> Table {
    let mut table = Table::new(["label preservation", "difference", "offset", "pairs"]);
    let landmark = if found.shifts.pupil_shift_px.is_some() { "pupil" } else { "points" };
    if let Some(shift) = found.shifts.any() {
        table.push([
            format!("{landmark} of x and R(x), pixels"),
            spread(Spread { mean: shift.mean, sd: shift.sd }, 1.0, 2),
            format!("{:+.2} right, {:+.2} down", shift.drift_x.mean, shift.drift_y.mean),
            shift.n_pairs.to_string(),
        ]);
        let frame = match landmark {
            "pupil" => "of a 55-pixel-wide eye, mean ± deviation over pairs (the paper: 1.1 ± 0.8); irises",
            _ => "of the image, mean ± deviation over the points with something around them; points",
        };
        table.note = format!(
            "pixels: {frame} lost: {}; measurement\n\
             error: {:.2} where nothing moves; for moves of 0.5 to 2 pixels, median {:.2} and 90th percentile {:.2}\n",
            shift.n_lost, shift.error.still_px, shift.error.median_px, shift.error.p90_px
        );
    }
    if let Some(agreement) = &found.agreement {
        let measures = found.data.task.task().measures();
        let error = &measures[0];
        let what = if error.unit == Unit::Share { "changed predictions" } else { "predictions" };
        let offsets = measures.iter().filter(|measure| measure.is_offset && measure.is_shown);
        let offset = |offset: &Measure| {
            let value = agreement.offsets.get(&offset.key)?;
            Some(format!("{:+.2} {}", value.mean, offset.name.trim_end_matches(" offset")))
        };
        table.push([
            format!("{what} for x and R(x), {}", error.unit.name()),
            figure(error, Some(agreement.difference)),
            offsets.filter_map(offset).collect::<Vec<_>>().join(", "),
            agreement.n_images.to_string(),
        ]);
        table.note.push_str(&format!(
            "predictions: by the networks trained on synthetic images, which err by {}{} on x\n",
            figure(error, Some(agreement.own_error)),
            if error.unit == Unit::Share { "" } else { error.unit.symbol() },
        ));
    }
    table
}

fn realism(found: &Evaluation) -> Table {
    let head =
        ["likeness to real images", "told apart", "95 %", "KID of features", "intensities", "gradients"];
    let mut table = Table::new(head);
    let Some(realism) = &found.realism else { return table };
    let row = |what: &str, likeness: &Likeness| {
        let [low, high] = likeness.interval.map(|share| 100.0 * share);
        [
            what.to_owned(),
            percent(likeness.accuracy),
            format!("{low:.0} to {high:.0}"),
            likeness.kid_features.map(|kid| spread(kid, 1.0, 4)).unwrap_or_default(),
            format!("{:.3}", likeness.intensity_distance),
            format!("{:.3}", likeness.gradient_distance),
        ]
    };
    table.push(row("refined", &realism.refined));
    table.push(row("synthetic", &realism.synthetic));
    realism.toned.iter().for_each(|toned| table.push(row("toned", toned)));
    table.note = format!(
        "told apart: by a fresh classifier, on {} images it has not seen; 50 % is chance level and ideal\n\
         intensities, gradients: earth mover's distance of the pixels' values, of a range of 2\n",
        realism.refined.n_images
    );
    table
}

/// Names a row for people.
pub(super) fn method_name(method: Method) -> String {
    let name = match method.kind {
        MethodKind::Mean => "mean label",
        MethodKind::Knn => "nearest neighbours",
        MethodKind::Synthetic => "synthetic",
        MethodKind::SyntheticAugmented => "synthetic, augmented",
        MethodKind::SyntheticHistogram => "synthetic, histogram matched",
        MethodKind::SyntheticHistogramAugmented => "synthetic, histogram matched, augmented",
        MethodKind::SyntheticFourier => "synthetic, Fourier matched",
        MethodKind::Toned => "toned",
        MethodKind::TonedAugmented => "toned, augmented",
        MethodKind::Refined => "refined",
        MethodKind::RefinedAugmented => "refined, augmented",
        MethodKind::Real => "real, with labels",
    };
    if method.fold > 1 { format!("{name}, {}x", method.fold) } else { name.to_owned() }
}

pub(super) fn percent(value: Spread) -> String {
    spread(value, 100.0, 1) + " %"
}

/// Formats mean ± deviation; a single repetition has no deviation.
pub(super) fn spread(Spread { mean, sd }: Spread, scale: f64, digits: usize) -> String {
    match sd {
        0.0 => format!("{:.digits$}", mean * scale),
        _ => format!("{:.digits$} ± {:.digits$}", mean * scale, sd * scale),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_characters() {
        let mut table = Table::new(["a", "b"]);
        table.push(["±±±", "7°"].map(str::to_owned));
        table.push(["c", ""].map(str::to_owned));
        table.note = "note\n".to_owned();
        assert_eq!(table.text(80), "a     b\n±±±  7°\nc\nnote\n");
    }
}
