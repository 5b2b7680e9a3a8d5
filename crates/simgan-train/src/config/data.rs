use simgan_data::{Crop, Fit, OnError, Size};
use simgan_settings::{Range, settings};
use toml::Value;

use super::{ConfigError, DataSize, Flip, RandomCrop, Recipe, Section, TrainConfig};

pub(super) const SECTION: Section = Section::new("data", DataConfig::DOC, &[DataConfig::SETTINGS]);

settings! {
    /// The images and their batches.
    #[derive(Clone, Debug, PartialEq)]
    pub struct DataConfig {
        /// Sources of the synthetic images: folders, packed data sets or simulators. Several are
        /// concatenated.
        synthetic: Vec<String> = SOURCES,
        /// Sources of the real images; their labels are never read. Several are concatenated.
        real: Vec<String> = SOURCES,
        /// Size of the networks' images in pixels, or "source" to keep the images' own size, which must then
        /// be the same for all.
        size: DataSize = Range::Form("\"source\" or \"WIDTHxHEIGHT\", each from 1 to 16384", is_size),
        /// Crop of UnityEyes' renders, applied first. "fixed" takes 140×84 of 640×480 pixels around the lids,
        /// "eye-width" a window 1.5 times as wide as the eye. "auto" means "fixed" if the eye is narrower
        /// than a third of the render, otherwise "none".
        crop: Crop = Range::OneOf(&["auto", "fixed", "eye-width", "none"]),
        /// How to resize an image with another aspect ratio to `size`: "cover" keeps proportions and crops,
        /// "stretch" distorts.
        fit: Fit = Range::OneOf(&["cover", "stretch"]),
        /// Random mirroring of training images, of both domains: "horizontal" mirrors half of them left to
        /// right each time they are drawn. Labels follow; a label that cannot is an error where labels are
        /// used. Leave it off where left and right are not alike.
        #[serde(default)]
        flip: Flip = Range::OneOf(&["none", "horizontal"]),
        /// Size of a part of each training image, of both domains, cut out at a random place each time the
        /// image is drawn, after `size` and at its scale; "none" takes whole images. Refining is not affected:
        /// R takes images of any size.
        #[serde(default)]
        random_crop: RandomCrop = Range::Form("\"none\" or \"WIDTHxHEIGHT\", each from 1 to 16384", is_crop),
        /// Channels of the networks' images; images with another number of channels are converted.
        channels: usize = Range::Form("1 (gray) or 3 (RGB)", |n| matches!(n.as_integer(), Some(1 | 3))),
        /// Mini-batch size b, for each of the two sources. Must be even if the history is on, which replaces
        /// half of the refined images.
        batch: usize = Range::Whole(1, 65_536),
        /// Decoding threads for each of the two sources. Results do not depend on the number.
        workers: usize = Range::Whole(1, 256),
        /// What to do about an unreadable image: stop, or skip and count it.
        on_error: OnError = Range::OneOf(&["fail", "skip"]),
    }
}

const SOURCES: Range = Range::Form("a list of folders, packed data sets and simulators", |value| {
    value.as_array().is_some_and(|sources| sources.iter().all(Value::is_str))
});

fn is_crop(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.parse::<RandomCrop>().is_ok())
}

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
            flip: Flip::None,
            random_crop: RandomCrop(None),
            fit: Fit::Cover, // [open] keeps the eye's proportions
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
    let allowed = "an even number from 2 to 65536: half of D's refined batch comes from the history, \
                   unless history.capacity = 0";
    let is_even = batch.is_multiple_of(2) || config.history.capacity.is_none();
    ConfigError::unless(is_even, "data.batch", batch, allowed)
}
