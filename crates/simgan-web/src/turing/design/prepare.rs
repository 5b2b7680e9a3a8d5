//! Chooses the images of a new test.

use candle_core::Device;
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use simgan_data::{Image, ImageSpec, Source, Want};
use simgan_refine::RefineModel;

use super::pixels::{encode, refine};
use super::{Kind, MOST, NewImage, Part, TestDesign};
use crate::secret;
use crate::turing::TuringError;
use crate::turing::statistics::Design;

/// What a new test asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestOptions {
    /// What a subject is asked.
    pub design: Design,
    /// Number of real images and of refined ones in the main part; in a two-alternative test, of pairs.
    pub per_class: usize,
    /// Number of labelled examples of each kind.
    pub examples: usize,
    /// Number of unrefined and of real images in a last part, the baseline; 0 is none, the paper had 10.
    pub baseline: usize,
    /// Seed of the choice of images.
    pub seed: u64,
    /// Whether subjects learn at the end how many of their answers were right.
    pub show_score: bool,
}

impl Default for TestOptions {
    /// The paper's test: 50 images of each kind after 20 examples of each.
    fn default() -> Self {
        let design = Design::default();
        Self { design, per_class: 50, examples: 20, baseline: 0, seed: 0, show_score: false }
    }
}

/// Where a new test's images come from. Both sources have the size, channels and range of the run's training,
/// so that both kinds get the same treatment.
pub struct TestSources<'a> {
    /// The refiner.
    pub model: &'a RefineModel,
    /// Where it runs.
    pub device: &'a Device,
    /// Real images.
    pub real: &'a dyn Source,
    /// Synthetic images, without the refiner's tone.
    pub synthetic: &'a dyn Source,
    /// What the user called the real images.
    pub real_name: String,
    /// What the user called the synthetic images.
    pub synthetic_name: String,
}

/// Draws a test's images, refines those that subjects see refined, and brings all to one format.
///
/// One main question in ten is joined by a check: an unrefined image. No image is shown twice, and no
/// synthetic image both refined and unrefined.
///
/// # Errors
/// A number is out of range, a source has too few images, an image cannot be read, or images differ in size.
pub fn prepare(
    options: &TestOptions,
    sources: &TestSources<'_>,
    now_ms: i64,
) -> Result<(TestDesign, Vec<NewImage>), TuringError> {
    let numbers = Numbers::of(options)?;
    let real = drawn(sources.real, &numbers.real, options.seed, "real")?;
    let of_both = [&numbers.refined[..], &numbers.unrefined].concat();
    let mut refined = drawn(sources.synthetic, &of_both, options.seed, "synthetic")?;
    let unrefined = refined.split_off(numbers.refined.iter().map(|(_, n)| n).sum());
    let spec = common_spec(real.iter().chain(&refined).chain(&unrefined))?;
    let inputs: Vec<&Image> = refined.iter().map(|one| &one.image).collect();
    let outputs = refine(sources.model, &inputs, sources.device)?;
    let new = |kind, one: &Drawn, values: &[f32]| NewImage {
        kind,
        part: one.part,
        name: one.name.clone(),
        png: encode(spec, values),
    };
    let as_it_is = |kind| move |one: &Drawn| new(kind, one, &one.image.to_unit());
    let mut images: Vec<NewImage> = real.iter().map(as_it_is(Kind::Real)).collect();
    images.extend(refined.iter().zip(&outputs).map(|(one, values)| new(Kind::Refined, one, values)));
    images.extend(unrefined.iter().map(as_it_is(Kind::Unrefined)));
    Ok((design(options, sources, numbers.checks, spec, now_ms)?, images))
}

fn design(
    options: &TestOptions,
    sources: &TestSources<'_>,
    checks: usize,
    spec: ImageSpec,
    made_ms: i64,
) -> Result<TestDesign, TuringError> {
    let random_id = || secret::random_id().map_err(TuringError::system("drawing a random link"));
    Ok(TestDesign {
        design: options.design,
        per_class: options.per_class,
        examples: options.examples,
        checks,
        baseline: options.baseline,
        seed: options.seed,
        show_score: options.show_score,
        width: spec.width,
        height: spec.height,
        model: sources.model.folder().display().to_string(),
        real: sources.real_name.clone(),
        synthetic: sources.synthetic_name.clone(),
        made_ms,
        link: random_id()?,
        key: random_id()?,
    })
}

/// An image that was drawn for a part.
struct Drawn {
    part: Part,
    name: String,
    image: Image,
}

/// How many images of each kind each part takes.
struct Numbers {
    real: Vec<(Part, usize)>,
    refined: Vec<(Part, usize)>,
    unrefined: Vec<(Part, usize)>,
    checks: usize,
}

impl Numbers {
    fn of(options: &TestOptions) -> Result<Self, TuringError> {
        let TestOptions { design, per_class, examples, baseline, .. } = *options;
        if per_class == 0 || per_class.max(examples).max(baseline) > MOST {
            let message = "a test takes 1 to 10,000 images of each kind, and up to 10,000 examples";
            return Err(TuringError::Design(message.to_owned()));
        }
        let n_main = if design == Design::YesNo { 2 * per_class } else { per_class };
        let checks = n_main.div_ceil(10);
        let real_checks = if design == Design::YesNo { 0 } else { checks };
        Ok(Self {
            real: vec![
                (Part::Example, examples),
                (Part::Main, per_class),
                (Part::Check, real_checks),
                (Part::Baseline, baseline),
            ],
            refined: vec![(Part::Example, examples), (Part::Main, per_class)],
            unrefined: vec![(Part::Check, checks), (Part::Baseline, baseline)],
            checks,
        })
    }
}

/// Draws distinct images for the parts, in their order.
fn drawn(
    source: &dyn Source,
    parts: &[(Part, usize)],
    seed: u64,
    kind: &'static str,
) -> Result<Vec<Drawn>, TuringError> {
    let (needed, found) = (parts.iter().map(|(_, n)| n).sum(), source.len());
    if needed > found {
        let named = parts.iter().filter(|(_, n)| *n > 0).map(|(part, n)| format!("{n} {}", part.name()));
        let why = named.collect::<Vec<_>>().join(", ");
        return Err(TuringError::TooFew { kind, needed, why, found });
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(u64::from(kind == "real"));
    let indices = index::sample(&mut random, found, needed);
    let parts = parts.iter().flat_map(|(part, n)| std::iter::repeat_n(*part, *n));
    parts
        .zip(indices)
        .map(|(part, index)| {
            let sample = source.sample(index, Want::Image)?;
            Ok(Drawn { part, name: sample.name, image: sample.image })
        })
        .collect()
}

/// The size and channels that all images have.
fn common_spec<'a>(mut images: impl Iterator<Item = &'a Drawn>) -> Result<ImageSpec, TuringError> {
    let no_images = || TuringError::Design("the test has no images".to_owned());
    let first = images.next().ok_or_else(no_images)?;
    let shape = |one: &Drawn| (one.image.spec().channels, one.image.spec().size());
    match images.find(|one| shape(one) != shape(first)) {
        None => Ok(first.image.spec()),
        Some(other) => Err(TuringError::SizesDiffer {
            first: first.name.clone(),
            first_size: size_of(first.image.spec()),
            other: other.name.clone(),
            other_size: size_of(other.image.spec()),
        }),
    }
}

fn size_of(spec: ImageSpec) -> String {
    format!("{} with {} channels", spec.size(), spec.channels)
}
