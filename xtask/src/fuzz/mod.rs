//! `cargo xtask fuzz`: runs the readers of untrusted files on randomly damaged files. It needs only stable
//! Rust.

#![expect(clippy::print_stderr, reason = "it talks to a person")]

// Shared with the tests, so that a seed that fails here fails there.
mod counting;
#[path = "../../../crates/simgan-data/tests/common/damage.rs"]
mod damage;
mod samples;
mod targets;
mod watchdog;

use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use clap::{Args, ValueEnum};

use self::counting::counted;
use self::damage::damage;
use self::samples::Sample;
use self::targets::Target;
use self::watchdog::Watchdog;
use crate::failure::hinted;

/// What to damage, and how often.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// The reader; all of them unless given
    target: Option<Target>,
    /// Valid files to damage, such as PNG, .mat, .tar or label files; small ones are made unless given
    files: Vec<PathBuf>,
    /// Number of damaged copies per file
    #[arg(long, value_name = "N", default_value_t = 20_000)]
    iterations: u64,
    /// First seed; a seed always damages a file in the same way
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
}

/// No reader may allocate more while it reads one of these small files.
const MAX_BYTES: usize = 1 << 30;
/// No reader may take longer.
const MAX_DURATION: Duration = Duration::from_secs(20);

/// Runs `cargo xtask fuzz` with an allocator that counts; the program is built again if it has none.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    if cfg!(feature = "counting") {
        return fuzz_all(root, arguments);
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let again = ["run", "--quiet", "--package", "xtask", "--features", "counting", "--"];
    let status = Command::new(cargo).args(again).args(std::env::args_os().skip(1)).current_dir(root).status();
    ensure!(status.context("cargo did not start")?.success(), "a reader failed, as told above");
    Ok(())
}

/// Fuzzes every file. Stops at the first panic, the first read that allocates too much and the first that does
/// not end.
fn fuzz_all(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let targets: Vec<Target> = arguments.target.map_or(Target::value_variants().to_vec(), |one| vec![one]);
    let watchdog = Watchdog::start(MAX_DURATION);
    let mut n_mutations = 0;
    for target in targets {
        let samples = match &arguments.files[..] {
            [] => samples::of(target)?,
            files => files.iter().map(|path| Sample::read(path)).collect::<anyhow::Result<_>>()?,
        };
        for sample in samples {
            fuzz(target, &sample, arguments, &watchdog, root)?;
            n_mutations += arguments.iterations;
        }
    }
    eprintln!("{n_mutations} mutations, no panic, nothing above {} MiB", MAX_BYTES >> 20);
    Ok(())
}

/// Makes the error for a file that cannot be fuzzed.
fn bad(name: &Path, reason: &str) -> anyhow::Error {
    hinted(format!("{}: {reason}", name.display()), "give a good file")
}

/// Damages one file again and again.
fn fuzz(
    target: Target,
    sample: &Sample,
    arguments: &Arguments,
    watchdog: &Watchdog,
    root: &Path,
) -> anyhow::Result<()> {
    let Sample { name, bytes } = sample;
    ensure!(!bytes.is_empty(), bad(name, "empty"));
    // A reader that rejects the intact file would reject its copies early and exercise little code.
    targets::read(target, name, bytes).map_err(|error| bad(name, &error))?;
    let (mut n_read, mut largest, mut slowest) = (0_u64, (0, 0), (Duration::ZERO, 0));
    let seeds = arguments.seed..arguments.seed.saturating_add(arguments.iterations);
    for seed in seeds.clone() {
        let damaged = damage(bytes, seed);
        let fails = |what: &str| -> anyhow::Result<()> {
            let kept = root.join("target").join(format!("fuzz-{seed}"));
            simgan_data::write_atomic(&kept, &damaged).with_context(|| kept.display().to_string())?;
            bail!(
                "{target:?}, {}: seed {seed} {what}; the damaged file is {}",
                name.display(),
                kept.display()
            )
        };
        let watched = watchdog.watch(format!("{target:?}, {}, seed {seed}", name.display()));
        let start = Instant::now();
        let (result, n_bytes) = counted(|| catch_unwind(|| targets::read(target, name, &damaged)));
        let Ok(result) = result else { return fails("ends in a panic") };
        drop(watched);
        if n_bytes > MAX_BYTES {
            return fails(&format!("allocates {} MiB", n_bytes >> 20));
        }
        n_read += u64::from(result.is_ok());
        largest = largest.max((n_bytes, seed));
        slowest = slowest.max((start.elapsed(), seed));
    }
    eprintln!(
        "{target:?}, {}: {n_read} read, {} refused; at most {} KiB (seed {}) and {:.0} ms (seed {})",
        name.display(),
        seeds.end - seeds.start - n_read,
        largest.0 >> 10,
        largest.1,
        slowest.0.as_secs_f64() * 1e3,
        slowest.1
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(target: Option<Target>, files: Vec<PathBuf>) -> Arguments {
        Arguments { target, files, iterations: 40, seed: 9 }
    }

    #[test]
    fn every_reader_survives_damage() {
        let folder = tempfile::tempdir().unwrap();
        fuzz_all(folder.path(), &arguments(None, Vec::new())).unwrap();
    }

    #[test]
    fn bad_beginnings_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("record");
        std::fs::write(&path, "no MATLAB file").unwrap();
        let error = fuzz_all(folder.path(), &arguments(Some(Target::Mat), vec![path])).unwrap_err();
        assert!(crate::failure::text(&error).contains("hint: give a good file"), "{error}");
    }
}
