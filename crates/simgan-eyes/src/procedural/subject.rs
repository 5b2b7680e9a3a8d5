use serde::{Deserialize, Serialize};

use super::Identity;
use crate::config::Domain;
use crate::random::Stream;

/// A person at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Subject {
    pub(crate) identity_idx: u32,
    pub(crate) identity: Identity,
    pub(crate) lids: Lids,
    /// Pupil radius in mm, before the cornea magnifies it.
    pub(crate) pupil_mm: f32,
}

/// The opening of the lids and how closely they follow the eye.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Lids {
    /// Offsets from the person's own opening.
    pub(crate) upper_mm: f32,
    pub(crate) lower_mm: f32,
    /// Movement of a lid per movement of the limbus.
    pub(crate) upper_follow: f32,
    pub(crate) lower_follow: f32,
    /// How far a blink has closed them, 0 to 1.
    pub(crate) closed: f32,
}

impl Subject {
    pub(crate) fn sample(seed: u64, domain: Domain, identity_idx: u32, rng: &mut Stream) -> Self {
        let identity = Identity::sample(seed, domain, identity_idx);
        Self { identity_idx, identity, lids: Lids::sample(rng), pupil_mm: rng.uniform(1.2, 2.9) }
    }
}

impl Lids {
    fn sample(rng: &mut Stream) -> Self {
        Self {
            upper_mm: rng.normal(0.0, 0.75),
            lower_mm: rng.normal(0.0, 0.4),
            upper_follow: rng.uniform(0.5, 1.0),
            lower_follow: rng.uniform(0.25, 0.55),
            closed: 0.0,
        }
    }
}
