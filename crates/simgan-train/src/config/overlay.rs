use std::path::Path;

use simgan_data::{Hint, nearest};
use toml::{Table, Value};

use super::{
    CONFIG_VERSION, Channels, ConfigError, DataRange, DataSize, Recipe, ToneKind, TrainConfig, all_settings,
    optim,
};

/// First line of a configuration file.
pub(super) const HEADER: &str =
    "# Complete. Run it again: simgan train --config config.toml --run ANOTHER_DIR";

impl TrainConfig {
    /// Resolves a recipe's configuration, overridden by a file's text, in turn overridden by single
    /// `section.key=value`s.
    ///
    /// `recipe` takes precedence over a recipe named in `set`, then over one named in the file; the default
    /// is [`Recipe::Demo`]. A value is TOML; text that is not valid TOML counts as a string, so that
    /// `data.size=55x35` needs no quotes. Relative paths of sources refer to the working directory.
    ///
    /// # Errors
    /// A key is unknown (the error names the nearest one), a value is out of range (the error gives the
    /// range), or values contradict each other.
    pub fn resolve(recipe: Option<Recipe>, file: Option<&str>, set: &[String]) -> Result<Self, ConfigError> {
        Self::resolve_over(&[], recipe, file, set)
    }

    /// Resolves like [`Self::resolve`] with some values in place of the recipe's.
    pub(crate) fn resolve_over(
        defaults: &[(String, Value)],
        recipe: Option<Recipe>,
        file: Option<&str>,
        set: &[String],
    ) -> Result<Self, ConfigError> {
        let mut file: Table = file.map(str::parse).transpose()?.unwrap_or_default();
        check_version(&file)?;
        complete_older(&mut file);
        let mut given = Vec::new();
        for assignment in set {
            given.push(parse_assignment(assignment)?);
        }
        let named = take_recipe(&mut file, &mut given)?;
        let mut overlay = Overlay::new(recipe.or(named).unwrap_or_default());
        let mut leaves = defaults.to_vec();
        collect_leaves(&overlay.table, &file, "", &mut leaves);
        // What comes later wins, so that the field of an assignment replaces the layers of a file.
        overlay.set_all(&leaves)?;
        overlay.set_all(&given)?;
        let steps = overlay.config.schedule.steps;
        overlay.config.discriminator.settle(steps);
        overlay.config.loss.settle(steps);
        overlay.config.validate()?;
        optim::refuse_idle(&overlay.config, given.iter().map(|(key, _)| key.as_str()))?;
        Ok(overlay.config)
    }

    /// Returns the recipe that an assignment or else a file names.
    ///
    /// # Errors
    /// The file or an assignment cannot be parsed, or the recipe is unknown.
    pub(crate) fn named_recipe(file: Option<&str>, set: &[String]) -> Result<Option<Recipe>, ConfigError> {
        let mut file: Table = file.map(str::parse).transpose()?.unwrap_or_default();
        let mut given = set.iter().map(|text| parse_assignment(text)).collect::<Result<_, _>>()?;
        take_recipe(&mut file, &mut given)
    }

    /// Returns the complete configuration as TOML without comments. [`Self::resolve`] reads it back.
    #[must_use]
    pub fn resolved(&self) -> String {
        let body =
            toml::to_string(self).expect("a configuration has only strings, numbers and tables of them");
        format!("{HEADER}\n{body}")
    }

    /// Checks that a run started with `self` may continue with `now`.
    ///
    /// Only settings that could not have changed a completed step may differ: `schedule.steps`,
    /// `data.workers`, `data.on_error`, `[selection]` and `[output]`. Sources may differ too, because a
    /// checkpoint knows its images, wherever they lie ([`Trainer::resume`](crate::Trainer::resume)). "auto" is
    /// another value than the one that the images led to; [`TrainConfig::keep_choices_of`] replaces it.
    ///
    /// # Errors
    /// The first key that differs.
    pub fn check_resumable(&self, now: &Self, config_path: &Path) -> Result<(), ConfigError> {
        let (before, after) = (leaves_of(self), leaves_of(now));
        for ((key, before), (_, after)) in before.into_iter().zip(after) {
            if before != after && !is_free_on_resume(&key) && !is_told_by_content(&key) {
                let (before, now) = (before.to_string(), after.to_string());
                return Err(ConfigError::Resumed { key, before, now, config: config_path.to_owned() });
            }
        }
        Ok(())
    }

    /// Takes over what the images decided when the run `before` began, where this configuration leaves it to them.
    pub fn keep_choices_of(&mut self, before: &Self) {
        let (data, was) = (&mut self.data, &before.data);
        if data.size == DataSize::Auto {
            data.size = was.size;
        }
        if data.channels == Channels::Auto {
            data.channels = was.channels;
        }
        if data.range == DataRange::Auto {
            data.range = was.range;
        }
        if data.tone == ToneKind::Auto {
            data.tone = was.tone;
        }
    }

    /// Returns, as text, the settings that must not change for a checkpoint to be continued.
    ///
    /// A setting added after a checkpoint was written has a serde default that reproduces the earlier
    /// behaviour. With that value it is left out, so that the checksums of older checkpoints stay valid.
    pub(crate) fn identity(&self) -> String {
        let table = table_of(self);
        let fixed = leaves_of(self)
            .into_iter()
            .filter(|(key, _)| !is_free_on_resume(key) && !self.is_implied(&table, key));
        fixed.map(|(key, value)| format!("{key}={value}\n")).collect()
    }

    /// Returns [`Self::identity`] without the places of the images, for a checkpoint that knows their content.
    pub(crate) fn identity_without_places(&self) -> String {
        let is_kept = |line: &&str| !line.split_once('=').is_some_and(|(key, _)| is_told_by_content(key));
        self.identity().split_inclusive('\n').filter(is_kept).collect()
    }

    /// Checks that the images lie where they lay, for a run that does not know their content.
    pub(crate) fn check_places(&self, now: &Self, config_path: &Path) -> Result<(), ConfigError> {
        for (key, before, now) in [
            ("data.synthetic", &self.data.synthetic, &now.data.synthetic),
            ("data.real", &self.data.real, &now.data.real),
        ] {
            if before != now {
                let [before, now] = [before, now].map(|places| format!("{places:?}"));
                let (key, config) = (key.to_owned(), config_path.to_owned());
                return Err(ConfigError::Resumed { key, before, now, config });
            }
        }
        Ok(())
    }

    /// Returns every key with its value, in the order of the file.
    pub(crate) fn leaves(&self) -> Vec<(String, Value)> {
        leaves_of(self)
    }

    /// Whether `table`, made from `self`, still parses to `self` without this key.
    fn is_implied(&self, table: &Table, key: &str) -> bool {
        let mut table = table.clone();
        remove(&mut table, key);
        table.try_into::<Self>().is_ok_and(|config| config == *self)
    }
}

/// Whether a checkpoint's content says more than the setting: where images lie, and what becomes of unreadable
/// ones, which a run that got this far has not met or has skipped.
fn is_told_by_content(key: &str) -> bool {
    matches!(key, "data.synthetic" | "data.real" | "data.on_error")
}

fn is_free_on_resume(key: &str) -> bool {
    key.starts_with("output.")
        || key.starts_with("selection.")
        // The layers say what the field does.
        || matches!(key, "schedule.steps" | "data.workers" | "discriminator.field" | "recipe" | "version")
}

/// Returns every key of a configuration with its value, in the order of the file.
pub(super) fn leaves_of(config: &TrainConfig) -> Vec<(String, Value)> {
    let table = table_of(config);
    let mut leaves = Vec::new();
    collect_leaves(&table, &table, "", &mut leaves);
    leaves
}

pub(super) fn table_of(config: &TrainConfig) -> Table {
    Table::try_from(config).expect("a configuration has only strings, numbers and tables of them")
}

/// A complete configuration under modification. Its table, built from a recipe, defines all valid keys.
struct Overlay {
    table: Table,
    config: TrainConfig,
}

impl Overlay {
    fn new(recipe: Recipe) -> Self {
        let config = recipe.config();
        Self { table: table_of(&config), config }
    }

    fn set_all(&mut self, values: &[(String, Value)]) -> Result<(), ConfigError> {
        for (key, value) in values {
            self.set(key, value)?;
        }
        let is_new = |name: &str| values.iter().any(|(key, _)| key == name);
        let new = ["discriminator.field", "discriminator.layers"].map(is_new);
        if new.contains(&true) {
            self.config.discriminator.settle_field(self.config.recipe, new)?;
            self.table = table_of(&self.config);
        }
        Ok(())
    }

    fn set(&mut self, key: &str, value: &Value) -> Result<(), ConfigError> {
        let mut table = self.table.clone();
        let Some(slot) = find_mut(&mut table, key) else {
            return Err(ConfigError::UnknownKey { key: key.to_owned(), hint: self.nearest(key) });
        };
        let was = std::mem::replace(slot, value.clone());
        if was.is_str() && !value.is_str() {
            // Numbers and the like become text, so that the setting's own parser reports the error.
            *slot = Value::String(value.to_string());
        }
        // Parsing after each value attributes any error to this key.
        self.config = table.clone().try_into().map_err(|error: toml::de::Error| ConfigError::Type {
            key: key.to_owned(),
            value: value.to_string(),
            allowed: allowed_text(key, error.message()),
            example: was.to_string(),
        })?;
        self.table = table;
        Ok(())
    }

    /// Returns a hint with the nearest known key, or with the sections.
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

/// Turns serde's message into the allowed values in the user's terms.
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

/// Collects the values of `over` with their dotted keys. It descends only into tables that `schema` has too,
/// so that a table as a value stays whole.
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

/// A complete file, which states its version, from before `data.range` means the whole scale, and from before
/// `data.tone` the images' own tones.
fn complete_older(file: &mut Table) {
    let is_complete = file.contains_key("version");
    if let Some(Value::Table(data)) = file.get_mut("data").filter(|_| is_complete) {
        data.entry("range").or_insert_with(|| "full".into());
        data.entry("tone").or_insert_with(|| "none".into());
    }
}

fn check_version(file: &Table) -> Result<(), ConfigError> {
    match file.get("version").and_then(Value::as_integer) {
        Some(found) if found != i64::from(CONFIG_VERSION) => Err(ConfigError::Version { found }),
        _ => Ok(()),
    }
}

/// Removes and returns the recipe named by an assignment (the last one counts) or, failing that, by the file.
/// It must be known before other values can be laid over it.
fn take_recipe(file: &mut Table, set: &mut Vec<(String, Value)>) -> Result<Option<Recipe>, ConfigError> {
    let from_set = set.iter().rposition(|(key, _)| key == "recipe").map(|at| set.remove(at).1);
    let from_file = file.remove("recipe");
    let Some(value) = from_set.or(from_file) else { return Ok(None) };
    let name = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    name.parse().map(Some)
}
