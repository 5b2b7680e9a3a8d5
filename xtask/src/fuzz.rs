//! `cargo xtask fuzz`: runs the readers of untrusted files on randomly damaged files. It needs only stable
//! Rust.

#![expect(clippy::print_stderr, reason = "it talks to a person")]

// Shared with the tests, so that a seed that fails here fails there.
#[path = "../../crates/simgan-data/tests/common/damage.rs"]
mod damage;

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::{Args, ValueEnum};
use rayon::prelude::*;
use simgan_data::mat::{self, Limits};
use simgan_data::{ImageFile, annotations_from_record};

use self::damage::damage;
use crate::failure::hinted;
use crate::fetch;

/// What to damage, and how often.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The reader
    target: Target,
    /// Valid files to damage: .mat; .tar; PNG, JPEG, TIFF or BMP; UnityEyes' .json
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Number of damaged copies per file
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    iterations: u64,
    /// First seed; a seed always damages a file in the same way
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Target {
    /// MATLAB files
    Mat,
    /// The unpacker of fetched archives, without the gzip layer
    Tar,
    /// Images
    Image,
    /// UnityEyes' JSON records
    Record,
}

/// Limits of the MATLAB reader; small files may not expand beyond them.
const LIMITS: Limits = Limits { bytes: 64 << 20, arrays: 100_000, depth: 32 };

/// Fuzzes every file and stops at the first panic.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    for path in &arguments.files {
        let bytes = std::fs::read(path).with_context(|| path.display().to_string())?;
        ensure!(!bytes.is_empty(), bad(path, "empty"));
        // A reader that rejects the intact file would reject its copies early and exercise little code.
        let whole = read(arguments.target, &bytes);
        whole.map_err(|error| bad(path, &error))?;
        let outcome = fuzz(arguments, &bytes);
        if let Some(seed) = outcome.panic {
            let kept = root.join("target").join(format!("fuzz-{seed}"));
            simgan_data::write_atomic(&kept, &damage(&bytes, seed))?;
            bail!("{}: seed {seed} ends in a panic; the damaged file is {}", path.display(), kept.display());
        }
        let Outcome { n_read, n_refused, slowest: (slowest, seed), .. } = outcome;
        eprintln!(
            "{}: {n_read} read, {n_refused} refused; the slowest in {:.0} ms (seed {seed})",
            path.display(),
            slowest.as_secs_f64() * 1e3
        );
    }
    Ok(())
}

/// Makes the error for a file that cannot be fuzzed.
fn bad(path: &Path, reason: &str) -> anyhow::Error {
    hinted(format!("{}: {reason}", path.display()), "give a good file")
}

struct Outcome {
    n_read: u64,
    n_refused: u64,
    slowest: (Duration, u64),
    panic: Option<u64>,
}

fn fuzz(arguments: &Arguments, bytes: &[u8]) -> Outcome {
    let (n_read, slowest) = (AtomicU64::new(0), std::sync::Mutex::new((Duration::ZERO, 0)));
    let seeds = arguments.seed..arguments.seed.saturating_add(arguments.iterations);
    let n_seeds = seeds.end - seeds.start;
    let panic = seeds.into_par_iter().find_any(|seed| {
        let damaged = damage(bytes, *seed);
        let start = Instant::now();
        let Ok(result) = catch_unwind(|| read(arguments.target, &damaged)) else { return true };
        n_read.fetch_add(u64::from(result.is_ok()), Ordering::Relaxed);
        if let Ok(mut slowest) = slowest.lock() {
            *slowest = (*slowest).max((start.elapsed(), *seed));
        }
        false
    });
    let n_read = n_read.into_inner();
    let slowest = slowest.into_inner().unwrap_or_default();
    Outcome { n_read, n_refused: n_seeds - n_read, slowest, panic }
}

fn read(target: Target, bytes: &[u8]) -> Result<(), String> {
    match target {
        Target::Mat => mat::read(bytes, &LIMITS).map(drop).map_err(|error| error.to_string()),
        Target::Tar => fetch::try_unpack(bytes).map_err(|error| format!("{error:#}")),
        Target::Image => {
            ImageFile::decode(bytes, Path::new("image")).map(drop).map_err(|error| error.to_string())
        }
        Target::Record => {
            let record: serde_json::Value =
                serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
            annotations_from_record(&record, 480).map(drop)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(target: Target, path: &Path) -> Arguments {
        Arguments { target, files: vec![path.to_owned()], iterations: 300, seed: 9 }
    }

    #[test]
    fn damage_is_survived_and_bad_beginnings_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        std::fs::write(&path, r#"{"eye_details": {"look_vec": "(0.0, 0.6, -0.8, 0.0)"}}"#).unwrap();
        let outcome = fuzz(&arguments(Target::Record, &path), &std::fs::read(&path).unwrap());
        assert_eq!((outcome.n_read + outcome.n_refused, outcome.panic), (300, None));
        assert!(outcome.n_read > 0 && outcome.n_refused > 0);
        run(folder.path(), &arguments(Target::Record, &path)).unwrap();
        let error = run(folder.path(), &arguments(Target::Mat, &path)).unwrap_err();
        assert!(crate::failure::text(&error).contains("hint: give a good file"), "{error}");
    }

    #[test]
    fn archives_are_unpacked_and_nothing_escapes() {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(3);
        builder.append_data(&mut header, "Eyes/Data/day01.mat", &b"abc"[..]).unwrap();
        builder.append_data(&mut header, format!("Eyes/{}/b", "x".repeat(120)), &b"def"[..]).unwrap();
        let bytes = builder.into_inner().unwrap();
        assert_eq!(read(Target::Tar, &bytes), Ok(()));
        let outcome = fuzz(&arguments(Target::Tar, Path::new("a")), &bytes);
        assert!(outcome.panic.is_none() && outcome.n_read > 0 && outcome.n_refused > 0);
    }
}
