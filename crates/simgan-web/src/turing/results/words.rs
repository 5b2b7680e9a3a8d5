//! The results in words, for the page and for the terminal.

use super::{PartResult, Results};
use crate::turing::format::{p, percent, percents, signed};
use crate::turing::statistics::{Design, Figures};

impl Results {
    /// The parts that have results, with their names.
    #[must_use]
    pub fn parts(&self) -> Vec<(&'static str, &PartResult)> {
        let parts = [
            ("All subjects", Some(&self.main)),
            ("Attentive subjects", self.main_attentive.as_ref()),
            ("Baseline: unrefined", self.baseline.as_ref()),
        ];
        parts.into_iter().filter_map(|(name, part)| Some((name, part?))).collect()
    }

    /// Says what the main part means, in a sentence or two.
    #[must_use]
    pub fn verdict(&self) -> String {
        verdict(&self.main)
    }

    /// The names of the figures, each with a cell for each of [`Results::parts`].
    #[must_use]
    pub fn rows(&self) -> Vec<(&'static str, Vec<String>)> {
        rows(&self.parts(), self.design.design)
    }
}

/// Says what the figures mean.
fn verdict(part: &PartResult) -> String {
    let PartResult { figures, bootstrap } = part;
    let Some(share) = figures.share else { return "No answers yet.".to_owned() };
    let Figures { n, n_right, p_one_sided, equivalence, .. } = figures;
    let points = 100.0 * equivalence.margin;
    let is_better = *p_one_sided <= 0.05;
    let may_be_chance = bootstrap.is_some_and(|found| found.share[0] <= 0.5);
    let meaning = match (is_better, equivalence.holds()) {
        (true, true) => format!("Subjects do better than chance, but by less than {points:.0} points."),
        (true, false) if may_be_chance => {
            "Better than chance as these answers go, but with other subjects and images \
                                           it might be chance: the bootstrap's interval includes one half."
                .to_owned()
        }
        (true, false) => {
            "Subjects can tell refined images from real ones: they do better than chance.".to_owned()
        }
        (false, true) => {
            format!("Subjects cannot tell them apart: they are within ±{points:.0} points of chance.")
        }
        (false, false) => format!(
            "Undecided: not significantly better than chance, and too few answers to exclude a difference of \
             {points:.0} points."
        ),
    };
    format!("{n_right} of {n} answers were right, {}. {meaning}", percent(share))
}

/// The figures of all parts, row by row.
fn rows(columns: &[(&'static str, &PartResult)], design: Design) -> Vec<(&'static str, Vec<String>)> {
    let none = || "–".to_owned();
    let of = |cell: &dyn Fn(&PartResult) -> String| columns.iter().map(|(_, part)| cell(part)).collect();
    let detection = |part: &PartResult| part.figures.detection;
    let equal = |part: &PartResult| match part.figures.equivalence.holds() {
        true => format!("yes, p = {}", p(part.figures.equivalence.p)),
        false => format!("not shown, p = {}", p(part.figures.equivalence.p)),
    };
    let bias = match design {
        Design::YesNo => "Bias c (negative: they prefer to say “refined”)",
        Design::TwoAlternatives => "Bias c (negative: they prefer the right side)",
    };
    vec![
        ("Answers", of(&|part| part.figures.n.to_string())),
        ("Right", of(&|part| part.figures.n_right.to_string())),
        ("Share right", of(&|part| part.figures.share.map_or_else(none, percent))),
        ("95 % interval, answers as independent (Wilson)", of(&|part| percents(part.figures.interval))),
        (
            "95 % interval, over subjects and images (bootstrap)",
            of(&|part| part.bootstrap.map_or_else(none, |found| percents(found.share))),
        ),
        ("p, guessing does as well (exact, one-sided)", of(&|part| p(part.figures.p_one_sided))),
        ("p, two-sided", of(&|part| p(part.figures.p_two_sided))),
        ("Within ±5 points of chance (two one-sided tests)", of(&equal)),
        ("Sensitivity d′", of(&|part| detection(part).map_or_else(none, |found| signed(found.d_prime)))),
        (
            "95 % interval of d′ (bootstrap)",
            of(&|part| {
                let interval = part.bootstrap.and_then(|found| found.d_prime);
                interval.map_or_else(none, |[low, high]| format!("{} to {}", signed(low), signed(high)))
            }),
        ),
        (bias, of(&|part| detection(part).map_or_else(none, |found| signed(found.bias)))),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::turing::statistics::{Bootstrap, Table};

    fn said(counts: [[u64; 2]; 2], bootstrap: Option<[f64; 2]>) -> String {
        let bootstrap = bootstrap.map(|share| Bootstrap { share, d_prime: None });
        verdict(&PartResult { figures: Figures::new(Table { counts }, Design::YesNo), bootstrap })
    }

    #[test]
    fn the_verdict_claims_no_more_than_the_figures() {
        assert_eq!(said([[0, 0], [0, 0]], None), "No answers yet.");
        assert!(
            said([[224, 276], [207, 293]], None)
                .ends_with("cannot tell them apart: they are within ±5 points of chance.")
        );
        assert!(said([[60, 40], [40, 60]], Some([0.52, 0.7])).contains("Subjects can tell"));
        assert!(said([[60, 40], [40, 60]], Some([0.49, 0.7])).contains("it might be chance"));
        assert!(said([[6, 4], [4, 6]], None).contains("Undecided"));
        assert!(said([[5100, 4900], [4900, 5100]], None).contains("by less than 5 points"));
    }
}
