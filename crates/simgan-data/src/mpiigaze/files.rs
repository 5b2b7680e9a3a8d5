use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{DayFile, Eye};
use crate::DataError;

/// Whose eyes are taken, for leave-one-person-out splits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Persons {
    /// Everybody's.
    #[default]
    All,
    /// Those of these persons, `p00` to `p14`.
    Only(Vec<String>),
    /// Those of everybody else.
    Except(Vec<String>),
}

/// Which images are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subset {
    /// All of them.
    #[default]
    All,
    /// The 1,500 left and 1,500 right eyes of each person that `Evaluation Subset` lists.
    Evaluation,
}

/// The photographs and eyes of each person and day, in the lists' order.
pub(super) type Wanted = BTreeMap<(String, String), Vec<(String, Eye)>>;

/// What of MPIIGaze lies at a path.
pub(super) enum At {
    /// Everybody's folders are in this one.
    Persons(PathBuf),
    /// One person's folder.
    Person,
    /// One day file.
    Day,
}

impl At {
    pub(super) fn of(path: &Path) -> Option<Self> {
        if path.is_file() {
            return path.extension().is_some_and(|extension| extension == "mat").then_some(Self::Day);
        }
        let has = |folder: &Path, prefix, suffix, length| {
            names(folder, prefix, suffix).is_ok_and(|names| names.iter().any(|name| name.len() == length))
        };
        let inner = ["Data/Normalized", "Normalized"].map(|inner| path.join(inner));
        let persons = inner.into_iter().find(|folder| has(folder, "p", "", 3)).map(Self::Persons);
        persons.or_else(|| has(path, "day", ".mat", 5).then_some(Self::Person))
    }
}

/// The selected day files, sorted.
pub(super) fn days(path: &Path, persons: &Persons) -> Result<Vec<DayFile>, DataError> {
    let all = match At::of(path) {
        Some(At::Persons(folder)) => {
            let persons = names(&folder, "p", "")?;
            let of_all: Result<Vec<_>, _> =
                persons.iter().map(|name| days_of(&folder.join(name), name)).collect();
            of_all?.into_iter().flatten().collect()
        }
        Some(At::Person) => days_of(path, &name_of(Some(&absolute(path)?)))?,
        Some(At::Day) => {
            let person = name_of(absolute(path)?.parent());
            vec![DayFile { path: path.to_owned(), person, day: name_of(Some(&path.with_extension(""))) }]
        }
        None => {
            let reason =
                "no MPIIGaze: it has neither Data/Normalized with folders p00, p01, … nor day01.mat, …";
            return Err(DataError::Dataset { path: path.to_owned(), reason: reason.to_owned() });
        }
    };
    selected(path, all, persons)
}

fn selected(path: &Path, days: Vec<DayFile>, persons: &Persons) -> Result<Vec<DayFile>, DataError> {
    let (Persons::Only(named) | Persons::Except(named)) = persons else { return Ok(days) };
    if let Some(unknown) = named.iter().find(|name| days.iter().all(|day| day.person != **name)) {
        let mut all: Vec<&str> = days.iter().map(|day| day.person.as_str()).collect();
        all.dedup();
        let reason = format!("it has no person {unknown}, only {}", all.join(", "));
        return Err(DataError::Dataset { path: path.to_owned(), reason });
    }
    let is_only = matches!(persons, Persons::Only(_));
    Ok(days.into_iter().filter(|day| named.contains(&day.person) == is_only).collect())
}

/// The day files in a person's folder.
fn days_of(folder: &Path, person: &str) -> Result<Vec<DayFile>, DataError> {
    let file =
        |day: String| DayFile { path: folder.join(format!("{day}.mat")), person: person.to_owned(), day };
    Ok(names(folder, "day", ".mat")?.into_iter().map(file).collect())
}

/// A path as it is named from the root, since `.` has no name.
fn absolute(path: &Path) -> Result<PathBuf, DataError> {
    std::path::absolute(path).map_err(|error| DataError::io(path, error))
}

fn name_of(path: Option<&Path>) -> String {
    path.and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned()
}

/// What lies in a folder and is called `prefix`, digits, `suffix`: sorted, without the suffix.
fn names(folder: &Path, prefix: &str, suffix: &str) -> Result<Vec<String>, DataError> {
    let io = |error| DataError::io(folder, error);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(io)? {
        let name = entry.map_err(io)?.file_name();
        let name = name.to_str().and_then(|name| name.strip_suffix(suffix));
        let number = name.and_then(|name| name.strip_prefix(prefix));
        if number.is_some_and(|n| !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit())) {
            names.extend(name.map(str::to_owned));
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// What the evaluation subset lists for the persons of `days`; `None` stands for everything.
pub(super) fn wanted(path: &Path, subset: &Subset, days: &[DayFile]) -> Result<Option<Wanted>, DataError> {
    if *subset == Subset::All {
        return Ok(None);
    }
    if !matches!(At::of(path), Some(At::Persons(_))) {
        let reason =
            "the evaluation subset is listed beside Data, in MPIIGaze's own folder: open that".to_owned();
        return Err(DataError::Dataset { path: path.to_owned(), reason });
    }
    let mut persons: Vec<&str> = days.iter().map(|day| day.person.as_str()).collect();
    persons.dedup();
    let mut wanted = Wanted::new();
    for person in persons {
        let list = path.join("Evaluation Subset/sample list for eye image").join(format!("{person}.txt"));
        let text = std::fs::read_to_string(&list).map_err(|error| DataError::io(&list, error))?;
        for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let (day, name, eye) = entry(line).ok_or_else(|| DataError::Dataset {
                path: list.clone(),
                reason: format!("line {} is not like \"day01/0001.jpg left\": {line}", i + 1),
            })?;
            if !days.iter().any(|file| file.person == person && file.day == day) {
                let reason = format!("line {} names {day}, which has no file", i + 1);
                return Err(DataError::Dataset { path: list, reason });
            }
            wanted.entry((person.to_owned(), day.to_owned())).or_default().push((name.to_owned(), eye));
        }
    }
    Ok(Some(wanted))
}

/// Day, file and eye of `day01/0001.jpg left`.
fn entry(line: &str) -> Option<(&str, &str, Eye)> {
    let (file, eye) = line.trim().split_once(char::is_whitespace)?;
    let (day, name) = file.split_once('/')?;
    let eye = match eye.trim() {
        "left" => Eye::Left,
        "right" => Eye::Right,
        _ => return None,
    };
    Some((day, name, eye))
}
