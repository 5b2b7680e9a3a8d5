//! Which runs there are, and by what name a page calls each.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use simgan_train::run_dir::CONFIG_FILE;

use crate::error::WebError;
use crate::runs::files::is_report;
use crate::runs::folder::Guarded;

/// Runs of one folder at most; a folder with more is no folder of runs.
const MAX_RUNS: usize = 10_000;

/// The runs that the server shows. New ones in a folder of runs appear by themselves.
pub(crate) struct Library {
    roots: Vec<Root>,
    /// The name in links of every run seen so far, so that it stays what it was.
    slugs: Mutex<BTreeMap<PathBuf, String>>,
}

enum Root {
    Run(Guarded),
    FolderOfRuns(Guarded),
    Report(Guarded),
}

/// An evaluation's report beside the runs.
pub(crate) struct Report {
    /// The name in links.
    pub(crate) slug: String,
    /// The folder's name, for people.
    pub(crate) name: String,
    pub(crate) folder: Guarded,
}

/// A run's folder and its names.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    /// The name in links: letters, digits, `.`, `_` and `-`.
    pub(crate) slug: String,
    /// The folder's name, for people.
    pub(crate) name: String,
    pub(crate) folder: Guarded,
}

impl Library {
    /// Takes folders of runs and folders that hold runs.
    ///
    /// # Errors
    /// A path is no folder.
    pub(crate) fn open(paths: &[PathBuf]) -> Result<Self, WebError> {
        let roots: Result<Vec<Root>, WebError> = paths.iter().map(|path| Root::open(path)).collect();
        let library = Self { roots: roots?, slugs: Mutex::default() };
        library.list(); // in the order of the command line, before any other is seen
        Ok(library)
    }

    /// The runs there are now, in the order of the command line and by name within a folder.
    pub(crate) fn list(&self) -> Vec<Run> {
        let folders = self.roots.iter().flat_map(Root::runs);
        let mut slugs = self.slugs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut runs: Vec<Run> = Vec::new();
        for folder in folders {
            if !runs.iter().any(|run| run.folder == folder) {
                runs.push(Run::new(folder, &mut slugs));
            }
        }
        runs
    }

    /// The reports given on the command line.
    pub(crate) fn reports(&self) -> Vec<Report> {
        let folders = self.roots.iter().filter_map(|root| match root {
            Root::Report(folder) => Some(folder.clone()),
            Root::Run(_) | Root::FolderOfRuns(_) => None,
        });
        let mut slugs = self.slugs.lock().unwrap_or_else(PoisonError::into_inner);
        folders
            .map(|folder| Run::new(folder, &mut slugs))
            .map(|Run { slug, name, folder }| Report { slug, name, folder })
            .collect()
    }

    /// Where the runs are looked for.
    pub(crate) fn paths(&self) -> Vec<String> {
        let roots = self.roots.iter().map(|root| match root {
            Root::Run(folder) | Root::FolderOfRuns(folder) | Root::Report(folder) => folder.path(),
        });
        roots.map(|path| simgan_data::printable_line(&path.to_string_lossy()).into_owned()).collect()
    }

    /// The run with this name in links.
    pub(crate) fn find(&self, slug: &str) -> Option<Run> {
        self.list().into_iter().find(|run| run.slug == slug)
    }
}

impl Root {
    fn open(path: &Path) -> Result<Self, WebError> {
        let refused = |reason| WebError::NotServed { path: path.to_owned(), reason };
        let folder = Guarded::open(path).map_err(|_| refused("no such folder"))?;
        Ok(match folder {
            folder if is_run(&folder) => Self::Run(folder),
            folder if is_report(&folder) => Self::Report(folder),
            folder => Self::FolderOfRuns(folder),
        })
    }

    fn runs(&self) -> Vec<Guarded> {
        match self {
            Self::Run(folder) => Some(folder.clone()).into_iter().filter(is_run).collect(), // unless a link took its place
            Self::FolderOfRuns(folder) => {
                let names = folder.names(Path::new("")).into_iter().filter(|name| !name.starts_with('.'));
                let folders = names.filter_map(|name| folder.child(Path::new(&name)));
                folders.filter(is_run).take(MAX_RUNS).collect()
            }
            Self::Report(_) => Vec::new(),
        }
    }
}

fn is_run(folder: &Guarded) -> bool {
    folder.metadata(Path::new(CONFIG_FILE)).is_some()
}

impl Run {
    fn new(folder: Guarded, slugs: &mut BTreeMap<PathBuf, String>) -> Self {
        let name = folder.path().file_name().unwrap_or_default().to_string_lossy();
        let name = simgan_data::printable_line(&name).into_owned();
        let slug = match slugs.get(folder.path()) {
            Some(slug) => slug.clone(),
            None => {
                let slug = unused(&slug_of(&name), slugs);
                slugs.insert(folder.path().to_owned(), slug.clone());
                slug
            }
        };
        Self { slug, name, folder }
    }
}

fn slug_of(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let slug: String = name.chars().take(80).map(plain).collect();
    // A name of dots alone would be a folder in a link.
    if slug.chars().all(|c| ".-".contains(c)) { "run".to_owned() } else { slug }
}

fn unused(slug: &str, slugs: &BTreeMap<PathBuf, String>) -> String {
    let is_free = |slug: &String| !slugs.values().any(|taken| taken == slug);
    let numbered = (2..).map(|n| format!("{slug}-{n}"));
    std::iter::once(slug.to_owned()).chain(numbered).find(is_free).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn names_in_links_are_plain_unique_and_stay() {
        let around = tempfile::tempdir().unwrap();
        let run = |path: &str| {
            let folder = around.path().join(path);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(CONFIG_FILE), "").unwrap();
            folder
        };
        let (own, _) = (run("own/demo"), run("runs/demo"));
        run("runs/<script>");
        let library = Library::open(&[own, around.path().join("runs")]).unwrap();
        let slugs = || library.list().into_iter().map(|run| run.slug).collect::<Vec<_>>();
        assert_eq!(slugs(), ["demo", "-script-", "demo-2"]);
        run("runs/aaa");
        assert_eq!(slugs(), ["demo", "-script-", "aaa", "demo-2"]);
        assert_eq!(library.find("demo-2").unwrap().name, "demo");
        assert!(library.find("../demo").is_none() && Library::open(&["none".into()]).is_err());
        assert_eq!(slug_of(".."), "run");
    }
}
