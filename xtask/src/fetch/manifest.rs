//! `data/manifest.toml`: the known data sets, their addresses and licences.

use std::path::{Component, Path};

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::failure::hinted;

/// All known data sets.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    version: u32,
    #[serde(rename = "dataset")]
    pub(super) datasets: Vec<Dataset>,
}

/// One data set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Dataset {
    /// Its name on the command line and under `data/raw`.
    pub(super) name: String,
    pub(super) title: String,
    pub(super) licence: String,
    pub(super) citation: String,
    /// The authors' page about it.
    pub(super) page: String,
    /// Content that proves its folder valid: paths, or `*.EXTENSION` for any file with that extension.
    pub(super) holds: Vec<String>,
    /// The command to run next.
    pub(super) next: String,
    pub(super) get: Get,
}

/// How to get a data set.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Get {
    /// One `.tar.gz`.
    Archive(Archive),
    /// Single files.
    Files(Files),
    /// A licence, a form or a program prevents an automatic download.
    ByHand(ByHand),
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Archive {
    /// Addresses of folders with the archive: the publisher's first, then mirrors.
    pub(super) urls: Vec<String>,
    pub(super) file: RemoteFile,
    /// The folder in the archive that becomes the data set's folder.
    pub(super) root: String,
    /// Files or folders below `root` to unpack; everything if empty.
    #[serde(default)]
    pub(super) keep: Vec<String>,
    /// Limits on the unpacked content, against archives that expand without bound.
    pub(super) max_bytes: u64,
    pub(super) max_files: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Files {
    /// Addresses of folders with the files: the publisher's first, then mirrors.
    pub(super) urls: Vec<String>,
    pub(super) files: Vec<RemoteFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ByHand {
    /// Steps to take, in order; the program adds the command line with `--from`.
    pub(super) steps: Vec<String>,
    /// What the user then gives to `--from`.
    pub(super) result: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RemoteFile {
    /// Its path, relative to both the address's folder and the data set's folder.
    pub(super) path: String,
    pub(super) bytes: Option<u64>,
    /// Checksum in lower-case hexadecimal; absent if the publisher gives none.
    pub(super) sha256: Option<String>,
}

const VERSION: u32 = 1;

impl Manifest {
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        Self::parse(&text).with_context(|| path.display().to_string())
    }

    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let manifest: Self = toml::from_str(text)?;
        ensure!(manifest.version == VERSION, "version {} instead of {VERSION}", manifest.version);
        for (i, dataset) in manifest.datasets.iter().enumerate() {
            dataset.check().with_context(|| format!("data set \"{}\"", dataset.name))?;
            let is_double = manifest.datasets[..i].iter().any(|other| other.name == dataset.name);
            ensure!(!is_double, "data set \"{}\" occurs twice", dataset.name);
        }
        Ok(manifest)
    }

    pub(super) fn dataset(&self, name: &str) -> anyhow::Result<&Dataset> {
        let found = self.datasets.iter().find(|dataset| dataset.name == name);
        found.ok_or_else(|| {
            let names: Vec<&str> = self.datasets.iter().map(|dataset| dataset.name.as_str()).collect();
            hinted(format!("no data set is called \"{name}\""), format!("there are {}", names.join(", ")))
        })
    }
}

impl Dataset {
    fn check(&self) -> anyhow::Result<()> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        ensure!(
            !self.name.is_empty() && self.name.bytes().all(is_plain),
            "its name is not of a-z, 0-9 and -"
        );
        let (urls, files) = match &self.get {
            Get::Archive(archive) => (&archive.urls[..], std::slice::from_ref(&archive.file)),
            Get::Files(files) => (&files.urls[..], &files.files[..]),
            Get::ByHand(_) => return Ok(()),
        };
        ensure!(!urls.is_empty() && !files.is_empty(), "it has no URL or no file");
        let is_known = |file: &RemoteFile| file.bytes.is_some() && file.sha256.is_some();
        let is_archive = matches!(self.get, Get::Archive(_));
        ensure!(is_archive || files.iter().all(is_known), "a file has no length or no SHA-256");
        files.iter().try_for_each(RemoteFile::check)
    }
}

impl RemoteFile {
    fn check(&self) -> anyhow::Result<()> {
        let is_plain = |part| matches!(part, Component::Normal(_));
        if self.path.is_empty() || !Path::new(&self.path).components().all(is_plain) {
            bail!("\"{}\" is not a relative path", self.path);
        }
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        let is_sum = |sum: &String| sum.len() == 64 && sum.bytes().all(is_hex);
        ensure!(self.sha256.as_ref().is_none_or(is_sum), "{}: the SHA-256 is not 64 of 0-9a-f", self.path);
        Ok(())
    }

    /// Its name without the folders.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Returns its address below that of `folder`, percent-encoded.
    pub(super) fn url(&self, folder: &str) -> String {
        let mut url = folder.trim_end_matches('/').to_owned() + "/";
        for byte in self.path.bytes() {
            if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
                url.push(char::from(byte));
            } else {
                url += &format!("%{byte:02X}");
            }
        }
        url
    }
}
