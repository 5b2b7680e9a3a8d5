use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use candle_core::Device;
use simgan_data::{Registry, Remembering, Source};
use simgan_models::{Estimator, Parameters};
use simgan_refine::RefineModel;
use simgan_train::run_dir::CONFIG_FILE;
use simgan_train::{DataConfig, Event, Flip, RunDir, Sources, TrainConfig, Trainer, run};

use super::files::{read_json, write_json};
use super::{DrawFigures, ExperimentConfig, ExperimentEvent, Talk, Variant};
use crate::evaluation::{
    Baselines, Evaluation, EvaluationConfig, EvaluationData, Method, MethodKind, OpenedSources, Plan,
    RefinerFigures,
};
use crate::{EvalError, TrainedEstimator};

const BASELINES_FILE: &str = "baselines.json";
/// Holds the networks of the row `synthetic`. The name is part of the format of existing experiments.
const NETWORKS_DIR: &str = "judges";

/// Maximum bytes of pixels per domain kept for the next variant: about 100,000 gray eyes.
const MOST_BYTES: usize = 256 << 20;

/// One draw of an experiment.
pub(super) struct Draw<'a> {
    pub(super) config: &'a ExperimentConfig,
    pub(super) registry: &'a Registry,
    pub(super) device: &'a Device,
    pub(super) number: u64,
    pub(super) folder: PathBuf,
}

impl Draw<'_> {
    /// Does the missing work: the baselines, then each variant. `data` avoids reading the images again.
    pub(super) fn finish(
        &self,
        data: Option<EvaluationData>,
        talk: &mut Talk<'_>,
    ) -> Result<DrawFigures, EvalError> {
        let variants = &self.config.variants;
        let missing: Vec<_> =
            variants.iter().filter(|variant| !self.figures_file(variant).exists()).collect();
        if !missing.is_empty() {
            fs::create_dir_all(&self.folder).map_err(EvalError::io(&self.folder))?;
            let data = data.map_or_else(|| self.read(talk), Ok)?;
            let baselines = self.baselines(&data, talk)?;
            let mut opened = None;
            for variant in missing {
                let figures = self.variant(variant, &baselines, &data, &mut opened, talk)?;
                write_json(&self.figures_file(variant), &figures)?;
            }
        }
        // Fresh figures are read back too, so that an interruption does not change a digit.
        variants.iter().map(|variant| self.figures(variant)).collect()
    }

    /// Reads the images.
    pub(super) fn read(&self, talk: &mut Talk<'_>) -> Result<EvaluationData, EvalError> {
        talk.begin(self.number, "reading images");
        let ExperimentConfig { training, test, most_test, .. } = self.config;
        let seed = training.seed.saturating_add(self.number);
        let sources = OpenedSources::open(&training.data, test, *most_test, seed, self.registry)?
            .with_measured_tone(&training.data)?;
        let config = self.evaluation();
        talk.measure(0, |watch| EvaluationData::read(&sources.sources(), &config, self.device, watch))
    }

    /// Loads the baselines, measuring them first if needed. Even fresh baselines are read back from their
    /// file, so that an interrupted and an uninterrupted experiment give the same digits.
    fn baselines(&self, data: &EvaluationData, talk: &mut Talk<'_>) -> Result<Baselines, EvalError> {
        let path = self.folder.join(BASELINES_FILE);
        if !path.exists() {
            self.measure_baselines(&path, data, talk)?;
        }
        let stored: Baselines = read_json(&path)?;
        if stored.data != data.summary()? {
            let reason = "its images have changed since it was measured";
            return Err(EvalError::Folder { path: self.folder.clone(), reason });
        }
        let synthetic = stored.methods.get(&Method::once(MethodKind::Synthetic));
        let n_networks = synthetic.map_or(0, |synthetic| synthetic.runs.len() as u64);
        let networks = self.stored_networks(n_networks, data);
        let networks = networks.map_err(|error| EvalError::damaged(&path, &error))?;
        let estimators = [(Method::once(MethodKind::Synthetic), networks)].into();
        Ok(Baselines { estimators, ..stored })
    }

    fn measure_baselines(
        &self,
        path: &Path,
        data: &EvaluationData,
        talk: &mut Talk<'_>,
    ) -> Result<(), EvalError> {
        talk.begin(self.number, "baselines");
        let config = self.evaluation();
        let plan = Plan::new(data, &config)?;
        let baselines = talk.measure(plan.n_updates_of(false), |watch| Baselines::measure(&plan, watch))?;
        let networks = self.folder.join(NETWORKS_DIR);
        fs::create_dir_all(&networks).map_err(EvalError::io(&networks))?;
        for (number, network) in (0..).zip(baselines.networks()) {
            network.parameters.save(&self.network_file(number))?;
        }
        write_json(path, &baselines) // last, because its presence marks the networks as complete
    }

    fn stored_networks(&self, count: u64, data: &EvaluationData) -> Result<Vec<TrainedEstimator>, EvalError> {
        let layers = data.task().estimator(self.config.evaluation.network, data.shape()?)?;
        let network = |number| {
            // Any seed will do: `load` replaces every parameter.
            let parameters = Parameters::new(0, self.device);
            let network = Estimator::new(&layers, parameters.var_builder())?;
            parameters.load(&self.network_file(number))?;
            Ok(TrainedEstimator { network, parameters })
        };
        (0..count).map(network).collect()
    }

    /// Trains a variant and measures it.
    fn variant(
        &self,
        variant: &Variant,
        baselines: &Baselines,
        data: &EvaluationData,
        opened: &mut Option<Opened>,
        talk: &mut Talk<'_>,
    ) -> Result<Evaluation, EvalError> {
        let model = self.train(variant, opened, talk)?;
        talk.begin(self.number, format!("{}: measuring", variant.name));
        let config = self.evaluation();
        let plan = Plan::new(data, &config)?;
        let refined = talk.measure(plan.n_updates_of(true), |watch| {
            RefinerFigures::measure(model.refiner(), baselines.networks(), &plan, watch)
        })?;
        Ok(Evaluation::new(baselines.clone(), refined))
    }

    /// Trains a variant to completion, resuming its run if there is one.
    fn train(
        &self,
        variant: &Variant,
        opened: &mut Option<Opened>,
        talk: &mut Talk<'_>,
    ) -> Result<RefineModel, EvalError> {
        let path = self.folder.join(&variant.name);
        let config = self.config.training_of(variant, self.number)?;
        let sources = Opened::sources(opened, &config, self.registry)?;
        let (mut trainer, run_dir) = if path.join(CONFIG_FILE).exists() {
            let run_dir = RunDir::open(&path)?;
            (Trainer::resume(&run_dir, config, &sources, self.device)?, run_dir)
        } else {
            (Trainer::new(config.clone(), &sources, self.device)?, RunDir::create(&path, &config)?)
        };
        if !trainer.is_done() {
            talk.begin(self.number, format!("{}: training", variant.name));
            let mut observe = |event: &Event| (talk.observe)(&ExperimentEvent::Training(event));
            let summary = run(&mut trainer, &run_dir, &mut observe, talk.stop)?;
            if !summary.is_complete() {
                return Err(EvalError::Stopped);
            }
        }
        Ok(RefineModel::open(&path, self.device)?)
    }

    fn figures(&self, variant: &Variant) -> Result<Evaluation, EvalError> {
        let path = self.figures_file(variant);
        read_json(&path)
    }

    fn evaluation(&self) -> EvaluationConfig {
        self.config.evaluation_of(self.number)
    }

    fn figures_file(&self, variant: &Variant) -> PathBuf {
        self.folder.join(format!("{}.json", variant.name))
    }

    fn network_file(&self, number: u64) -> PathBuf {
        self.folder.join(NETWORKS_DIR).join(format!("{number}.safetensors"))
    }
}

/// The previous variant's sources. A variant with the same data settings reuses them, so that images are
/// rendered or decoded once.
struct Opened {
    data: DataConfig,
    sources: Sources,
}

impl Opened {
    /// Returns the sources for a variant of the same draw, reusing `opened` if the data settings match.
    fn sources(
        opened: &mut Option<Self>,
        config: &TrainConfig,
        registry: &Registry,
    ) -> Result<Sources, EvalError> {
        if let Some(Self { data, sources }) = opened
            && *data == config.data
        {
            return Ok(sources.clone());
        }
        let Sources { synthetic, real, tone } = Sources::open(config, registry)?;
        // A remembered image would be the same random change for ever.
        let is_random = config.data.flip != Flip::None || config.data.random_crop.0.is_some();
        let remember = |source| match is_random {
            true => source,
            false => Arc::new(Remembering::new(source, MOST_BYTES)) as Arc<dyn Source>,
        };
        let sources = Sources { synthetic: remember(synthetic), real: remember(real), tone };
        *opened = Some(Self { data: config.data.clone(), sources: sources.clone() });
        Ok(sources)
    }
}
