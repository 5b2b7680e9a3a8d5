use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hasher};
use std::ops::Range;

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use simgan_data::{Annotations, Source, Tone, evenly};

use super::reading::{Images, read};
use super::toned::Toned;
use super::{EvaluationConfig, MethodKind, Watch, checks};
use crate::{EvalError, InputShape, LabelledImages, Task, TaskSpec, TestEye, choose_task};

/// Maximum number of synthetic images held out to measure label preservation and realism.
const MOST_PROBES: usize = 1000;
/// Minimum number of those: a classifier trains on half of them.
const LEAST_PROBES: usize = 4;
/// Minimum number of test images; fewer give no meaningful error.
const LEAST_TEST: usize = 10;

/// The sources of an evaluation. All images must have one size and number of channels;
/// [`simgan_data::Fitted`] makes them so.
#[derive(Clone, Copy)]
pub struct EvaluationSources<'a> {
    /// Labelled synthetic images of the kind that the refiner was trained on.
    pub synthetic: &'a dyn Source,
    /// Labelled real images that every method is tested on.
    pub test: &'a dyn Source,
    /// Unlabelled real images, open to all methods. If every one is labelled, only [`MethodKind::Real`] uses
    /// the labels.
    pub real: Option<&'a dyn Source>,
    /// Maximum number of test images; they are evenly spread over the source.
    pub most_test: usize,
    /// The tone that the synthetic images get before they are refined; `None` leaves theirs.
    pub tone: Option<&'a Tone>,
}

/// The images of an evaluation, in memory.
pub struct EvaluationData {
    task: Box<dyn Task>,
    synthetic: LabelledImages,
    n_images: usize,
    /// The synthetic images with the refiner's tone, if it has one.
    toned: Option<Toned>,
    probe: LabelledImages,
    probe_annotations: Vec<Annotations>,
    test: LabelledImages,
    test_names: Vec<String>,
    eyes: Vec<TestEye>,
    real: Option<Tensor>,
    labelled_real: Option<LabelledImages>,
    n_repeated: usize,
}

/// A summary of the images, for the record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataSummary {
    /// What the estimators predict; a gaze in files of format version 1.
    #[serde(default = "TaskSpec::gaze")]
    pub task: TaskSpec,
    /// Height, in pixels.
    pub height: usize,
    /// Width, in pixels.
    pub width: usize,
    /// 1 (gray) or 3 (RGB).
    pub channels: usize,
    /// Synthetic images that rows without `_Nx` train on.
    pub n_images: usize,
    /// Held-out synthetic images, for label preservation and realism.
    pub n_probe: usize,
    /// Test images.
    pub n_test: usize,
    /// Persons in the test images, as far as their names tell.
    pub n_persons: usize,
    /// Real images.
    pub n_real: usize,
    /// Labelled real images that [`MethodKind::Real`] trains on.
    pub n_labelled_real: usize,
    /// Labelled real images excluded from that training because they are also test images.
    pub n_repeated: usize,
}

impl EvaluationData {
    /// Reads and checks all images.
    ///
    /// # Errors
    ///
    /// If an image cannot be read, sizes differ or are too small for the network, labels are missing or
    /// follow another convention, or there are too few images.
    pub fn read(
        sources: &EvaluationSources<'_>,
        config: &EvaluationConfig,
        device: &Device,
        watch: &mut Watch<'_>,
    ) -> Result<Self, EvalError> {
        config.check()?;
        checks::same_kind(sources)?;
        let [trained, probed] = split(sources.synthetic.len(), config)?;
        let tested = evenly(sources.test.len(), sources.most_test);
        watch.begin("reading test images", tested.len())?;
        let mut test = read(sources.test, &tested, None, watch)?;
        checks::enough("the test images", test.len(), LEAST_TEST)?;
        watch.begin("reading synthetic images", trained.len() + probed.len())?;
        let mut probe = read(sources.synthetic, &probed.collect::<Vec<_>>(), sources.tone, watch)?;
        // Chosen before the many training images are read, so that what is missing is told at once; they may
        // have further classes.
        let task = choose_task(config.task.as_deref(), &[probe.labels("synthetic"), test.labels("test")])?;
        checks::warn_of_sides(&task, &test.names);
        let n_images = trained.len() / config.fold;
        let mut synthetic = read(sources.synthetic, &trained.collect::<Vec<_>>(), sources.tone, watch)?;
        let classes = synthetic.class_names();
        for (what, images) in [("synthetic", &mut synthetic), ("synthetic", &mut probe), ("test", &mut test)]
        {
            images.number_classes(what, &task, &classes)?;
        }
        let sets = [synthetic.labels("synthetic"), probe.labels("synthetic"), test.labels("test")];
        let task = choose_task(Some(&task.name), &sets)?.with_classes(classes.clone());
        let labelled = |what, images: &Images| {
            let images = images.labelled(&task, &config.inputs, device)?;
            checks::convention(what, &task, &images).map(|()| images)
        };
        let mut real = read_real(sources, config, watch)?;
        let is_labelled = real.as_mut().is_some_and(|real| real.is_labelled(&task, &classes));
        let (labelled_real, n_repeated) = match &real {
            Some(real) if is_labelled => real.without(&test).labelled_part(&labelled)?,
            _ => (None, 0),
        };
        let known = [labelled("synthetic", &synthetic)?, labelled("synthetic", &probe)?];
        let toned = Toned::new([&synthetic, &probe], &known, device)?;
        let [synthetic, labelled_probe] = known;
        let data = Self {
            synthetic,
            n_images,
            toned,
            probe: labelled_probe,
            test: labelled("test", &test)?,
            eyes: checks::eyes_of(&test.names),
            task: task.task(),
            probe_annotations: probe.annotations,
            test_names: test.names,
            real: real.map(|real| real.tensor(device)).transpose()?,
            labelled_real: labelled_real.filter(|real| is_learnable(&task, real)),
            n_repeated,
        };
        // Fails early if the images are too small for the network's layers, or there is nothing to learn.
        data.task.estimator(config.network, data.shape()?)?;
        data.task.objective(&data.synthetic)?;
        Ok(data)
    }

    /// Summarizes the images.
    ///
    /// # Errors
    ///
    /// None in practice: reading has checked the shapes.
    pub fn summary(&self) -> Result<DataSummary, EvalError> {
        let (n_test, channels, height, width) = self.test.images().dims4()?;
        Ok(DataSummary {
            task: self.task.spec().clone(),
            height,
            width,
            channels,
            n_images: self.n_images,
            n_probe: self.probe.n_images(),
            n_test,
            n_persons: self.eyes.iter().map(|eye| eye.person).collect::<BTreeSet<_>>().len(),
            n_real: self.real.as_ref().map_or(Ok(0), |real| real.dim(0))?,
            n_labelled_real: self.labelled_real.as_ref().map_or(0, LabelledImages::n_images),
            n_repeated: self.n_repeated,
        })
    }

    /// What the estimators predict.
    #[must_use]
    pub fn task(&self) -> &dyn Task {
        &*self.task
    }

    /// The shape of an estimator's inputs.
    pub(crate) fn shape(&self) -> Result<InputShape, EvalError> {
        let (_, channels, height, width) = self.test.images().dims4()?;
        Ok(InputShape { channels, height, width, extra: self.test.inputs().n_extra()? })
    }

    /// The test images.
    #[must_use]
    pub(crate) const fn test(&self) -> &LabelledImages {
        &self.test
    }

    /// The test images' names.
    #[must_use]
    pub(crate) fn test_names(&self) -> &[String] {
        &self.test_names
    }

    /// The person and side of each test image; persons are numbered from 0.
    #[must_use]
    pub(crate) fn eyes(&self) -> &[TestEye] {
        &self.eyes
    }

    /// Held-out synthetic images, which no method trains on.
    #[must_use]
    pub(crate) const fn probe(&self) -> &LabelledImages {
        &self.probe
    }

    /// The probe as the refiner sees it: with its tone, if it has one.
    #[must_use]
    pub(crate) fn seen_probe(&self) -> &LabelledImages {
        self.toned.as_ref().map_or(&self.probe, |toned| &toned.probe)
    }

    /// Whether the synthetic images get a tone before they are refined.
    #[must_use]
    pub(crate) const fn is_toned(&self) -> bool {
        self.toned.is_some()
    }

    /// All annotations of the probe.
    #[must_use]
    pub(crate) fn probe_annotations(&self) -> &[Annotations] {
        &self.probe_annotations
    }

    /// Real images `(N, C, H, W)`, if there are any.
    #[must_use]
    pub(crate) const fn real(&self) -> Option<&Tensor> {
        self.real.as_ref()
    }

    /// Returns the first `fold` × `n_images` synthetic images.
    ///
    /// # Errors
    ///
    /// If `fold` exceeds the configuration's.
    pub(crate) fn synthetic(&self, fold: usize) -> Result<LabelledImages, EvalError> {
        self.synthetic.first(self.n_images * fold)
    }

    /// All synthetic training images, `n_images` times the configuration's `fold`, as the refiner sees them:
    /// with its tone, if it has one.
    #[must_use]
    pub(crate) fn all_seen(&self) -> &LabelledImages {
        self.toned.as_ref().map_or(&self.synthetic, |toned| &toned.synthetic)
    }

    pub(super) const fn labelled_real(&self) -> Option<&LabelledImages> {
        self.labelled_real.as_ref()
    }

    /// Names the data that a method needs and that is missing.
    pub(super) fn lacking(&self, kind: MethodKind) -> Option<&'static str> {
        match kind {
            MethodKind::SyntheticHistogram
            | MethodKind::SyntheticHistogramAugmented
            | MethodKind::SyntheticFourier
                if self.real.is_none() =>
            {
                Some("real images")
            }
            MethodKind::Toned | MethodKind::TonedAugmented if self.toned.is_none() => {
                Some("a refiner with a tone stage")
            }
            MethodKind::Real if self.labelled_real.is_none() => {
                Some("labelled real images that are no test images")
            }
            _ => None,
        }
    }
}

/// Reads the real images, if there are any.
fn read_real(
    sources: &EvaluationSources<'_>,
    config: &EvaluationConfig,
    watch: &mut Watch<'_>,
) -> Result<Option<Images>, EvalError> {
    let Some(real) = sources.real else { return Ok(None) };
    watch.begin("reading real images", real.len().min(config.images))?;
    read(real, &evenly(real.len(), config.images), None, watch).map(Some)
}

/// Whether something can be learned from labelled real images; says why not.
fn is_learnable(task: &TaskSpec, real: &LabelledImages) -> bool {
    let objective = task.task().objective(real);
    if let Err(error) = &objective {
        tracing::warn!("the row `real` is left out: {error}");
    }
    objective.is_ok()
}

/// Splits the synthetic source into training images and the held-out images that follow them.
fn split(len: usize, config: &EvaluationConfig) -> Result<[Range<usize>; 2], EvalError> {
    let n_probe = (len / 10).min(config.images).clamp(LEAST_PROBES, MOST_PROBES);
    let n_images = config.images.min(len.saturating_sub(n_probe) / config.fold);
    let needed = config.neighbours;
    if n_images < needed {
        return Err(EvalError::TooFew { what: "synthetic images to learn from", found: n_images, needed });
    }
    let n_trained = n_images * config.fold;
    Ok([0..n_trained, n_trained..n_trained + n_probe])
}

impl Images {
    /// Selects the images whose pixels are not among `others`.
    fn without(&self, others: &Self) -> Remaining<'_> {
        let known: BTreeSet<u64> = others.pixels.iter().map(|pixels| digest(pixels)).collect();
        let kept = (0..self.len()).filter(|idx| !known.contains(&digest(&self.pixels[*idx])));
        Remaining { images: self, kept: kept.collect() }
    }
}

/// A selection of images.
struct Remaining<'a> {
    images: &'a Images,
    kept: Vec<usize>,
}

impl Remaining<'_> {
    /// Labels the selected images, if there are any; counts the others.
    fn labelled_part(
        &self,
        labelled: &dyn Fn(&'static str, &Images) -> Result<LabelledImages, EvalError>,
    ) -> Result<(Option<LabelledImages>, usize), EvalError> {
        let n_repeated = self.images.len() - self.kept.len();
        if self.kept.is_empty() {
            return Ok((None, n_repeated));
        }
        Ok((Some(labelled("real", &self.images.select(&self.kept))?), n_repeated))
    }
}

fn digest(pixels: &[f32]) -> u64 {
    let mut hasher = DefaultHasher::new();
    pixels.iter().for_each(|value| hasher.write_u32(value.to_bits()));
    hasher.finish()
}
