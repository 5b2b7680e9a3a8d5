//! Gets a data set's files from the publisher, a mirror or the disk, and checks and assembles them.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};

use super::http::Transfer;
use super::manifest::{Archive, Dataset, Files, RemoteFile};
use super::part::{Part, is_full, written};
use super::place::Locked;
use super::sums::Sum;
use super::{Fetcher, From, sums, unpack};
use crate::failure::{self, hinted};
use crate::progress;

impl Fetcher {
    /// Gets an archive, checks it and unpacks it.
    pub(super) fn fetch_archive(
        &self,
        dataset: &Dataset,
        archive: &Archive,
        from: Option<&From>,
        locked: &Locked<'_>,
    ) -> anyhow::Result<()> {
        let (file, is_pinned) = self.pins.apply(&dataset.name, &archive.file)?;
        let pins = is_pinned.then(|| self.pins.path());
        // Packed, it is hardly longer than unpacked.
        let source = Source { file: &file, pins, max_bytes: archive.max_bytes };
        let part = Part::new(locked.part(&file.path));
        let on_disk = match from {
            Some(From::File(path)) => Some(path.clone()),
            Some(From::Folder(folder)) => Some(find(folder, &file, dataset)?),
            _ => None,
        };
        let (length, sha256) = match &on_disk {
            Some(path) => source.check(path)?,
            None => self.download(&source, &addresses(&archive.urls, from, &file), &part)?,
        };
        locked.clear_files()?;
        let bar = progress::bytes("unpacking", length);
        let path = on_disk.as_deref().unwrap_or(part.path());
        let sums = unpack::unpack(path, &locked.files(), archive, &bar).inspect_err(|error| {
            // Nothing vouched for a download without a checksum: it would fail again. A full disk is not its
            // fault.
            if on_disk.is_none() && file.sha256.is_none() && !is_full(error) {
                discard(&part);
            }
        })?;
        bar.finish_and_clear();
        locked.publish(dataset, &sums)?;
        // Only a download from the publisher pins a checksum; a mirror or copy could be anything.
        if file.sha256.is_none() && from.is_none() {
            self.pins.add(&dataset.name, &file.path, length, &sha256)?;
            eprintln!("the checksum of {} is pinned in {}", file.path, self.pins.path().display());
        }
        Ok(())
    }

    /// Gets single files and keeps valid ones from an earlier, interrupted job.
    pub(super) fn fetch_files(
        &self,
        dataset: &Dataset,
        files: &Files,
        from: Option<&From>,
        locked: &Locked<'_>,
    ) -> anyhow::Result<()> {
        let bar = progress::bytes(&dataset.name, files.files.iter().filter_map(|file| file.bytes).sum());
        let mut sums = Vec::new();
        for file in &files.files {
            let (source, place) =
                (Source { file, pins: None, max_bytes: MAX_BYTES }, locked.files().join(&file.path));
            let sha256 = match source.check(&place) {
                Ok((_, sha256)) => sha256,
                Err(_) => {
                    let part = Part::new(locked.part(&file.path));
                    let (_, sha256) = match from {
                        Some(From::File(path)) => {
                            let message = format!("{}: one file is not the data set", path.display());
                            bail!(hinted(message, "give its folder with --from"))
                        }
                        Some(From::Folder(folder)) => {
                            copy(&find(folder, file, dataset)?, part.path())?;
                            source.check(part.path())?
                        }
                        _ => self.download(&source, &addresses(&files.urls, from, file), &part)?,
                    };
                    part.complete(&place)?;
                    sha256
                }
            };
            bar.inc(file.bytes.unwrap_or(0));
            sums.push(Sum { path: file.path.clone(), sha256 });
        }
        bar.finish_and_clear();
        locked.publish(dataset, &sums)
    }

    /// Downloads a file from the first address that has it; returns its length and SHA-256.
    fn download(&self, source: &Source<'_>, urls: &[String], part: &Part) -> anyhow::Result<(u64, String)> {
        let mut reasons = Vec::new();
        for url in urls {
            match self.download_from(source, url, part) {
                Ok(found) => return Ok(found),
                Err(error) => reasons.push(error),
            }
        }
        match reasons.len() {
            1 => Err(reasons.remove(0)),
            _ => bail!(reasons.iter().map(failure::text).collect::<Vec<_>>().join("\n")),
        }
    }

    fn download_from(&self, source: &Source<'_>, url: &str, part: &Part) -> anyhow::Result<(u64, String)> {
        let file = source.file;
        eprintln!("{} from {url}", file.name());
        loop {
            let is_resumed = part.length() > 0;
            let bar = progress::bytes(file.name(), file.bytes.unwrap_or(0));
            let is_known = file.sha256.is_some();
            let max_bytes = source.max_bytes;
            self.http.fetch(&Transfer { url, part, bytes: file.bytes, max_bytes, is_known, bar: &bar })?;
            bar.finish_and_clear();
            match source.check(part.path()) {
                Ok(found) => return Ok(found),
                Err(error) => {
                    part.discard()?;
                    // A resumed part may stem from another version: try once more from the beginning.
                    if !is_resumed {
                        return Err(error.context(url.to_owned()));
                    }
                    eprintln!("{url}: the resumed download fails its check; fetching it from the beginning");
                }
            }
        }
    }
}

/// A file and where its checksum comes from.
struct Source<'a> {
    file: &'a RemoteFile,
    /// The lock file, if it holds the checksum.
    pins: Option<&'a Path>,
    /// Maximum bytes of the file if the manifest does not give its length.
    max_bytes: u64,
}

/// Maximum bytes of a single file without a length.
const MAX_BYTES: u64 = 1 << 30;

/// Removes a part after an error. A failure to do so is only told, so that the user sees the error itself.
fn discard(part: &Part) {
    if let Err(error) = part.discard() {
        eprintln!("{}", failure::text(&error));
    }
}

impl Source<'_> {
    /// Returns length and SHA-256 of a copy of the file; an error if they are wrong.
    fn check(&self, path: &Path) -> anyhow::Result<(u64, String)> {
        let RemoteFile { path: name, bytes, sha256 } = self.file;
        if let Some(bytes) = bytes {
            let found = fs::metadata(path).with_context(|| path.display().to_string())?.len();
            let message = || format!("{name} has {found} bytes instead of {bytes}");
            ensure!(found == *bytes, hinted(message(), self.hint()));
        }
        let bar = progress::bytes("checking", bytes.unwrap_or(0));
        let (length, found) = sums::sum(path, &bar)?;
        bar.finish_and_clear();
        if let Some(sha256) = sha256 {
            let message = || format!("{name} has the SHA-256 {found} instead of {sha256}");
            ensure!(found == *sha256, hinted(message(), self.hint()));
        }
        Ok((length, found))
    }

    fn hint(&self) -> String {
        match self.pins {
            None => {
                "it is damaged or another version: try again, or give another copy with --from".to_owned()
            }
            Some(pins) => format!(
                "it is damaged or differs from the first download: try again; if the publisher has changed it, \
                 remove its entry from {}",
                pins.display()
            ),
        }
    }
}

/// Returns the addresses to try for a file.
fn addresses(urls: &[String], from: Option<&From>, file: &RemoteFile) -> Vec<String> {
    match from {
        Some(From::Url(url)) if url.ends_with(".gz") || url.ends_with(".tgz") => vec![url.clone()],
        Some(From::Url(url)) => vec![file.url(url)],
        _ => urls.iter().map(|url| file.url(url)).collect(),
    }
}

/// Finds a file in the user's folder, by its path or its name.
fn find(folder: &Path, file: &RemoteFile, dataset: &Dataset) -> anyhow::Result<PathBuf> {
    let found =
        [&file.path[..], file.name()].into_iter().map(|path| folder.join(path)).find(|path| path.is_file());
    found.with_context(|| {
        let (folder, holds) = (folder.display(), dataset.holds.join(", "));
        format!("{folder}: it holds neither {} nor the data set ({holds})", file.path)
    })
}

/// Copies a file's content but not its attributes, such as a read-only mode.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(|error| written(folder, &error))?;
    }
    let mut reader = File::open(from).with_context(|| from.display().to_string())?;
    let mut writer = File::create(to).map_err(|error| written(to, &error))?;
    let mut bytes = vec![0; 1 << 16];
    loop {
        match reader.read(&mut bytes).with_context(|| from.display().to_string())? {
            0 => return Ok(()),
            n => writer.write_all(&bytes[..n]).map_err(|error| written(to, &error))?,
        }
    }
}
