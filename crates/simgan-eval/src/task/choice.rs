use std::collections::{BTreeMap, BTreeSet};

use simgan_data::{Annotation, Annotations, names};

use super::{TaskKind, TaskSpec};
use crate::EvalError;

/// Annotations that describe an image beside its label: landmarks and conditions of eyes. They are a task only
/// if one is named.
const BESIDE: [&str; 4] = [names::HEAD_POSE, names::LID_MARGIN, names::CARUNCLE, names::IRIS];

/// The annotations of some images, with what the images are to an evaluation: "synthetic", "test".
#[derive(Clone, Copy, Debug)]
pub struct Labels<'a> {
    /// What the images are.
    pub what: &'static str,
    /// The images' names.
    pub names: &'a [String],
    /// Their annotations.
    pub annotations: &'a [Annotations],
}

/// Finds the task: the annotation called `name`, or the only one that every image of all sets has.
///
/// # Errors
///
/// If there is none or, without `name`, more than one; if an image lacks it or has it in another kind, with
/// another number of points, or with numbers that are not finite.
pub fn choose(name: Option<&str>, sets: &[Labels<'_>]) -> Result<TaskSpec, EvalError> {
    let name = match name {
        Some(name) => name.to_owned(),
        None => only(sets)?,
    };
    let spec = spec(&name, sets)?;
    for set in sets {
        check(&spec, set)?;
    }
    Ok(spec)
}

/// Checks that every image of a set has a label that suits the task.
///
/// # Errors
///
/// As [`choose`].
pub(crate) fn check(spec: &TaskSpec, set: &Labels<'_>) -> Result<(), EvalError> {
    let of = set.annotations.len();
    let lacking = |idx: &usize| !set.annotations[*idx].contains_key(spec.name.as_str());
    let mut lacks = (0..of).filter(lacking);
    if let Some(first) = lacks.next() {
        return Err(EvalError::Unlabelled {
            what: set.what,
            task: spec.name.clone(),
            count: 1 + lacks.count(),
            of,
            first: set.names[first].clone(),
            found: present(set),
        });
    }
    for (name, annotations) in set.names.iter().zip(set.annotations) {
        spec.label(name, annotations)?;
    }
    Ok(())
}

/// The only annotation that can be a task and that every image has; if there is none, the only one that every
/// set of images has, so that it can be told which images lack it. A class that all images share is the task
/// only if there is no other label, as is the one category of many COCO files.
fn only(sets: &[Labels<'_>]) -> Result<String, EvalError> {
    let (mut everywhere, mut anywhere) = (common(sets, true), common(sets, false));
    for names in [&mut everywhere, &mut anywhere] {
        if names.iter().any(|name| !is_one_class(name, sets)) {
            names.retain(|name| !is_one_class(name, sets));
        }
    }
    match (&everywhere[..], &anywhere[..]) {
        ([name], _) | ([], [name]) => Ok(name.clone()),
        ([], []) => {
            Err(EvalError::NoTask { found: sets.iter().map(|set| (set.what, present(set))).collect() })
        }
        ([], several) => Err(EvalError::ManyTasks { found: several.to_vec() }),
        (several, _) => Err(EvalError::ManyTasks { found: several.to_vec() }),
    }
}

/// Whether an annotation is one and the same class in all images.
fn is_one_class(name: &str, sets: &[Labels<'_>]) -> bool {
    let mut labels = sets.iter().flat_map(|set| set.annotations).filter_map(|found| found.get(name));
    let first = labels.next().and_then(Annotation::as_class);
    first.is_some() && labels.all(|label| label.as_class() == first)
}

/// The annotations that can be a task and that all images of each set have, or (`false`) some of each set.
fn common(sets: &[Labels<'_>], of_all: bool) -> Vec<String> {
    let names: BTreeSet<_> =
        sets.iter().flat_map(|set| set.annotations).flat_map(Annotations::keys).collect();
    let suits = |name: &str| {
        let one = |found: &Annotations| found.get(name).and_then(TaskKind::of).is_some();
        let in_set = |set: &Labels<'_>| match of_all {
            true => set.annotations.iter().all(one),
            false => set.annotations.iter().any(one),
        };
        sets.iter().all(in_set)
    };
    let names = names.into_iter().filter(|name| !BESIDE.contains(&name.as_ref()) && suits(name));
    names.map(ToString::to_string).collect()
}

/// The names of the annotations of a set, each with its kind and the number of images that have it.
fn present(set: &Labels<'_>) -> String {
    let mut counts: BTreeMap<&str, (usize, &'static str)> = BTreeMap::new();
    for (name, annotation) in set.annotations.iter().flatten() {
        let kind = TaskKind::of(annotation).map_or("boxes or a mask", TaskKind::name);
        counts.entry(name.as_ref()).or_insert((0, kind)).0 += 1;
    }
    if counts.is_empty() {
        return "no labels".to_owned();
    }
    let of = set.annotations.len();
    let told = counts.into_iter().map(|(name, (count, kind))| match count == of {
        true => format!("`{name}` ({kind})"),
        false => format!("`{name}` ({kind}, in {count} of {of} images)"),
    });
    told.collect::<Vec<_>>().join(", ")
}

/// Reads the kind and width of a task off the labels: those of the first image that has it, and for classes
/// the highest.
fn spec(name: &str, sets: &[Labels<'_>]) -> Result<TaskSpec, EvalError> {
    let all = || sets.iter().flat_map(|set| set.annotations).filter_map(|found| found.get(name));
    let Some(first) = all().next() else {
        let found = sets.iter().map(|set| (set.what, present(set))).collect();
        return Err(EvalError::UnknownTask { name: name.to_owned(), found });
    };
    let Some(kind) = TaskKind::of(first) else {
        return Err(EvalError::Mismatch(format!("`{name}` is boxes or a mask, which no estimator predicts")));
    };
    let width = match kind {
        TaskKind::Direction => 3,
        TaskKind::Class => all().filter_map(Annotation::as_class).max().map_or(0, |most| most as usize + 1),
        TaskKind::Points | TaskKind::Vector => width(first),
    };
    if kind == TaskKind::Class && width > MOST_CLASSES {
        let reason = format!("class {} of `{name}` exceeds the {MOST_CLASSES} that can be told", width - 1);
        return Err(EvalError::Mismatch(reason));
    }
    Ok(TaskSpec::new(name, kind, width))
}

/// Maximum number of classes: a confusion matrix grows with its square.
const MOST_CLASSES: usize = 1000;

fn width(label: &Annotation) -> usize {
    match label {
        Annotation::Points(points) => points.0.len(),
        Annotation::Vector(vector) => vector.values().len(),
        _ => 0,
    }
}

/// Says why a label does not suit a task; `None` if it does.
pub(super) fn unsuitable(spec: &TaskSpec, label: &Annotation) -> Option<String> {
    let kind = TaskKind::of(label).map_or("boxes or a mask", TaskKind::name);
    if TaskKind::of(label) != Some(spec.kind) {
        return Some(format!("it is {kind}, where other images have {}", spec.kind));
    }
    match label {
        Annotation::Points(_) | Annotation::Vector(_) if width(label) != spec.width => {
            Some(format!("it has {} entries, where other images have {}", width(label), spec.width))
        }
        Annotation::Points(points)
            if !points.0.iter().any(|point| point.iter().all(|value| value.is_finite())) =>
        {
            Some("none of its points is known".to_owned())
        }
        Annotation::Vector(vector) if !vector.values().iter().all(|value| value.is_finite()) => {
            Some("it has a number that is not finite".to_owned())
        }
        Annotation::Class(class) if class.0 as usize >= spec.width => {
            Some(format!("it is class {}, and there are {} classes", class.0, spec.width))
        }
        _ => None,
    }
}
