use std::path::Path;

use simgan_data::{Hint, nearest};
use toml::{Table, Value};

use super::{CONFIG_VERSION, ConfigError, Recipe, TrainConfig, all_settings, optim};

/// First line of a configuration's file.
pub(super) const HEADER: &str =
    "# Complete. Run it again: simgan train --config config.toml --run ANOTHER_DIR";

impl TrainConfig {
    /// The configuration of a recipe, with a file's text over it, with single `section.key=value`s over that.
    ///
    /// The recipe is `recipe`, or the one that the file names, or [`Recipe::Demo`]. A value is TOML; text that is not
    /// TOML is taken as a string, so that `data.size=55x35` needs no quotes. Paths of sources that are relative are
    /// relative to the working directory.
    ///
    /// # Errors
    /// An unknown key, naming the nearest one; a value out of its range, saying the range; values that do not fit
    /// together.
    pub fn resolve(recipe: Option<Recipe>, file: Option<&str>, set: &[String]) -> Result<Self, ConfigError> {
        let mut file: Table = file.map(str::parse).transpose()?.unwrap_or_default();
        check_version(&file)?;
        let mut given = Vec::new();
        for assignment in set {
            given.push(parse_assignment(assignment)?);
        }
        let named = take_recipe(&mut file, &mut given)?;
        let mut overlay = Overlay::new(recipe.or(named).unwrap_or_default());
        let mut leaves = Vec::new();
        collect_leaves(&overlay.table, &file, "", &mut leaves);
        for (key, value) in leaves.iter().chain(&given) {
            overlay.set(key, value)?;
        }
        overlay.config.validate()?;
        optim::refuse_idle(&overlay.config, given.iter().map(|(key, _)| key.as_str()))?;
        Ok(overlay.config)
    }

    /// The complete configuration as TOML, without comments: [`Self::resolve`] reads it back.
    #[must_use]
    pub fn resolved(&self) -> String {
        let body =
            toml::to_string(self).expect("a configuration has only strings, numbers and tables of them");
        format!("{HEADER}\n{body}")
    }

    /// Checks that a run that was started with `self` may go on with `now`.
    ///
    /// Only what does not change the steps already made may differ: `schedule.steps`, `data.workers`, `[selection]`,
    /// `[output]`.
    ///
    /// # Errors
    /// The first key that differs.
    pub fn check_resumable(&self, now: &Self, config_path: &Path) -> Result<(), ConfigError> {
        let (before, after) = (leaves_of(self), leaves_of(now));
        for ((key, before), (_, after)) in before.into_iter().zip(after) {
            if before != after && !is_free_on_resume(&key) {
                let (before, now) = (before.to_string(), after.to_string());
                return Err(ConfigError::Resumed { key, before, now, config: config_path.to_owned() });
            }
        }
        Ok(())
    }

    /// What must stay the same for a checkpoint to be continued, as text.
    ///
    /// A setting that is younger than a checkpoint has a serde default, the behaviour from before there was a choice.
    /// With that value it is left out, so that the checksum of older checkpoints stays the same.
    pub(crate) fn identity(&self) -> String {
        let table = table_of(self);
        let fixed = leaves_of(self)
            .into_iter()
            .filter(|(key, _)| !is_free_on_resume(key) && !self.is_implied(&table, key));
        fixed.map(|(key, value)| format!("{key}={value}\n")).collect()
    }

    /// Whether `table`, which is the configuration's, says the same without this key.
    fn is_implied(&self, table: &Table, key: &str) -> bool {
        let mut table = table.clone();
        remove(&mut table, key);
        table.try_into::<Self>().is_ok_and(|config| config == *self)
    }
}

fn is_free_on_resume(key: &str) -> bool {
    key.starts_with("output.")
        || key.starts_with("selection.")
        || matches!(key, "schedule.steps" | "data.workers" | "recipe" | "version")
}

/// Every key of a configuration with its value, in the order of the file.
pub(super) fn leaves_of(config: &TrainConfig) -> Vec<(String, Value)> {
    let table = table_of(config);
    let mut leaves = Vec::new();
    collect_leaves(&table, &table, "", &mut leaves);
    leaves
}

pub(super) fn table_of(config: &TrainConfig) -> Table {
    Table::try_from(config).expect("a configuration has only strings, numbers and tables of them")
}

/// A complete configuration as a table, whose keys are all the keys there are, and the values laid over it.
struct Overlay {
    table: Table,
    config: TrainConfig,
}

impl Overlay {
    fn new(recipe: Recipe) -> Self {
        let config = recipe.config();
        Self { table: table_of(&config), config }
    }

    fn set(&mut self, key: &str, value: &Value) -> Result<(), ConfigError> {
        let mut table = self.table.clone();
        let Some(slot) = find_mut(&mut table, key) else {
            return Err(ConfigError::UnknownKey { key: key.to_owned(), hint: self.nearest(key) });
        };
        let was = std::mem::replace(slot, value.clone());
        if was.is_str() && !value.is_str() {
            *slot = Value::String(value.to_string()); // so that its own parser says what is wrong with it
        }
        // Leaf by leaf, so that whatever is wrong is wrong with this one.
        self.config = table.clone().try_into().map_err(|error: toml::de::Error| ConfigError::Type {
            key: key.to_owned(),
            value: value.to_string(),
            allowed: allowed_text(key, error.message()),
            example: was.to_string(),
        })?;
        self.table = table;
        Ok(())
    }

    /// The key that was probably meant.
    fn nearest(&self, key: &str) -> Hint {
        let mut leaves = Vec::new();
        collect_leaves(&self.table, &self.table, "", &mut leaves);
        match nearest(key, leaves.iter().map(|(known, _)| known.as_str())) {
            Some(known) => Hint::DidYouMean(known.to_owned()),
            None => format!("the sections are {}", section_names(&self.table).join(", ")).into(),
        }
    }
}

fn section_names(table: &Table) -> Vec<String> {
    let sections = table.iter().filter(|(_, value)| value.is_table());
    sections.map(|(name, _)| format!("[{name}]")).collect()
}

/// What serde says, in a user's words.
fn allowed_text(key: &str, message: &str) -> String {
    match all_settings().find(|(known, _)| known == key) {
        Some((_, setting)) if !message.contains("is not a") => setting.range.to_string(),
        _ if message.contains("is not a") => message.to_owned(),
        _ => "a [section]".to_owned(),
    }
}

fn find_mut<'a>(table: &'a mut Table, key: &str) -> Option<&'a mut Value> {
    match key.split_once('.') {
        None => table.get_mut(key),
        Some((section, rest)) => find_mut(table.get_mut(section)?.as_table_mut()?, rest),
    }
}

fn remove(table: &mut Table, key: &str) {
    match key.rsplit_once('.') {
        None => drop(table.remove(key)),
        Some((section, name)) => {
            if let Some(section) = find_mut(table, section).and_then(Value::as_table_mut) {
                section.remove(name);
            }
        }
    }
}

/// The values of `over` with their dotted keys, going into tables only where `schema` has tables.
fn collect_leaves(schema: &Table, over: &Table, prefix: &str, leaves: &mut Vec<(String, Value)>) {
    for (name, value) in over {
        let key = format!("{prefix}{name}");
        match (schema.get(name), value) {
            (Some(Value::Table(schema)), Value::Table(over)) => {
                collect_leaves(schema, over, &format!("{key}."), leaves);
            }
            _ => leaves.push((key, value.clone())),
        }
    }
}

fn parse_assignment(text: &str) -> Result<(String, Value), ConfigError> {
    let (key, value) = text.split_once('=').ok_or_else(|| ConfigError::NotAnAssignment(text.to_owned()))?;
    let value = value.trim();
    let parsed = format!("value = {value}").parse::<Table>().ok().and_then(|mut table| table.remove("value"));
    Ok((key.trim().to_owned(), parsed.unwrap_or_else(|| Value::String(value.to_owned()))))
}

fn check_version(file: &Table) -> Result<(), ConfigError> {
    match file.get("version").and_then(Value::as_integer) {
        Some(found) if found != i64::from(CONFIG_VERSION) => Err(ConfigError::Version { found }),
        _ => Ok(()),
    }
}

/// The recipe that the file or an assignment names, the assignment first; the others are values over it.
fn take_recipe(file: &mut Table, set: &mut Vec<(String, Value)>) -> Result<Option<Recipe>, ConfigError> {
    let from_set = set.iter().rposition(|(key, _)| key == "recipe").map(|at| set.remove(at).1);
    let from_file = file.remove("recipe");
    let Some(value) = from_set.or(from_file) else { return Ok(None) };
    let name = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    name.parse().map(Some)
}
