//! The charts of a run, and what each shows as a table of a few rows.

use crate::runs::metrics::{History, Series};
use crate::runs::words::{figure, whole};

/// Rows of a table, about.
const ROWS: usize = 12;

/// What a chart shows, as a table.
pub(crate) struct CurveTable {
    /// The chart's name in scripts.
    pub(crate) id: &'static str,
    pub(crate) title: &'static str,
    /// What the values mean.
    pub(crate) note: &'static str,
    /// What each curve is.
    pub(crate) labels: Vec<&'static str>,
    /// The step, then a value for each curve.
    pub(crate) rows: Vec<Vec<String>>,
}

/// A chart: its name in scripts, its title, what its values mean, and its curves with their labels.
type Chart = (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]);

/// The charts of a run; the scripts draw them under the same names.
const CHARTS: [Chart; 4] = [
    (
        "refiner",
        "Refiner’s loss",
        "Adversarial loss plus λ times self-regularization.",
        &[
            ("refiner/loss", "Loss"),
            ("refiner/adversarial", "Adversarial"),
            ("refiner/self_regularization", "Self-regularization"),
        ],
    ),
    (
        "discriminator",
        "Discriminator’s loss",
        "Its sum of losses on real and on refined images.",
        &[
            ("discriminator/loss", "Loss"),
            ("discriminator/loss_real", "On real"),
            ("discriminator/loss_refined", "On refined"),
        ],
    ),
    (
        "accuracy",
        "Discriminator’s accuracy",
        "The fraction of patches it is right about; 0.5 is chance, where it cannot tell them apart.",
        &[
            ("accuracy/real", "On real"),
            ("accuracy/refined", "On refined"),
            ("accuracy/history", "On the history"),
        ],
    ),
    (
        "change",
        "Change by refining",
        "Mean |R(x) − x| of pixels in [−1, 1].",
        &[("refiner/change", "Mean |R(x) − x|")],
    ),
];

/// The charts' data in a few rows each.
pub(crate) fn tables(history: &History) -> Vec<CurveTable> {
    CHARTS.iter().map(|chart| table(history, chart)).collect()
}

fn table(history: &History, (id, title, note, curves): &Chart) -> CurveTable {
    let found = |(name, label): &(&'static str, &'static str)| Some((*label, history.series.get(name)?));
    let (labels, curves): (Vec<&'static str>, Vec<&Series>) = curves.iter().filter_map(found).unzip();
    let longest = curves.iter().max_by_key(|curve| curve.len());
    let steps = longest.map(|curve| curve.evenly(ROWS)).unwrap_or_default();
    // Curves have points at other steps, and none where their network was not trained.
    let within = steps.windows(2).map(|pair| pair[1].abs_diff(pair[0])).min().unwrap_or(0) / 2;
    let value = |curve: &&Series, step| curve.near(step, within).map(figure).unwrap_or_default();
    let row =
        |step| std::iter::once(whole(step)).chain(curves.iter().map(|curve| value(curve, step))).collect();
    CurveTable { id, title, note, labels, rows: steps.into_iter().map(row).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_full_where_there_are_values() {
        let mut history = History::default();
        for step in 1..=600 {
            let refiner =
                r#""refiner":{"loss":1.5,"self_regularization":0.1,"change":0.2,"gradient_norm":1.0ADV},"#;
            let adversarial = if step > 300 { r#","adversarial":0.7"# } else { "" };
            let refiner = refiner.replace("ADV", adversarial);
            let line = format!(
                r#"{{"event":"step","step":{step},"phase":"adversarial","phase_step":{step},{refiner}"images_per_sec":7.0,"n_skipped":0}}"#
            );
            history.read(line.as_bytes());
        }
        let [refiner, discriminator, ..] = &tables(&history)[..] else { panic!() };
        assert_eq!(refiner.labels, ["Loss", "Adversarial", "Self-regularization"]);
        assert!((10..=14).contains(&refiner.rows.len()), "{}", refiner.rows.len());
        assert_eq!(refiner.rows.last().unwrap(), &["600", "1.50", "0.700", "0.100"]);
        let n_empty = refiner.rows.iter().filter(|row| row[2].is_empty()).count();
        assert!(n_empty.abs_diff(refiner.rows.len() / 2) <= 1, "adversarial from the middle on");
        assert!(refiner.rows.iter().all(|row| !row[1].is_empty() && !row[3].is_empty()));
        assert!(discriminator.labels.is_empty() && discriminator.rows.is_empty());
    }
}
