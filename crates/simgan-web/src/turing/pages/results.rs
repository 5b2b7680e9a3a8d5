//! The page of results.

use std::collections::BTreeMap;

use askama::Template;

use super::chart::Chart;

use super::owner::kind;
use super::subject::shown;
use crate::turing::design::Kind;
use crate::turing::format::{moment, p, percent, percents, seconds};
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
        let columns = results.parts();
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
            verdict: results.verdict(),
            parts: columns.iter().map(|(name, part)| column(name, part, design.design)).collect(),
            rows: results.rows(),
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
            caption: caption(figures),
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

/// "5 of 7, 36–92 %".
fn caption(figures: &ImageFigures) -> String {
    let [low, high] = figures.interval.map(|share| 100.0 * share);
    format!("{} of {}, {low:.0}–{high:.0} %", figures.n_real, figures.n)
}
