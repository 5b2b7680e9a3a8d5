//! The pose: 26 degrees of freedom, six of the hand and four of each digit, and the bend of the wrist below.

use serde::Serialize;
use simgan_data::simulation::Stream;

use crate::config::{Domain, HandsConfig, View};
use crate::gesture::{open, prototype};
use crate::math::{Rotation, Vec3, vec3};
use crate::person::Person;
use crate::skeleton::Skeleton;

/// Angles of a finger's joints in degrees; flexion is positive.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Finger {
    pub(crate) mcp: f32,
    /// Towards the little finger's side.
    pub(crate) abduction: f32,
    pub(crate) pip: f32,
    pub(crate) dip: f32,
}

/// Angles of the thumb's joints in degrees: of CMC away from the index finger in the palm's plane and out of
/// it, flexion of MP and IP.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Thumb {
    pub(crate) radial: f32,
    pub(crate) palmar: f32,
    pub(crate) mp: f32,
    pub(crate) ip: f32,
}

/// Angles of all digits: the fingers from the little one to the index, and the thumb.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Digits {
    pub(crate) fingers: [Finger; 4],
    pub(crate) thumb: Thumb,
}

/// The hand's pose relative to the camera.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Pose {
    pub(crate) digits: Digits,
    /// Flexion of the wrist and its bend towards the little finger, in degrees.
    pub(crate) wrist: [f32; 2],
    /// Where the hand's axes point ([`Skeleton`]) in camera coordinates: x right, y down, z away.
    #[serde(skip)]
    pub(crate) rotation: Rotation,
    /// The palm's middle in camera coordinates, in mm.
    #[serde(skip)]
    pub(crate) palm: Vec3,
    /// Where the camera stands; never [`View::Any`].
    pub(crate) view: View,
}

/// Lower and upper limits in degrees. Flexion: clinical ranges of motion (e-hand.com), where hyperextension
/// of the MCP joints, 0 to 45°, is taken as 20°. Abduction: ±15° of Lin, Wu & Huang (2000), less of the
/// middle finger, 20° of the little one.
const MCP: [f32; 2] = [-20.0, 90.0];
const ABDUCTION: [f32; 4] = [20.0, 15.0, 5.0, 15.0];
const PIP: [f32; 2] = [0.0, 100.0];
const DIP: [f32; 2] = [0.0, 80.0];
const RADIAL: [f32; 2] = [-10.0, 60.0];
const PALMAR: [f32; 2] = [0.0, 45.0];
const MP: [f32; 2] = [-10.0, 55.0];
const IP: [f32; 2] = [-15.0, 80.0];
const WRIST_FLEXION: [f32; 2] = [-70.0, 75.0];
const WRIST_BEND: [f32; 2] = [-20.0, 35.0];

fn within(value: f32, [low, high]: [f32; 2]) -> f32 {
    value.clamp(low, high)
}

impl Digits {
    /// Moves every joint `t` of the way to another shape.
    fn lerp(&self, other: &Self, t: f32) -> Self {
        let mix = |a: f32, b: f32| a + (b - a) * t;
        let finger = |idx: usize| {
            let (a, b) = (self.fingers[idx], other.fingers[idx]);
            Finger {
                mcp: mix(a.mcp, b.mcp),
                abduction: mix(a.abduction, b.abduction),
                pip: mix(a.pip, b.pip),
                dip: mix(a.dip, b.dip),
            }
        };
        let (a, b) = (self.thumb, other.thumb);
        let thumb = Thumb {
            radial: mix(a.radial, b.radial),
            palmar: mix(a.palmar, b.palmar),
            mp: mix(a.mp, b.mp),
            ip: mix(a.ip, b.ip),
        };
        Self { fingers: std::array::from_fn(finger), thumb }
    }

    /// Adds noise to every joint. The DIP joint follows the PIP joint by two thirds, as tendons make it.
    fn varied(&self, rng: &mut Stream) -> Self {
        let fingers = self.fingers.map(|finger| {
            let pip = finger.pip + rng.normal(0.0, 7.0);
            Finger {
                mcp: finger.mcp + rng.normal(0.0, 6.0),
                abduction: finger.abduction + rng.normal(0.0, 2.5),
                pip,
                dip: 2.0 / 3.0 * pip + rng.normal(0.0, 4.0),
            }
        });
        let Thumb { radial, palmar, mp, ip } = self.thumb;
        let mut near = |angle: f32| angle + rng.normal(0.0, 6.0);
        let thumb = Thumb { radial: near(radial), palmar: near(palmar), mp: near(mp), ip: near(ip) };
        Self { fingers, thumb }
    }

    /// Brings every joint within its limits. A flexed finger can hardly be spread.
    fn limited(&self) -> Self {
        let finger = |idx: usize| {
            let Finger { mcp, abduction, pip, dip } = self.fingers[idx];
            let mcp = within(mcp, MCP);
            let free = ABDUCTION[idx] * (1.0 - mcp / 90.0).clamp(0.1, 1.0);
            Finger {
                mcp,
                abduction: within(abduction, [-free, free]),
                pip: within(pip, PIP),
                dip: within(dip, DIP),
            }
        };
        let Thumb { radial, palmar, mp, ip } = self.thumb;
        let thumb = Thumb {
            radial: within(radial, RADIAL),
            palmar: within(palmar, PALMAR),
            mp: within(mp, MP),
            ip: within(ip, IP),
        };
        Self { fingers: std::array::from_fn(finger), thumb }
    }

    /// Draws a shape whose parts do not run into each other.
    fn draw(domain: Domain, person: &Person, rng: &mut Stream) -> Self {
        /// Deepest overlap in mm that soft skin hides.
        const SOFT_MM: f32 = 3.0;
        /// Steps towards the open hand that loosen a tangled one.
        const STEPS: u8 = 10;
        let shape = prototype(domain, rng.unit());
        let other = prototype(domain, rng.unit());
        let blend = if rng.chance(0.5) { rng.uniform(0.0, 0.7) } else { 0.0 };
        let drawn = shape.lerp(&other, blend).varied(rng).limited();
        let loosened = |step: u8| drawn.lerp(&open(), f32::from(step) / f32::from(STEPS)).limited();
        let is_loose = |digits: &Self| Skeleton::new(person, digits, [0.0; 2]).overlap_mm() < SOFT_MM;
        (0..STEPS).map(loosened).find(is_loose).unwrap_or_else(open)
    }
}

impl Pose {
    /// Draws the pose of one image.
    pub(crate) fn draw(config: &HandsConfig, domain: Domain, person: &Person, rng: &mut Stream) -> Self {
        let digits = Digits::draw(domain, person, rng);
        let wrist = [within(rng.normal(-5.0, 16.0), WRIST_FLEXION), within(rng.normal(3.0, 9.0), WRIST_BEND)];
        let drawn = [View::Front, View::Top, View::Side][rng.below(3) as usize];
        let view = if config.view == View::Any { drawn } else { config.view };
        let rotation = rotation(domain, view, rng);
        let distance = rng.within(config.distance_mm);
        // Within the field of a Kinect, 58° by 46°, with room for the crop.
        let palm = vec3(rng.uniform(-0.25, 0.25) * distance, rng.uniform(-0.18, 0.18) * distance, distance);
        Self { digits, wrist, rotation, palm, view }
    }
}

/// Draws where the hand points: mostly up, its palm to the frontal camera; turned round in some images.
fn rotation(domain: Domain, view: View, rng: &mut Stream) -> Rotation {
    let [x, y, z] = [vec3(1.0, 0.0, 0.0), vec3(0.0, 1.0, 0.0), vec3(0.0, 0.0, 1.0)];
    let upright = Rotation::from_axes([-x, -y, z]);
    let (back_share, pitch, wider) = match domain {
        Domain::Hands => (0.2, -8.0, 1.0),
        Domain::Kinect => (0.25, -14.0, 1.1),
    };
    let back = if rng.chance(back_share) { 180.0 } else { 0.0 };
    let turned = upright
        .then(y, back + rng.normal(0.0, 24.0 * wider))
        .then(x, rng.normal(pitch, 18.0 * wider))
        .then(z, rng.normal(0.0, 18.0 * wider));
    match view {
        View::Top => turned.then(x, 50.0),
        View::Side => turned.then(y, 60.0),
        View::Front | View::Any => turned,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Joint limits and free space over many draws of both domains.
    #[test]
    fn a_thousand_hands_are_possible() {
        for domain in Domain::ALL {
            for index in 0..1000 {
                let person = Person::draw(3, domain, index);
                let mut rng = Stream::new(3, "test", u64::from(index));
                let digits = Digits::draw(domain, &person, &mut rng);
                assert_eq!(digits, digits.limited(), "{domain} {index}");
                let overlap = Skeleton::new(&person, &digits, [0.0; 2]).overlap_mm();
                assert!(overlap < 3.0, "{domain} {index}: {overlap}");
            }
        }
    }

    #[test]
    fn shapes_differ_and_fists_stay_fists() {
        let person = Person::draw(0, Domain::Hands, 0);
        let draw = |index| Digits::draw(Domain::Hands, &person, &mut Stream::new(1, "test", index));
        let bent = |digits: &Digits| digits.fingers.iter().filter(|finger| finger.pip > 60.0).count();
        let counts: Vec<usize> = (0..400).map(|index| bent(&draw(index))).collect();
        for n_bent in 0..=4 {
            let share = counts.iter().filter(|count| **count == n_bent).count();
            assert!(share > 12, "{share} of 400 hands have {n_bent} bent fingers");
        }
    }
}
