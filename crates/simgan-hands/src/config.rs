use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use simgan_data::Size;
use simgan_data::simulation::{Range, changed};

use crate::HandsError;

/// One of the two domains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Domain {
    /// Exact depths, the synthetic domain: `builtin:hands`.
    Hands,
    /// Hands of other people seen by a structured-light sensor, the "real" domain: `builtin:kinect`. Its
    /// labels are for testing only.
    Kinect,
}

impl Domain {
    pub(crate) const ALL: [Self; 2] = [Self::Hands, Self::Kinect];

    /// The name that a [`Registry`](simgan_data::Registry) knows.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hands => "builtin:hands",
            Self::Kinect => "builtin:kinect",
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Domain {
    type Err = HandsError;

    fn from_str(name: &str) -> Result<Self, HandsError> {
        let known = Self::ALL.into_iter().find(|domain| domain.name() == name);
        known.ok_or_else(|| HandsError::UnknownName { name: name.to_owned() })
    }
}

/// Where the camera stands. NYU's data set has one sensor at each of the three places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum View {
    /// In front of the person, who faces it.
    Front,
    /// Above, looking down at the hand.
    Top,
    /// To the person's left.
    Side,
    /// One of the three, drawn for each image.
    Any,
}

/// Settings of the simulator: size, framing and the ranges from which samples are drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HandsConfig {
    /// Seed of every random number.
    pub seed: u64,
    /// Number of samples of the source, at least 1.
    pub samples: usize,
    /// Columns and rows of the image, 8 to 1024 each.
    pub size: Size,
    /// Where the camera stands.
    pub view: View,
    /// Width of the crop at the palm's distance, and depth of the space around the palm outside of which
    /// nothing is shown, in mm: 200 to 600. Published crops of NYU's hands have 300.
    pub crop_mm: f32,
    /// Distance of the palm from the camera in mm, 400 to 1400.
    pub distance_mm: Range,
    /// Shift of the crop's middle from the palm's along each axis in mm, up to 60.
    pub offset_mm: f32,
    /// Number of people, at least 1.
    pub people: u32,
}

impl Default for HandsConfig {
    /// Size and framing of the paper's hand experiment (§3.2), from the frontal camera.
    fn default() -> Self {
        Self {
            seed: 0,
            samples: 100_000,
            size: Size { width: 224, height: 224 },
            view: View::Front,
            crop_mm: 300.0,
            distance_mm: Range::new(500.0, 900.0),
            offset_mm: 10.0,
            people: 1_000,
        }
    }
}

impl HandsConfig {
    /// Changes one setting: a value (`crop_mm=250`, `size=64x64`, `view=any`) or a range
    /// (`distance_mm=600..800`, or one number for both ends). Opening the simulator checks whether the value
    /// can be rendered.
    ///
    /// # Errors
    /// There is no such setting, or the value is of another kind.
    pub fn set(&mut self, assignment: &str) -> Result<(), HandsError> {
        *self = changed(self, assignment)?;
        Ok(())
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// Returns the first setting that cannot be rendered.
    pub(crate) fn check(&self) -> Result<(), HandsError> {
        let Range { low, high } = self.distance_mm;
        let is_side = |side: usize| (8..=1024).contains(&side);
        let is_distance = |distance| (400.0..=1400.0).contains(&distance);
        let rules = [
            ("samples", self.samples.to_string(), self.samples > 0, "at least 1"),
            ("people", self.people.to_string(), self.people > 0, "at least 1"),
            (
                "size",
                self.size.to_string(),
                is_side(self.size.width) && is_side(self.size.height),
                "8 to 1024 pixels each",
            ),
            (
                "crop_mm",
                self.crop_mm.to_string(),
                (200.0..=600.0).contains(&self.crop_mm),
                "200 to 600: a hand is up to 240 mm long",
            ),
            (
                "distance_mm",
                format!("{low}..{high}"),
                is_distance(low) && is_distance(high) && low <= high,
                "a range within 400..1400",
            ),
            ("offset_mm", self.offset_mm.to_string(), (0.0..=60.0).contains(&self.offset_mm), "0 to 60"),
        ];
        match rules.into_iter().find(|(_, _, is_met, _)| !is_met) {
            Some((setting, value, _, allowed)) => Err(HandsError::Setting { setting, value, allowed }),
            None => Ok(()),
        }
    }
}
