//! The configuration of a run: what is in it, where it comes from, how it is checked.
//!
//! A section's file has everything about its settings: name, type, range and help in one list, the values of each
//! recipe, and the checks that need more than one value. Networks and optimizers own their lists; the section's file
//! here only says what the recipes take.

mod data;
mod discriminator;
mod ema;
mod error;
mod history;
mod loss;
mod manual;
mod optim;
mod output;
mod overlay;
mod recipe;
mod refiner;
mod schedule;
mod selection;
mod size;
#[cfg(test)]
mod tests;

use simgan_models::RefinerConfig;
use simgan_settings::{Range, Setting, settings};
use toml::{Table, Value};

pub use self::data::DataConfig;
pub use self::discriminator::DiscriminatorSection;
pub use self::ema::EmaConfig;
pub use self::error::ConfigError;
pub use self::history::HistoryConfig;
pub use self::loss::LossConfig;
pub use self::manual::settings_page;
pub use self::optim::OptimConfig;
pub use self::output::OutputConfig;
pub use self::recipe::Recipe;
pub use self::schedule::ScheduleConfig;
pub use self::selection::SelectionConfig;
pub use self::size::DataSize;
pub use simgan_losses::{AdversarialLoss, Psi};
pub use simgan_optim::{OptimizerConfig, OptimizerKind};

/// Version of the configuration's format, `version` in the file.
pub const CONFIG_VERSION: u32 = 1;

/// More steps than anybody will ever train: beyond this a number is a mistake.
const STEPS: u64 = 1_000_000_000;

settings! {
    /// Everything that decides what a run computes. Complete: there are no values outside it.
    ///
    /// Start from a [`Recipe`], lay a file and single values over it with [`TrainConfig::resolve`].
    ///
    /// ```
    /// use simgan_train::{Recipe, TrainConfig};
    ///
    /// let file = "recipe = \"eye-gaze\"\n[loss]\nlambda = 4.0";
    /// let config = TrainConfig::resolve(None, Some(file), &["schedule.k_g=1".to_owned()])?;
    /// assert_eq!(config.data.batch, 512); // the recipe's
    /// assert_eq!((config.loss.lambda, config.schedule.k_g), (4.0, 1));
    ///
    /// let again = TrainConfig::resolve(None, Some(&config.resolved()), &[])?;
    /// assert_eq!(again, config);
    /// # Ok::<(), simgan_train::ConfigError>(())
    /// ```
    #[derive(Clone, Debug, PartialEq)]
    pub struct TrainConfig {
        /// Version of this file's format.
        version: u32 = Range::Form("1", |version| version.as_integer() == Some(i64::from(CONFIG_VERSION))),
        /// The recipe that gives every value that is not set.
        recipe: Recipe = Range::OneOf(&["demo", "eye-gaze", "hand-pose"]),
        /// Seed of every random number of the run: the same seed gives the same run.
        seed: u64 = Range::Whole(0, 1 << 53),
        .. {
            /// The images.
            data: DataConfig,
            /// The refiner R; its images have `data.channels`.
            refiner: RefinerConfig,
            /// The discriminator D; its images have `data.channels`.
            discriminator: DiscriminatorSection,
            /// What is minimised.
            loss: LossConfig,
            /// The history of refined images (§2.3).
            history: HistoryConfig,
            /// How many steps of what.
            schedule: ScheduleConfig,
            /// How the weights follow the gradients.
            optim: OptimConfig,
            /// The running average of R's weights.
            ema: EmaConfig,
            /// How the best checkpoint is chosen.
            selection: SelectionConfig,
            /// What is written, and when.
            output: OutputConfig,
        }
    }
}

/// A part of the configuration, `[name]` in its file.
#[derive(Clone, Copy, Debug)]
struct Section {
    /// Empty for the values before the first section.
    name: &'static str,
    doc: &'static str,
    settings: &'static [&'static [Setting]],
}

/// All of them, in the order of the file and of the manual.
const SECTIONS: &[Section] = &[
    Section::new("", "", &[TrainConfig::SETTINGS]),
    data::SECTION,
    refiner::SECTION,
    discriminator::SECTION,
    loss::SECTION,
    history::SECTION,
    schedule::SECTION,
    optim::REFINER,
    optim::DISCRIMINATOR,
    ema::SECTION,
    selection::SECTION,
    output::SECTION,
];

impl Section {
    const fn new(name: &'static str, doc: &'static str, settings: &'static [&'static [Setting]]) -> Self {
        Self { name, doc, settings }
    }

    fn settings(&self) -> impl Iterator<Item = &'static Setting> {
        self.settings.iter().copied().flatten()
    }

    /// `section.name`.
    fn key(&self, setting: &Setting) -> String {
        match self.name {
            "" => setting.name.to_owned(),
            section => format!("{section}.{}", setting.name),
        }
    }

    /// The section's part of a whole configuration.
    fn table<'a>(&self, config: &'a Table) -> Option<&'a Table> {
        let mut names = self.name.split('.').filter(|name| !name.is_empty());
        names.try_fold(config, |table, name| table.get(name).and_then(Value::as_table))
    }
}

/// Every setting with its key.
fn all_settings() -> impl Iterator<Item = (String, &'static Setting)> {
    let of_section = |section: &'static Section| section.settings().map(|row| (section.key(row), row));
    SECTIONS.iter().flat_map(of_section)
}

impl TrainConfig {
    /// Checks every value's range and that the values fit together.
    ///
    /// # Errors
    /// The first value that does not, with what is allowed.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let table = Table::try_from(self).map_err(|error| ConfigError::Value {
            key: "a number".to_owned(),
            value: "written to a file".to_owned(),
            allowed: error.to_string(),
        })?;
        for section in SECTIONS {
            let values = section.table(&table);
            for settings in section.settings {
                simgan_settings::check(section.name, settings, &values)?;
            }
        }
        let checks = [data::check, discriminator::check, loss::check, history::check];
        checks.into_iter().try_for_each(|check| check(self))
    }
}
