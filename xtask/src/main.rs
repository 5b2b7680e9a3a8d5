//! The project's own tasks: `cargo xtask ci` and the checks under it, and the data.

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
#[command(name = "cargo xtask", about = "The project's own tasks")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Measure the kernels' speed beside PyTorch and ONNX Runtime, and write crates/simgan-kernels/RESULTS.md
    Bench(bench::Arguments),
    /// Everything that must hold before a change lands, cheapest first: format, tidy, clippy, tests, docs
    Ci,
    /// Pack programs and tests for a machine with an NVIDIA GPU and no network, with one script that runs
    /// them
    DeviceCheck(device_check::Arguments),
    /// Fetch data sets, or tell how they are had; list them
    FetchData(fetch::Arguments),
    /// Damage files at random and read them: every answer must be a value or an error, soon
    Fuzz(fuzz::Arguments),
    /// Pack a data set into one file that trains fast
    Preprocess(Box<preprocess::Arguments>),
    /// Check the invariants of crates/README.md that a program can check
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
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(std::io::stderr(), "error: {}", failure::text(&error));
    ExitCode::FAILURE
}

/// The folder of the workspace's `Cargo.toml`.
fn workspace_root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_path_buf()
}
