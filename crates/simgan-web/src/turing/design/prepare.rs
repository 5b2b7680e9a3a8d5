//! Chooses the images of a new test.

use candle_core::Device;
use rand::SeedableRng;
use rand::seq::index;
use rand_chacha::ChaCha8Rng;
use simgan_data::{Image, ImageSpec, Source, Want};
use simgan_refine::RefineModel;

use super::pixels::{encode, refine};
use super::{Kind, NewImage, Part, TestDesign};
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
    /// Seed of the choice of images and of each subject's order.
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
    let refined = drawn(
        sources.synthetic,
        &[&numbers.refined[..], &numbers.unrefined].concat(),
        options.seed,
        "synthetic",
    )?;
    let spec = real.first().map(|(_, _, image)| image.spec());
    for (_, name, image) in real.iter().chain(&refined) {
        check_size(&real[0].1, &real[0].2, name, image)?;
    }
    let (refined, unrefined) = refined.split_at(numbers.refined.iter().map(|(_, n)| n).sum());
    let inputs: Vec<Image> = refined.iter().map(|(_, _, image)| image.clone()).collect();
    let outputs = refine(sources.model, &inputs, sources.device)?;
    let spec = spec.ok_or_else(|| TuringError::Design("the test has no images".to_owned()))?;
    let new = |kind, part: Part, name: &str, values: &[f32]| NewImage {
        kind,
        part,
        name: name.to_owned(),
        png: encode(spec, values),
    };
    let mut images = Vec::new();
    images.extend(real.iter().map(|(part, name, image)| new(Kind::Real, *part, name, &image.to_unit())));
    let with_output = refined.iter().zip(&outputs);
    images.extend(with_output.map(|((part, name, _), values)| new(Kind::Refined, *part, name, values)));
    let as_rendered = unrefined.iter();
    images.extend(as_rendered.map(|(part, name, image)| new(Kind::Unrefined, *part, name, &image.to_unit())));
    let random_id = || secret::random_id().map_err(TuringError::system("drawing a random link"));
    let design = TestDesign {
        design: options.design,
        per_class: options.per_class,
        examples: options.examples,
        checks: numbers.checks,
        baseline: options.baseline,
        seed: options.seed,
        show_score: options.show_score,
        width: spec.width,
        height: spec.height,
        model: sources.model.folder().display().to_string(),
        real: sources.real_name.clone(),
        synthetic: sources.synthetic_name.clone(),
        made_ms: now_ms,
        link: random_id()?,
        key: random_id()?,
    };
    Ok((design, images))
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
        if per_class == 0 || per_class.max(examples).max(baseline) > 10_000 {
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
) -> Result<Vec<(Part, String, Image)>, TuringError> {
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
            Ok((part, sample.name, sample.image))
        })
        .collect()
}

fn check_size(first: &str, first_image: &Image, other: &str, image: &Image) -> Result<(), TuringError> {
    let [a, b] = [first_image, image].map(Image::spec);
    if (a.channels, a.size()) == (b.channels, b.size()) {
        return Ok(());
    }
    Err(TuringError::SizesDiffer {
        first: first.to_owned(),
        first_size: size_of(a),
        other: other.to_owned(),
        other_size: size_of(b),
    })
}

fn size_of(spec: ImageSpec) -> String {
    format!("{} with {} channels", spec.size(), spec.channels)
}
