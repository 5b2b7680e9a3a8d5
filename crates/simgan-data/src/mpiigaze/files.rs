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

/// The folder of the normalized images.
pub(super) fn normalized(path: &Path) -> Option<PathBuf> {
    let is_person = |entry: &std::fs::DirEntry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.len() == 3 && name.starts_with('p') && name[1..].bytes().all(|byte| byte.is_ascii_digit())
    };
    ["Data/Normalized", "Normalized"].iter().map(|inner| path.join(inner)).find(|folder| {
        std::fs::read_dir(folder).is_ok_and(|entries| entries.flatten().any(|entry| is_person(&entry)))
    })
}

/// The selected day files, sorted.
pub(super) fn days(path: &Path, persons: &Persons) -> Result<Vec<DayFile>, DataError> {
    let folder = normalized(path).ok_or_else(|| DataError::Dataset {
        path: path.to_owned(),
        reason: "no MPIIGaze: it has no Data/Normalized with folders p00, p01, …".to_owned(),
    })?;
    let all = names(&folder, "p", "")?;
    let (Persons::Only(named) | Persons::Except(named)) = persons else { return files(&folder, &all) };
    if let Some(unknown) = named.iter().find(|name| !all.contains(name)) {
        let reason = format!("it has no person {unknown}, only {}", all.join(", "));
        return Err(DataError::Dataset { path: folder, reason });
    }
    let is_only = matches!(persons, Persons::Only(_));
    let selected: Vec<String> = all.into_iter().filter(|name| named.contains(name) == is_only).collect();
    files(&folder, &selected)
}

fn files(folder: &Path, persons: &[String]) -> Result<Vec<DayFile>, DataError> {
    let mut days = Vec::new();
    for person in persons {
        let folder = folder.join(person);
        for day in names(&folder, "day", ".mat")? {
            let path = folder.join(format!("{day}.mat"));
            days.push(DayFile { path, person: person.clone(), day });
        }
    }
    Ok(days)
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
