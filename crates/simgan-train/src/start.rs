//! A trained refiner from which a new run goes on.

use std::path::{Path, PathBuf};

use candle_core::Device;
use simgan_data::ValueRange;
use simgan_models::run_folder::{STATE_FILE, find_refiner, read_checkpoint};
use simgan_models::{
    Discriminator, DiscriminatorConfig, Layout, REFINER_FILE, load_refiner, load_refiner_images,
    refiner_crc32c,
};
use toml::{Table, Value};

use crate::checkpoint::DISCRIMINATOR_FILE;
use crate::{ConfigError, DataRange, Recipe, ToneKind, TrainConfig, TrainError};

/// A refiner, and perhaps its discriminator, from which a new run goes on, on new images. Optimizers and
/// history begin anew.
#[derive(Clone, Debug)]
pub struct Start {
    folder: PathBuf,
    crc32c: String,
    channels: usize,
    /// The settings that the refiner determines, with their values.
    fixed: Vec<(String, Value)>,
}

impl Start {
    /// Opens the refiner at `path`: a run, which gives its best or newest checkpoint, or a checkpoint.
    ///
    /// # Errors
    /// There is no refiner, or it is damaged.
    pub fn open(path: &Path) -> Result<Self, TrainError> {
        let path = std::path::absolute(path).map_err(TrainError::io(path))?;
        let folder = find_refiner(&path)?;
        if folder.join(STATE_FILE).exists() {
            read_checkpoint::<Table>(&folder)?;
        }
        let refiner = load_refiner(&folder, &Device::Cpu)?;
        let config = Table::try_from(refiner.config()).map_err(|e| ConfigError::Unwritable(e.to_string()))?;
        let images = load_refiner_images(&folder)?;
        let range = DataRange::of(images.range.and_then(|[min, max]| ValueRange::new(min, max)));
        let tone = ToneKind::of_stage(images.tone.as_ref());
        let mut fixed = vec![
            ("data.channels".to_owned(), Value::Integer(refiner.channels() as i64)),
            ("data.range".to_owned(), Value::String(range.to_string())),
            ("data.tone".to_owned(), Value::String(tone.to_string())),
        ];
        fixed.extend(config.into_iter().map(|(name, value)| (format!("refiner.{name}"), value)));
        Ok(Self { crc32c: refiner_crc32c(&folder)?, folder, channels: refiner.channels(), fixed })
    }

    /// Resolves a configuration like [`TrainConfig::resolve`], with the refiner's architecture, channels,
    /// range and tone; "match" measures the new real images.
    /// R, and D if it goes on too, need no pretraining, unless the file or `set` ask for it.
    ///
    /// # Errors
    /// Those of [`TrainConfig::resolve`], and a setting that contradicts the refiner.
    pub fn resolve(
        &self,
        recipe: Option<Recipe>,
        file: Option<&str>,
        set: &[String],
    ) -> Result<TrainConfig, ConfigError> {
        let mut defaults = self.fixed.clone();
        defaults.push(("schedule.pretrain_refiner".to_owned(), Value::Integer(0)));
        let mut config = TrainConfig::resolve_over(&defaults, recipe, file, set)?;
        if self.discriminator(&config.discriminator.network).is_some() {
            defaults.push(("schedule.pretrain_discriminator".to_owned(), Value::Integer(0)));
            config = TrainConfig::resolve_over(&defaults, recipe, file, set)?;
        }
        self.check(&config)?;
        config.start.from = self.folder.display().to_string();
        config.start.crc32c.clone_from(&self.crc32c);
        Ok(config)
    }

    /// Returns an error about a setting that contradicts the refiner.
    pub(crate) fn check(&self, config: &TrainConfig) -> Result<(), ConfigError> {
        let now = config.leaves();
        for (key, expected) in &self.fixed {
            let found = now.iter().find(|(known, _)| known == key).map(|(_, value)| value);
            if let Some(found) = found.filter(|found| *found != expected) {
                let allowed =
                    format!("{expected}, as in the refiner to start from, {}", self.folder.display());
                return Err(ConfigError::Value { key: key.clone(), value: found.to_string(), allowed });
            }
        }
        Ok(())
    }

    /// Returns an error unless this is the refiner with the checksum `expected`; an empty one fits all.
    pub(crate) fn check_crc32c(&self, expected: &str) -> Result<(), TrainError> {
        if expected.is_empty() || self.crc32c == expected {
            return Ok(());
        }
        let (path, found) = (self.folder.clone(), self.crc32c.clone());
        Err(TrainError::OtherStart { path, expected: expected.to_owned(), found })
    }

    /// The file of R's weights.
    pub(crate) fn refiner(&self) -> PathBuf {
        self.folder.join(REFINER_FILE)
    }

    /// The file of D's weights, if they fit a discriminator of this config.
    pub(crate) fn discriminator(&self, config: &DiscriminatorConfig) -> Option<PathBuf> {
        let path = self.folder.join(DISCRIMINATOR_FILE);
        if !path.exists() {
            return None;
        }
        let layout = Layout::of(|vb| Discriminator::new(config, self.channels, vb)).ok()?;
        match layout.check_file(&path) {
            Ok(()) => Some(path),
            Err(error) => {
                tracing::warn!("the discriminator begins anew: {error}");
                None
            }
        }
    }
}
