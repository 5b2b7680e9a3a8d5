//! The configuration of a run: its settings, where their values come from, and their checks.
//!
//! Each section's file defines its settings in one list (name, type, range and help), their values in each
//! recipe, and the checks that involve several values. The crates of networks and optimizers own their lists;
//! the files here only give the recipes' values.

mod augmentation;
mod auto;
mod channels;
mod compute;
mod data;
mod discriminator;
mod ema;
mod error;
mod every;
mod history;
mod loss;
mod manual;
mod optim;
mod output;
mod overlay;
mod range;
mod recipe;
mod refiner;
mod schedule;
mod selection;
mod size;
mod start;
#[cfg(test)]
mod tests;
mod tone;

use simgan_models::RefinerConfig;
use simgan_settings::{Range, Setting, settings};
use toml::{Table, Value};

pub use self::augmentation::{Flip, RandomCrop};
pub use self::channels::Channels;
pub use self::compute::ComputeConfig;
pub use self::data::DataConfig;
pub use self::discriminator::{DiscriminatorSection, Field, Patches};
pub use self::ema::EmaConfig;
pub use self::error::ConfigError;
pub use self::every::Every;
pub use self::history::HistoryConfig;
pub use self::loss::LossConfig;
pub use self::manual::settings_page;
pub use self::optim::OptimConfig;
pub use self::output::OutputConfig;
pub use self::range::DataRange;
pub use self::recipe::Recipe;
pub use self::schedule::ScheduleConfig;
pub use self::selection::SelectionConfig;
pub use self::size::DataSize;
pub use self::start::StartConfig;
pub use self::tone::ToneKind;
pub(crate) use self::tone::stage_of;
pub use simgan_losses::{AdversarialLoss, Psi};
pub use simgan_optim::{OptimizerConfig, OptimizerKind};

/// Format version of the configuration, `version` in the file.
pub const CONFIG_VERSION: u32 = 1;

/// Maximum number of steps: what the first version allowed. "Never" is written as a huge number.
const STEPS: u64 = 1 << 53;

settings! {
    /// The complete configuration of a run: nothing else determines what it computes.
    ///
    /// [`TrainConfig::resolve`] starts from a [`Recipe`] and lays a file and single values over it.
    ///
    /// ```
    /// use simgan_train::{Recipe, TrainConfig};
    ///
    /// let file = "recipe = \"eye-gaze\"\n[loss]\nlambda = 4.0";
    /// let config = TrainConfig::resolve(None, Some(file), &["schedule.k_g=1".to_owned()])?;
    /// assert_eq!(config.data.batch, 512); // from the recipe
    /// assert_eq!((config.loss.lambda, config.schedule.k_g), (4.0, 1));
    ///
    /// let again = TrainConfig::resolve(None, Some(&config.resolved()), &[])?;
    /// assert_eq!(again, config);
    /// # Ok::<(), simgan_train::ConfigError>(())
    /// ```
    #[derive(Clone, Debug, PartialEq)]
    pub struct TrainConfig {
        /// Format version of this file.
        version: u32 = Range::Form("1, the only version so far", |version| {
            version.as_integer() == Some(i64::from(CONFIG_VERSION))
        }),
        /// The recipe that supplies every value not set explicitly.
        recipe: Recipe = Range::OneOf(&["demo", "depth", "eye-gaze", "hand-pose"]),
        /// Seed of all random numbers: the same seed gives the same run.
        seed: u64 = Range::Whole(0, 1 << 53),
        .. {
            /// The images.
            data: DataConfig,
            /// The refiner to go on from.
            #[serde(default)]
            start: StartConfig,
            /// The refiner R; its images have `data.channels`.
            refiner: RefinerConfig,
            /// The discriminator D; its images have `data.channels`.
            discriminator: DiscriminatorSection,
            /// The losses.
            loss: LossConfig,
            /// The history of refined images (§2.3).
            history: HistoryConfig,
            /// The number of steps in each phase.
            schedule: ScheduleConfig,
            /// The optimizers.
            optim: OptimConfig,
            /// The running average of R's weights.
            ema: EmaConfig,
            /// The selection of the best checkpoint.
            selection: SelectionConfig,
            /// How the networks are computed.
            #[serde(default)]
            compute: ComputeConfig,
            /// What a run writes, and how often.
            output: OutputConfig,
        }
    }
}

/// A section of the configuration, `[name]` in the file.
#[derive(Clone, Copy, Debug)]
struct Section {
    /// Empty for the values before the first section.
    name: &'static str,
    doc: &'static str,
    settings: &'static [&'static [Setting]],
}

/// All sections, in the order of the file and of the manual.
const SECTIONS: &[Section] = &[
    Section::new("", "", &[TrainConfig::SETTINGS]),
    data::SECTION,
    start::SECTION,
    refiner::SECTION,
    discriminator::SECTION,
    loss::SECTION,
    history::SECTION,
    schedule::SECTION,
    optim::REFINER,
    optim::DISCRIMINATOR,
    ema::SECTION,
    selection::SECTION,
    compute::SECTION,
    output::SECTION,
];

impl Section {
    const fn new(name: &'static str, doc: &'static str, settings: &'static [&'static [Setting]]) -> Self {
        Self { name, doc, settings }
    }

    fn settings(&self) -> impl Iterator<Item = &'static Setting> {
        self.settings.iter().copied().flatten()
    }

    /// Returns the setting's full key, `section.name`.
    fn key(&self, setting: &Setting) -> String {
        match self.name {
            "" => setting.name.to_owned(),
            section => format!("{section}.{}", setting.name),
        }
    }

    /// Returns the section's table in a complete configuration.
    fn table<'a>(&self, config: &'a Table) -> Option<&'a Table> {
        let mut names = self.name.split('.').filter(|name| !name.is_empty());
        names.try_fold(config, |table, name| table.get(name).and_then(Value::as_table))
    }
}

/// Returns every setting with its full key.
fn all_settings() -> impl Iterator<Item = (String, &'static Setting)> {
    let of_section = |section: &'static Section| section.settings().map(|row| (section.key(row), row));
    SECTIONS.iter().flat_map(of_section)
}

impl TrainConfig {
    /// Checks every value's range and the constraints between values.
    ///
    /// # Errors
    /// The first invalid value, with the allowed ones.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        // The ranges are defined on TOML values, so that one check serves files, `--set` and values built in
        // code.
        let table = Table::try_from(self).map_err(|error| ConfigError::Unwritable(error.to_string()))?;
        for section in SECTIONS {
            let values = section.table(&table);
            for settings in section.settings {
                simgan_settings::check(section.name, settings, &values)?;
            }
        }
        let checks = [data::check, refiner::check, discriminator::check, loss::check, history::check];
        checks.into_iter().try_for_each(|check| check(self))
    }
}
