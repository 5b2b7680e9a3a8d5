use super::geometry::EyeballMap;
use super::texture::Texture;
use super::{Assets, Subject};
use crate::math::{Color, Vec3, lerp};
use crate::render::{Appearance, Eyeball};

/// The textures of one subject.
pub(crate) struct UnityAppearance<'a> {
    skin: &'a Texture,
    look_down: &'a Texture,
    /// Share of the texture for closed lids.
    lowered: f32,
    iris: &'a Texture,
    map: &'a EyeballMap,
    limbus_radius: f32,
    pupil_radius: f32,
}

/// Radii in the iris texture, of its width.
const PUPIL_UV: f32 = 0.075;
const LIMBUS_UV: f32 = 0.1385;

impl<'a> UnityAppearance<'a> {
    pub(super) fn new(assets: &'a Assets, subject: &Subject, eye: &Eyeball, down_deg: f32) -> Self {
        let skin = &assets.skins[subject.skin];
        let down = (down_deg / 30.0).clamp(0.0, 1.0);
        Self {
            skin: &skin.color,
            look_down: &skin.look_down,
            lowered: down * down,
            iris: &assets.irises[subject.iris],
            map: &assets.geometry.eyeball,
            limbus_radius: eye.limbus_radius,
            pupil_radius: eye.pupil_radius,
        }
    }

    /// Distance from the iris texture's middle of what lies `radius` mm off the axis.
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
    fn skin(&self, uv: [f32; 2]) -> Color {
        let skin = self.skin.at(uv);
        linear(if self.lowered > 0.01 { skin.lerp(self.look_down.at(uv), self.lowered) } else { skin })
    }

    fn eyeball(&self, seen: Vec3, through_cornea: bool) -> Color {
        let radius = (seen.x * seen.x + seen.y * seen.y).sqrt();
        let from_middle = self.texture_radius(seen, radius, through_cornea) / radius.max(1e-3);
        linear(self.iris.at([0.5 + seen.x * from_middle, 0.5 + seen.y * from_middle]) * 0.8)
    }
}

/// Display values to linear ones, as far as gamma 2 goes.
fn linear(display: Color) -> Color {
    display.times(display)
}
