use std::collections::BTreeMap;

use simgan_data::Annotation;
use simgan_data::names::GAZE;

use super::EvaluationSources;
use crate::{EvalError, LabelledImages, TaskSpec, TestEye};

/// Minimum share of gazes towards the camera; below it the labels must follow another convention.
const LEAST_TOWARDS_CAMERA: f64 = 0.5;

/// # Errors
///
/// If two sources have images of different sizes or channels.
pub(super) fn same_kind(sources: &EvaluationSources<'_>) -> Result<(), EvalError> {
    let synthetic = sources.synthetic.spec();
    let others = [("test", Some(sources.test)), ("real", sources.real)];
    for (what, source) in others {
        let Some(spec) = source.map(simgan_data::Source::spec) else { continue };
        if spec.size() != synthetic.size() || spec.channels != synthetic.channels {
            return Err(EvalError::SizesDiffer { what, synthetic, found: spec });
        }
    }
    Ok(())
}

pub(super) fn enough(what: &'static str, found: usize, needed: usize) -> Result<(), EvalError> {
    if found < needed { Err(EvalError::TooFew { what, found, needed }) } else { Ok(()) }
}

/// Checks that most gazes look towards the camera; other tasks have no such convention.
///
/// # Errors
///
/// If most look away.
pub(super) fn convention(
    what: &'static str,
    task: &TaskSpec,
    images: &LabelledImages,
) -> Result<(), EvalError> {
    if task.name != GAZE {
        return Ok(());
    }
    let gazes = images.labels().iter().filter_map(Annotation::as_direction);
    let (of, towards) = (images.n_images(), gazes.filter(|gaze| gaze.vector()[2] < 0.0).count());
    if (towards as f64) < LEAST_TOWARDS_CAMERA * of as f64 {
        return Err(EvalError::Convention { what, count: of - towards, of });
    }
    Ok(())
}

/// Reads person and side from MPIIGaze's names (`p00/day01/0001-right`). Images with other names count as
/// left eyes of one person.
#[must_use]
pub fn eyes_of(names: &[String]) -> Vec<TestEye> {
    let mut known = BTreeMap::new();
    let mut eye = |name| {
        let (next, person) = (known.len(), person(name));
        let is_mirrored = person.is_some() && name.ends_with("-right");
        TestEye { person: *known.entry(person).or_insert(next), is_mirrored }
    };
    names.iter().map(|name| eye(name.as_str())).collect()
}

fn person(name: &str) -> Option<&str> {
    let (person, rest) = name.split_once('/')?;
    let is_numbered = |text: &str, prefix: &str| {
        text.strip_prefix(prefix).is_some_and(|number| number.parse::<u32>().is_ok())
    };
    let (day, _) = rest.split_once('/')?;
    (is_numbered(person, "p") && is_numbered(day, "day")).then_some(person)
}

/// Warns if names suggest eyes of both sides outside MPIIGaze, whose reader mirrors right eyes. Pixels cannot
/// tell: both eyes of a face share light and gaze.
pub(super) fn warn_of_sides(task: &TaskSpec, names: &[String]) {
    if task.name != GAZE {
        return;
    }
    let of_side = |side: &str| {
        let is_of =
            |name: &str| name.to_lowercase().split(|c: char| !c.is_alphabetic()).any(|word| word == side);
        names.iter().find(|name| person(name).is_none() && is_of(name))
    };
    if let (Some(left), Some(right)) = (of_side("left"), of_side("right")) {
        tracing::warn!(
            "test images of left and of right eyes (`{left}`, `{right}`): right ones must be mirrored, and x of their gaze negated"
        );
    }
}
