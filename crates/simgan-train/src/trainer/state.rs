use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{Device, Module, Tensor};
use simgan_data::BitDepth;
use simgan_losses::{FeatureTransform, HistoryBuffer, SelfRegularization};
use simgan_models::run_folder::CHECKPOINT_VERSION;
use simgan_models::{
    REFINER_FILE, Refiner, RefinerImages, load_refiner, read_tensors, save_refiner, write_tensors,
};

use super::Trainer;
use super::batches::{Batches, Cursors};
use super::network::Network;
use super::samples::SampleInputs;
use crate::Sources;
use crate::checkpoint::{
    self, Checkpoint, DISCRIMINATOR_FILE, HISTORY_FILE, OPTIMIZERS_FILE, RAW_REFINER_FILE, State, unusable,
};
use crate::streams::Purpose;
use crate::watch::Watch;
use crate::{Channels, DataRange, DataSize, RunDir, TrainConfig, TrainError, Warning, WarningKind};
use simgan_optim::Ema;

/// Name of the history's tensor in its file.
const HISTORY_IMAGES: &str = "images";

impl Trainer {
    /// Creates the trainer of a new run.
    ///
    /// # Errors
    /// The configuration is invalid; synthetic and real images differ in size or do not have `data.channels`;
    /// `data.range` is "auto" and the images have more than 8 bits ([`choose`](crate::sources::choose) replaces
    /// it); the device is out of memory.
    pub fn new(config: TrainConfig, sources: &Sources, device: &Device) -> Result<Self, TrainError> {
        let cursors = Cursors::new(sources, config.seed);
        Self::at(settled(config, sources)?, sources, device, cursors)
    }

    /// Restores a run from its newest intact checkpoint, or from its beginning if it has none yet.
    ///
    /// Newer but damaged checkpoints are skipped; [`Self::take_warnings`] reports them.
    ///
    /// # Errors
    /// As [`Self::new`]; `config` differs from the run's in more than `schedule.steps`, `data.workers`,
    /// `[selection]` and `[output]`; every checkpoint is damaged; the newest intact one belongs to another
    /// configuration or other images.
    pub fn resume(
        run: &RunDir,
        config: TrainConfig,
        sources: &Sources,
        device: &Device,
    ) -> Result<Self, TrainError> {
        run.config()?.check_resumable(&config, &run.path().join(crate::run_dir::CONFIG_FILE))?;
        let newest = run.newest_checkpoint()?;
        let mut trainer = match &newest.checkpoint {
            Some(checkpoint) => Self::from_checkpoint(checkpoint, config, sources, device)?,
            None => Self::new(config, sources, device)?,
        };
        let step = trainer.n_steps;
        trainer.warnings.extend(newest.damaged.into_iter().map(|error| {
            let message = format!("going on from step {step}: {error}");
            Warning { step, kind: WarningKind::DamagedCheckpoint, message }
        }));
        Ok(trainer)
    }

    fn from_checkpoint(
        checkpoint: &Checkpoint,
        config: TrainConfig,
        sources: &Sources,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let config = settled(config, sources)?;
        let (path, state) = (checkpoint.path(), checkpoint.state());
        // `resume` compares with config.toml, which may have been edited since the checkpoint was written.
        if state.config_crc32c != config_checksum(&config) {
            let reason = "it was written with another configuration than the run's config.toml".to_owned();
            return Err(unusable(path, reason));
        }
        let State { synthetic, real, n_skipped, .. } = *state;
        let mut trainer = Self::at(config, sources, device, Cursors { synthetic, real, n_skipped })?;
        trainer.n_steps = state.step;
        trainer.watch = state.watch.clone();
        let words = state.history_stream_words.parse();
        let words = words.map_err(|error| unusable(path, format!("history_stream_words: {error}")))?;
        trainer.history_stream.set_word_pos(words);
        trainer.restore_tensors(path, device)?;
        Ok(trainer)
    }

    /// Creates a trainer in its initial state, except for the batches, which continue at `cursors`.
    fn at(
        config: TrainConfig,
        sources: &Sources,
        device: &Device,
        cursors: Cursors,
    ) -> Result<Self, TrainError> {
        config.validate()?;
        check_sources(sources, &config)?;
        let (optim, seed) = (&config.optim, config.seed);
        let (refiner_seed, discriminator_seed) =
            (Purpose::Refiner.seed(seed), Purpose::Discriminator.seed(seed));
        let channels = sources.synthetic.spec().channels;
        let refiner = Network::refiner(&config.refiner, channels, &optim.refiner, refiner_seed, device)?;
        let discriminator = &config.discriminator.network;
        let discriminator = Network::discriminator(
            discriminator,
            channels,
            &optim.discriminator,
            discriminator_seed,
            device,
        )?;
        let average = |decay| Ema::new(refiner.parameters().vars(), decay);
        let ema = config.ema.decay.map(average).transpose()?;
        Ok(Self {
            batches: Batches::new(sources, &config.data, cursors, device)?,
            samples: SampleInputs::draw(sources, &config.data, seed, device)?,
            self_regularization: SelfRegularization::new(transform(&config, device)?),
            history: HistoryBuffer::new(config.history.capacity.unwrap_or(0)),
            history_stream: Purpose::History.stream(seed),
            translation_stream: Purpose::Translation.stream(seed),
            refiner,
            discriminator,
            ema,
            watch: Watch::default(),
            warnings: Vec::new(),
            n_steps: 0,
            config,
            sources: sources.clone(),
            device: device.clone(),
        })
    }

    /// Writes a complete checkpoint into the folder `checkpoints`, atomically.
    ///
    /// # Errors
    /// It cannot be written, or the weights are not finite. Neither leaves a partial checkpoint.
    pub fn save(&self, checkpoints: &Path) -> Result<Checkpoint, TrainError> {
        self.refiner.check_finite(self.n_steps)?;
        self.discriminator.check_finite(self.n_steps)?;
        checkpoint::write(checkpoints, self.state(), |folder| self.write_tensors(folder))
    }

    fn state(&self) -> State {
        let Cursors { synthetic, real, n_skipped } = self.batches.cursors();
        State {
            format_version: CHECKPOINT_VERSION,
            step: self.n_steps,
            phase: self.phase(),
            config_crc32c: config_checksum(&self.config),
            history_stream_words: self.history_stream.get_word_pos().to_string(),
            n_skipped,
            synthetic,
            real,
            watch: self.watch.clone(),
            files: BTreeMap::new(),
        }
    }

    fn write_tensors(&self, folder: &Path) -> Result<(), TrainError> {
        let raw = self.refiner.parameters();
        let refiner = self.ema.as_ref().map_or_else(|| raw.tensors(), Ema::tensors);
        let range = self.config.data.range.fixed().map(|range| [range.min, range.max]);
        let images = RefinerImages { channels: self.sources.synthetic.spec().channels, range };
        save_refiner(folder, &self.config.refiner, images, &refiner)?;
        if self.ema.is_some() {
            raw.save(&folder.join(RAW_REFINER_FILE))?;
        }
        self.discriminator.parameters().save(&folder.join(DISCRIMINATOR_FILE))?;
        let mut optimizers = self.refiner.optimizer_state()?;
        optimizers.extend(self.discriminator.optimizer_state()?);
        write_tensors(&folder.join(OPTIMIZERS_FILE), &optimizers)?;
        let history = self.history.images()?.map(|images| (HISTORY_IMAGES.to_owned(), images));
        write_tensors(&folder.join(HISTORY_FILE), history.as_slice())?;
        Ok(())
    }

    fn restore_tensors(&mut self, folder: &Path, device: &Device) -> Result<(), TrainError> {
        let optimizers = read_tensors(&folder.join(OPTIMIZERS_FILE), device)?;
        // With averaging, `refiner.safetensors` holds the average, and training continues from the raw
        // weights.
        let refiner = folder.join(if self.ema.is_some() { RAW_REFINER_FILE } else { REFINER_FILE });
        self.refiner.restore(&refiner, &optimizers)?;
        self.discriminator.restore(&folder.join(DISCRIMINATOR_FILE), &optimizers)?;
        if let Some(ema) = &mut self.ema {
            ema.restore(&read_tensors(&folder.join(REFINER_FILE), device)?)?;
        }
        let history: Vec<(String, Tensor)> = read_tensors(&folder.join(HISTORY_FILE), device)?;
        history.iter().try_for_each(|(_, images)| self.history.restore(images))?;
        Ok(())
    }
}

fn config_checksum(config: &TrainConfig) -> u32 {
    crc32c::crc32c(config.identity().as_bytes())
}

fn transform(config: &TrainConfig, device: &Device) -> Result<FeatureTransform, TrainError> {
    config.loss.psi.transform(|| Ok(Box::new(Features(psi_refiner(config, device)?))))
}

/// Loads the refiner at `loss.psi_model` and checks that it takes the run's channels.
fn psi_refiner(config: &TrainConfig, device: &Device) -> Result<Refiner, TrainError> {
    let refiner = load_refiner(Path::new(&config.loss.psi_model), device)?;
    match (refiner.channels(), config.data.channels.number()) {
        (found, Some(expected)) if found != expected => {
            Err(TrainError::PsiChannels { path: config.loss.psi_model.clone().into(), found, expected })
        }
        _ => Ok(refiner),
    }
}

/// A learned ψ: a refiner without its last convolution.
struct Features(Refiner);

impl Module for Features {
    fn forward(&self, images: &Tensor) -> candle_core::Result<Tensor> {
        self.0.features(images)
    }
}

fn check_sources(sources: &Sources, config: &TrainConfig) -> Result<(), TrainError> {
    let (synthetic, real) = (sources.synthetic.spec(), sources.real.spec());
    if synthetic.size() != real.size() {
        let (synthetic, real) = (synthetic.size().to_string(), real.size().to_string());
        return Err(TrainError::SizesDiffer { synthetic, real });
    }
    let expected = config.data.channels.number().unwrap_or(synthetic.channels);
    match [synthetic.channels, real.channels].into_iter().find(|found| *found != expected) {
        Some(found) => Err(TrainError::Channels { found, expected }),
        None => Ok(()),
    }
}

/// Replaces what is still "auto" by what the opened sources have.
fn settled(mut config: TrainConfig, sources: &Sources) -> Result<TrainConfig, TrainError> {
    let specs = [sources.synthetic.spec(), sources.real.spec()];
    let data = &mut config.data;
    if data.channels == Channels::Auto {
        data.channels = Channels::of_number(specs[0].channels).unwrap_or(Channels::Auto);
    }
    if data.size == DataSize::Auto {
        data.size = DataSize::Pixels(specs[0].size());
    }
    if data.range == DataRange::Auto {
        if specs.iter().any(|spec| spec.depth != BitDepth::Eight) {
            return Err(TrainError::NoRange);
        }
        data.range = DataRange::Full;
    }
    Ok(config)
}
