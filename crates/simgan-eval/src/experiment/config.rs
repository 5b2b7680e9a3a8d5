use std::collections::BTreeSet;
use std::path::Path;

use serde::{Deserialize, Serialize};
use simgan_data::write_atomic;
use simgan_train::{TrainConfig, TrainError};
use toml::{Table, Value};

use super::VariantSet;
use crate::EvalError;
use crate::evaluation::{EvaluationConfig, MethodKind};

/// Version of the format of `experiment.toml`.
pub const EXPERIMENT_VERSION: u32 = 1;

/// Everything that determines the result of an experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExperimentConfig {
    /// [`EXPERIMENT_VERSION`].
    pub format_version: u32,
    /// The set that the variants come from.
    pub set: VariantSet,
    /// Repetitions of the whole experiment: draw d adds d to the seeds of `training` and `evaluation`.
    pub draws: u64,
    /// Labelled real images to test on: paths or simulators.
    pub test: Vec<String>,
    /// Maximum number of test images; `None` takes all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub most_test: Option<usize>,
    /// The variants to compare.
    pub variants: Vec<Variant>,
    /// Settings of the measurements of refiners and baselines.
    pub evaluation: EvaluationConfig,
    /// The training settings that all variants share.
    pub training: TrainConfig,
}

/// One of the refiners to compare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Variant {
    /// Its name, also of its folder.
    pub name: String,
    /// `section.key=value`s that override the shared training settings.
    pub settings: Vec<String>,
}

impl Variant {
    pub(super) fn new(name: impl Into<String>, settings: impl Into<Vec<String>>) -> Self {
        Self { name: name.into(), settings: settings.into() }
    }
}

impl ExperimentConfig {
    /// Configures an experiment on the sources that `training` names.
    ///
    /// # Errors
    ///
    /// If a count is 0, `training` does not allow a variant, or `evaluation` leaves out the row `refined`.
    pub fn new(
        set: VariantSet,
        training: TrainConfig,
        test: Vec<String>,
        most_test: Option<usize>,
        evaluation: EvaluationConfig,
        draws: u64,
    ) -> Result<Self, EvalError> {
        evaluation.check()?;
        if draws == 0 {
            return Err(EvalError::Mismatch("draws is 0, but must be at least 1".into()));
        }
        if !evaluation.methods.is_empty() && !evaluation.methods.contains(&MethodKind::Refined) {
            let reason = "the methods leave out `refined`, which is what is compared".to_owned();
            return Err(EvalError::Impossible { reason, hint: "add `refined` to the methods" });
        }
        evaluation.check_variants(&training.refiner)?;
        let (format_version, variants) = (EXPERIMENT_VERSION, set.variants(&training)?);
        let config = Self { format_version, set, draws, test, most_test, variants, evaluation, training };
        config.variants.iter().try_for_each(|variant| config.training_of(variant, 0).map(drop))?;
        Ok(config)
    }

    /// Returns the training configuration of a variant in a draw.
    pub(super) fn training_of(&self, variant: &Variant, draw: u64) -> Result<TrainConfig, EvalError> {
        let mut settings = variant.settings.clone();
        settings.push(format!("seed={}", self.training.seed.saturating_add(draw)));
        let config = TrainConfig::resolve(None, Some(&self.training.resolved()), &settings);
        Ok(config.map_err(TrainError::from)?)
    }

    /// Returns the evaluation settings of a draw.
    pub(super) fn evaluation_of(&self, draw: u64) -> EvaluationConfig {
        let mut config = self.evaluation.clone();
        config.training.seed = config.training.seed.wrapping_add(draw);
        config.realism.seed = config.realism.seed.wrapping_add(draw);
        config
    }

    /// Writes the configuration as TOML, atomically.
    pub(super) fn write(&self, path: &Path) -> Result<(), EvalError> {
        let text = self.table()?.to_string();
        Ok(write_atomic(path, text.as_bytes())?)
    }

    /// # Errors
    ///
    /// If the file at `path` describes another experiment; only the number of draws may differ.
    pub(super) fn check_same(&self, path: &Path) -> Result<(), EvalError> {
        let text = simgan_data::read_text(path)?;
        let reason = "damaged, or not the configuration of an experiment";
        let before: Table = text.parse().map_err(|_| EvalError::Folder { path: path.to_owned(), reason })?;
        // Parsing gives settings younger than the file their serde defaults. A file that does not parse is
        // compared as raw TOML, so that the error can name the offending key.
        let complete = before.clone().try_into::<Self>().map_or(Ok(before), |config| config.table())?;
        let [before, now] = [complete, self.table()?].map(|mut table| {
            table.remove("draws");
            table
        });
        match difference(&before, &now) {
            None => Ok(()),
            Some((key, before, now)) => {
                Err(EvalError::OtherExperiment { path: path.to_owned(), key, before, now })
            }
        }
    }

    fn table(&self) -> Result<Table, EvalError> {
        let written = Table::try_from(self);
        written.map_err(|error| EvalError::Mismatch(format!("the experiment cannot be written: {error}")))
    }
}

/// Returns a key whose values differ, with both values. Picks the least nested key: `set` explains more than
/// any `variants` that follow from it.
fn difference(before: &Table, now: &Table) -> Option<(String, String, String)> {
    let names: BTreeSet<_> = before.keys().chain(now.keys()).collect();
    let differences = names.into_iter().filter_map(|name| match (before.get(name), now.get(name)) {
        (before, now) if before == now => None,
        (Some(Value::Table(before)), Some(Value::Table(now))) => {
            difference(before, now).map(|(key, before, now)| (format!("{name}.{key}"), before, now))
        }
        (before, now) => {
            let text = |value: Option<&Value>| value.map_or_else(|| "not given".to_owned(), Value::to_string);
            Some((name.clone(), text(before), text(now)))
        }
    });
    differences.min_by_key(|(key, ..)| key.matches('.').count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_deep_difference_is_told() {
        let told = |before: &str, now: &str| {
            let difference = difference(&before.parse().unwrap(), &now.parse().unwrap());
            difference.map(|(key, before, now)| format!("{key}: {before}, {now}"))
        };
        assert_eq!(told("a = 1\n[b]\nc = 2", "a = 1\n[b]\nc = 2"), None);
        assert_eq!(told("[b]\nc = 2\n[d]\ne = 1", "[b]\nc = 3\n[d]\ne = 2").unwrap(), "b.c: 2, 3");
        assert_eq!(told("z = 1\n[b]\nc = 2", "z = 2\n[b]\nc = 3").unwrap(), "z: 1, 2");
        assert_eq!(told("a = 1", "").unwrap(), "a: 1, not given");
        assert_eq!(told("[b]\nc = 2", "[b]\nc = 2\nd = \"x\"").unwrap(), "b.d: not given, \"x\"");
    }
}
