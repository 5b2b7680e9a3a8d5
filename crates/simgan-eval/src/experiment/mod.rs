//! Ablations as the paper: refiners that differ in one setting, trained and measured side by side.
//!
//! An [`ExperimentConfig`] names the variants; [`Experiment::run`] trains each of them in several draws, which differ in
//! every seed, and measures them beside baselines that they share, [`ExperimentResults`] are the table. What is done is
//! kept in a folder, and done no second time:
//!
//! ```text
//! experiment.toml               everything that decides the result
//! draw-0/baselines.json         what does not depend on a refiner
//! draw-0/judges/0.safetensors   the networks of the row `synthetic`, one for each seed
//! draw-0/VARIANT/               the refiner's run
//! draw-0/VARIANT.json           what was measured about it, an Evaluation
//! results.json                  the table
//! ```

mod config;
mod draw;
mod files;
mod results;
mod set;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use candle_core::Device;
use simgan_data::Registry;
use simgan_train::{Event, Sources, Trainer};

pub use self::config::{EXPERIMENT_VERSION, ExperimentConfig, Variant};
pub use self::results::{Comparison, ExperimentResults, ExperimentRow, Refinement};
pub use self::set::VariantSet;

use self::draw::Draw;
use crate::EvalError;
use crate::evaluation::{Evaluation, EvaluationData, Progress, Watch};

const CONFIG_FILE: &str = "experiment.toml";
const RESULTS_FILE: &str = "results.json";

/// What happens in an experiment.
#[derive(Debug)]
pub enum ExperimentEvent<'a> {
    /// Another part begins.
    Begin {
        /// Its draw, counted from 0.
        draw: u64,
        /// What is done.
        doing: String,
    },
    /// In the training of a refiner.
    Training(&'a Event),
    /// In measuring.
    Measuring(&'a Progress),
}

/// An experiment in its folder.
pub struct Experiment {
    config: ExperimentConfig,
    folder: PathBuf,
    registry: Registry,
    device: Device,
}

impl Experiment {
    /// An experiment that is to be begun in a new or empty folder, or to be continued where it stopped. Nothing is written
    /// yet. It may have more draws than before: those that are done count. With fewer, the table is of the first ones.
    ///
    /// # Errors
    ///
    /// If the folder holds another experiment, or anything else.
    pub fn open(
        folder: &Path,
        config: ExperimentConfig,
        registry: Registry,
        device: &Device,
    ) -> Result<Self, EvalError> {
        let path = folder.join(CONFIG_FILE);
        if path.exists() {
            config.check_same(&path)?;
        } else if folder.exists() {
            let mut entries = fs::read_dir(folder).map_err(EvalError::io(folder))?;
            if entries.next().is_some() {
                let reason = "not empty, and holds no experiment";
                return Err(EvalError::Folder { path: folder.to_owned(), reason });
            }
        }
        Ok(Self { config, folder: folder.to_owned(), registry, device: device.clone() })
    }

    /// Does what is not done yet, and writes the results.
    ///
    /// # Errors
    ///
    /// [`EvalError::Stopped`] once `stop` is set: what is done is kept, the run under way with a checkpoint. If images
    /// cannot be read or are not fit for it, before anything is written; if training fails, or a file cannot be written.
    pub fn run(
        &self,
        observe: &mut dyn FnMut(&ExperimentEvent<'_>),
        stop: &AtomicBool,
    ) -> Result<ExperimentResults, EvalError> {
        let mut talk = Talk { observe, stop };
        let mut first = self.begin(&mut talk)?;
        let mut draws = Vec::new();
        for number in 0..self.config.draws {
            draws.push(self.draw(number).finish(first.take(), &mut talk)?);
        }
        let results = ExperimentResults::new(&self.config, &draws)?;
        files::write_json(&self.folder.join(RESULTS_FILE), &results)?;
        Ok(results)
    }

    /// Begins it, unless that was done before: images and configuration are known to be good then, and only the number of
    /// draws may be another. Returns the images of the first draw, if they were read.
    fn begin(&self, talk: &mut Talk<'_>) -> Result<Option<EvaluationData>, EvalError> {
        let path = self.folder.join(CONFIG_FILE);
        if path.exists() {
            self.config.write(&path)?;
            return Ok(None);
        }
        let data = self.draw(0).read(talk)?;
        for variant in &self.config.variants {
            let config = self.config.training_of(variant, 0)?;
            Trainer::new(config.clone(), &Sources::open(&config, &self.registry)?, &self.device)?;
        }
        fs::create_dir_all(&self.folder).map_err(EvalError::io(&self.folder))?;
        self.config.write(&path)?;
        Ok(Some(data))
    }

    fn draw(&self, number: u64) -> Draw<'_> {
        let folder = self.folder.join(format!("draw-{number}"));
        Draw { config: &self.config, registry: &self.registry, device: &self.device, number, folder }
    }
}

/// What each variant of a draw was measured to be, in their order.
type DrawFigures = Vec<Evaluation>;

/// Who is told what happens, and who may stop it.
struct Talk<'a> {
    observe: &'a mut dyn FnMut(&ExperimentEvent<'_>),
    stop: &'a AtomicBool,
}

impl Talk<'_> {
    fn begin(&mut self, draw: u64, doing: impl Into<String>) {
        (self.observe)(&ExperimentEvent::Begin { draw, doing: doing.into() });
    }

    /// Does some measuring that takes so many updates of gaze networks.
    fn measure<T>(
        &mut self,
        n_updates: u64,
        work: impl FnOnce(&mut Watch<'_>) -> Result<T, EvalError>,
    ) -> Result<T, EvalError> {
        let mut tell = |progress: &Progress| (self.observe)(&ExperimentEvent::Measuring(progress));
        let mut watch = Watch::new(&mut tell, self.stop);
        watch.expect(n_updates);
        work(&mut watch)
    }
}
