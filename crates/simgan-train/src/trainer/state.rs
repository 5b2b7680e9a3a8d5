use std::collections::BTreeMap;
use std::path::Path;

use candle_core::{Device, Module, Tensor};
use simgan_data::{OnError, Share, Size};
use simgan_losses::{FeatureTransform, Gaps, HistoryBuffer, SelfRegularization};
use simgan_models::run_folder::{CHECKPOINT_VERSION, FileMark};
use simgan_models::{
    REFINER_FILE, Refiner, RefinerImages, load_refiner, load_refiner_images, read_tensors_within,
    save_refiner, write_tensors,
};

use super::Trainer;
use super::batches::{Batches, Cursors};
use super::checks::{check_memory, check_sources, settled};
use super::consistency::TaskConsistency;
use super::network::Network;
use super::samples::{SampleInputs, drawn};
use crate::Sources;
use crate::checkpoint::{
    self, Checkpoint, DISCRIMINATOR_FILE, HISTORY_FILE, OPTIMIZERS_FILE, RAW_REFINER_FILE, State, unusable,
};
use crate::content::Content;
use crate::run_dir::{CONFIG_FILE, config_of_run, newest_checkpoint};
use crate::streams::Purpose;
use crate::watch::Watch;
use crate::{RunDir, Start, TrainConfig, TrainError, Warning, WarningKind, stage_of};
use simgan_optim::Ema;

/// Gaps are counted in so many real images, or fewer of so many pixels.
const GAP_IMAGES: usize = 512;
const GAP_PIXELS: usize = 1 << 24;
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
        let mut trainer = Self::at(settled(config, sources)?, sources, device, cursors)?;
        if !trainer.config.start.from.is_empty() {
            trainer.go_on_from_start()?;
        }
        Ok(trainer)
    }

    /// Takes over the weights of the refiner at `start.from`, and of its discriminator if it fits.
    fn go_on_from_start(&mut self) -> Result<(), TrainError> {
        let config = &self.config;
        let start = Start::open(Path::new(&config.start.from))?;
        start.check_crc32c(&config.start.crc32c)?;
        start.check(config)?;
        self.refiner.parameters().load(&start.refiner())?;
        if let Some(path) = start.discriminator(&config.discriminator.network) {
            self.discriminator.parameters().load(&path)?;
        }
        // The average begins with the weights as they are now.
        let average = |decay| Ema::new(self.refiner.parameters().vars(), decay);
        self.ema = config.ema.decay.map(average).transpose()?;
        Ok(())
    }

    /// Restores a run from its newest intact checkpoint, or from its beginning if it has none yet.
    ///
    /// Newer but damaged checkpoints are skipped; [`Self::take_warnings`] reports them.
    ///
    /// # Errors
    /// As [`Self::new`]; `config` differs from the run's in a setting that
    /// [`TrainConfig::check_resumable`] does not allow, or asks for fewer steps than are done; every checkpoint
    /// is damaged; the newest intact one belongs to another configuration or other images.
    pub fn resume(
        run: &RunDir,
        config: TrainConfig,
        sources: &Sources,
        device: &Device,
    ) -> Result<Self, TrainError> {
        Self::resume_unlocked(run.path(), config, sources, device)
    }

    /// As [`Self::resume`], for the ranks that write nothing: the run's folder need not be theirs.
    ///
    /// # Errors
    /// As [`Self::resume`].
    pub fn resume_unlocked(
        run: &Path,
        mut config: TrainConfig,
        sources: &Sources,
        device: &Device,
    ) -> Result<Self, TrainError> {
        let (before, config_path) = (config_of_run(run)?, run.join(CONFIG_FILE));
        config.keep_choices_of(&before);
        before.check_resumable(&config, &config_path)?;
        let newest = newest_checkpoint(run)?;
        let content = newest.checkpoint.as_ref().and_then(|checkpoint| checkpoint.state().content.as_ref());
        if content.is_none() {
            before.check_places(&config, &config_path)?;
        }
        let mut trainer = match &newest.checkpoint {
            Some(checkpoint) => Self::from_checkpoint(checkpoint, config, sources, device)?,
            None => Self::new(config, sources, device)?,
        };
        let (done, total) = (trainer.n_steps, trainer.total_steps());
        if done > total {
            return Err(TrainError::StepsDone { done, total });
        }
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
        if !checksums(&config, state.content.is_some()).contains(&state.config_crc32c) {
            return Err(TrainError::OtherConfig { path: path.to_owned() });
        }
        let State { synthetic, real, n_skipped, .. } = *state;
        if let Some(content) = &state.content {
            content.check(&Content::of(sources), path)?;
        }
        // It is measured on more images than the content samples.
        if load_refiner_images(path)?.tone != sources.tone.as_ref().map(stage_of) {
            return Err(unusable(
                path,
                "the real images have no longer the tones that R was trained on".into(),
            ));
        }
        let mut trainer = Self::at(config, sources, device, Cursors { synthetic, real, n_skipped })?;
        if trainer.estimator() != state.estimator {
            let estimator = trainer.config.loss.consistency_model.clone().into();
            return Err(TrainError::OtherEstimator { path: estimator, checkpoint: path.to_owned() });
        }
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
        check_memory(sources, &config, device)?;
        let (optim, seed) = (&config.optim, config.seed);
        let (refiner_seed, discriminator_seed) =
            (Purpose::Refiner.seed(seed), Purpose::Discriminator.seed(seed));
        let channels = sources.synthetic.spec().channels;
        let precision = config.compute.precision;
        precision.check(device).map_err(TrainError::Precision)?;
        let place = (device, precision);
        let range = config.data.range.ends();
        let refiner =
            Network::refiner(&config.refiner, channels, &optim.refiner, refiner_seed, place, range)?;
        let (discriminator, own) = (&config.discriminator.network, &optim.discriminator);
        let discriminator = Network::discriminator(discriminator, channels, own, discriminator_seed, place)?;
        let average = |decay| Ema::new(refiner.parameters().vars(), decay);
        let ema = config.ema.decay.map(average).transpose()?;
        Ok(Self {
            batches: Batches::new(sources, &config, cursors, Share::WHOLE, device)?,
            samples: SampleInputs::draw(sources, &config.data, seed, device)?,
            consistency: TaskConsistency::open(&config, sources.synthetic.spec(), device)?,
            gaps: gaps(&config, sources, device)?,
            self_regularization: SelfRegularization::new(transform(&config, device)?),
            history: HistoryBuffer::new(config.history.capacity.unwrap_or(0)),
            history_stream: Purpose::History.stream(seed),
            translation_stream: Purpose::Translation.stream(seed),
            noise_stream: Purpose::Noise.stream(seed),
            latent_stream: Purpose::Latent.stream(seed),
            refiner,
            discriminator,
            ema,
            watch: Watch::default(),
            warnings: Vec::new(),
            n_steps: 0,
            content: Content::of(sources),
            config,
            sources: sources.clone(),
            device: device.clone(),
            share: Share::WHOLE,
            ranks: None,
        })
    }

    /// Writes a complete checkpoint into the folder `checkpoints`, atomically.
    ///
    /// # Errors
    /// It cannot be written, or the weights are not finite. Neither leaves a partial checkpoint.
    pub fn save(&self, checkpoints: &Path) -> Result<Checkpoint, TrainError> {
        self.refiner.check_finite(self.moment())?;
        self.discriminator.check_finite(self.moment())?;
        // Finite weights may be so large that the layers overflow.
        let refined = self.refiner.frozen.forward(&self.samples.synthetic)?;
        self.refiner.check_output(&refined, self.moment())?;
        checkpoint::write(checkpoints, self.state(), |folder| self.write_tensors(folder))
    }

    /// Which estimator the task consistency has.
    fn estimator(&self) -> Option<FileMark> {
        self.consistency.as_ref().map(|consistency| consistency.mark)
    }

    fn state(&self) -> State {
        let Cursors { synthetic, real, n_skipped } = self.batches.cursors();
        State {
            format_version: CHECKPOINT_VERSION,
            step: self.n_steps,
            phase: self.phase(),
            config_crc32c: crc32c::crc32c(self.config.identity_without_places().as_bytes()),
            history_stream_words: self.history_stream.get_word_pos().to_string(),
            n_skipped,
            synthetic,
            real,
            watch: self.watch.clone(),
            content: Some(self.content.clone()),
            estimator: self.estimator(),
            files: BTreeMap::new(),
        }
    }

    fn write_tensors(&self, folder: &Path) -> Result<(), TrainError> {
        let raw = self.refiner.parameters();
        let refiner = self.ema.as_ref().map_or_else(|| raw.tensors(), Ema::tensors);
        let range = self.config.data.range.ends();
        let tone = self.sources.tone.as_ref().map(stage_of);
        let images = RefinerImages { channels: self.sources.synthetic.spec().channels, range, tone };
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
        let weights =
            self.refiner.parameters().layout().count() + self.discriminator.parameters().layout().count();
        // At most two moments and a few numbers for each weight; twice that is more than enough.
        let optimizers = read_tensors_within(&folder.join(OPTIMIZERS_FILE), 16 * weights, device)?;
        // With averaging, `refiner.safetensors` holds the average, and training continues from the raw
        // weights.
        let refiner = folder.join(if self.ema.is_some() { RAW_REFINER_FILE } else { REFINER_FILE });
        self.refiner.restore(&refiner, &optimizers)?;
        self.discriminator.restore(&folder.join(DISCRIMINATOR_FILE), &optimizers)?;
        if let Some(ema) = &mut self.ema {
            ema.restore(&read_tensors_within(&folder.join(REFINER_FILE), 8 * weights, device)?)?;
        }
        self.restore_history(folder, device)
    }

    fn restore_history(&mut self, folder: &Path, device: &Device) -> Result<(), TrainError> {
        let image = self.marked(&self.samples.synthetic, &self.samples.synthetic)?.dims()[1..].to_vec();
        let capacity = self.config.history.capacity.unwrap_or(0);
        let most = 4 * image.iter().fold(capacity as u64, |n, side| n.saturating_mul(*side as u64));
        for (_, images) in read_tensors_within(&folder.join(HISTORY_FILE), most, device)? {
            // Before the history makes room for images of this size.
            if images.rank() != 4 || images.dims()[1..] != image {
                let reason = format!("the history has images {:?} instead of {image:?}", images.dims());
                return Err(unusable(folder, reason));
            }
            self.history.restore(&images)?;
        }
        Ok(())
    }
}

/// Returns the checksums of the settings that a checkpoint continued with `config` may have.
fn checksums(config: &TrainConfig, knows_content: bool) -> Vec<u32> {
    let crc32c = |identity: String| crc32c::crc32c(identity.as_bytes());
    if knows_content {
        return vec![crc32c(config.identity_without_places())];
    }
    // Older versions included what becomes of unreadable images.
    let with = |on_error| {
        let mut config = config.clone();
        config.data.on_error = on_error;
        crc32c(config.identity())
    };
    vec![with(OnError::Fail), with(OnError::Skip)]
}

/// Counts the gaps of some real images, the same whenever the run goes on.
fn gaps(config: &TrainConfig, sources: &Sources, device: &Device) -> Result<Option<Gaps>, TrainError> {
    if !config.refiner.holes || config.loss.gaps == 0.0 {
        return Ok(None);
    }
    let Size { width, height } = sources.real.spec().size();
    let n = (GAP_PIXELS / (width * height).max(1)).clamp(1, GAP_IMAGES);
    let images = drawn(&sources.real, &config.data, Purpose::Gaps.seed(config.seed), n, device)?;
    Ok(Some(Gaps::of(&images)?))
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
