//! The verdict in words.

use simgan_metrics::PairedDifference;

use super::layout;
use super::tables::method_name;
use crate::evaluation::{Evaluation, MethodKind};
use crate::experiment::{ExperimentResults, Variant};
use crate::verdict::LEAST_DRAWS;
use crate::{Measure, RowError, TaskSpec, Verdict, Worth};

/// What an evaluation says to do, in lines of at most `width` characters; empty if its rows do not tell.
#[must_use]
pub fn evaluation_verdict(found: &Evaluation, width: usize) -> String {
    let words = found.verdict.as_ref().map(|verdict| words(verdict, &found.data.task, &[]));
    layout::wrapped_lines(&words.unwrap_or_default(), width)
}

/// What an experiment says to do, in lines of at most `width` characters; empty if its rows do not tell.
#[must_use]
pub fn experiment_verdict(found: &ExperimentResults, width: usize) -> String {
    let variants = &found.experiment.variants;
    let words = found.verdict.as_ref().map(|verdict| words(verdict, &found.data.task, variants));
    layout::wrapped_lines(&words.unwrap_or_default(), width)
}

fn words(verdict: &Verdict, task: &TaskSpec, variants: &[Variant]) -> String {
    let Some(error) = task.task().measures().into_iter().next() else { return String::new() };
    let Verdict { best, best_free, best_refined, refined_less_free, .. } = verdict;
    let [is_refined, is_free] = [best.method.kind.is_refined(), best == best_free];
    let row = |row: &RowError| format!("`{}` {}", row_name(row, variants), amount(row.error, &error));
    let mut text = match verdict.worth() {
        Worth::Open | Worth::TooFewDraws if is_refined => format!(
            "What to use here: not decided. The lowest error is that of {}, so {}; but whether that is better than {}, \
             which costs nothing, is open.\n",
            row(best),
            action(best, variants),
            row(best_free)
        ),
        _ if is_free => {
            format!("What to use here: {}, with the lowest error: {}.\n", action(best, variants), row(best))
        }
        _ => format!(
            "What to use here: {}, with the lowest error: {} against {} of what costs nothing.\n",
            action(best, variants),
            row(best),
            row(best_free)
        ),
    };
    let answer = match verdict.worth() {
        Worth::Yes => "yes",
        Worth::No => "no",
        Worth::Open => "not shown",
        Worth::TooFewDraws if refined_less_free.n_draws == 1 => "one draw is not enough to say",
        Worth::TooFewDraws => "two draws are not enough to say",
    };
    let way = verdict.share_of_way.map_or_else(String::new, |share| {
        format!("; {:.0} % of the way from there to real labels", 100.0 * share)
    });
    text += &format!(
        "Was refining worth it: {answer}. {} less {}: {}{way}.\n",
        row(best_refined),
        row(best_free),
        difference(refined_less_free, &error)
    );
    if let Some(found) = &verdict.refined_less_toned {
        text += &format!("R itself, over its tone stage alone: {}.\n", difference(found, &error));
    }
    if refined_less_free.n_draws < LEAST_DRAWS {
        text += &format!(
            "How sure: draws differ in renders, refiner and networks; `simgan experiment` with {LEAST_DRAWS} draws or more tells \
             a difference from chance.\n"
        );
    } else {
        text += "How sure: 95 % intervals are of the draws' means; p takes the pairs for independent (sign test); the best \
                 rows were chosen by these same figures.\n";
    }
    text
}

/// What a row does to synthetic images, as an instruction.
fn action(row: &RowError, variants: &[Variant]) -> String {
    let settings = variants.iter().find(|variant| Some(&variant.name) == row.variant.as_ref());
    let with = settings.map(|variant| variant.settings.join(", ")).filter(|settings| !settings.is_empty());
    let with = with.map_or_else(String::new, |settings| format!(" (with {settings})"));
    match row.method.kind {
        MethodKind::Synthetic => "take synthetic images as they are".to_owned(),
        MethodKind::SyntheticAugmented => "augment".to_owned(),
        MethodKind::SyntheticHistogram => "match histograms".to_owned(),
        MethodKind::SyntheticHistogramAugmented => "match histograms and augment".to_owned(),
        MethodKind::SyntheticFourier => "match Fourier amplitudes".to_owned(),
        MethodKind::Toned => "apply the tone stage alone".to_owned(),
        MethodKind::TonedAugmented => "apply the tone stage alone, and augment".to_owned(),
        MethodKind::Refined => format!("refine{with}"),
        MethodKind::RefinedAugmented => format!("refine{with} and augment"),
        // No verdict names these.
        MethodKind::Mean | MethodKind::Knn | MethodKind::Real => method_name(row.method),
    }
}

/// Names a row as the tables do.
fn row_name(row: &RowError, variants: &[Variant]) -> String {
    let name = method_name(row.method);
    match &row.variant {
        Some(variant) if variants.len() > 1 => name.replacen("refined", variant, 1),
        _ => name,
    }
}

fn difference(found: &PairedDifference, error: &Measure) -> String {
    let PairedDifference { n_draws, n_pairs, n_lower, mean, interval, p_value, .. } = *found;
    let interval = interval.map_or_else(String::new, |[low, high]| {
        format!(" (95 %: {} to {})", signed(low, error), signed(high, error))
    });
    format!(
        "{}{interval}, lower in {n_lower} of {n_pairs} pairs of {n_draws} {}, p = {p_value:.2}",
        signed(mean, error),
        if n_draws == 1 { "draw" } else { "draws" }
    )
}

fn amount(value: f64, error: &Measure) -> String {
    format!("{:.*}{}", digits(error), value * error.unit.scale(), error.unit.symbol())
}

fn signed(value: f64, error: &Measure) -> String {
    format!("{:+.*}{}", digits(error), value * error.unit.scale(), error.unit.symbol())
}

fn digits(error: &Measure) -> usize {
    error.unit.digits()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::tests::evaluation;

    #[test]
    fn the_best_variant_is_named_with_its_setting() {
        let of = |refined: f64| evaluation(&[("synthetic", &[9.0]), ("refined", &[refined])]);
        let (first, second) = (of(8.0), of(7.0));
        let variants = [("lambda-2", "loss.lambda=2.0"), ("lambda-8", "loss.lambda=8.0")]
            .map(|(name, setting)| Variant { name: name.to_owned(), settings: vec![setting.to_owned()] });
        let names = [Some("lambda-2"), Some("lambda-8")];
        let draw: &[&Evaluation] = &[&first, &second];
        let verdict = Verdict::of_draws(&names, &[draw; 3]).unwrap();
        let text = words(&verdict, &first.data.task, &variants);
        assert!(
            text.contains("refine (with loss.lambda=8.0), with the lowest error: `lambda-8` 7.00°"),
            "{text}"
        );
        assert!(text.contains("lower in 3 of 3 pairs of 3 draws"), "{text}");
    }
}
