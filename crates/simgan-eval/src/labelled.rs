use candle_core::{Device, Tensor};
use simgan_data::{Annotation, Annotations, Source, Want};

use crate::{EvalError, TaskSpec};

/// What a network sees: images and, where it takes a second input, numbers beside them, such as head poses.
#[derive(Clone, Debug)]
pub struct Inputs {
    images: Tensor,
    extra: Option<Tensor>,
}

impl Inputs {
    /// Pairs images `(N, C, H, W)` in [−1, 1] with numbers `(N, k)`.
    ///
    /// # Errors
    ///
    /// If there is not one row of numbers per image.
    pub fn new(images: Tensor, extra: Option<Tensor>) -> Result<Self, EvalError> {
        let (n_images, ..) = images.dims4()?;
        match extra.as_ref().map(Tensor::dims2).transpose()? {
            Some((found, _)) if found != n_images => {
                Err(EvalError::Mismatch(format!("{found} second inputs for {n_images} images")))
            }
            _ => Ok(Self { images, extra }),
        }
    }

    /// Replaces the images, such as by refined ones.
    ///
    /// # Errors
    ///
    /// As [`Inputs::new`].
    pub fn with_images(&self, images: Tensor) -> Result<Self, EvalError> {
        Self::new(images, self.extra.clone())
    }

    /// The images, `(N, C, H, W)` in [−1, 1].
    #[must_use]
    pub const fn images(&self) -> &Tensor {
        &self.images
    }

    /// The numbers beside them, `(N, k)`.
    #[must_use]
    pub const fn extra(&self) -> Option<&Tensor> {
        self.extra.as_ref()
    }

    /// The number k of numbers beside each image.
    pub(crate) fn n_extra(&self) -> Result<usize, EvalError> {
        Ok(self.extra.as_ref().map_or(Ok(0), |extra| extra.dim(1))?)
    }

    /// Returns `count` inputs from `start` on.
    pub(crate) fn narrow(&self, start: usize, count: usize) -> Result<Self, EvalError> {
        let part = |tensor: &Tensor| tensor.narrow(0, start, count);
        Ok(Self { images: part(&self.images)?, extra: self.extra.as_ref().map(part).transpose()? })
    }

    /// Returns the inputs at `indices`, a list of u32.
    pub(crate) fn select(&self, indices: &Tensor) -> Result<Self, EvalError> {
        let part = |tensor: &Tensor| tensor.index_select(indices, 0);
        Ok(Self { images: part(&self.images)?, extra: self.extra.as_ref().map(part).transpose()? })
    }
}

/// Images in memory, each with its label for one task.
#[derive(Clone, Debug)]
pub struct LabelledImages {
    inputs: Inputs,
    labels: Vec<Annotation>,
}

impl LabelledImages {
    /// Pairs N inputs with N labels.
    ///
    /// # Errors
    ///
    /// If the numbers differ or are 0.
    pub fn new(inputs: Inputs, labels: Vec<Annotation>) -> Result<Self, EvalError> {
        let found = inputs.images.dim(0)?;
        if found != labels.len() {
            return Err(EvalError::Mismatch(format!("{} labels for {found} images", labels.len())));
        }
        if found == 0 {
            return Err(EvalError::TooFew { what: "labelled images", found, needed: 1 });
        }
        Ok(Self { inputs, labels })
    }

    /// Reads the samples at `indices`, without second inputs; all must have the source's size and channels.
    ///
    /// # Errors
    ///
    /// If a sample cannot be read or has no label that suits `task`, or `indices` is empty.
    pub fn read(
        source: &dyn Source,
        task: &TaskSpec,
        indices: impl IntoIterator<Item = usize>,
        device: &Device,
    ) -> Result<Self, EvalError> {
        let (spec, mut values, mut labels) = (source.spec(), Vec::new(), Vec::new());
        for idx in indices {
            let sample = source.sample(idx, Want::Labels)?;
            labels.push(task.label(&sample.name, &sample.annotations)?);
            values.extend(sample.image.to_unit());
        }
        let shape = (labels.len(), spec.channels, spec.height, spec.width);
        let inputs = Inputs::new(Tensor::from_vec(values, shape, device)?, None)?;
        Self::new(inputs, labels)
    }

    /// Replaces the images, such as by refined ones, and keeps the labels.
    ///
    /// # Errors
    ///
    /// If the numbers differ.
    pub fn with_images(&self, images: Tensor) -> Result<Self, EvalError> {
        Self::new(self.inputs.with_images(images)?, self.labels.clone())
    }

    /// Replaces the images by several sets of as many, such as variants of refined ones: each gets the labels.
    ///
    /// # Errors
    ///
    /// If the numbers differ, or there is no set.
    pub(crate) fn with_variants(&self, variants: &[Tensor]) -> Result<Self, EvalError> {
        if let Some(other) = variants.iter().find(|images| images.dim(0).ok() != Some(self.n_images())) {
            return Err(EvalError::Mismatch(format!("{} labels for {:?}", self.n_images(), other.shape())));
        }
        let extra = self.inputs.extra().map(|extra| Tensor::cat(&vec![extra; variants.len()], 0));
        let inputs = Inputs::new(Tensor::cat(variants, 0)?, extra.transpose()?)?;
        let labels = variants.iter().flat_map(|_| self.labels.iter().cloned());
        Self::new(inputs, labels.collect())
    }

    /// Returns the first `count` images.
    ///
    /// # Errors
    ///
    /// If there are fewer than `count`, or `count` is 0.
    pub fn first(&self, count: usize) -> Result<Self, EvalError> {
        Self::new(self.inputs.narrow(0, count)?, self.labels[..count].to_vec())
    }

    /// The number of images, at least 1.
    #[must_use]
    pub const fn n_images(&self) -> usize {
        self.labels.len()
    }

    /// What a network sees of them.
    #[must_use]
    pub const fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// The images, `(N, C, H, W)` in [−1, 1].
    #[must_use]
    pub const fn images(&self) -> &Tensor {
        self.inputs.images()
    }

    /// The label of each image.
    #[must_use]
    pub fn labels(&self) -> &[Annotation] {
        &self.labels
    }
}

/// Returns the numbers of the annotations `names` of each image, side by side, `(N, k)`; `None` without names.
///
/// # Errors
///
/// If an image lacks one, or it is neither a vector nor a direction, or its length differs between images.
pub fn extra_inputs(
    names: &[String],
    images: &[(&str, &Annotations)],
    device: &Device,
) -> Result<Option<Tensor>, EvalError> {
    if names.is_empty() {
        return Ok(None);
    }
    let mut values = Vec::new();
    let mut width = None;
    for (name, annotations) in images {
        let before = values.len();
        for wanted in names {
            let lacking = || EvalError::NoInput { name: (*name).to_owned(), input: wanted.clone() };
            let annotation = annotations.get(wanted.as_str()).ok_or_else(lacking)?;
            values.extend(numbers(annotation).ok_or_else(lacking)?);
        }
        let found = values.len() - before;
        if *width.get_or_insert(found) != found {
            let names = names.join(", ");
            return Err(EvalError::Mismatch(format!("`{name}`: {names} has {found} numbers, others differ")));
        }
    }
    Ok(Some(Tensor::from_vec(values, (images.len(), width.unwrap_or(0)), device)?))
}

/// The numbers of an annotation that can be a second input, all finite.
fn numbers(annotation: &Annotation) -> Option<Vec<f32>> {
    let numbers = match annotation {
        Annotation::Vector(vector) => vector.values().to_vec(),
        Annotation::Direction(direction) => direction.vector().to_vec(),
        _ => return None,
    };
    numbers.iter().all(|value| value.is_finite()).then_some(numbers)
}
