//! Ablations as in the paper: trains and measures refiners that differ in one setting.
//!
//! An [`ExperimentConfig`] lists the variants. [`Experiment::run`] trains each in several draws, which differ
//! in every seed, and measures them against shared baselines. [`ExperimentResults`] is the table. Finished
//! work stays in a folder and is never repeated:
//!
//! ```text
//! experiment.toml               everything that determines the result
//! draw-0/baselines.json         the baselines, written once their networks are complete
//! draw-0/judges/0.safetensors   the networks of the row `synthetic`, one for each seed
//! draw-0/VARIANT/               the refiner's run
//! draw-0/VARIANT.json           its Evaluation; the file marks the variant as done
//! results.json                  the table
//! index.html                    the same as a page, written by [`report::write_experiment`](crate::report::write_experiment)
//! ```

mod config;
mod draw;
mod estimate;
mod files;
mod results;
mod set;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use candle_core::Device;
use simgan_data::Registry;
use simgan_train::{Event, Sources, Trainer};

pub use self::config::{EXPERIMENT_VERSION, ExperimentConfig, Variant};
pub use self::results::{Comparison, ExperimentResults, ExperimentRow, RESULTS_VERSION, Refinement};
pub use self::set::VariantSet;

use self::draw::Draw;
use crate::EvalError;
use crate::evaluation::{Evaluation, EvaluationData, Plan, Progress, Watch};

const CONFIG_FILE: &str = "experiment.toml";
const RESULTS_FILE: &str = "results.json";

/// An event of an experiment.
#[derive(Debug)]
pub enum ExperimentEvent<'a> {
    /// A part begins.
    Begin {
        /// Its draw, counted from 0.
        draw: u64,
        /// A description of the part.
        doing: String,
    },
    /// How long a new experiment will take on this machine.
    Estimate(Duration),
    /// An event of a refiner's training.
    Training(&'a Event),
    /// Progress of a measurement.
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
    /// Opens an experiment in a new or empty folder, or one to continue; writes nothing yet. The number of
    /// draws may change: finished draws count, and with fewer draws the table covers the first ones.
    ///
    /// # Errors
    ///
    /// If the folder holds another experiment or other files.
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

    /// Does the missing work and writes the results.
    ///
    /// # Errors
    ///
    /// [`EvalError::Stopped`] once `stop` is set; finished work is kept, and the current run writes a
    /// checkpoint. If images cannot be read or do not fit, before anything is written. If training fails or a
    /// file cannot be written.
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

    /// Begins the experiment unless its configuration file exists, which proves that images and settings are
    /// valid. Returns the images of the first draw if it read them.
    fn begin(&self, talk: &mut Talk<'_>) -> Result<Option<EvaluationData>, EvalError> {
        let path = self.folder.join(CONFIG_FILE);
        if path.exists() {
            // Only the number of draws can differ from the file: `open` has checked the rest.
            self.config.write(&path)?;
            return Ok(None);
        }
        let data = self.draw(0).read(talk)?;
        let mut training = Duration::ZERO;
        for variant in &self.config.variants {
            let config = self.config.training_of(variant, 0)?;
            // Builds each trainer only to check its settings and images before anything is written.
            let sources = Sources::open(&config, &self.registry)?;
            Trainer::new(config.clone(), &sources, &self.device)?;
            training += estimate::of_training(&config, &sources, &self.device)?;
        }
        (talk.observe)(&ExperimentEvent::Estimate(self.estimate(&data, training)?));
        fs::create_dir_all(&self.folder).map_err(EvalError::io(&self.folder))?;
        self.config.write(&path)?;
        Ok(Some(data))
    }

    /// Estimates the time of the whole experiment, given that of one draw's training.
    fn estimate(&self, data: &EvaluationData, training: Duration) -> Result<Duration, EvalError> {
        let config = self.config.evaluation_of(0);
        let plan = Plan::new(data, &config)?;
        let n_variants = self.config.variants.len() as u32;
        let draw = training + plan.estimate_of(false)? + n_variants * plan.estimate_of(true)?;
        Ok(draw * u32::try_from(self.config.draws).unwrap_or(u32::MAX))
    }

    fn draw(&self, number: u64) -> Draw<'_> {
        let folder = draw_folder(&self.folder, number);
        Draw { config: &self.config, registry: &self.registry, device: &self.device, number, folder }
    }
}

/// The folder of a draw, counted from 0.
pub(crate) fn draw_folder(experiment: &Path, number: u64) -> PathBuf {
    experiment.join(format!("draw-{number}"))
}

/// The evaluations of a draw, in the order of the variants.
type DrawFigures = Vec<Evaluation>;

/// Reports events to a callback and carries the stop flag.
struct Talk<'a> {
    observe: &'a mut dyn FnMut(&ExperimentEvent<'_>),
    stop: &'a AtomicBool,
}

impl Talk<'_> {
    fn begin(&mut self, draw: u64, doing: impl Into<String>) {
        (self.observe)(&ExperimentEvent::Begin { draw, doing: doing.into() });
    }

    /// Runs a measurement that takes `n_updates` updates of estimators.
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
