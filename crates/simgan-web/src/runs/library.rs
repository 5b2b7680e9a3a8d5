//! Which runs there are, and by what name a page calls each.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use simgan_train::run_dir::CONFIG_FILE;

use crate::error::WebError;
use crate::runs::files::is_report;
use crate::runs::folder::Guarded;

/// What is in the folder of an experiment, beside the draws.
const EXPERIMENT_FILE: &str = "experiment.toml";

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
    Experiment(Guarded),
    Report(Guarded),
}

/// A folder and what people call it.
struct Named {
    folder: Guarded,
    name: String,
}

/// The report of an evaluation or an experiment, beside the runs.
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
        self.with_slugs(self.roots.iter().flat_map(Root::runs))
            .into_iter()
            .map(|(slug, Named { folder, name })| Run { slug, name, folder })
            .collect()
    }

    /// The reports given on the command line and those in folders of runs.
    pub(crate) fn reports(&self) -> Vec<Report> {
        self.with_slugs(self.roots.iter().flat_map(Root::reports))
            .into_iter()
            .map(|(slug, Named { folder, name })| Report { slug, name, folder })
            .collect()
    }

    /// Gives each folder, the first time it is met, its name in links.
    fn with_slugs(&self, found: impl Iterator<Item = Named>) -> Vec<(String, Named)> {
        let mut slugs = self.slugs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut seen = BTreeSet::new();
        let new = found.filter(|found| seen.insert(found.folder.clone()));
        new.map(|found| (found.slug(&mut slugs), found)).collect()
    }

    /// Where the runs are looked for.
    pub(crate) fn paths(&self) -> Vec<String> {
        let roots = self.roots.iter().map(|root| match root {
            Root::Run(folder)
            | Root::FolderOfRuns(folder)
            | Root::Experiment(folder)
            | Root::Report(folder) => folder.path(),
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
            folder if Named::of(&folder).is_run() => Self::Run(folder),
            folder if is_experiment(&folder) => Self::Experiment(folder),
            folder if is_report(&folder) => Self::Report(folder),
            folder => Self::FolderOfRuns(folder),
        })
    }

    fn runs(&self) -> Vec<Named> {
        match self {
            // Unless a link took its place.
            Self::Run(folder) => Some(Named::of(folder)).into_iter().filter(Named::is_run).collect(),
            Self::FolderOfRuns(folder) => {
                let runs = children(folder).flat_map(|found| match found.is_run() {
                    true => vec![found],
                    false => runs_of_experiment(&found),
                });
                runs.take(MAX_RUNS).collect()
            }
            Self::Experiment(folder) => runs_of_experiment(&Named::of(folder)),
            Self::Report(_) => Vec::new(),
        }
    }

    fn reports(&self) -> Vec<Named> {
        match self {
            Self::Run(_) => Vec::new(), // its own page shows them
            Self::FolderOfRuns(folder) => {
                let reports = children(folder).filter(|found| !found.is_run() && is_report(&found.folder));
                reports.take(MAX_RUNS).collect()
            }
            // An experiment writes its report at the end.
            Self::Experiment(folder) | Self::Report(folder) => {
                Some(Named::of(folder)).filter(|found| is_report(&found.folder)).into_iter().collect()
            }
        }
    }
}

/// The folders below one, by name, without hidden ones and links.
fn children(folder: &Guarded) -> impl Iterator<Item = Named> {
    let names = folder.names(Path::new("")).into_iter().filter(|name| !name.starts_with('.'));
    names.filter_map(|name| Some(Named::of(&folder.child(Path::new(&name))?)))
}

fn is_experiment(folder: &Guarded) -> bool {
    folder.metadata(Path::new(EXPERIMENT_FILE)).is_some()
}

/// The refiners that an experiment trains, `draw-0/VARIANT` and so on; none of another folder.
fn runs_of_experiment(experiment: &Named) -> Vec<Named> {
    if !is_experiment(&experiment.folder) {
        return Vec::new();
    }
    let below = |outer: &Named| {
        children(&outer.folder)
            .map(|inner| Named { name: format!("{}/{}", outer.name, inner.name), ..inner })
            .collect::<Vec<_>>()
    };
    let draws = below(experiment);
    draws.iter().flat_map(below).filter(Named::is_run).take(MAX_RUNS).collect()
}

impl Named {
    fn of(folder: &Guarded) -> Self {
        let name = folder.path().file_name().unwrap_or_default().to_string_lossy();
        Self { name: simgan_data::printable_line(&name).into_owned(), folder: folder.clone() }
    }

    fn is_run(&self) -> bool {
        self.folder.metadata(Path::new(CONFIG_FILE)).is_some()
    }

    fn slug(&self, slugs: &mut BTreeMap<PathBuf, String>) -> String {
        let path = self.folder.path();
        if let Some(slug) = slugs.get(path) {
            return slug.clone();
        }
        let slug = unused(&slug_of(&self.name), slugs);
        slugs.insert(path.to_owned(), slug.clone());
        slug
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
    fn an_experiment_is_a_report_with_runs() {
        let around = tempfile::tempdir().unwrap();
        let experiment = around.path().join("field");
        let run = experiment.join("draw-0/field-texture");
        fs::create_dir_all(&run).unwrap();
        fs::write(run.join(CONFIG_FILE), "").unwrap();
        fs::create_dir_all(around.path().join("photos/draw-0/x")).unwrap();
        fs::write(around.path().join("photos/draw-0/x").join(CONFIG_FILE), "").unwrap();
        fs::write(experiment.join("index.html"), "<meta name=\"generator\" content=\"simgan experiment\">")
            .unwrap();
        fs::write(experiment.join(EXPERIMENT_FILE), "").unwrap();
        for served in [&experiment, around.path()] {
            let library = Library::open(&[served.to_owned()]).unwrap();
            let runs: Vec<_> = library.list().into_iter().map(|run| (run.slug, run.name)).collect();
            let name = "field/draw-0/field-texture".to_owned();
            assert_eq!(runs, [(name.replace('/', "-"), name)]);
            let reports: Vec<_> = library.reports().into_iter().map(|report| report.slug).collect();
            assert_eq!(reports, ["field"]);
        }
    }

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
