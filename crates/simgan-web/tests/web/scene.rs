//! Runs to show: one made of a few lines, or really trained.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use candle_core::Device;
use simgan_data::{Image, MemorySource, Pixels, Sample, Source};
use simgan_train::{Recipe, RunDir, Sources, TrainConfig, Trainer, run};
use tempfile::TempDir;

/// The settings of a run that trains in a moment.
fn config() -> TrainConfig {
    let set = [
        "data.batch=2",
        "data.size=9x7",
        "refiner.features=4",
        "refiner.blocks=1",
        "history.capacity=0",
        "schedule.pretrain_refiner=2",
        "schedule.pretrain_discriminator=2",
        "schedule.steps=6",
        "output.log_every=1",
        "output.sample_every=5",
        "output.checkpoint_every=5",
    ];
    TrainConfig::resolve(Some(Recipe::Demo), None, &set.map(str::to_owned)).unwrap()
}

/// A folder of runs.
pub(crate) struct Scene {
    pub(crate) folder: TempDir,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Trains a run of ten steps to its end.
    pub(crate) fn train(&self, name: &str) -> PathBuf {
        let path = self.path(name);
        let pattern = |seed: usize| (0..63).map(|pixel| ((pixel * seed * 7) % 255) as u8).collect();
        let image =
            |seed: usize| Sample::new(seed.to_string(), Image::new(1, 7, 9, Pixels::U8(pattern(seed))));
        let source: Arc<dyn Source> = Arc::new(MemorySource::new((1..4).map(image).collect()).unwrap());
        let sources = Sources { synthetic: Arc::clone(&source), real: source, tone: None };
        let folder = RunDir::create(&path, &config()).unwrap();
        let mut trainer = Trainer::new(config(), &sources, &Device::Cpu).unwrap();
        run(&mut trainer, &folder, &mut |_| {}, &AtomicBool::new(false)).unwrap();
        path
    }

    /// Writes a run with this many steps of a thousand, that no process trains.
    pub(crate) fn write(&self, name: &str, n_steps: u64) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("config.toml"), config().resolved()).unwrap();
        fs::write(path.join("metrics.jsonl"), start() + &steps(1, n_steps)).unwrap();
        path
    }
}

/// The first line of a run.
pub(crate) fn start() -> String {
    "{\"event\":\"start\",\"version\":3,\"step\":0,\"total_steps\":1000,\"phase\":\"adversarial\",\
     \"n_synthetic\":5,\"n_real\":6}\n"
        .to_owned()
}

/// Lines of steps from `first` to `last`; the refiner's loss is the step's number.
pub(crate) fn steps(first: u64, last: u64) -> String {
    let mut text = String::new();
    for step in first..=last {
        let report = format!(
            "{{\"event\":\"step\",\"step\":{step},\"phase\":\"adversarial\",\"phase_step\":{step},\"refiner\":\
             {{\"loss\":{step}.0,\"adversarial\":0.5,\"self_regularization\":0.25,\"change\":0.125,\"gradient_norm\":\
             1.0}},\"discriminator\":{{\"loss\":1.25,\"loss_real\":0.5,\"loss_refined\":0.75,\"accuracy_real\":0.5,\
             \"accuracy_refined\":0.75,\"gradient_norm\":1.0}},\"images_per_sec\":100.0,\"n_skipped\":0}}"
        );
        writeln!(text, "{report}").unwrap();
    }
    text
}

/// Appends lines to a run's metrics.
pub(crate) fn append(run: &Path, lines: &str) {
    use std::io::Write;
    let file = fs::File::options().append(true).open(run.join("metrics.jsonl"));
    file.unwrap().write_all(lines.as_bytes()).unwrap();
}
