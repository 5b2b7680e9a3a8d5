use std::borrow::Cow;

use super::geometry::EyeballMap;
use super::texture::Level;
use super::{Assets, Subject};
use crate::math::{Color, Vec3, lerp, smoothstep, vec3};
use crate::render::{Appearance, Eyeball, Finish, Margin};

/// The textures of one subject.
pub(crate) struct UnityAppearance<'a> {
    skin: Cow<'a, Level>,
    iris: &'a Level,
    /// Brightness of the eyeball.
    eyeball: f32,
    /// Brightness of the iris relative to the eyeball.
    iris_brightness: f32,
    map: &'a EyeballMap,
    limbus_radius: f32,
    pupil_radius: f32,
    /// The lids' edges in the head's frame.
    edges: Vec<Vec3>,
}

/// Radii of pupil and limbus in the iris texture, relative to its width.
const PUPIL_UV: f32 = 0.075;
const LIMBUS_UV: f32 = 0.1385;

/// Texels per mm of the finest textures.
const SKIN_PER_MM: f32 = 7.9;
const EYE_PER_MM: f32 = 12.0;

impl<'a> UnityAppearance<'a> {
    /// Selects a subject's textures. `lid_pitch_deg` is the angle by which the lids are lowered,
    /// `looks_per_mm` the image's number of shading points per mm.
    pub(super) fn new(
        assets: &'a Assets,
        subject: &Subject,
        eye: &Eyeball,
        margin: &Margin,
        lid_pitch_deg: f32,
        looks_per_mm: f32,
    ) -> Self {
        let skin = &assets.skins[subject.skin];
        let down = (lid_pitch_deg / 30.0).clamp(0.0, 1.0);
        let [skin, look_down] =
            [&skin.color, &skin.look_down].map(|texture| texture.level(looks_per_mm, SKIN_PER_MM));
        // Share of the texture of a face that looks down.
        let lowered = down * down;
        Self {
            skin: if lowered > 0.01 {
                Cow::Owned(skin.mixed(look_down, lowered))
            } else {
                Cow::Borrowed(skin)
            },
            eyeball: subject.eyeball,
            iris_brightness: subject.iris_brightness,
            iris: assets.irises[subject.iris].level(looks_per_mm, EYE_PER_MM),
            map: &assets.geometry.eyeball,
            limbus_radius: eye.limbus_radius,
            pupil_radius: eye.pupil_radius,
            edges: margin.upper.iter().chain(&margin.lower).copied().collect(),
        }
    }

    /// Returns the distance from the iris texture's middle of a point `radius` mm off the axis.
    fn texture_radius(&self, seen: Vec3, radius: f32, through_cornea: bool) -> f32 {
        if radius < self.pupil_radius {
            return PUPIL_UV * radius / self.pupil_radius;
        }
        let out = (radius - self.pupil_radius) / (self.limbus_radius - self.pupil_radius);
        let flat = lerp(PUPIL_UV, LIMBUS_UV, out);
        if through_cornea { flat } else { flat.max(self.map.texture_radius(seen.normalized().z)) }
    }
}

impl Appearance for UnityAppearance<'_> {
    /// Shades the inner corner and the line where the lids meet the eye.
    fn finish(&self, _vertex: usize, position: Vec3) -> Finish {
        const LINE_MM: f32 = 1.4;
        let inner = (position - self.edges[0]).length();
        let distances = self.edges.iter().map(|point| (position - *point).length());
        let from_edge = distances.fold(f32::MAX, f32::min);
        let occlusion = 1.0 - 0.15 * smoothstep(7.0, 0.0, inner) - 0.3 * smoothstep(LINE_MM, 0.0, from_edge);
        Finish { tint: vec3(1.0, 1.0, 1.0), occlusion, gloss: 0.05 }
    }

    fn skin(&self, uv: [f32; 2]) -> Color {
        self.skin.at(uv)
    }

    fn eyeball(&self, seen: Vec3, through_cornea: bool) -> Color {
        let radius = (seen.x * seen.x + seen.y * seen.y).sqrt();
        let from_middle = self.texture_radius(seen, radius, through_cornea) / radius.max(1e-3);
        let iris = 1.0 - smoothstep(0.93, 1.03, radius / self.limbus_radius);
        let brightness = self.eyeball * lerp(1.0, self.iris_brightness, iris);
        self.iris.at([0.5 + seen.x * from_middle, 0.5 + seen.y * from_middle]) * brightness
    }
}
