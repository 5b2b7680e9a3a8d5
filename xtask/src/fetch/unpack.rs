//! Unpacks an untrusted archive: writes nothing outside the folder, makes no links, and keeps to size limits.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufReader, Read, Write};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context, bail, ensure};
use flate2::read::MultiGzDecoder;
use indicatif::ProgressBar;
use tar::{EntryType, PaxExtensions};

use super::manifest::Archive;
use super::part::written;
use super::sums::{Hasher, Sum};
use crate::failure::hinted;

/// Maximum bytes of an entry's long name or other attributes.
const MAX_ATTRIBUTES: u64 = 1 << 16;
/// Maximum depth of nested folders.
const MAX_DEPTH: usize = 32;
/// Hint for an archive with content that no honest data set has.
const DISTRUST: &str = "do not trust this archive";

/// Unpacks a `.tar.gz` into a folder that does not exist yet; returns its files' checksums, sorted by path.
///
/// Creates only files and folders, and ignores owners, modes and times. Reads the archive to its end, so that
/// gzip's own checksum is verified.
///
/// # Errors
/// An archive that is damaged or cut short; a path that is absolute or has `..`; a link or device among the
/// kept entries; an entry that occurs twice; more files or bytes than `rules` allow. The folder is then not
/// to be used.
pub(super) fn unpack(
    path: &Path,
    folder: &Path,
    rules: &Archive,
    bar: &ProgressBar,
) -> anyhow::Result<Vec<Sum>> {
    let name = || path.display().to_string();
    let mut file = File::open(path).with_context(name)?;
    let mut magic = [0; 2];
    let is_gzip = file.read_exact(&mut magic).is_ok() && magic == [0x1f, 0x8b];
    if !is_gzip {
        let hint = "the server may have answered with a page; open its address in a browser";
        bail!(hinted(format!("{}: not a gzip archive", name()), hint));
    }
    let reader = MultiGzDecoder::new(BufReader::with_capacity(
        1 << 16,
        bar.wrap_read(io::Cursor::new(magic).chain(file)),
    ));
    unpack_tar(reader, folder, rules).with_context(name)
}

/// Unpacks the `.tar` inside the `.gz`, as [`unpack`] does.
pub(crate) fn unpack_tar(reader: impl Read, folder: &Path, rules: &Archive) -> anyhow::Result<Vec<Sum>> {
    let mut archive = tar::Archive::new(Limited { reader, left: rules.max_bytes });
    let mut unpacking = Unpacking { folder, rules, n_files: 0, folders: BTreeSet::new(), sums: Vec::new() };
    unpacking.all(&mut archive)?;
    // gzip verifies its checksum only at the end of the stream, which lies beyond the last entry.
    io::copy(&mut archive.into_inner(), &mut io::sink()).map_err(damaged)?;
    let mut sums = unpacking.sums;
    sums.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sums)
}

struct Unpacking<'a> {
    folder: &'a Path,
    rules: &'a Archive,
    n_files: u64,
    folders: BTreeSet<PathBuf>,
    sums: Vec<Sum>,
}

impl Unpacking<'_> {
    /// Reads raw entries: the tar crate would otherwise read long names without a limit and apply them before
    /// we check the path.
    fn all(&mut self, archive: &mut tar::Archive<impl Read>) -> anyhow::Result<()> {
        fs::create_dir_all(self.folder).map_err(|error| written(self.folder, &error))?;
        let mut long_name = None;
        for entry in archive.entries().map_err(damaged)?.raw(true) {
            let mut entry = entry.map_err(damaged)?;
            match entry.header().entry_type() {
                EntryType::GNULongName => {
                    let bytes = attributes(&mut entry)?;
                    long_name = Some(bytes.split(|byte| *byte == 0).next().unwrap_or_default().to_vec());
                }
                EntryType::XHeader => long_name = pax_path(&attributes(&mut entry)?)?.or(long_name),
                EntryType::GNULongLink | EntryType::XGlobalHeader => {}
                kind => {
                    self.n_files += 1;
                    ensure!(
                        self.n_files <= self.rules.max_files,
                        "more than {} entries",
                        self.rules.max_files
                    );
                    let name = long_name.take().unwrap_or_else(|| entry.path_bytes().into_owned());
                    // In archives older than POSIX a folder is a file whose name ends in a slash.
                    let kind =
                        if name.ends_with(b"/") && kind.is_file() { EntryType::Directory } else { kind };
                    if let Some(place) = self.place(&name)? {
                        self.one(kind, &place, &mut entry)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Returns where an entry belongs, relative to the folder; `None` if `rules` do not keep it.
    fn place(&self, name: &[u8]) -> anyhow::Result<Option<PathBuf>> {
        let text = std::str::from_utf8(name).ok().filter(|text| !text.contains(['\0', '\\', '\n']));
        let text =
            text.with_context(|| format!("{:?} is no name for a file", String::from_utf8_lossy(name)))?;
        let mut path = PathBuf::new();
        for component in Path::new(text).components() {
            match component {
                Component::Normal(part) => path.push(part),
                Component::CurDir => {}
                _ => bail!(hinted(format!("\"{text}\" would be written outside the folder"), DISTRUST)),
            }
        }
        ensure!(path.components().count() <= MAX_DEPTH, "\"{text}\" is more than {MAX_DEPTH} folders deep");
        let path = path.strip_prefix(&self.rules.root).map_or(path.clone(), Path::to_path_buf);
        let keep = &self.rules.keep;
        let is_kept = keep.is_empty() || keep.iter().any(|kept| path.starts_with(kept));
        Ok(Some(path).filter(|path| is_kept && *path != PathBuf::new()))
    }

    fn one(&mut self, kind: EntryType, place: &Path, entry: &mut impl Read) -> anyhow::Result<()> {
        match kind {
            EntryType::Directory => self.make_folder(place),
            EntryType::Regular | EntryType::Continuous => {
                self.make_folder(place.parent().unwrap_or(Path::new("")))?;
                self.write(place, entry)
            }
            _ => {
                let place = place.display();
                let message = format!("\"{place}\" is a link, device or the like, which no data set needs");
                bail!(hinted(message, DISTRUST))
            }
        }
    }

    fn make_folder(&mut self, place: &Path) -> anyhow::Result<()> {
        if self.folders.insert(place.to_owned()) {
            let path = self.folder.join(place);
            fs::create_dir_all(&path).map_err(|error| written(&path, &error))?;
        }
        Ok(())
    }

    fn write(&mut self, place: &Path, entry: &mut impl Read) -> anyhow::Result<()> {
        let path = self.folder.join(place);
        // `create_new` neither overwrites a file nor follows a link.
        let mut file = match File::create_new(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                bail!("\"{}\" occurs twice", place.display())
            }
            other => other.map_err(|error| written(&path, &error))?,
        };
        let mut hasher = Hasher::default();
        let mut bytes = vec![0; 1 << 16];
        loop {
            match entry.read(&mut bytes).map_err(damaged)? {
                0 => break,
                n => {
                    hasher.update(&bytes[..n]);
                    file.write_all(&bytes[..n]).map_err(|error| written(&path, &error))?;
                }
            }
        }
        let parts: Vec<_> = place.iter().map(|part| part.to_string_lossy()).collect();
        self.sums.push(Sum { path: parts.join("/"), sha256: hasher.finish().1 });
        Ok(())
    }
}

fn attributes(entry: &mut impl Read) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    entry.take(MAX_ATTRIBUTES + 1).read_to_end(&mut bytes).map_err(damaged)?;
    ensure!(
        bytes.len() as u64 <= MAX_ATTRIBUTES,
        "the attributes of an entry are longer than {MAX_ATTRIBUTES} bytes"
    );
    Ok(bytes)
}

/// Returns the path that pax attributes give to the next entry.
fn pax_path(bytes: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
    let mut path = None;
    for extension in PaxExtensions::new(bytes) {
        let extension = extension.map_err(damaged)?;
        match extension.key_bytes() {
            b"path" => path = Some(extension.value_bytes().to_vec()),
            b"size" => bail!("an entry is longer than 8 GiB"),
            key if key.starts_with(b"GNU.sparse") => bail!("an entry is sparse, which is not read"),
            _ => {}
        }
    }
    Ok(path)
}

#[expect(clippy::needless_pass_by_value, reason = "the argument of `map_err`")]
fn damaged(error: io::Error) -> anyhow::Error {
    match error.kind() {
        // `Limited`'s own error: with its kind it would get the hint of a full disk.
        io::ErrorKind::QuotaExceeded => hinted(simgan_data::message_of(&error), DISTRUST),
        _ => hinted(format!("damaged or cut short ({error})"), "remove it and fetch it again"),
    }
}

/// A reader that fails once it has read more than `left` bytes.
struct Limited<R> {
    reader: R,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(bytes)?;
        self.left = self.left.checked_sub(n as u64).ok_or_else(|| {
            io::Error::new(io::ErrorKind::QuotaExceeded, "it unpacks to more bytes than the manifest allows")
        })?;
        Ok(n)
    }
}
