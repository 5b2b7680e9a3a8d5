//! Sizes of a person's hand.

use serde::Serialize;
use simgan_data::simulation::Stream;

use crate::config::Domain;

/// Lengths and thicknesses of a hand.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Person {
    /// Number of the person among all of the simulator.
    pub(crate) number: u32,
    /// From the wrist to the tip of the middle finger, in mm.
    pub(crate) length_mm: f32,
    /// Across the knuckles, in mm.
    pub(crate) breadth_mm: f32,
    /// Lengths of the digits relative to the average hand's: little, ring, middle, index, thumb.
    pub(crate) digits: [f32; 5],
    /// Thickness relative to the average hand's.
    pub(crate) thickness: f32,
    /// Radius that a sleeve adds to the forearm, in mm; `None` for a bare one.
    pub(crate) sleeve_mm: Option<f32>,
}

impl Person {
    /// Draws a person. Lengths and breadths have the means, deviations and correlation of ANSUR II: 193.3 ±
    /// 10.0 and 88.3 ± 4.4 mm of men, 181.1 ± 10.1 and 78.2 ± 3.8 mm of women, correlation 0.58 (computed
    /// from its raw table). A finger's length differs by up to 3 %.
    pub(crate) fn draw(seed: u64, domain: Domain, number: u32) -> Self {
        const CORRELATION: f32 = 0.58;
        let purpose = match domain {
            Domain::Hands => "hands/person",
            Domain::Kinect => "kinect/person",
        };
        let mut rng = Stream::new(seed, purpose, u64::from(number));
        let is_man = rng.chance(0.5);
        let [(length, length_sd), (breadth, breadth_sd)] =
            if is_man { [(193.3, 10.0), (88.3, 4.4)] } else { [(181.1, 10.1), (78.2, 3.8)] };
        let (long, broad) = (rng.bell(), rng.bell());
        let broad = CORRELATION * long + (1.0 - CORRELATION * CORRELATION).sqrt() * broad;
        let digits = std::array::from_fn(|_| rng.uniform(0.97, 1.03));
        let thickness = rng.uniform(0.93, 1.07);
        // Only the sensor's domain shows clothes.
        let has_sleeve = rng.chance(0.5) && domain == Domain::Kinect;
        let sleeve = rng.uniform(3.0, 14.0);
        Self {
            number,
            length_mm: length + length_sd * long,
            breadth_mm: breadth + breadth_sd * broad,
            digits,
            thickness,
            sleeve_mm: has_sleeve.then_some(sleeve),
        }
    }
}
