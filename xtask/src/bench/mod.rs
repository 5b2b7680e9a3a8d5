//! `cargo xtask bench`: compares the kernels' speed with PyTorch and ONNX Runtime and writes a page of
//! tables.

mod machine;
mod measure;
mod page;

use std::path::{Path, PathBuf};

use anyhow::Context;

use self::measure::{Estimator, Figure, Pass, Programs, Row, Task};

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
    /// Measure only the estimators, and replace only their table on the page.
    #[arg(long, conflicts_with = "quick")]
    estimators: bool,
    /// The page to write.
    #[arg(long, value_name = "FILE", default_value = "crates/simgan-kernels/RESULTS.md")]
    output: PathBuf,
}

/// Runs all measurements and writes the page.
pub(crate) fn run(root: &Path, arguments: &Arguments) -> anyhow::Result<()> {
    let programs = Programs::new(root, arguments)?;
    let output = root.join(&arguments.output);
    let measure = |tasks: &[Task]| -> anyhow::Result<Vec<Row>> {
        let numbered = tasks.iter().enumerate().map(|(at, task)| {
            announce(&format!("{} of {}: {task}", at + 1, tasks.len()));
            programs.measure(task)
        });
        numbered.collect()
    };
    let machine = machine::describe(root);
    let mut page = if arguments.estimators {
        page::without_estimators(std::fs::read_to_string(&output).unwrap_or_default())
    } else if arguments.quick {
        page::page(&machine, &measure(&[Task::new(Figure::Refine, 8, 2)])?)
    } else {
        page::page(&machine, &measure(&adversarial())?)
    };
    if !arguments.quick {
        page.push_str(&page::estimators(&machine, &measure(&estimators())?, arguments.rounds));
    }
    std::fs::write(&output, page).with_context(|| format!("cannot write {}", output.display()))?;
    announce(&format!("written to {}", output.display()));
    Ok(())
}

/// The paper's networks at its image size with several batches, and refining alone at other sizes.
fn adversarial() -> Vec<Task> {
    let batches = [(64, 2), (64, 1), (8, 2), (512, 2)];
    let mut tasks: Vec<Task> = batches
        .into_iter()
        .flat_map(|(batch, threads)| {
            let main = (batch, threads) == (64, 2);
            Figure::ADVERSARIAL.map(|figure| Task { main, ..Task::new(figure, batch, threads) })
        })
        .collect();
    for (size, batch) in [("60x36", 64), ("64x64", 64), ("224x224", 8)] {
        for channels in [1, 3] {
            tasks.push(Task { size, channels, ..Task::new(Figure::Refine, batch, 2) });
        }
    }
    tasks
}

/// A forward pass and a training step of each estimator.
fn estimators() -> Vec<Task> {
    let passes =
        Estimator::ALL.into_iter().flat_map(|network| [(network, Pass::Forward), (network, Pass::Step)]);
    let task = |(network, pass): (Estimator, Pass)| {
        let (size, batch) = network.conditions();
        Task { size, main: true, ..Task::new(Figure::Estimator(network, pass), batch, 2) }
    };
    passes.map(task).collect()
}

#[expect(clippy::print_stderr, reason = "a person watches it")]
fn announce(line: &str) {
    eprintln!("bench: {line}");
}
