use serde::{Deserialize, Serialize};

use crate::config::Domain;
use crate::math::with_luma;
use crate::math::{Color, vec3};
use crate::random::Stream;

/// One person: shape of lids and face (in mm), colours and lashes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// x and y of the eye's corners from the eyeball's centre.
    pub(crate) inner: [f32; 2],
    pub(crate) outer: [f32; 2],
    /// Height of the upper margin's peak above the line between the corners.
    pub(crate) upper_mm: f32,
    /// Depth of the lower margin's peak below that line.
    pub(crate) lower_mm: f32,
    /// Exponents of the margins' curves at the inner and outer corner: larger is more pointed.
    pub(crate) upper_curve: [f32; 2],
    pub(crate) lower_curve: [f32; 2],
    /// Height of the lid crease above the upper margin when the eye looks ahead.
    pub(crate) crease_mm: f32,
    pub(crate) crease_depth_mm: f32,
    /// How far the fold bulges above the crease.
    pub(crate) fold_mm: f32,
    pub(crate) lid_thickness_mm: f32,
    pub(crate) brow_y_mm: f32,
    pub(crate) brow_ridge_mm: f32,
    pub(crate) brow_darkness: f32,
    pub(crate) nose_mm: f32,
    pub(crate) socket_mm: f32,
    pub(crate) bag_mm: f32,
    pub(crate) skin: Color,
    pub(crate) grain: f32,
    pub(crate) wrinkles: f32,
    pub(crate) shadows: f32,
    pub(crate) gloss: f32,
    /// Darkness of the line along the upper and the lower lashes, 0 to 1.
    pub(crate) liner: [f32; 2],
    pub(crate) lash_mm: f32,
    pub(crate) lash_count: u32,
    pub(crate) iris: Color,
    pub(crate) iris_size: f32,
    pub(crate) iris_contrast: f32,
    pub(crate) sclera: Color,
    pub(crate) texture_seed: u32,
}

impl Identity {
    pub(crate) fn sample(seed: u64, domain: Domain, index: u32) -> Self {
        let purpose = match domain {
            Domain::Eyes => "eyes/identity",
            Domain::Camera => "camera/identity",
        };
        let rng = &mut Stream::new(seed, purpose, u64::from(index));
        // The order of the draws, here the order of the fields, is fixed: another one would change every
        // person.
        let inner_y = rng.normal(-1.5, 0.7);
        let old = rng.unit();
        let skin_luma = skin_luma(rng);
        Self {
            inner: [rng.normal(-14.0, 0.8), inner_y],
            outer: [rng.normal(13.4, 0.8), inner_y + rng.normal(1.2, 0.8)],
            upper_mm: rng.normal(5.6, 0.8),
            lower_mm: rng.normal(4.2, 0.6),
            upper_curve: [rng.uniform(0.85, 1.15), rng.uniform(0.7, 0.95)],
            lower_curve: [rng.uniform(1.1, 1.5), rng.uniform(0.7, 0.95)],
            crease_mm: rng.uniform(2.2, 5.5),
            crease_depth_mm: if rng.chance(0.85) { rng.uniform(0.4, 1.3) } else { 0.05 },
            fold_mm: rng.uniform(0.2, 1.6),
            lid_thickness_mm: rng.uniform(1.1, 1.8),
            brow_y_mm: rng.normal(18.5, 2.0),
            brow_ridge_mm: rng.uniform(5.0, 11.0),
            brow_darkness: rng.uniform(0.3, 0.9),
            nose_mm: rng.uniform(8.0, 18.0),
            socket_mm: rng.normal(0.0, 1.1),
            bag_mm: old * rng.uniform(0.2, 1.2),
            skin: with_luma(vec3(1.0, rng.uniform(0.64, 0.74), rng.uniform(0.42, 0.6)), skin_luma),
            grain: rng.uniform(0.04, 0.12),
            wrinkles: old * rng.uniform(0.02, 0.22),
            shadows: rng.uniform(0.05, 0.35),
            gloss: rng.uniform(0.02, 0.14),
            liner: [rng.uniform(0.5, 0.95), rng.uniform(0.1, 0.6)],
            lash_mm: rng.uniform(5.0, 9.0),
            lash_count: 34 + rng.below(36),
            iris: iris(rng),
            iris_size: rng.uniform(0.92, 1.02),
            iris_contrast: rng.uniform(0.1, 0.4),
            sclera: sclera(domain, rng),
            texture_seed: rng.bits(),
        }
    }
}

/// Draws the skin's luma: most faces are light or medium, some dark.
fn skin_luma(rng: &mut Stream) -> f32 {
    let tone = rng.unit();
    0.1 + 0.36 * tone.sqrt()
}

/// Draws the sclera's colour. In the camera's domain the whites are as dark as the skin.
fn sclera(domain: Domain, rng: &mut Stream) -> Color {
    let level = match domain {
        Domain::Eyes => rng.uniform(0.38, 0.6),
        Domain::Camera => rng.uniform(0.2, 0.42),
    };
    vec3(1.0, rng.uniform(0.9, 0.97), rng.uniform(0.82, 0.95)) * level
}

/// Draws the iris's colour: six of ten are brown.
fn iris(rng: &mut Stream) -> Color {
    let (color, low, high) = match rng.below(10) {
        0..=5 => (vec3(1.0, 0.55, 0.3), 0.008, 0.04),
        6 => (vec3(1.0, 0.65, 0.25), 0.04, 0.11),
        7 => (vec3(0.8, 1.0, 0.55), 0.05, 0.14),
        8 => (vec3(0.55, 0.8, 1.0), 0.08, 0.2),
        _ => (vec3(0.85, 0.95, 1.0), 0.08, 0.2),
    };
    with_luma(color, rng.uniform(low, high))
}
