//! The project's build tasks: `cargo xtask ci` with its checks, benchmarks and data sets.

mod bench;
mod ci;
mod device_check;
mod failure;
mod fetch;
mod fuzz;
mod preprocess;
mod progress;
mod tidy;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's build tasks")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Compare the kernels' speed with PyTorch and ONNX Runtime; writes crates/simgan-kernels/RESULTS.md
    Bench(bench::Arguments),
    /// Run every check a change must pass, cheapest first: format, tidy, clippy, tests, docs
    Ci,
    /// Pack programs, tests and a script that runs them, for a machine with an NVIDIA GPU and no network
    DeviceCheck(device_check::Arguments),
    /// Fetch data sets, list them, or explain how to get them by hand
    FetchData(fetch::Arguments),
    /// Damage files at random and read them; every read must quickly return a value or an error
    Fuzz(fuzz::Arguments),
    /// Pack a data set into one file for fast training
    Preprocess(Box<preprocess::Arguments>),
    /// Check those invariants of crates/README.md that a program can check
    Tidy,
}

fn main() -> ExitCode {
    let root = workspace_root();
    let done = match Arguments::parse().task {
        Task::Bench(arguments) => bench::run(&root, &arguments),
        Task::Ci => ci::run(&root),
        Task::DeviceCheck(arguments) => device_check::run(&root, &arguments),
        Task::FetchData(arguments) => fetch::run(&root, &arguments),
        Task::Fuzz(arguments) => fuzz::run(&root, &arguments),
        Task::Preprocess(arguments) => preprocess::run(&root, &arguments),
        Task::Tidy => tidy::run(&root),
    };
    let Err(error) = done else { return ExitCode::SUCCESS };
    // A closed standard error leaves nobody to report to.
    let _ = writeln!(std::io::stderr(), "error: {}", failure::text(&error));
    ExitCode::FAILURE
}

/// What to type for `simgan` in a clone.
const SIMGAN: &str = "cargo run -p simgan-cli --";

/// The folder of the workspace's `Cargo.toml`.
fn workspace_root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_path_buf()
}
