//! The page of results.

use std::collections::BTreeMap;

use askama::Template;

use super::chart::Chart;
use super::format::{moment, p, percent, percents, seconds, signed};
use super::owner::kind;
use super::subject::shown;
use crate::turing::design::Kind;
use crate::turing::statistics::{Design, Figures, ImageFigures, least_real, most_real};
use crate::turing::{PartResult, Results, SubjectResult};

/// Number of images in each row of most telling ones.
const N_IMAGES: usize = 8;
const SHOWN: usize = 130;

#[derive(Template)]
#[template(path = "turing/results.html")]
pub(super) struct ResultsPage {
    name: String,
    link: String,
    key: String,
    kind: &'static str,
    model: String,
    real: String,
    synthetic: String,
    made: String,
    n_subjects: usize,
    n_finished: usize,
    n_inattentive: usize,
    rule: &'static str,
    /// The result in a sentence or two.
    verdict: String,
    parts: Vec<PartColumn>,
    /// Names of the figures, and a cell for each part.
    rows: Vec<(&'static str, Vec<String>)>,
    chart: Chart,
    subjects: Vec<SubjectRow>,
    has_baseline: bool,
    galleries: Vec<Gallery>,
    width: usize,
    height: usize,
}

/// A part of the test with its 2 × 2 table.
struct PartColumn {
    name: &'static str,
    said: [&'static str; 2],
    rows: Vec<TruthRow>,
}

struct TruthRow {
    truth: &'static str,
    cells: Vec<Cell>,
}

struct Cell {
    n: u64,
    is_right: bool,
}

struct SubjectRow {
    subject: i64,
    began: String,
    answered: String,
    right: String,
    share: String,
    interval: String,
    p: String,
    baseline: String,
    checks: String,
    is_attentive: bool,
    time: String,
}

struct Gallery {
    title: &'static str,
    images: Vec<Shown>,
}

struct Shown {
    id: usize,
    name: String,
    caption: String,
}

impl ResultsPage {
    pub(super) fn new(name: &str, link: String, results: &Results) -> Self {
        let design = &results.design;
        let columns: Vec<(&'static str, &PartResult)> = [
            ("All subjects", Some(&results.main)),
            ("Attentive subjects", results.main_attentive.as_ref()),
            ("Baseline: unrefined", results.baseline.as_ref()),
        ]
        .into_iter()
        .filter_map(|(name, part)| Some((name, part?)))
        .collect();
        let [width, height] = shown(design, SHOWN);
        Self {
            name: name.to_owned(),
            link,
            key: design.key.clone(),
            kind: kind(design.design),
            model: design.model.clone(),
            real: design.real.clone(),
            synthetic: design.synthetic.clone(),
            made: moment(design.made_ms),
            n_subjects: results.n_subjects,
            n_finished: results.n_finished,
            n_inattentive: results.subjects.iter().filter(|subject| !subject.is_attentive).count(),
            rule: results.rule,
            verdict: verdict(&results.main.figures),
            parts: columns.iter().map(|(name, part)| column(name, part, design.design)).collect(),
            rows: rows(&columns),
            chart: chart(results),
            subjects: results.subjects.iter().map(SubjectRow::new).collect(),
            has_baseline: results.baseline.is_some(),
            galleries: galleries(results),
            width,
            height,
        }
    }
}

impl SubjectRow {
    fn new(result: &SubjectResult) -> Self {
        let SubjectResult { subject, main, .. } = result;
        Self {
            subject: subject.id,
            began: moment(subject.began_ms),
            answered: format!("{} of {}", subject.n_answered, subject.n_questions),
            right: format!("{} of {}", main.n_right, main.n),
            share: main.share.map_or("–".to_owned(), percent),
            interval: if main.n > 0 { percents(main.interval) } else { "–".to_owned() },
            p: p(main.p_one_sided),
            baseline: result.baseline.map_or(String::new(), |part| format!("{} of {}", part.n_right, part.n)),
            checks: format!("{} of {}", result.n_checks_failed, result.n_checks),
            is_attentive: result.is_attentive,
            time: seconds(result.median_response_ms),
        }
    }
}

/// Says what the figures mean.
fn verdict(figures: &Figures) -> String {
    let Some(share) = figures.share else { return "No answers yet.".to_owned() };
    let Figures { n, n_right, p_one_sided, equivalence, .. } = figures;
    let points = 100.0 * equivalence.margin;
    let is_better = *p_one_sided <= 0.05;
    let meaning = match (is_better, equivalence.holds()) {
        (true, true) => format!("Subjects do better than chance, but by less than {points:.0} points."),
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

fn column(name: &'static str, part: &PartResult, design: Design) -> PartColumn {
    let is_baseline = name.starts_with("Baseline");
    let (said, rows) = match design {
        Design::YesNo if is_baseline => (["real", "refined"], ["real", "unrefined"]),
        Design::YesNo => (["real", "refined"], ["real", "refined"]),
        Design::TwoAlternatives => (["left", "right"], ["left", "right"]),
    };
    let cells = |truth: usize| {
        let row = part.figures.table.counts[truth].into_iter().enumerate();
        row.map(|(said, n)| Cell { n, is_right: said == truth }).collect()
    };
    let row = |(truth, name)| TruthRow { truth: name, cells: cells(truth) };
    PartColumn { name, said, rows: rows.into_iter().enumerate().map(row).collect() }
}

/// The figures of all parts, row by row.
fn rows(columns: &[(&'static str, &PartResult)]) -> Vec<(&'static str, Vec<String>)> {
    let none = || "–".to_owned();
    let of = |cell: &dyn Fn(&PartResult) -> String| columns.iter().map(|(_, part)| cell(part)).collect();
    let detection = |part: &PartResult| part.figures.detection;
    let equal = |part: &PartResult| match part.figures.equivalence.holds() {
        true => format!("yes, p = {}", p(part.figures.equivalence.p)),
        false => format!("not shown, p = {}", p(part.figures.equivalence.p)),
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
        ("Bias c", of(&|part| detection(part).map_or_else(none, |found| signed(found.bias)))),
    ]
}

fn chart(results: &Results) -> Chart {
    let row = |label: String, figures: &Figures| Some((label, figures.share?, figures.interval));
    let subjects = results.subjects.iter();
    let rows = subjects.filter_map(|one| row(format!("Subject {}", one.subject.id), &one.main));
    let all = row("All".to_owned(), &results.main.figures);
    Chart::new(rows.chain(all))
}

fn galleries(results: &Results) -> Vec<Gallery> {
    let names: BTreeMap<usize, &str> =
        results.images.iter().map(|image| (image.figures.image, image.role.name.as_str())).collect();
    let shown = |images: Vec<ImageFigures>| {
        let one = |figures: &ImageFigures| Shown {
            id: figures.image,
            name: names.get(&figures.image).copied().unwrap_or_default().to_owned(),
            caption: format!("{} of {}, {}", figures.n_real, figures.n, percents(figures.interval)),
        };
        images.iter().take(N_IMAGES).map(one).collect::<Vec<_>>()
    };
    let refined = || results.answered(Kind::Refined);
    let galleries = [
        ("Refined images most often taken for real", shown(most_real(refined()))),
        ("Refined images that give themselves away", shown(least_real(refined()))),
        ("Real images least often taken for real", shown(least_real(results.answered(Kind::Real)))),
    ];
    let galleries = galleries.into_iter().filter(|(_, images)| !images.is_empty());
    galleries.map(|(title, images)| Gallery { title, images }).collect()
}
