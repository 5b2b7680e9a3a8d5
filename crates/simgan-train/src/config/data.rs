use simgan_data::{Crop, Fit, OnError, Size};
use simgan_settings::{Range, settings};
use toml::Value;

use super::{
    Channels, ConfigError, DataRange, DataSize, Flip, RandomCrop, Recipe, Section, ToneKind, TrainConfig,
};

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
        /// Size of the networks' images in pixels. "source" keeps the images' own size, which must then be the
        /// same for all. "auto" keeps it if it is at most 128×128; otherwise it takes a size of about 64×64
        /// pixels in all, with the median proportions of the real images.
        size: DataSize =
            Range::Form("\"auto\", \"source\" or \"WIDTHxHEIGHT\", each from 1 to 16384", is_size),
        /// Crop of UnityEyes' renders, applied first. "fixed" takes 140×84 of 640×480 pixels around the lids,
        /// "eye-width" a window 1.5 times as wide as the eye. "auto" means "fixed" if the eye is narrower
        /// than a third of the render, otherwise "none".
        crop: Crop = Range::OneOf(&["auto", "fixed", "eye-width", "none"]),
        /// How to resize an image with another aspect ratio to `size`: "cover" keeps proportions and crops,
        /// "stretch" distorts.
        fit: Fit = Range::OneOf(&["cover", "stretch"]),
        /// Channels of the networks' images; images with another number of channels are converted. "auto"
        /// means 1 if the images of both sources are gray, otherwise 3; simulators render what the others
        /// have.
        channels: Channels = Range::Form("\"auto\", 1 (gray) or 3 (RGB)", is_channels),
        /// The stored values that stand for black and white before the networks, in the images' own unit
        /// (such as millimetres). "full" is the whole scale: 0 to 255, to 65535, or to 1 in floating point.
        /// "auto" is "full" for 8 bits, and otherwise what a sample of both sources uses. NaN, infinities and,
        /// if MIN is above 0, zeros count as not measured: a network sees them as MIN, and refining keeps
        /// them.
        #[serde(default)]
        range: DataRange =
            Range::Form("\"auto\", \"full\" or \"MIN..MAX\", two numbers in ascending order", is_range),
        /// Tones of the synthetic images, before R: "none" leaves them; "equalize" equalizes each image's
        /// histogram; "match" gives each image the tones of a typical real one, by rank; "auto" is "none" if
        /// they are like the real images', and otherwise "equalize" if that makes them so, or "match"; it is "none"
        /// for measurements, and with `loss.film`, since frames that are toned one by one flicker. R, which sees few
        /// pixels at once, cannot change a whole image's tone, and on renders of another brightness it paints
        /// blotches instead. Brighter pixels stay brighter and nothing moves, so labels stay true. The tone is
        /// stored with the refiner and applied whenever it refines. Colours keep their ratios; what was not
        /// measured does not count and stays.
        #[serde(default)]
        tone: ToneKind = Range::OneOf(&["auto", "none", "equalize", "match"]),
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

fn is_channels(value: &Value) -> bool {
    value.as_str() == Some("auto") || matches!(value.as_integer(), Some(1 | 3))
}

fn is_range(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.parse::<DataRange>().is_ok())
}

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
            fit: Fit::Cover, // [open] keeps the eye's proportions
            tone: ToneKind::None,
            flip: Flip::None,
            random_crop: RandomCrop(None),
            channels: Channels::Gray, // §3.1
            range: DataRange::Auto,   // [open] the paper's images have 8 bits
            batch: 512,               // §3.1
            workers: 2,
            on_error: OnError::Fail,
        };
        match recipe {
            Recipe::EyeGaze => eye_gaze,
            Recipe::Demo => Self {
                size: DataSize::Auto,
                channels: Channels::Auto,
                tone: ToneKind::Auto, // R, with its few steps, cannot change a whole image's tone
                batch: 32,
                ..eye_gaze
            },
            Recipe::Depth => Self {
                synthetic: vec!["builtin:hands,size=64x64".to_owned()],
                real: vec!["builtin:kinect,size=64x64".to_owned()],
                size: DataSize::Auto,
                channels: Channels::Auto,
                batch: 64, // holes are few, and R's gradient for each is noisy
                ..eye_gaze
            },
            Recipe::HandPose => Self {
                size: DataSize::Pixels(Size { width: 224, height: 224 }), // §3.2
                // §3.2: the depths from the camera to the background; NYU's reader gives these the whole scale, for
                // which "auto" is "full".
                range: DataRange::Auto,
                batch: 16, // [open] what 8 GB hold at this size
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
