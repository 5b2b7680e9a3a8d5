use std::sync::atomic::AtomicBool;

use candle_core::{Device, Tensor};
use rayon::prelude::*;
use simgan_data::{Annotations, ClassNames, DataError, ImageSpec, Sample, Source, Tone, Want, evenly, names};

use super::{Watch, checks};
use crate::task::classes;
use crate::{
    EvalError, Inputs, LabelledImages, Labels, Task, TaskSpec, check_labels, choose_task, extra_inputs,
};

/// Images read between two checks of whether to stop.
const AT_ONCE: usize = 512;

/// Images as read, with their annotations.
pub(super) struct Images {
    pub(super) names: Vec<String>,
    /// Planar, [−1, 1].
    pub(super) pixels: Vec<Vec<f32>>,
    /// The same with the tone that was asked for; empty without one.
    pub(super) toned: Vec<Vec<f32>>,
    pub(super) annotations: Vec<Annotations>,
    /// The names of the classes that each image's `class` numbers.
    classes: Vec<Option<ClassNames>>,
    pub(super) spec: ImageSpec,
}

impl Images {
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// The annotations, for the choice of a task; `what` says what the images are.
    pub(super) fn labels(&self, what: &'static str) -> Labels<'_> {
        Labels { what, names: &self.names, annotations: &self.annotations }
    }

    /// The names of the images' classes, if they have names.
    pub(super) fn class_names(&self) -> Vec<String> {
        classes::of_all(&self.classes)
    }

    /// If classes are the task, numbers them by name as the images that are learned do; `known` are their names.
    ///
    /// # Errors
    ///
    /// If an image is of another class.
    pub(super) fn number_classes(
        &mut self,
        what: &str,
        task: &TaskSpec,
        known: &[String],
    ) -> Result<(), EvalError> {
        if task.name != names::CLASS {
            return Ok(());
        }
        let has_class = |found: &Annotations| found.contains_key(names::CLASS);
        let mut labelled = self.annotations.iter().zip(&self.classes).filter(|(found, _)| has_class(found));
        if labelled.any(|(_, own)| own.is_some() == known.is_empty()) {
            let names = if known.is_empty() { self.class_names() } else { known.to_vec() };
            let told = classes::told(&names);
            tracing::warn!(
                "{what} classes and those that are learned are compared by number: only one side names {told}"
            );
        }
        for ((image, found), own) in self.names.iter().zip(&mut self.annotations).zip(&self.classes) {
            for (task, label) in found.iter_mut() {
                let refused =
                    |class| EvalError::OtherClass { name: image.clone(), class, known: known.to_vec() };
                *label = classes::numbered(label, task, own.as_ref(), known).map_err(refused)?;
            }
        }
        Ok(())
    }

    /// Whether every image has a label that suits the task. If only some have, says so.
    pub(super) fn is_labelled(&mut self, task: &TaskSpec, known: &[String]) -> bool {
        if let Err(error) = self.number_classes("real", task, known) {
            tracing::warn!("the row `real` is left out: {error}");
            return false;
        }
        let found = check_labels(task, &self.labels("real"));
        let has_some = self.annotations.iter().any(|found| found.contains_key(task.name.as_str()));
        if let (Err(error), true) = (&found, has_some) {
            tracing::warn!("the row `real` is left out: {error}");
        }
        found.is_ok()
    }

    /// Converts to tensors with the labels of a task; `inputs` names the second inputs.
    pub(super) fn labelled(
        &self,
        task: &TaskSpec,
        inputs: &[String],
        device: &Device,
    ) -> Result<LabelledImages, EvalError> {
        let is_told =
            |input: &String| *input == task.name || inputs.iter().filter(|other| *other == input).count() > 1;
        if let Some(input) = inputs.iter().find(|input| is_told(input)) {
            let reason = format!("`{input}` is the label itself, or given twice as a second input");
            return Err(EvalError::Impossible { reason, hint: "leave it out of the second inputs" });
        }
        let images = || self.names.iter().zip(&self.annotations);
        let labels: Result<_, _> = images().map(|(name, found)| task.label(name, found)).collect();
        let named: Vec<_> = images().map(|(name, found)| (name.as_str(), found)).collect();
        let extra = extra_inputs(inputs, &named, device)?;
        LabelledImages::new(Inputs::new(self.tensor(device)?, extra)?, labels?)
    }

    pub(super) fn select(&self, indices: &[usize]) -> Self {
        Self {
            names: indices.iter().map(|idx| self.names[*idx].clone()).collect(),
            pixels: indices.iter().map(|idx| self.pixels[*idx].clone()).collect(),
            toned: indices.iter().filter_map(|idx| self.toned.get(*idx).cloned()).collect(),
            annotations: indices.iter().map(|idx| self.annotations[*idx].clone()).collect(),
            classes: indices.iter().map(|idx| self.classes[*idx].clone()).collect(),
            spec: self.spec,
        }
    }

    /// `(N, C, H, W)` in [−1, 1].
    pub(super) fn tensor(&self, device: &Device) -> Result<Tensor, EvalError> {
        self.tensor_of(&self.pixels, device)
    }

    /// The toned images, `(N, C, H, W)` in [−1, 1], if there are any.
    pub(super) fn toned_tensor(&self, device: &Device) -> Result<Option<Tensor>, EvalError> {
        (!self.toned.is_empty()).then(|| self.tensor_of(&self.toned, device)).transpose()
    }

    fn tensor_of(&self, pixels: &[Vec<f32>], device: &Device) -> Result<Tensor, EvalError> {
        let ImageSpec { channels, height, width, .. } = self.spec;
        Ok(Tensor::from_vec(pixels.concat(), (self.len(), channels, height, width), device)?)
    }
}

/// Reads at most `most` evenly spread images of a source with their labels for the task called `name`, or the only
/// one there is; `inputs` names the second inputs.
///
/// # Errors
///
/// If an image cannot be read or lacks a label, or the task is not certain.
pub fn read_labelled(
    source: &dyn Source,
    name: Option<&str>,
    inputs: &[String],
    most: usize,
    device: &Device,
) -> Result<(Box<dyn Task>, LabelledImages), EvalError> {
    let (mut observe, stop) = (|_: &_| (), AtomicBool::new(false));
    let watch = &mut Watch::new(&mut observe, &stop);
    let mut images = read(source, &evenly(source.len(), most), None, watch)?;
    let task = choose_task(name, &[images.labels("training")])?;
    let known = images.class_names();
    images.number_classes("training", &task, &known)?;
    let task = choose_task(Some(&task.name), &[images.labels("training")])?.with_classes(known);
    let labelled = images.labelled(&task, inputs, device)?;
    checks::convention("training", &task, &labelled)?;
    Ok((task.task(), labelled))
}

/// Reads samples on all threads, also with a tone if there is one; the result keeps the order of `indices`.
pub(super) fn read(
    source: &dyn Source,
    indices: &[usize],
    tone: Option<&Tone>,
    watch: &mut Watch<'_>,
) -> Result<Images, EvalError> {
    let spec = source.spec();
    let (names, pixels, annotations, classes) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut images = Images { names, pixels, toned: Vec::new(), annotations, classes, spec };
    for indices in indices.chunks(AT_ONCE) {
        let read: Result<Vec<_>, EvalError> =
            indices.par_iter().map(|idx| Read::new(source, *idx, spec, tone)).collect();
        for Read { sample, pixels, toned } in read? {
            images.pixels.push(pixels);
            images.toned.extend(toned);
            images.names.push(sample.name);
            images.annotations.push(sample.annotations);
            images.classes.push(sample.classes);
        }
        watch.count(indices.len())?;
    }
    Ok(images)
}

/// One sample, and what is computed from its image.
struct Read {
    /// Without the source's own record, which may be large.
    sample: Sample,
    pixels: Vec<f32>,
    toned: Option<Vec<f32>>,
}

impl Read {
    fn new(source: &dyn Source, idx: usize, spec: ImageSpec, tone: Option<&Tone>) -> Result<Self, EvalError> {
        let sample = source.sample(idx, Want::Labels)?;
        let found = sample.image.spec();
        if (found.size(), found.channels) != (spec.size(), spec.channels) {
            let first = "the source's first image".to_owned();
            return Err(
                DataError::Mixed { first, first_spec: spec, other: sample.name, other_spec: found }.into()
            );
        }
        let pixels = sample.image.to_unit();
        let toned = tone.map(|tone| tone.apply(&sample.image).to_unit());
        Ok(Self { sample: Sample { record: None, ..sample }, pixels, toned })
    }
}
