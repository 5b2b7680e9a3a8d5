//! What a test's answers mean, together and for each subject and image.

mod csv;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Serialize, Serializer};

use super::design::{ImageRole, Kind, Part, TestDesign};
use super::statistics::{Bootstrap, Design, Figures, ImageFigures, Response};
use super::store::{GivenAnswer, StoredSubject};
use super::{TestFile, TuringError};

/// The results of a test.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Results {
    /// The version of these fields.
    pub format_version: u64,
    /// The test; its secret link and key are left out of files.
    #[serde(serialize_with = "without_secrets")]
    pub design: TestDesign,
    /// Number of subjects who began.
    pub n_subjects: usize,
    /// Number of subjects who answered every question.
    pub n_finished: usize,
    /// The main part, of all subjects. This is the result.
    pub main: PartResult,
    /// When a subject counts as inattentive.
    pub rule: &'static str,
    /// The main part without the inattentive subjects, to compare; `None` if all were attentive.
    pub main_attentive: Option<PartResult>,
    /// Unrefined against real images; `None` if the test has no baseline.
    pub baseline: Option<PartResult>,
    /// Each subject.
    pub subjects: Vec<SubjectResult>,
    /// Each image of the main part.
    pub images: Vec<ImageResult>,
}

/// The figures of one part of a test.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PartResult {
    /// As if answers were independent: the paper's figures.
    #[serde(flatten)]
    pub figures: Figures,
    /// With subjects and images as they vary; `None` with fewer than two of either.
    pub bootstrap: Option<Bootstrap>,
}

/// A subject's figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SubjectResult {
    /// The subject and how far they came.
    #[serde(flatten)]
    pub subject: StoredSubject,
    /// The main part.
    pub main: Figures,
    /// The baseline; `None` if the test has none.
    pub baseline: Option<Figures>,
    /// Number of checks answered.
    pub n_checks: usize,
    /// Number of checks taken for real.
    pub n_checks_failed: usize,
    /// Whether the subject passes the rule.
    pub is_attentive: bool,
    /// Median time to answer in milliseconds; `None` without answers.
    pub median_response_ms: Option<i64>,
}

/// An image's figures.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImageResult {
    /// The image.
    #[serde(flatten)]
    pub role: ImageRole,
    /// How often it was taken for real.
    #[serde(flatten)]
    pub figures: ImageFigures,
}

/// When a subject counts as inattentive.
const RULE: &str = "A subject who takes more than half of the unrefined images among the questions for real counts \
                    as inattentive. All subjects count in the result; the figures without the inattentive ones \
                    stand beside it.";

impl Results {
    /// Computes the results from what a test's file holds now.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(test: &TestFile) -> Result<Self, TuringError> {
        Ok(Self::of(test.design().clone(), &test.images()?, &test.subjects()?, &test.answers()?))
    }

    /// Computes the results of answers.
    #[must_use]
    pub fn of(
        design: TestDesign,
        images: &[ImageRole],
        subjects: &[StoredSubject],
        answers: &[GivenAnswer],
    ) -> Self {
        let answers = Answers::new(&design, images, answers);
        let subjects: Vec<_> = subjects.iter().map(|subject| answers.subject(subject)).collect();
        let is_attentive =
            |id| !subjects.iter().any(|result| result.subject.id == id && !result.is_attentive);
        let has_inattentive = subjects.iter().any(|result| !result.is_attentive);
        Self {
            format_version: 1,
            n_subjects: subjects.len(),
            n_finished: subjects.iter().filter(|result| result.is_finished()).count(),
            main: answers.part(Part::Main, |_| true),
            rule: RULE,
            main_attentive: has_inattentive.then(|| answers.part(Part::Main, is_attentive)),
            baseline: (design.baseline > 0).then(|| answers.part(Part::Baseline, |_| true)),
            images: answers.images(),
            subjects,
            design,
        }
    }

    /// The images of a kind in the main part that were answered.
    #[must_use]
    pub fn answered(&self, kind: Kind) -> Vec<ImageFigures> {
        let of_kind = self.images.iter().filter(|image| image.role.kind == kind && image.figures.n > 0);
        of_kind.map(|image| image.figures).collect()
    }
}

impl SubjectResult {
    /// Whether the subject answered every question.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.subject.n_answered == self.subject.n_questions
    }
}

/// The answers with what was true.
struct Answers<'a> {
    design: &'a TestDesign,
    roles: &'a [ImageRole],
    given: Vec<(&'a GivenAnswer, Response)>,
}

impl<'a> Answers<'a> {
    /// Leaves out what no server has written, since files may be damaged.
    fn new(design: &'a TestDesign, roles: &'a [ImageRole], given: &'a [GivenAnswer]) -> Self {
        let places: BTreeMap<i64, usize> =
            roles.iter().enumerate().map(|(place, role)| (role.id, place)).collect();
        let subjects: BTreeSet<i64> = given.iter().map(|answer| answer.subject).collect();
        let subjects: BTreeMap<i64, usize> =
            subjects.into_iter().enumerate().map(|(place, id)| (id, place)).collect();
        let with_truth = |answer: &'a GivenAnswer| {
            let images: Vec<usize> = answer.images.iter().filter_map(|id| places.get(id).copied()).collect();
            // In both designs 0 stands for "the first image is real".
            let truth = usize::from(roles[*images.first()?].kind != Kind::Real);
            let response =
                Response { subject: *subjects.get(&answer.subject)?, images, truth, said: answer.said };
            (answer.said <= 1).then_some((answer, response))
        };
        Self { design, roles, given: given.iter().filter_map(with_truth).collect() }
    }

    fn part(&self, part: Part, is_counted: impl Fn(i64) -> bool) -> PartResult {
        let of_part =
            self.given.iter().filter(|(answer, _)| answer.part == part && is_counted(answer.subject));
        let responses: Vec<Response> = of_part.map(|(_, response)| response.clone()).collect();
        PartResult {
            figures: Figures::of(&responses, self.design.design),
            bootstrap: Bootstrap::new(&responses, self.design.design, self.design.seed),
        }
    }

    fn subject(&self, subject: &StoredSubject) -> SubjectResult {
        let own: Vec<_> = self.given.iter().filter(|(answer, _)| answer.subject == subject.id).collect();
        let figures = |part| {
            let of_part = own.iter().filter(|(answer, _)| answer.part == part);
            let responses: Vec<Response> = of_part.map(|(_, response)| response.clone()).collect();
            Figures::of(&responses, self.design.design)
        };
        let checks = figures(Part::Check);
        let (n_checks, n_checks_failed) = (checks.n as usize, (checks.n - checks.n_right) as usize);
        let mut times: Vec<i64> = own.iter().filter_map(|(answer, _)| answer.response_ms).collect();
        times.sort_unstable();
        SubjectResult {
            subject: subject.clone(),
            main: figures(Part::Main),
            baseline: (self.design.baseline > 0).then(|| figures(Part::Baseline)),
            n_checks,
            n_checks_failed,
            is_attentive: 2 * n_checks_failed <= n_checks,
            median_response_ms: times.get(times.len() / 2).copied(),
        }
    }

    fn images(&self) -> Vec<ImageResult> {
        let mut counts = vec![(0, 0); self.roles.len()];
        for (answer, response) in self.given.iter().filter(|(answer, _)| answer.part == Part::Main) {
            for (place, image) in response.images.iter().enumerate() {
                counts[*image].1 += 1;
                counts[*image].0 += u64::from(answer.said == place);
            }
        }
        let main = self.roles.iter().zip(counts).filter(|(role, _)| role.part == Part::Main);
        main.map(|(role, (n_real, n))| {
            let figures = ImageFigures::new(role.id as usize, n_real, n);
            ImageResult { role: role.clone(), figures }
        })
        .collect()
    }
}

fn without_secrets<S: Serializer>(design: &TestDesign, serializer: S) -> Result<S::Ok, S::Error> {
    let mut value = serde_json::to_value(design).map_err(serde::ser::Error::custom)?;
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|name, _| name != "link" && name != "key");
    }
    value.serialize(serializer)
}

/// What the answers 0 and 1 are called.
fn answer_names(design: Design) -> [&'static str; 2] {
    match design {
        Design::YesNo => ["real", "refined"],
        Design::TwoAlternatives => ["left", "right"],
    }
}
