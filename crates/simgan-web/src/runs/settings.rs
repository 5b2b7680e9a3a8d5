//! A run's configuration: as text, as a few facts, and compared with another's.

use std::collections::BTreeMap;
use std::path::Path;

use simgan_train::run_dir::CONFIG_FILE;
use toml::{Table, Value};

use crate::runs::folder::Guarded;

/// Longest configuration that is shown.
const MAX_CONFIG: u64 = 1 << 20;

/// A run's `config.toml`, which may be damaged.
pub(crate) struct Settings {
    /// The file as it is.
    pub(crate) text: String,
    table: Table,
    /// Why it is no configuration.
    pub(crate) problem: Option<String>,
}

impl Settings {
    /// Reads it.
    pub(crate) fn read(folder: &Guarded) -> Self {
        let damaged = |text, problem| Self { text, table: Table::new(), problem: Some(problem) };
        let bytes = match folder.read(Path::new(CONFIG_FILE), MAX_CONFIG) {
            Ok(bytes) => bytes,
            Err(error) => return damaged(String::new(), format!("{CONFIG_FILE}: {error}")),
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        match text.parse() {
            Ok(table) => Self { text, table, problem: None },
            Err(error) => {
                let problem = format!("{CONFIG_FILE} is damaged: {}", error.message());
                damaged(text, problem)
            }
        }
    }

    /// The value of a key such as `data.batch`, as TOML writes it but without the quotes of a text.
    pub(crate) fn value(&self, key: &str) -> Option<String> {
        let mut parts = key.split('.');
        let first = self.table.get(parts.next()?)?;
        parts.try_fold(first, |value, part| value.get(part)).map(shown)
    }

    /// Steps of all phases.
    pub(crate) fn total_steps(&self) -> Option<u64> {
        let schedule = self.table.get("schedule")?;
        let steps =
            |key| schedule.get(key).and_then(Value::as_integer).and_then(|steps| u64::try_from(steps).ok());
        let parts = [steps("pretrain_refiner")?, steps("pretrain_discriminator")?, steps("steps")?];
        parts.into_iter().try_fold(0, u64::checked_add)
    }

    /// A few settings that tell what the run is: what each is, and its value.
    pub(crate) fn facts(&self) -> Vec<(&'static str, String)> {
        let facts = [
            ("Recipe", "recipe"),
            ("Synthetic images", "data.synthetic"),
            ("Real images", "data.real"),
            ("Size", "data.size"),
            ("Batch", "data.batch"),
            ("λ", "loss.lambda"),
            ("Seed", "seed"),
        ];
        facts.into_iter().filter_map(|(name, key)| Some((name, self.value(key)?))).collect()
    }

    /// The settings that differ: the key and both values, `–` where one has none.
    pub(crate) fn differences(&self, other: &Self) -> Vec<[String; 3]> {
        let (own, others) = (self.flat(), other.flat());
        let keys: std::collections::BTreeSet<_> = own.keys().chain(others.keys()).collect();
        let value = |of: &BTreeMap<String, String>, key: &String| {
            of.get(key).cloned().unwrap_or_else(|| "–".to_owned())
        };
        let rows = keys.into_iter().map(|key| [key.clone(), value(&own, key), value(&others, key)]);
        rows.filter(|[_, own, other]| own != other).collect()
    }

    fn flat(&self) -> BTreeMap<String, String> {
        let mut flat = BTreeMap::new();
        flatten("", &self.table, &mut flat);
        flat
    }
}

fn flatten(prefix: &str, table: &Table, flat: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        match value {
            Value::Table(inner) => flatten(&format!("{prefix}{key}."), inner, flat),
            value => drop(flat.insert(format!("{prefix}{key}"), shown(value))),
        }
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(", "),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn settings(text: &str) -> Settings {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(CONFIG_FILE), text).unwrap();
        Settings::read(&Guarded::open(folder.path()).unwrap())
    }

    #[test]
    fn differences_name_key_and_values() {
        let text = "seed = 1\n[schedule]\npretrain_refiner = 1\npretrain_discriminator = 2\nsteps = 3\n";
        let (one, other) = (settings(text), settings(&text.replace("steps = 3", "steps = 4\nk_g = 5")));
        let rows = one.differences(&other);
        assert_eq!(
            rows,
            [["schedule.k_g", "–", "5"], ["schedule.steps", "3", "4"]].map(|row| row.map(str::to_owned))
        );
        assert_eq!((one.total_steps(), one.value("seed").as_deref()), (Some(6), Some("1")));
    }

    #[test]
    fn a_damaged_file_is_shown_with_what_is_wrong() {
        let damaged = settings("seed = \n");
        assert!(
            damaged.problem.is_some_and(|problem| problem.contains("damaged")) && damaged.text == "seed = \n"
        );
        assert!(damaged.table.is_empty());
    }
}
