use simgan_metrics::Spread;

use super::layout;
use crate::GazeTraining;
use crate::evaluation::{
    DataSummary, Evaluation, EvaluationConfig, GazeNetwork, Likeness, Method, MethodFigures, MethodKind,
};

/// A table of text. The first row is the head; the first column names each row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// The rows, all as long as the head.
    pub rows: Vec<Vec<String>>,
    /// Explanations below the table; may be empty.
    pub note: String,
}

impl Table {
    pub(super) fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|cell| (*cell).to_owned()).collect()], note: String::new() }
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

/// Describes how the gaze networks were trained.
pub(super) fn training(config: &EvaluationConfig, data: &DataSummary) -> String {
    let network = match config.network {
        GazeNetwork::Paper => "the paper's gaze network",
        GazeNetwork::Wide => "the paper's gaze network with FC 9600 as a layer",
        GazeNetwork::Half => "half of the paper's gaze network",
        GazeNetwork::Quarter => "a quarter of the paper's gaze network",
    };
    let GazeTraining { steps, batch, .. } = config.training;
    format!("{network}, {steps} updates of {batch} images of {}x{} pixels", data.width, data.height)
}

/// Describes the test images.
pub(super) fn testing(data: &DataSummary) -> String {
    let repeated = match data.n_repeated {
        0 => String::new(),
        n => {
            format!("; {n} of them are also among the real images and excluded from training on real labels")
        }
    };
    format!("tested on {} images of {} person(s){repeated}", data.n_test, data.n_persons)
}

/// Returns the paper's two tables for this data, then one on label preservation and one on realism. Leaves
/// out empty tables.
#[must_use]
pub fn tables(found: &Evaluation) -> Vec<Table> {
    let all = [errors(found), shares(found), preservation(found), realism(found)];
    all.into_iter().filter(|table| table.rows.len() > 1).collect()
}

/// The paper's second table: the errors of each method.
fn errors(found: &Evaluation) -> Table {
    let head = [
        "gaze error in degrees",
        "learned from",
        "mean",
        "median",
        "calibrated",
        "pitch, yaw offset",
        "of synthetic",
    ];
    let mut table = Table::new(&head);
    for (method, figures) in &found.methods {
        let calibrated = figures.calibrated.map(|calibrated| degrees(calibrated.error_deg));
        let ratio = figures.ratio_to_synthetic.map(|ratio| spread(ratio, 1.0, 2));
        table.push([
            method_name(*method),
            figures.n_images.to_string(),
            degrees(figures.error_deg),
            degrees(figures.median_deg),
            calibrated.unwrap_or_default(),
            format!("{:+.1}, {:+.1}", figures.pitch_offset_deg.mean, figures.yaw_offset_deg.mean),
            ratio.unwrap_or_default(),
        ]);
    }
    table.note = format!(
        "calibrated: each person's constant offset taken off, measured on {} of their images\n",
        found.config.calibration
    );
    table
}

/// The paper's first table: the share of images within 7°, by training data.
fn shares(found: &Evaluation) -> Table {
    let mut table = Table::new(&["share of images within 7°", "learned from", "", "calibrated"]);
    for (method, figures) in found.methods.iter().filter(|(method, _)| method.kind.is_network()) {
        let MethodFigures { n_images, within_7deg, calibrated, .. } = figures;
        let calibrated = calibrated.map(|calibrated| percent(calibrated.within_7deg));
        let share = percent(*within_7deg);
        table.push([method_name(*method), n_images.to_string(), share, calibrated.unwrap_or_default()]);
    }
    table
}

fn preservation(found: &Evaluation) -> Table {
    let shift = &found.pupil_shift_px;
    let mut table =
        Table::new(&["label preservation", "difference", "right or yaw", "down or pitch", "pairs"]);
    table.push([
        "pupil of x and R(x), pixels".to_owned(),
        spread(Spread { mean: shift.mean, sd: shift.sd }, 1.0, 2),
        format!("{:+.2}", shift.drift_x.mean),
        format!("{:+.2}", shift.drift_y.mean),
        shift.n_pairs.to_string(),
    ]);
    table.note = format!(
        "pixels: of a 55-pixel-wide eye, mean ± deviation over pairs (the paper: 1.1 ± 0.8); irises lost: {}; measurement\n\
         error: {:.2} where nothing moves; for moves of 0.5 to 2 pixels, median {:.2} and 90th percentile {:.2}\n",
        shift.n_lost, shift.error.still_px, shift.error.median_px, shift.error.p90_px
    );
    if let Some(agreement) = &found.agreement {
        table.push([
            "predictions for x and R(x), degrees".to_owned(),
            degrees(agreement.difference_deg),
            format!("{:+.2}", agreement.yaw_deg.mean),
            format!("{:+.2}", agreement.pitch_deg.mean),
            agreement.n_images.to_string(),
        ]);
        table.note.push_str(&format!(
            "predictions: by the networks trained on synthetic images, which err by {} degrees on x; yaw is positive to the left\n",
            degrees(agreement.own_error_deg)
        ));
    }
    table
}

fn realism(found: &Evaluation) -> Table {
    let head =
        ["likeness to real images", "told apart", "95 %", "KID of gaze features", "intensities", "gradients"];
    let mut table = Table::new(&head);
    let Some(realism) = &found.realism else { return table };
    let row = |what: &str, likeness: &Likeness| {
        let [low, high] = likeness.interval.map(|share| 100.0 * share);
        [
            what.to_owned(),
            percent(likeness.accuracy),
            format!("{low:.0} to {high:.0}"),
            likeness.kid_gaze_features.map(|kid| spread(kid, 1.0, 4)).unwrap_or_default(),
            format!("{:.3}", likeness.intensity_distance),
            format!("{:.3}", likeness.gradient_distance),
        ]
    };
    table.push(row("refined", &realism.refined));
    table.push(row("synthetic", &realism.synthetic));
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
        MethodKind::SyntheticFourier => "synthetic, Fourier matched",
        MethodKind::Refined => "refined",
        MethodKind::RefinedAugmented => "refined, augmented",
        MethodKind::Real => "real, with labels",
    };
    if method.fold > 1 { format!("{name}, {}x", method.fold) } else { name.to_owned() }
}

pub(super) fn degrees(value: Spread) -> String {
    spread(value, 1.0, 2)
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
        let mut table = Table::new(&["a", "b"]);
        table.push(["±±±", "7°"].map(str::to_owned));
        table.push(["c", ""].map(str::to_owned));
        table.note = "note\n".to_owned();
        assert_eq!(table.text(80), "a     b\n±±±  7°\nc\nnote\n");
    }
}
