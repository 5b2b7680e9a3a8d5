use simgan_data::{Crop, Fit, OnError, Size};
use simgan_settings::{Range, settings};
use toml::Value;

use super::{ConfigError, DataSize, Recipe, Section, TrainConfig};

pub(super) const SECTION: Section = Section::new("data", DataConfig::DOC, &[DataConfig::SETTINGS]);

settings! {
    /// The images and how they become batches.
    #[derive(Clone, Debug, PartialEq)]
    pub struct DataConfig {
        /// Synthetic images: folders, packed data sets or simulators. Several become one source.
        synthetic: Vec<String> = SOURCES,
        /// Real images, read without their labels. Several become one source.
        real: Vec<String> = SOURCES,
        /// Size of the images that the networks see, in pixels, or "source": as the images are, which must then all
        /// have one size.
        size: DataSize = Range::Form("\"source\" or \"WIDTHxHEIGHT\", each from 1 to 16384", is_size),
        /// What to cut out of UnityEyes' renders first. "fixed" takes 140×84 of 640×480 pixels around the lids,
        /// "eye-width" a window 1.5 times as wide as the eye. "auto" means "fixed" where the eye is narrower than a
        /// third of the render, and otherwise "none".
        crop: Crop = Range::OneOf(&["auto", "fixed", "eye-width", "none"]),
        /// How to bring an image of another shape to `size`.
        fit: Fit = Range::OneOf(&["cover", "stretch"]),
        /// Channels of the images; images with another number are converted.
        channels: usize = Range::Form("1 (gray) or 3 (RGB)", |n| matches!(n.as_integer(), Some(1 | 3))),
        /// Images in a mini-batch b, for each of the two sources. Even if there is a history, which replaces half of
        /// the refined images.
        batch: usize = Range::Whole(1, 65_536),
        /// Threads that decode images, for each of the two sources. Results do not depend on it.
        workers: usize = Range::Whole(1, 256),
        /// What to do about an image that cannot be read: stop, or leave it out and count it.
        on_error: OnError = Range::OneOf(&["fail", "skip"]),
    }
}

const SOURCES: Range = Range::Form("a list of folders, packed data sets and simulators", |value| {
    value.as_array().is_some_and(|sources| sources.iter().all(Value::is_str))
});

fn is_size(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.parse::<DataSize>().is_ok())
}

impl DataConfig {
    pub(super) fn of(recipe: Recipe) -> Self {
        let eye_gaze = Self {
            synthetic: vec!["builtin:eyes".to_owned()],
            real: vec!["builtin:camera".to_owned()],
            size: DataSize::Pixels(Size { width: 55, height: 35 }), // §3.1
            crop: Crop::Auto,
            fit: Fit::Cover, // [open] keeps the eye's shape
            channels: 1,     // §3.1: gray
            batch: 512,      // §3.1
            workers: 2,
            on_error: OnError::Fail,
        };
        match recipe {
            Recipe::EyeGaze => eye_gaze,
            Recipe::Demo => Self { size: DataSize::Source, batch: 32, ..eye_gaze },
            Recipe::HandPose => Self {
                size: DataSize::Pixels(Size { width: 224, height: 224 }), // §3.2
                batch: 32, // [open] what a GPU holds at this size
                ..eye_gaze
            },
        }
    }
}

pub(super) fn check(config: &TrainConfig) -> Result<(), ConfigError> {
    let batch = config.data.batch;
    let allowed = "an even number from 2 to 65536: half of D's refined batch comes from the history\n\
                   hint: an odd batch needs history.capacity=0";
    let is_even = batch.is_multiple_of(2) || config.history.capacity.is_none();
    ConfigError::unless(is_even, "data.batch", batch, allowed)
}
