//! `data/manifest.lock`: checksums of first downloads, for files whose publishers give none.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use super::manifest::RemoteFile;

/// The lock file.
pub(super) struct Pins {
    path: PathBuf,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Content {
    version: u32,
    #[serde(default)]
    pin: Vec<Pin>,
}

#[derive(Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Pin {
    dataset: String,
    path: String,
    bytes: u64,
    sha256: String,
}

const VERSION: u32 = 1;
const HEAD: &str = "\
# Checksums of first downloads, for files whose publishers give none; later downloads must match them.
# Written by `cargo xtask fetch-data`. Commit it, so that everybody has the same data.

";

impl Pins {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Fills in the pinned length and checksum where the manifest gives none; says whether it did.
    pub(super) fn apply(&self, dataset: &str, file: &RemoteFile) -> anyhow::Result<(RemoteFile, bool)> {
        let content = self.read()?;
        let pin = content.pin.into_iter().find(|pin| pin.dataset == dataset && pin.path == file.path);
        Ok(match pin {
            Some(pin) if file.sha256.is_none() => {
                (RemoteFile { path: pin.path, bytes: Some(pin.bytes), sha256: Some(pin.sha256) }, true)
            }
            _ => (file.clone(), false),
        })
    }

    /// Pins a file that was downloaded for the first time.
    pub(super) fn add(&self, dataset: &str, path: &str, bytes: u64, sha256: &str) -> anyhow::Result<()> {
        let mut content = self.read()?;
        content.version = VERSION;
        let (dataset, path, sha256) = (dataset.to_owned(), path.to_owned(), sha256.to_owned());
        content.pin.push(Pin { dataset, path, bytes, sha256 });
        content.pin.sort_by(|a, b| (&a.dataset, &a.path).cmp(&(&b.dataset, &b.path)));
        let text = HEAD.to_owned() + &toml::to_string(&content)?;
        Ok(simgan_data::write_atomic(&self.path, text.as_bytes())?)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn read(&self) -> anyhow::Result<Content> {
        let text = match std::fs::read_to_string(&self.path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Content::default()),
            other => other.with_context(|| self.path.display().to_string())?,
        };
        let content: Content = toml::from_str(&text).with_context(|| self.path.display().to_string())?;
        ensure!(
            content.version == VERSION,
            "{}: version {} instead of {VERSION}",
            self.path.display(),
            content.version
        );
        Ok(content)
    }
}
