//! SHA-256 checksums of files, and `SHA256SUMS`, their list in the format of `sha256sum --check`.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use anyhow::Context;
use indicatif::ProgressBar;
use sha2::{Digest, Sha256};

use crate::failure::hinted;

/// The list's name in a data set's folder.
pub(super) const SUMS: &str = "SHA256SUMS";

/// A file's path in the data set's folder, separated by `/`, and its SHA-256 in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) path: String,
    pub(super) sha256: String,
}

/// Computes a file's length and SHA-256.
pub(super) fn sum(path: &Path, bar: &ProgressBar) -> anyhow::Result<(u64, String)> {
    let mut file = File::open(path).with_context(|| path.display().to_string())?;
    let mut hasher = Hasher::default();
    let mut bytes = vec![0; 1 << 20];
    loop {
        match file.read(&mut bytes).with_context(|| path.display().to_string())? {
            0 => return Ok(hasher.finish()),
            n => {
                hasher.update(&bytes[..n]);
                bar.inc(n as u64);
            }
        }
    }
}

/// Computes length and SHA-256 of a stream of bytes.
#[derive(Default)]
pub(super) struct Hasher {
    length: u64,
    sha256: Sha256,
}

impl Hasher {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.length += bytes.len() as u64;
        self.sha256.update(bytes);
    }

    pub(super) fn finish(self) -> (u64, String) {
        let hex = self.sha256.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        (self.length, hex)
    }
}

/// Writes a data set's list.
pub(super) fn write(folder: &Path, sums: &[Sum]) -> anyhow::Result<()> {
    let path = folder.join(SUMS);
    let write = || {
        let mut file = BufWriter::new(File::create(&path)?);
        for Sum { path, sha256 } in sums {
            writeln!(file, "{sha256}  {path}")?;
        }
        file.into_inner()?.sync_all()
    };
    write().with_context(|| path.display().to_string())
}

/// Reads a data set's list.
pub(super) fn read(folder: &Path) -> anyhow::Result<Vec<Sum>> {
    let path = folder.join(SUMS);
    let file = File::open(&path).with_context(|| path.display().to_string())?;
    let mut sums = Vec::new();
    for (i, line) in BufReader::new(file).lines().enumerate() {
        let line = line.with_context(|| path.display().to_string())?;
        let (sha256, name) = line.split_once("  ").ok_or_else(|| {
            let message = format!("{}: line {} is not a sum and a path", path.display(), i + 1);
            hinted(message, "remove the folder and fetch it again")
        })?;
        sums.push(Sum { path: name.to_owned(), sha256: sha256.to_owned() });
    }
    Ok(sums)
}

/// Compares a data set's files with its list; reports missing files and, if `is_thorough`, changed ones.
pub(super) fn damage(
    folder: &Path,
    sums: &[Sum],
    is_thorough: bool,
    bar: &ProgressBar,
) -> anyhow::Result<Vec<String>> {
    let mut findings = Vec::new();
    for expected in sums {
        let path = folder.join(&expected.path);
        if !path.is_file() {
            findings.push(format!("{} is missing", expected.path));
        } else if is_thorough && sum(&path, bar)?.1 != expected.sha256 {
            findings.push(format!("{} has changed", expected.path));
        }
    }
    Ok(findings)
}
