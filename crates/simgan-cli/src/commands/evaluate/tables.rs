//! An evaluation as people read it.

use simgan_eval::Spread;
use simgan_eval::evaluation::{Evaluation, GazeNetwork, Likeness, Method, MethodFigures, MethodKind};

/// The two tables, then what concerns the labels and the looks.
pub(super) fn text(found: &Evaluation) -> String {
    let blocks = [head(found), errors(found), shares(found), preservation(found), realism(found)];
    blocks.into_iter().filter(|block| !block.is_empty()).collect::<Vec<_>>().join("\n")
}

fn head(found: &Evaluation) -> String {
    let (config, data) = (&found.config, &found.data);
    let network = match config.network {
        GazeNetwork::Paper => "the paper's gaze network",
        GazeNetwork::Wide => "the paper's gaze network with FC 9600 as a layer",
        GazeNetwork::Half => "half of the paper's gaze network",
    };
    format!(
        "{network}, {} updates of {} images of {}x{} pixels; mean ± deviation over {} seed(s)\n\
         tested on {} images of {} person(s)\n",
        config.training.steps,
        config.training.batch,
        data.width,
        data.height,
        config.seeds,
        data.n_test,
        data.n_persons
    )
}

/// The paper's second table: errors, method by method.
fn errors(found: &Evaluation) -> String {
    let head = [
        "gaze error in degrees",
        "learned from",
        "mean",
        "median",
        "calibrated",
        "pitch, yaw offset",
        "of synthetic",
    ];
    let mut rows = vec![head.map(str::to_owned)];
    for (method, figures) in &found.methods {
        let calibrated = figures.calibrated.map(|calibrated| degrees(calibrated.error_deg));
        let ratio = figures.ratio_to_synthetic.map(|ratio| spread(ratio, 1.0, 2));
        rows.push([
            name(*method),
            figures.n_images.to_string(),
            degrees(figures.error_deg),
            degrees(figures.median_deg),
            calibrated.unwrap_or_default(),
            format!("{:+.1}, {:+.1}", figures.pitch_offset_deg.mean, figures.yaw_offset_deg.mean),
            ratio.unwrap_or_default(),
        ]);
    }
    let note = format!(
        "calibrated: a constant offset of each person taken off, by {} of their images\n",
        found.config.calibration
    );
    aligned(&rows) + &note
}

/// The paper's first table: the share of images within 7°, by the data that was learned from.
fn shares(found: &Evaluation) -> String {
    let mut rows = vec![["share of images within 7°", "learned from", "", "calibrated"].map(str::to_owned)];
    for (method, figures) in found.methods.iter().filter(|(method, _)| method.kind.is_network()) {
        let MethodFigures { n_images, within_7deg, calibrated, .. } = figures;
        let calibrated = calibrated.map(|calibrated| percent(calibrated.within_7deg));
        rows.push([
            name(*method),
            n_images.to_string(),
            percent(*within_7deg),
            calibrated.unwrap_or_default(),
        ]);
    }
    if rows.len() > 1 { aligned(&rows) } else { String::new() }
}

fn preservation(found: &Evaluation) -> String {
    let shift = &found.pupil_shift_px;
    let mut text = format!(
        "pupil shift    {} px of a 55-pixel-wide eye, drift {:+.2} right, {:+.2} down; {} pairs (the paper: 1.1 ± 0.8)\n",
        spread(Spread { mean: shift.mean, sd: shift.sd }, 1.0, 2),
        shift.drift_x.mean,
        shift.drift_y.mean,
        shift.n_pairs
    );
    if let Some(agreement) = &found.agreement {
        text.push_str(&format!(
            "agreement      networks trained on synthetic images answer {} deg apart for x and R(x), pitch {:+.2}, yaw {:+.2};\n\
             \x20              they err by {} deg on x\n",
            degrees(agreement.difference_deg),
            agreement.pitch_deg.mean,
            agreement.yaw_deg.mean,
            degrees(agreement.own_error_deg)
        ));
    }
    text
}

fn realism(found: &Evaluation) -> String {
    let Some(realism) = &found.realism else { return String::new() };
    let head =
        ["likeness to real images", "told apart", "95 %", "KID of gaze features", "intensities", "gradients"];
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
    let rows =
        [head.map(str::to_owned), row("refined", &realism.refined), row("synthetic", &realism.synthetic)];
    let note = format!(
        "told apart: by a fresh classifier, on {} images it has not seen; 50 % is guessing, and ideal\n\
         intensities, gradients: earth mover's distance of the pixels' values, of a range of 2\n",
        realism.refined.n_images
    );
    aligned(&rows) + &note
}

fn name(method: Method) -> String {
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

fn degrees(value: Spread) -> String {
    spread(value, 1.0, 2)
}

fn percent(value: Spread) -> String {
    spread(value, 100.0, 1) + " %"
}

fn spread(Spread { mean, sd }: Spread, scale: f64, digits: usize) -> String {
    format!("{:.digits$} ± {:.digits$}", mean * scale, sd * scale)
}

/// Columns as wide as they must be; the first is flush left, the others flush right.
fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..N).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate();
        let line: Vec<_> = cells
            .map(
                |(column, (cell, &width))| {
                    if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
                },
            )
            .collect();
        text.push_str(line.join("  ").trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_characters() {
        let rows = [["a", "b"], ["±±±", "7°"], ["c", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(aligned(&rows), "a     b\n±±±  7°\nc\n");
    }
}
