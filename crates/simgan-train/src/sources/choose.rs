//! Chooses the size, channels and range of a run by its images, where the configuration says "auto".

use std::collections::BTreeSet;
use std::sync::Arc;

use simgan_data::{
    Annotation, BitDepth, Extremes, ImageSpec, Registry, Role, Size, Sizes, Source, SourceRequest,
    ValueRange, Want, probe_evenly,
};
use simgan_metrics::has_iris;

use super::tone::tone;
use crate::{Channels, DataConfig, DataRange, DataSize, TrainConfig, TrainError};

/// Maximum number of headers read of each source.
const MOST_HEADERS: usize = 1000;
/// Maximum number of images whose values are read, of each source.
const MOST_READ: usize = 64;
/// Maximum number of images that a warning names.
const MOST_NAMED: usize = 3;
/// "auto" keeps images of up to this width and height.
const LARGEST_SIDE: usize = 128;
/// Otherwise it takes about this number of pixels: minutes on a CPU with the demo's networks.
const AREA: f64 = 64.0 * 64.0;
/// Minimum number of synthetic and of real images for a selection unasked.
const FEWEST_JUDGED: usize = 64;
/// Longer images are cropped to these proportions.
const MOST_ELONGATED: f64 = 3.0;

/// The result of [`choose`].
#[derive(Clone, Debug)]
pub struct Chosen {
    /// The configuration, with a value where `data.size`, `data.channels`, `data.range`, `data.tone` and
    /// `selection.every` were "auto".
    pub config: TrainConfig,
    /// What was chosen, and why, where another choice could be meant; whole sentences.
    pub notices: Vec<String>,
    /// What is odd about the images.
    pub warnings: Vec<String>,
}

/// Reads a sample of both domains and chooses what `config` leaves to the images.
///
/// The choice depends on the images alone, so that it is the same whenever it is made. Simulators render what
/// the other sources have; without others, they decide. Unreadable images do not take part.
///
/// # Errors
/// A source cannot be opened.
pub fn choose(config: &TrainConfig, registry: &Registry) -> Result<Chosen, TrainError> {
    let mut domains = Domain::both(config, registry)?;
    let rendered = domains.iter().flat_map(|domain| &domain.simulators).map(|source| source.spec().depth);
    let rendered: BTreeSet<BitDepth> = rendered.collect();
    let mut config = config.clone();
    let can_judge = || domains.iter().all(|domain| domain.len() >= FEWEST_JUDGED) && domains[0].has_places();
    config.selection.every = config.selection.every.settled(config.schedule.steps, can_judge);
    // Simulators take part only among themselves.
    if domains.iter().any(|domain| !domain.files.is_empty()) {
        domains.iter_mut().for_each(|domain| domain.simulators.clear());
    }
    let specs = domains.each_ref().map(Domain::specs);
    let extremes: Vec<Extremes> = domains.iter().flat_map(Domain::extremes).collect();
    let mut depths: BTreeSet<BitDepth> = specs.iter().flatten().map(|spec| spec.depth).collect();
    // A simulator has its own unit: beside files of another depth, no range holds for both.
    depths.extend(rendered);
    let mut told = Told::default();
    config.data.channels = channels(&config.data, &specs, &mut told);
    config.data.size = size(&config.data, &specs, &mut told);
    config.data.range = range(&config.data, &depths, &extremes, &mut told);
    warn_of_flat(config.data.range, &depths, &extremes, &mut told);
    let (tone, why) = tone(&config, registry)?;
    config.data.tone = tone;
    told.notices.extend(why);
    Ok(Chosen { config, notices: told.notices, warnings: told.warnings })
}

/// The messages so far.
#[derive(Default)]
struct Told {
    notices: Vec<String>,
    warnings: Vec<String>,
}

/// One domain's sources, as their images are.
struct Domain {
    files: Vec<Arc<dyn Source>>,
    simulators: Vec<Arc<dyn Source>>,
}

impl Domain {
    /// Opens the synthetic and the real one.
    fn both(config: &TrainConfig, registry: &Registry) -> Result<[Self; 2], TrainError> {
        let open = |names: &[String], role| Self::open(names, role, config, registry);
        Ok([open(&config.data.synthetic, Role::Synthetic)?, open(&config.data.real, Role::Real)?])
    }

    fn open(
        names: &[String],
        role: Role,
        config: &TrainConfig,
        registry: &Registry,
    ) -> Result<Self, TrainError> {
        let DataConfig { crop, on_error, .. } = config.data;
        let (mut files, mut simulators) = (Vec::new(), Vec::new());
        for name in names {
            // As the run names it if it is not what it should be.
            let name = &registry.absolute(name)?;
            let (seed, sizes) = (config.seed, Sizes::Mixed);
            let request = SourceRequest { role, sizes, crop, seed, on_error, ..SourceRequest::new(name) };
            let list = if registry.is_name(name) { &mut simulators } else { &mut files };
            // Silently: what opening warns of, it warns of again when the run opens its sources.
            let quiet = tracing::subscriber::NoSubscriber::new();
            list.push(tracing::subscriber::with_default(quiet, || registry.open(&request))?);
        }
        Ok(Self { files, simulators })
    }

    fn specs(&self) -> Vec<ImageSpec> {
        let of = |source: &Arc<dyn Source>| probe_evenly(&**source, MOST_HEADERS);
        let probed = self.files.iter().flat_map(of).map(|(_, spec)| spec);
        // A simulator's images are alike.
        probed.chain(self.simulators.iter().map(|source| source.spec())).collect()
    }

    fn all(&self) -> impl Iterator<Item = &Arc<dyn Source>> {
        self.files.iter().chain(&self.simulators)
    }

    /// Number of images.
    fn len(&self) -> usize {
        self.all().fold(0, |sum, source| sum.saturating_add(source.len()))
    }

    /// Whether the label of a first image says where something is that must not move.
    fn has_places(&self) -> bool {
        let is_place = |label: &Annotation| label.as_points().is_some();
        self.all()
            .filter_map(|source| source.sample(0, Want::Labels).ok())
            .any(|sample| has_iris(&sample.annotations) || sample.annotations.values().any(is_place))
    }

    /// The extremes of the images' values; those of simulators only where their range is not the whole scale.
    fn extremes(&self) -> Vec<Extremes> {
        let measures = |source: &&Arc<dyn Source>| source.spec().depth != BitDepth::Eight;
        let sources = self.files.iter().chain(self.simulators.iter().filter(measures));
        sources.flat_map(|source| Extremes::of_source(&**source, MOST_READ)).collect()
    }
}

/// Whether images are depths that a sensor measured, some of them not: one value for each pixel, of more than 8 bits,
/// and real ones in which pixels are missing.
pub(super) fn are_depths(config: &TrainConfig, registry: &Registry) -> Result<bool, TrainError> {
    let domains = Domain::both(config, registry)?;
    // Most images have 8 bits, which opening them tells: none need be read.
    if domains.iter().flat_map(Domain::all).any(|source| source.spec().depth == BitDepth::Eight) {
        return Ok(false);
    }
    let specs = domains.each_ref().map(Domain::specs);
    let depths: BTreeSet<BitDepth> = specs.iter().flatten().map(|spec| spec.depth).collect();
    let [Some(depth), None] = [depths.first(), depths.iter().nth(1)] else { return Ok(false) };
    if *depth == BitDepth::Eight || specs.iter().flatten().any(|spec| spec.channels > 1) {
        return Ok(false);
    }
    let extremes = domains.each_ref().map(Domain::extremes);
    let is_missing = |image: &Extremes| image.n_zero + image.n_not_finite > 0;
    let range = ValueRange::measured(&extremes.concat(), *depth);
    Ok(range.is_some_and(|range| range.min > 0.0) && extremes[1].iter().any(is_missing))
}

/// Gray if every image is gray, else RGB.
fn channels(data: &DataConfig, specs: &[Vec<ImageSpec>; 2], told: &mut Told) -> Channels {
    let n_rgb = |specs: &Vec<ImageSpec>| specs.iter().filter(|spec| spec.channels == 3).count();
    let [synthetic, real] = specs.each_ref().map(|specs| (n_rgb(specs), specs.len()));
    let (n_colour, n_images) = (synthetic.0 + real.0, synthetic.1 + real.1);
    let counts =
        format!("{} of {} synthetic and {} of {} real images", synthetic.0, synthetic.1, real.0, real.1);
    let is_mixed = 0 < n_colour && n_colour < n_images;
    let is_gray = |(n_rgb, n_images)| n_images > 0 && n_rgb == 0;
    let is_told_by_colour = is_gray(synthetic) && real.0 > 0 || is_gray(real) && synthetic.0 > 0;
    let chosen = match data.channels {
        Channels::Auto if n_colour > 0 => Channels::Rgb,
        Channels::Auto => Channels::Gray,
        chosen => chosen,
    };
    match (data.channels, chosen) {
        // The discriminator then needs no more than the colour to tell the domains apart.
        (Channels::Auto, Channels::Rgb) if is_told_by_colour => told.warnings.push(format!(
            "{counts} that were looked at are RGB, so that colour alone tells the domains apart: training in RGB; \
             data.channels = 1 trains on brightness alone, which usually suits better"
        )),
        (Channels::Auto, Channels::Rgb) if is_mixed => told.notices.push(format!(
            "{counts} that were looked at are RGB, the others gray: training in RGB, which loses nothing; \
             data.channels = 1 trains on brightness alone"
        )),
        (Channels::Gray, _) if n_colour > 0 => told.notices.push(format!(
            "{counts} that were looked at are RGB: data.channels = 1 trains on their brightness alone; \
             data.channels = 3 keeps their colours"
        )),
        _ => {}
    }
    chosen
}

/// The images' own size if they share one and it is small; otherwise a size that a CPU can train on.
fn size(data: &DataConfig, specs: &[Vec<ImageSpec>; 2], told: &mut Told) -> DataSize {
    if data.size != DataSize::Auto {
        return data.size;
    }
    let sizes: Vec<Size> = specs.iter().flatten().map(ImageSpec::size).collect();
    let (Some(least), Some(most)) = (sizes.iter().min(), sizes.iter().max()) else {
        return DataSize::Source; // no image can be read, which opening the sources reports
    };
    if least == most && least.width.max(least.height) <= LARGEST_SIDE {
        return DataSize::Pixels(*least);
    }
    let [synthetic, real] = specs;
    let size = trainable(if real.is_empty() { synthetic } else { real });
    let why = if least == most {
        format!("images of {least} pixels are large for training")
    } else {
        format!("images differ in size, such as {least} and {most}")
    };
    told.notices.push(format!(
        "{why}: training at {size}, to which they are scaled; a refiner works best at the scale that it was \
         trained at, so choose a larger data.size if time permits"
    ));
    DataSize::Pixels(size)
}

/// A size of the images' median proportions, with a bounded number of pixels; no larger than they are.
fn trainable(specs: &[ImageSpec]) -> Size {
    let median = |value: fn(&ImageSpec) -> f64| {
        let mut values: Vec<f64> = specs.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let aspect = median(|spec| spec.width as f64 / spec.height as f64);
    let aspect = aspect.clamp(1.0 / MOST_ELONGATED, MOST_ELONGATED);
    let area = median(|spec| spec.width as f64 * spec.height as f64).min(AREA);
    let side = |length: f64| (length.round() as usize).clamp(1, Size::MAX);
    Size { width: side((area * aspect).sqrt()), height: side((area / aspect).sqrt()) }
}

/// What the images' values span, if they have 16 bits or floating point.
fn range(
    data: &DataConfig,
    depths: &BTreeSet<BitDepth>,
    extremes: &[Extremes],
    told: &mut Told,
) -> DataRange {
    if data.range != DataRange::Auto || depths.iter().all(|depth| *depth == BitDepth::Eight) {
        return if data.range == DataRange::Auto { DataRange::Full } else { data.range };
    }
    if depths.len() > 1 {
        let depths: Vec<String> = depths.iter().map(ToString::to_string).collect();
        told.warnings.push(format!(
            "images of different depths ({}) share no unit: each one's whole scale is used; give them one depth, or \
             set data.range",
            depths.join(", ")
        ));
        return DataRange::Full;
    }
    let measured = depths.first().and_then(|depth| ValueRange::measured(extremes, *depth));
    if let Some(range) = measured {
        told.notices.push(format!(
            "the images' values span {range} (data.range), which the networks see as black to white"
        ));
    }
    DataRange::of(measured)
}

/// Names the images that are almost flat in the range.
fn warn_of_flat(range: DataRange, depths: &BTreeSet<BitDepth>, extremes: &[Extremes], told: &mut Told) {
    // Images of different depths have no range in common.
    let full = depths.first().filter(|_| depths.len() == 1).map(|depth| ValueRange::full(*depth));
    let Some(range) = range.fixed().or(full) else { return };
    let flat: Vec<&str> =
        extremes.iter().filter(|image| image.is_flat(range)).map(|image| image.name.as_str()).collect();
    if flat.is_empty() {
        return;
    }
    let named = flat[..flat.len().min(MOST_NAMED)].join(", ");
    let others = if flat.len() > MOST_NAMED { ", …" } else { "" };
    told.warnings.push(format!(
        "{} of {} images that were looked at span less than 5 % of {range}: {named}{others}",
        flat.len(),
        extremes.len()
    ));
}
