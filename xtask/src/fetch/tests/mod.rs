//! Tests with a whole `data` folder in a temporary place and local servers.

mod archives;
mod server;
mod transfer;
mod whole;

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{Builder, EntryType, Header};
use tempfile::TempDir;

use super::http::Patience;
use super::sums::Hasher;
use super::{Fetcher, From};
use crate::failure::text;

const IMPATIENT: Patience =
    Patience { silence: Duration::from_millis(400), n_tries: 3, pause: Duration::from_millis(1) };

/// A workspace with a manifest.
struct Workspace {
    root: TempDir,
}

impl Workspace {
    fn new(manifest: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("data")).unwrap();
        std::fs::write(root.path().join("data/manifest.toml"), manifest).unwrap();
        Self { root }
    }

    fn fetcher(&self) -> Fetcher {
        Fetcher::open(self.root.path(), IMPATIENT).unwrap()
    }

    /// Fetches the data set `eyes`; returns an error as it is printed.
    fn fetch(&self, from: Option<&str>) -> Result<(), String> {
        let fetcher = self.fetcher();
        let from = from.map(From::parse).transpose().unwrap();
        let done = fetcher.fetch(fetcher.manifest.dataset("eyes").unwrap(), from.as_ref());
        done.map(|_| ()).map_err(|error| text(&error))
    }

    fn verify(&self) -> Result<(), String> {
        let fetcher = self.fetcher();
        let dataset = fetcher.manifest.dataset("eyes").unwrap();
        let (good, bad) = fetcher.verify(&[dataset]).unwrap();
        assert_eq!(good.len() + bad.len(), 1);
        bad.into_iter().next().map_or(Ok(()), Err)
    }

    fn path(&self, path: &str) -> PathBuf {
        self.root.path().join("data").join(path)
    }

    fn read(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.path(path)).unwrap()
    }
}

const HEAD: &str = r#"
version = 1
[[dataset]]
name = "eyes"
title = "Eyes"
licence = "none"
citation = "nobody"
page = "nowhere"
next = "look"
"#;

/// Returns a manifest of an archive with or without a checksum.
fn archive_manifest(url: &str, checked: Option<&[u8]>) -> String {
    let known = checked
        .map_or(String::new(), |bytes| format!(r#", bytes = {}, sha256 = "{}""#, bytes.len(), sha256(bytes)));
    format!(
        r#"{HEAD}holds = ["Data"]
get.archive = {{ urls = ["{url}"], file = {{ path = "eyes.tar.gz"{known} }}, root = "Eyes", keep = ["Data", "readme.txt"], max_bytes = 4_000_000, max_files = 20 }}"#
    )
}

/// Returns a manifest of two files, one in a folder with a space in its name.
fn files_manifest(url: &str, content: &[u8]) -> String {
    let known = format!(r#"bytes = {}, sha256 = "{}""#, content.len(), sha256(content));
    format!(
        r#"{HEAD}holds = ["a b"]
get.files = {{ urls = ["{url}"], files = [{{ path = "a b/one.bin", {known} }}, {{ path = "two.bin", {known} }}] }}"#
    )
}

fn sha256(bytes: &[u8]) -> String {
    let mut hasher = Hasher::default();
    hasher.update(bytes);
    hasher.finish().1
}

/// Returns pseudo-random bytes, which do not compress.
fn noise(n: usize) -> Vec<u8> {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..n).map(|_| next()).collect()
}

/// Packs entries into a `.tar.gz` without changing their names.
fn tar_gz(entries: &[(EntryType, &str, &[u8])]) -> Vec<u8> {
    let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (kind, name, content) in entries {
        let mut header = Header::new_gnu();
        // `Header::set_path` would reject the bad paths that these tests need.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_mode(0o777);
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

/// Makes a valid archive with MPIIGaze's layout.
fn eyes() -> Vec<u8> {
    let noise = noise(3_000_000);
    tar_gz(&[
        (EntryType::Directory, "Eyes/", b""),
        (EntryType::Regular, "Eyes/readme.txt", b"read me"),
        (EntryType::Regular, "./Eyes/Data/p00/day01.mat", &noise),
        (EntryType::Regular, "Eyes/Data/p00/day02.mat", b""),
        (EntryType::Symlink, "Eyes/Original/link", b""),
        (EntryType::Regular, "Eyes/Original/huge.jpg", b"not wanted"),
    ])
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
