use std::path::PathBuf;

use clap::{Args, ValueEnum};
use simgan_data::Size;

use super::positive;

/// Render labelled eyes: N.jpg with N.json, as UnityEyes writes them. Other simulators: N.png with N.json.
///
/// Eyes' labels follow UnityEyes' JSON, plus an object with exact labels in pixels (gaze, iris, pupil, lids,
/// visibility) and every parameter of the render. Image N depends only on the seed, the settings and N, so a
/// longer set begins with the images of a shorter one.
#[derive(Args, Debug)]
pub(crate) struct RenderArguments {
    /// Number of images.
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) count: usize,
    /// A new or empty folder, or the output folder of an interrupted run to continue.
    #[arg(long, value_name = "DIR")]
    pub(crate) output: PathBuf,
    /// builtin (or builtin:eyes): clean labelled renders; builtin:camera: the "real" domain; unityeyes:
    /// UnityEyes' faces, from the assets in data/raw/unityeyes2 or in the folder that SIMGAN_UNITYEYES2
    /// names; builtin:hands: depth images of hands in mm with their joints; builtin:kinect: hands seen by a
    /// depth sensor; builtin:digits: written digits with their class.
    #[arg(long, value_name = "NAME", default_value = "builtin")]
    pub(crate) simulator: String,
    /// Of eyes: image size, framing and ranges of gaze and head pose [default: wide].
    #[arg(long, value_name = "NAME")]
    pub(crate) preset: Option<Preset>,
    /// One setting of the simulator, such as gaze_yaw_deg=-20..20, light.intensity=1 or crop_mm=30;
    /// repeatable. An unknown key prints the list of keys.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// Of eyes: film one person at 30 frames per second, with saccades and blinks; sets frames_per_sec=30.
    #[arg(long)]
    pub(crate) sequence: bool,
    /// Of eyes: films of F frames each at 30 frames per second, each of another person, as FILM/FRAME.jpg; sets
    /// film_frames=F.
    #[arg(long, value_name = "F", value_parser = positive, conflicts_with = "sequence")]
    pub(crate) frames: Option<usize>,
    /// Width and height in pixels, as 55x35 [default: the preset's].
    #[arg(long, value_name = "WIDTHxHEIGHT")]
    pub(crate) size: Option<Size>,
    /// Render in colour instead of gray.
    #[arg(long)]
    pub(crate) color: bool,
    /// Seed of all random numbers.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// CPU threads; images do not depend on their number [default: one per core].
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) threads: Option<usize>,
}

/// Ranges that the simulator draws from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Preset {
    /// 55x35 pixels, the simulator's own ranges.
    Wide,
    /// 60x36 pixels, framing and gaze range of MPIIGaze's normalized crops.
    Mpiigaze,
    /// The same, with gaze and head pose distributed as those of MPIIGaze's persons p01 to p14.
    Laptop,
}

impl From<Preset> for simgan_eyes::Preset {
    fn from(preset: Preset) -> Self {
        match preset {
            Preset::Wide => Self::Wide,
            Preset::Mpiigaze => Self::Mpiigaze,
            Preset::Laptop => Self::Laptop,
        }
    }
}
