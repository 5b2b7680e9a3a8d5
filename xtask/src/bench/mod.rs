//! `cargo xtask bench`: compares the kernels' speed with PyTorch and ONNX Runtime and writes a page of
//! tables.

mod machine;
mod measure;
mod page;

use std::path::{Path, PathBuf};

use anyhow::Context;

use self::measure::{Figure, Programs, Row, Task};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// A Python with torch, onnx and onnxruntime to compare with; without it, only simgan is measured.
    #[arg(long, value_name = "PROGRAM")]
    python: Option<PathBuf>,
    /// Skip torch.compile, which runs on batches of 64 images and takes minutes to start.
    #[arg(long)]
    no_compile: bool,
    /// Timed repetitions per figure; the median counts.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    reps: u32,
    /// Rounds of the main figures (batches of 64, two threads), alternating between both sides; the median
    /// counts.
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Measure only batches of 8 images of 55x35 pixels, to see that it works.
    #[arg(long)]
    quick: bool,
    /// The page to write.
    #[arg(long, value_name = "FILE", default_value = "crates/simgan-kernels/RESULTS.md")]
    output: PathBuf,
}

/// Runs all measurements and writes the page.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let programs = Programs::new(root, arguments)?;
    let tasks = if arguments.quick { vec![Task::new(Figure::Refine, 8, 2)] } else { tasks() };
    let mut rows: Vec<Row> = Vec::with_capacity(tasks.len());
    for (at, task) in tasks.iter().enumerate() {
        announce(&format!("{} of {}: {task}", at + 1, tasks.len()));
        rows.push(programs.measure(task)?);
    }
    let page = page::page(&machine::describe(root), &rows);
    let output = root.join(&arguments.output);
    std::fs::write(&output, page).with_context(|| format!("cannot write {}", output.display()))?;
    announce(&format!("written to {}", output.display()));
    Ok(())
}

/// The paper's networks at its image size with several batches, and refining alone at other sizes.
fn tasks() -> Vec<Task> {
    let batches = [(64, 2), (64, 1), (8, 2), (512, 2)];
    let mut tasks: Vec<Task> = batches
        .into_iter()
        .flat_map(|(batch, threads)| {
            let main = (batch, threads) == (64, 2);
            Figure::ALL.map(|figure| Task { main, ..Task::new(figure, batch, threads) })
        })
        .collect();
    for (size, batch) in [("60x36", 64), ("64x64", 64), ("224x224", 8)] {
        for channels in [1, 3] {
            tasks.push(Task { size, channels, ..Task::new(Figure::Refine, batch, 2) });
        }
    }
    tasks
}

#[expect(clippy::print_stderr, reason = "a person watches it")]
fn announce(line: &str) {
    eprintln!("bench: {line}");
}
