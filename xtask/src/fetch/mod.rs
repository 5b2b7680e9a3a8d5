//! `cargo xtask fetch-data`: fetches published data sets into `data/raw`.

#![expect(clippy::print_stderr, reason = "it talks to a person")]

mod http;
mod manifest;
mod obtain;
mod part;
mod pins;
mod place;
mod report;
mod sums;
#[cfg(test)]
mod tests;
mod unpack;

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use clap::Args;
use indicatif::ProgressBar;

use self::http::{Http, Patience};
use self::manifest::{Archive, ByHand, Dataset, Get, Manifest, RemoteFile};
pub(crate) use self::part::written;
use self::pins::Pins;
use self::place::{Place, State, check_holds};
use crate::failure::{self, hinted};
use crate::progress;

/// The data sets to fetch, and from where.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Names of data sets [default: list them all]
    names: Vec<String>,
    /// The address of a mirror, or an archive or folder on disk
    #[arg(long, value_name = "URL|FILE|DIR")]
    from: Option<String>,
    /// List the data sets and which of them are here
    #[arg(long, conflicts_with_all = ["from", "verify"])]
    list: bool,
    /// Check the data sets that are here against their checksums; fetch nothing
    #[arg(long, conflicts_with = "from")]
    verify: bool,
}

/// Fetches, lists or verifies.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let fetcher = Fetcher::open(root, Patience::default())?;
    let Arguments { names, from, .. } = arguments;
    let datasets = names.iter().map(|name| fetcher.manifest.dataset(name)).collect::<Result<Vec<_>, _>>()?;
    if arguments.verify {
        let (good, bad) = fetcher.verify(&datasets)?;
        good.iter().try_for_each(|line| report::say(line))?;
        ensure!(bad.is_empty(), "{}", bad.join("\n"));
        return Ok(());
    }
    if datasets.is_empty() || arguments.list {
        if from.is_some() {
            bail!(hinted("--from without a data set", "cargo xtask fetch-data NAME --from …"));
        }
        return report::list(&fetcher.manifest, &fetcher.raw);
    }
    if from.is_some() && datasets.len() > 1 {
        bail!(hinted("--from with several data sets", "fetch them one by one"));
    }
    for dataset in datasets {
        let from = from.as_deref().map(From::parse).transpose()?;
        let what = fetcher.fetch(dataset, from.as_ref())?;
        report::done(dataset, &Place::new(&fetcher.raw, &dataset.name), what)?;
    }
    Ok(())
}

struct Fetcher {
    manifest: Manifest,
    raw: PathBuf,
    pins: Pins,
    http: Http,
}

/// The value of `--from`, which replaces the publisher's address.
enum From {
    Url(String),
    File(PathBuf),
    Folder(PathBuf),
}

impl From {
    fn parse(text: &str) -> anyhow::Result<Self> {
        if text.starts_with("http://") || text.starts_with("https://") {
            return Ok(Self::Url(text.to_owned()));
        }
        let path = Path::new(text).canonicalize().with_context(|| text.to_owned())?;
        Ok(if path.is_dir() { Self::Folder(path) } else { Self::File(path) })
    }
}

impl Fetcher {
    fn open(root: &Path, patience: Patience) -> anyhow::Result<Self> {
        let data = root.join("data");
        Ok(Self {
            manifest: Manifest::read(&data.join("manifest.toml"))?,
            raw: data.join("raw"),
            pins: Pins::new(data.join("manifest.lock")),
            http: Http::new(patience),
        })
    }

    /// Fetches a data set unless it is there, and says which.
    fn fetch(&self, dataset: &Dataset, from: Option<&From>) -> anyhow::Result<&'static str> {
        let place = Place::new(&self.raw, &dataset.name);
        if self.is_there(dataset, &place)? {
            return Ok("is there");
        }
        report::introduce(dataset);
        match (&dataset.get, from) {
            (Get::ByHand(by_hand), None) => return Err(report::by_hand(dataset, by_hand)),
            (Get::ByHand(by_hand), Some(from)) => self.link_by_hand(dataset, by_hand, from, &place)?,
            (Get::Archive(_), Some(From::Folder(folder))) if check_holds(folder, dataset).is_ok() => {
                place.lock()?.link(folder)?;
            }
            (Get::Archive(archive), from) => self.fetch_archive(dataset, archive, from, &place.lock()?)?,
            (Get::Files(files), from) => self.fetch_files(dataset, files, from, &place.lock()?)?,
        }
        prepare(dataset, &place)?;
        Ok("fetched")
    }

    /// Whether a data set is there and complete, judged by its files' names; checksums would take minutes.
    fn is_there(&self, dataset: &Dataset, place: &Place) -> anyhow::Result<bool> {
        let target = &place.target;
        match place.state() {
            State::Absent { .. } => return Ok(false),
            State::Linked(_) | State::Foreign => {
                let hint = "remove it (or move it away), and run this again";
                check_holds(target, dataset).map_err(|error| hinted(error.to_string(), hint))?;
            }
            State::Fetched => {
                let sums = sums::read(target)?;
                let missing = sums::damage(target, &sums, false, &ProgressBar::hidden())?;
                if !missing.is_empty() {
                    eprintln!("{}: {}", target.display(), report::some(&missing));
                    return self.mend(dataset, place).map(|()| false);
                }
            }
        }
        prepare(dataset, place)?;
        Ok(true)
    }

    /// Prepares a damaged data set for fetching its missing files.
    fn mend(&self, dataset: &Dataset, place: &Place) -> anyhow::Result<()> {
        match dataset.get {
            Get::Files(_) => place.lock()?.recall(),
            _ => {
                let message = format!("{} is damaged", place.target.display());
                bail!(hinted(message, "remove this folder and fetch it again"))
            }
        }
    }

    fn link_by_hand(
        &self,
        dataset: &Dataset,
        by_hand: &ByHand,
        from: &From,
        place: &Place,
    ) -> anyhow::Result<()> {
        let From::Folder(folder) = from else {
            let _ = report::by_hand(dataset, by_hand);
            bail!("--from takes the folder that was made by these steps");
        };
        check_holds(folder, dataset)?;
        place.lock()?.link(folder)
    }

    /// Checks data sets against their checksums; returns lines about good and about bad ones.
    fn verify(&self, datasets: &[&Dataset]) -> anyhow::Result<(Vec<String>, Vec<String>)> {
        let all = datasets.is_empty();
        let datasets = if all { self.manifest.datasets.iter().collect() } else { datasets.to_vec() };
        let (mut good, mut bad) = (Vec::new(), Vec::new());
        for dataset in datasets {
            let place = Place::new(&self.raw, &dataset.name);
            let finding = match place.state() {
                State::Absent { .. } if all => continue,
                State::Absent { .. } => {
                    let hint = format!("cargo xtask fetch-data {}", dataset.name);
                    Err(hinted(format!("{} is not here", dataset.name), hint))
                }
                State::Fetched => verify_sums(dataset, &place),
                State::Linked(_) | State::Foreign => check_holds(&place.target, dataset).map(|()| {
                    "its folders are there; it was put there by hand, so there are no checksums".to_owned()
                }),
            };
            match finding {
                Ok(what) => good.push(format!("{}: {what}", place.target.display())),
                Err(error) => bad.push(failure::text(&error)),
            }
        }
        Ok((good, bad))
    }
}

/// Checks all checksums of a fetched data set: those taken when it was fetched and, if there are any, the
/// publisher's.
fn verify_sums(dataset: &Dataset, place: &Place) -> anyhow::Result<String> {
    let sums = sums::read(&place.target)?;
    let bar = progress::bytes(&dataset.name, 0);
    let mut damage = sums::damage(&place.target, &sums, true, &bar)?;
    bar.finish_and_clear();
    if let Get::Files(files) = &dataset.get {
        for file in &files.files {
            // SHA256SUMS lies beside the files and could have changed with them: compare it with the
            // manifest.
            let is_listed =
                sums.iter().any(|sum| sum.path == file.path && Some(&sum.sha256) == file.sha256.as_ref());
            if !is_listed {
                damage.push(format!("{} is not the manifest's", file.path));
            }
        }
    }
    let target = place.target.display();
    let hint = match dataset.get {
        Get::Files(_) => format!(
            "remove what has changed and run `cargo xtask fetch-data {}`: it mends the rest",
            dataset.name
        ),
        _ => format!("remove the folder and run `cargo xtask fetch-data {}`", dataset.name),
    };
    ensure!(damage.is_empty(), hinted(format!("{target}: {}", report::some(&damage)), hint));
    Ok(format!("{} files, all as they were fetched", sums.len()))
}

/// Unpacks a `.tar` into a temporary folder and panics if it writes anything outside.
///
/// # Errors
/// The same as [`unpack::unpack`].
pub(crate) fn try_unpack(tar: &[u8]) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let rules = Archive {
        urls: Vec::new(),
        file: RemoteFile { path: String::new(), bytes: None, sha256: None },
        root: String::new(),
        keep: Vec::new(),
        max_bytes: 64 << 20,
        max_files: 10_000,
    };
    let done = unpack::unpack_tar(tar, &folder.path().join("in/files"), &rules);
    let count = |path: &Path| std::fs::read_dir(path).map_or(0, Iterator::count);
    let n_beside = [folder.path(), &folder.path().join("in")].map(count);
    assert_eq!(n_beside, [1, 1], "the archive wrote beside its folder");
    done.map(drop)
}

/// Converts data sets whose published form is slow to use.
fn prepare(dataset: &Dataset, place: &Place) -> anyhow::Result<()> {
    if dataset.name == "unityeyes2" && place.state() == State::Fetched {
        simgan_eyes::Assets::prepare(&place.target)?;
    }
    Ok(())
}
