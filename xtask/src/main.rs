//! The project's own tasks: `cargo xtask ci` and the checks under it, and the data.

mod ci;
mod preprocess;
mod tidy;

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own tasks")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything that must hold before a change lands, cheapest first: format, tidy, clippy, tests, docs
    Ci,
    /// Pack a data set into one file that trains fast
    Preprocess(Box<preprocess::Arguments>),
    /// Check the invariants of crates/README.md that a program can check
    Tidy,
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().task {
        Task::Ci => ci::run(&workspace_root()),
        Task::Preprocess(arguments) => preprocess::run(&workspace_root(), &arguments),
        Task::Tidy => tidy::run(&workspace_root()),
    }
}

/// The folder of the workspace's `Cargo.toml`.
fn workspace_root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_path_buf()
}
