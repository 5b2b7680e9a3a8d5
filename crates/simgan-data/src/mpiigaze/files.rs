use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{DayFile, Eye};
use crate::DataError;
use crate::listing::has_extension;

/// The persons whose eyes are read, for leave-one-person-out splits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Persons {
    /// All persons.
    #[default]
    All,
    /// Only these persons, `p00` to `p14`.
    Only(Vec<String>),
    /// All persons but these.
    Except(Vec<String>),
}

/// Which of the persons' images are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Subset {
    /// All of them.
    #[default]
    All,
    /// The 1,500 left and 1,500 right eyes per person listed in `Evaluation Subset`.
    Evaluation,
}

/// The listed photographs and eyes by person and day, in the lists' order.
pub(super) type Wanted = BTreeMap<(String, String), Vec<(String, Eye)>>;

/// Which part of MPIIGaze a path is.
pub(super) enum At {
    /// The folder that holds all persons' folders.
    Persons(PathBuf),
    /// One person's folder.
    Person,
    /// One day file.
    Day,
}

impl At {
    pub(super) fn of(path: &Path) -> Option<Self> {
        if path.is_file() {
            return has_extension(path, &["mat"]).then_some(Self::Day);
        }
        let has_persons =
            |folder: &PathBuf| Part::of(folder).is_ok_and(|parts| parts.iter().any(Part::is_person));
        let inner = ["Data/Normalized", "Normalized"].map(|inner| path.join(inner));
        if let Some(folder) = inner.into_iter().find(has_persons) {
            return Some(Self::Persons(folder));
        }
        let parts = Part::of(path).ok()?;
        // Perhaps `Normalized` itself. Folders p00, p01, … alone prove nothing, because other data sets have
        // them too.
        let has_days = |person: &Part| person.is_person() && has_day(&path.join(&person.file));
        if parts.iter().any(has_days) {
            return Some(Self::Persons(path.to_owned()));
        }
        parts.iter().any(Part::is_day).then_some(Self::Person)
    }
}

fn has_day(folder: &Path) -> bool {
    Part::of(folder).is_ok_and(|parts| parts.iter().any(Part::is_day))
}

/// A person's folder or a day file, recognised by its name.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Part {
    /// `p00` or `day01`.
    name: String,
    /// The name with extension.
    file: String,
}

impl Part {
    /// Lists the persons' folders and day files in a folder, sorted.
    fn of(folder: &Path) -> Result<Vec<Self>, DataError> {
        let io = |error| DataError::io(folder, error);
        let mut parts = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(io)? {
            let file = entry.map_err(io)?.file_name().into_string();
            parts.extend(file.ok().and_then(|file| Self::called(&file)));
        }
        parts.sort_unstable();
        Ok(parts)
    }

    fn called(file: &str) -> Option<Self> {
        let (name, extension) = file.split_once('.').unwrap_or((file, ""));
        let is_ours = match extension {
            "" => is_numbered(name, "p"),
            extension => is_numbered(name, "day") && extension.eq_ignore_ascii_case("mat"),
        };
        is_ours.then(|| Self { name: name.to_owned(), file: file.to_owned() })
    }

    /// Whether the name is that of a published person: p and two digits.
    fn is_person(&self) -> bool {
        self.name.starts_with('p') && self.name.len() == 3
    }

    /// Whether the name is that of a published day: day and two digits.
    fn is_day(&self) -> bool {
        self.name.starts_with("day") && self.name.len() == 5
    }
}

/// Whether a name consists of `prefix` and digits.
fn is_numbered(name: &str, prefix: &str) -> bool {
    let number = name.strip_prefix(prefix);
    number.is_some_and(|n| !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Lists the selected day files, sorted.
pub(super) fn days(path: &Path, persons: &Persons) -> Result<Vec<DayFile>, DataError> {
    let all = match At::of(path) {
        Some(At::Persons(folder)) => {
            let persons = Part::of(&folder)?.into_iter().filter(|part| part.name.starts_with('p'));
            let of_all: Result<Vec<_>, _> =
                persons.map(|part| days_of(&folder.join(&part.file), &part.name)).collect();
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

/// Lists the day files in a person's folder.
fn days_of(folder: &Path, person: &str) -> Result<Vec<DayFile>, DataError> {
    let days = Part::of(folder)?.into_iter().filter(|part| part.name.starts_with("day"));
    let file =
        |part: Part| DayFile { path: folder.join(part.file), person: person.to_owned(), day: part.name };
    Ok(days.map(file).collect())
}

/// Makes a path absolute, because `.` has no name.
fn absolute(path: &Path) -> Result<PathBuf, DataError> {
    std::path::absolute(path).map_err(|error| DataError::io(path, error))
}

fn name_of(path: Option<&Path>) -> String {
    path.and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned()
}

/// Reads the evaluation subset's lists for the persons of `days`; `None` stands for all images.
pub(super) fn wanted(path: &Path, subset: &Subset, days: &[DayFile]) -> Result<Option<Wanted>, DataError> {
    if *subset == Subset::All {
        return Ok(None);
    }
    if !matches!(At::of(path), Some(At::Persons(folder)) if folder != path) {
        let reason =
            "the evaluation subset is listed beside Data, in MPIIGaze's own folder: open that".to_owned();
        return Err(DataError::Dataset { path: path.to_owned(), reason });
    }
    // Days are sorted by person, so that equal names are neighbours.
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

/// Parses a line such as `day01/0001.jpg left` into day, file and eye.
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
