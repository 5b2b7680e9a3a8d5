use serde_json::{Value, json};
use simgan_data::{BitDepth, Class, DataError, Image, ImageSpec, Pixels, Sample, Source, Want, names};

use crate::figure::Figure;
use crate::{DigitsConfig, DigitsError, pen};

/// A source of drawn digits with random access. Sample `index` is a pure function of (configuration, index),
/// identical on every machine and thread. Its annotation [`names::CLASS`] is the digit.
#[derive(Clone, Debug)]
pub struct Digits {
    config: DigitsConfig,
}

impl Digits {
    /// Opens the simulator.
    ///
    /// # Errors
    /// A setting cannot be drawn.
    pub fn new(config: DigitsConfig) -> Result<Self, DigitsError> {
        config.check()?;
        Ok(Self { config })
    }

    /// The simulator's settings.
    #[must_use]
    pub fn config(&self) -> &DigitsConfig {
        &self.config
    }

    fn image(&self, figure: &Figure) -> Image {
        let (width, height) = (self.config.size.width, self.config.size.height);
        let chains = figure.chains(width, height);
        let levels = pen::draw(&chains, figure.pen_px(width, height), width, height);
        Image::new(self.config.channels, height, width, Pixels::U8(levels.repeat(self.config.channels)))
    }
}

/// What is known of an image, as JSON: the digit in `class`, and how it was drawn.
fn record(index: usize, figure: &Figure) -> Value {
    json!({
        "class": figure.class,
        "simgan": {
            "simulator": "builtin:digits",
            "index": index,
            "shape": figure.shape,
            "pen": figure.pen,
            "slant_deg": figure.slant_deg,
            "rotation_deg": figure.rotation_deg,
            "aspect": figure.aspect,
        },
    })
}

impl Source for Digits {
    fn len(&self) -> usize {
        self.config.samples
    }

    fn spec(&self) -> ImageSpec {
        let DigitsConfig { size, channels, .. } = self.config;
        ImageSpec { channels, height: size.height, width: size.width, depth: BitDepth::Eight }
    }

    fn sample(&self, index: usize, want: Want) -> Result<Sample, DataError> {
        let (name, figure) = (self.name(index)?, Figure::sample(&self.config, index as u64));
        let mut sample = Sample::new(name, self.image(&figure));
        if want == Want::Labels {
            sample.annotations.insert(names::CLASS.into(), Class(figure.class as u32).into());
            sample.record = Some(record(index, &figure));
        }
        Ok(sample)
    }

    fn probe(&self, _: usize) -> Result<ImageSpec, DataError> {
        Ok(self.spec())
    }

    fn name(&self, index: usize) -> Result<String, DataError> {
        assert!(index < self.config.samples, "sample {index} of {}", self.config.samples);
        Ok(index.to_string())
    }
}
