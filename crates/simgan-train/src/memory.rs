//! How much memory a run needs, told before any is taken.

use std::fmt;

use simgan_data::Size;
use simgan_models::{Discriminator, DiscriminatorConfig, Layer, Layout, Refiner};

use crate::trainer::QUEUE;
use crate::{OptimizerConfig, OptimizerKind, Patches, TrainConfig, TrainError};

/// Bytes of an `f32`.
const VALUE: u64 = 4;

/// The memory that a run cannot do without, in bytes. What comes on top, such as each thread's working memory,
/// is left out: a run that is refused would certainly have failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Weights, their gradients, the optimizers' moments and the running average.
    pub networks: u64,
    /// D's part of `networks`.
    pub discriminator: u64,
    /// Feature maps kept for a backward pass: in R's update those of both networks, in D's those of two
    /// batches.
    pub maps: u64,
    /// Batches decoded ahead.
    pub batches: u64,
    /// The history of refined images.
    pub history: u64,
}

impl Need {
    /// Computes the need of a run on images of `size`.
    ///
    /// # Errors
    /// The networks cannot be built.
    pub(crate) fn of(config: &TrainConfig, size: Size) -> Result<Self, TrainError> {
        let TrainConfig { data, refiner, optim, .. } = config;
        let network = &config.discriminator.network;
        // A trainer has replaced "auto"; RGB is the most that it can mean.
        let channels = data.channels.number().unwrap_or(3);
        let n_refiner = Layout::of(|vb| Refiner::new(refiner, channels, vb))?.count();
        let n_discriminator = Layout::of(|vb| Discriminator::new(network, channels, vb))?.count();
        let of_refiner = kept(&optim.refiner) + u64::from(config.ema.decay.is_some());
        let pixels = product(&[size.width, size.height]);
        let image = pixels.saturating_mul(channels as u64);
        let marks = if config.discriminator.patches == Patches::Content { pixels } else { 0 };
        let kept_image = image.saturating_add(marks);
        let batch = data.batch as u64;
        let maps_of_refiner = pixels.saturating_mul(product(&[refiner.features, 1 + 2 * refiner.blocks]));
        let maps_of_discriminator = maps(network, size);
        // With noise, R's update refines each image twice.
        let draws = if refiner.noise_channels > 0 { 2 } else { 1 };
        let of_update = maps_of_refiner.saturating_add(maps_of_discriminator).saturating_mul(draws);
        let maps = of_update.max(maps_of_discriminator.saturating_mul(2));
        let n_batches = 2 * QUEUE.max(data.workers) as u64;
        let discriminator = bytes(&[n_discriminator, kept(&optim.discriminator)]);
        Ok(Self {
            networks: bytes(&[n_refiner, of_refiner]).saturating_add(discriminator),
            discriminator,
            maps: bytes(&[maps, batch]),
            batches: bytes(&[image, batch, n_batches]),
            history: bytes(&[kept_image, config.history.capacity.unwrap_or(0) as u64]),
        })
    }

    /// All of it.
    #[must_use]
    pub fn total(&self) -> u64 {
        [self.maps, self.batches, self.history].into_iter().fold(self.networks, u64::saturating_add)
    }

    /// Returns an error if a machine with `memory` bytes cannot hold it.
    pub(crate) fn check(self, config: &TrainConfig, memory: u64) -> Result<(), TrainError> {
        if self.total() <= memory {
            return Ok(());
        }
        let Self { networks, discriminator, maps, batches, history } = self;
        let largest = networks.max(maps).max(batches).max(history);
        if largest == networks
            && discriminator > networks / 2
            && let Some(layers) = narrower(config, memory / 3)
        {
            let setting = ("discriminator.layers", layers);
            return Err(TrainError::Memory { need: self, memory, setting });
        }
        let setting = match largest {
            most if most == history => ("history.capacity", config.history.capacity.unwrap_or(0)),
            most if most == networks => ("refiner.features", config.refiner.features),
            _ => ("data.batch", config.data.batch),
        };
        // A third of the memory for the largest part, in the proportion in which the setting counts; even, as
        // a batch must be.
        let share = memory as f64 / 3.0 / largest as f64;
        let lower = (setting.1 as f64 * share) as usize / 2 * 2;
        let setting = match lower.max(2) {
            lower if lower < setting.1 => (setting.0, lower.to_string()),
            // It cannot go lower: the images themselves are too large.
            _ => ("data.random_crop", "128x128".to_owned()),
        };
        Err(TrainError::Memory { need: self, memory, setting })
    }
}

/// "about 77.3 GB of memory (75.2 GB for …)".
impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { networks, maps, batches, history, .. } = *self;
        let [total, networks, maps, batches, history] =
            [self.total(), networks, maps, batches, history].map(gigabytes);
        write!(
            f,
            "about {total} (feature maps {maps}, history {history}, networks and optimizers {networks}, \
             batches {batches})"
        )
    }
}

/// Formats bytes as gigabytes, or as megabytes below one.
pub(crate) fn gigabytes(bytes: u64) -> String {
    match bytes as f64 / 1e9 {
        gigabytes if gigabytes < 1.0 => format!("{:.0} MB", gigabytes * 1000.0),
        gigabytes => format!("{gigabytes:.1} GB"),
    }
}

/// Values kept for each weight: itself, its gradient and the optimizer's moments.
fn kept(optimizer: &OptimizerConfig) -> u64 {
    match optimizer.kind {
        OptimizerKind::Adam => 4,
        OptimizerKind::Sgd if optimizer.momentum > 0.0 => 3,
        OptimizerKind::Sgd => 2,
    }
}

/// D's layers with at most so many features that it needs no more than `limit` bytes, as a setting; `None` if
/// one is too many.
fn narrower(config: &TrainConfig, limit: u64) -> Option<String> {
    let network = &config.discriminator.network;
    let channels = config.data.channels.number().unwrap_or(3);
    let capped = |most: usize| {
        let mut network = network.clone();
        for layer in &mut network.layers {
            if let Layer::Conv { features, .. } = layer {
                *features = most.min(*features);
            }
        }
        network
    };
    let fits = |network: &DiscriminatorConfig| {
        let layout = Layout::of(|vb| Discriminator::new(network, channels, vb));
        layout.is_ok_and(|layout| bytes(&[layout.count(), kept(&config.optim.discriminator)]) <= limit)
    };
    let halves =
        std::iter::successors(Some(MAX_FEATURES), |most| Some(most / 2)).take_while(|most| *most > 0);
    let network = halves.map(capped).find(fits)?;
    let written = |layer: &Layer| match *layer {
        Layer::Conv { kernel, stride, features } => {
            format!("{{conv={{kernel={kernel},stride={stride},features={features}}}}}")
        }
        Layer::MaxPool { kernel, stride } => format!("{{max_pool={{kernel={kernel},stride={stride}}}}}"),
    };
    Some(format!("[{}]", network.layers.iter().map(written).collect::<Vec<_>>().join(",")))
}

/// The most features that a layer may have.
const MAX_FEATURES: usize = 4096;

/// Values in D's feature maps of one image.
fn maps(network: &DiscriminatorConfig, size: Size) -> u64 {
    let (mut side, mut features, mut sum) = ([size.width, size.height], 1, 0u64);
    for layer in &network.layers {
        let stride = match *layer {
            Layer::Conv { stride, features: new, .. } => {
                features = new;
                stride
            }
            Layer::MaxPool { stride, .. } => stride,
        };
        // Padded by half its odd kernel, a layer divides a side by its stride, rounded up.
        side = side.map(|side| side.div_ceil(stride.max(1)));
        sum = sum.saturating_add(product(&[side[0], side[1], features]));
    }
    sum
}

fn product(factors: &[usize]) -> u64 {
    factors.iter().fold(1, |product, factor| product.saturating_mul(*factor as u64))
}

fn bytes(factors: &[u64]) -> u64 {
    factors.iter().fold(VALUE, |product, factor| product.saturating_mul(*factor))
}

/// Bytes of the machine's memory; `None` where the system does not tell.
pub(crate) fn machine() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    total_of(&text)
}

/// Reads `MemTotal` from the text of Linux' `/proc/meminfo`.
fn total_of(text: &str) -> Option<u64> {
    let kibibytes = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?.trim();
    kibibytes.strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::config;

    const SIZE: Size = Size { width: 55, height: 35 };

    fn with(set: &[&str]) -> TrainConfig {
        let set: Vec<String> = set.iter().map(|setting| (*setting).to_owned()).collect();
        TrainConfig::resolve(Some(crate::Recipe::EyeGaze), None, &set).unwrap()
    }

    #[test]
    fn the_papers_run_needs_what_its_tensors_take() {
        let need = Need::of(&with(&[]), SIZE).unwrap();
        assert_eq!(need.networks, 4 * 4 * (296_129 + 75_906)); // with Adam
        let of_discriminator = 18 * 28 * 96 + 9 * 14 * (64 + 64 + 32 + 32);
        assert_eq!(need.maps, 4 * 512 * (1925 * 64 * 9 + of_discriminator));
        assert_eq!(need.history, 4 * 5120 * 1925);
        assert_eq!(need.batches, 4 * 512 * 1925 * 2 * 4);
        let told = need.to_string();
        assert!(told.starts_with("about 2.5 GB (feature maps 2.4 GB, history 39 MB"), "{told}");
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_setting_to_lower() {
        let refused = |set: &[&str]| {
            let config = with(set);
            let error = Need::of(&config, SIZE).unwrap().check(&config, 8_000_000_000).unwrap_err();
            let hint = error.hint().unwrap().to_string();
            (error.to_string(), hint)
        };
        let (error, hint) = refused(&["history.capacity=10000000"]);
        assert!(error.contains("about 79.5 GB (") && error.contains("has 8.0 GB"), "{error}");
        assert_eq!(hint, "need less with history.capacity = 346320");
        assert!(refused(&["data.batch=8192"]).1.contains("data.batch"));
        let (_, hint) = refused(&["refiner.features=4096", "refiner.blocks=16", "data.batch=2"]);
        assert!(hint.contains("refiner.features"), "{hint}");
        let wide = "{conv={kernel=31,stride=1,features=4096}}";
        let (_, hint) = refused(&[
            &format!("discriminator.layers=[{wide},{wide},{{max_pool={{kernel=3,stride=2}}}}]"),
            "data.batch=2",
        ]);
        let (_, layers) = hint.split_once("need less with discriminator.layers = ").unwrap();
        let narrow = with(&[&format!("discriminator.layers={layers}"), "data.batch=2"]);
        Need::of(&narrow, SIZE).unwrap().check(&narrow, 8_000_000_000).unwrap();
        let config = config(1);
        Need::of(&config, SIZE).unwrap().check(&config, 8_000_000_000).unwrap();
    }

    #[test]
    fn the_largest_settings_of_all_do_not_overflow() {
        let mut config = with(&["refiner.features=4096", "refiner.blocks=256", "refiner.kernel=31"]);
        config.data.batch = 65_536;
        config.history.capacity = Some(10_000_000);
        let need = Need::of(&config, Size { width: 16_384, height: 16_384 }).unwrap();
        assert!(need.check(&config, u64::MAX / 8).is_err());
    }

    #[test]
    fn the_systems_words_are_read() {
        assert_eq!(total_of("MemFree: 1 kB\nMemTotal:       24000000 kB\n"), Some(24_576_000_000));
        assert_eq!(total_of("MemTotal: much\n"), None);
    }
}
