use serde::{Deserialize, Serialize};

use crate::math::direction;
use crate::math::{Color, Vec3, bump, lerp, smoothstep, vec3};
use crate::random::Stream;
use crate::ranges::LightRanges;

/// A directional light with soft shadows, a sky with a gradient and a soft lobe, and the reflections in the
/// cornea. Directions point towards the light, in view coordinates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Light {
    pub(crate) direction: Vec3,
    pub(crate) intensity: f32,
    pub(crate) color: Color,
    /// Irradiance from all around.
    pub(crate) ambient: f32,
    /// Direction of the sky's brighter side; its length is the contrast.
    pub(crate) gradient: Vec3,
    pub(crate) lobe: Vec3,
    pub(crate) lobe_intensity: f32,
    /// Sine of the light's angular radius, which sets the size of the highlight.
    pub(crate) radius: f32,
    pub(crate) highlight: f32,
    /// Direction of the window mirrored in the cornea.
    pub(crate) window: Vec3,
    /// Half width and half height of the window, as sines.
    pub(crate) window_size: [f32; 2],
    pub(crate) window_intensity: f32,
}

impl Light {
    pub(crate) fn sample(ranges: &LightRanges, rng: &mut Stream) -> Self {
        // The order of the draws is fixed: another one would change every image of a seed.
        let elevation = rng.within(ranges.elevation_deg);
        let azimuth = rng.within(ranges.azimuth_deg);
        let intensity = rng.within(ranges.intensity);
        let warmth = rng.uniform(-0.12, 0.12);
        let tilt = direction(rng.uniform(-0.3, 1.2), rng.uniform(-1.5, 1.5));
        Self {
            direction: direction(elevation.to_radians(), azimuth.to_radians()),
            intensity,
            color: vec3(1.0 + warmth, 1.0, 1.0 - warmth),
            ambient: rng.within(ranges.ambient),
            gradient: tilt * rng.uniform(0.2, 0.8),
            lobe: direction(rng.uniform(-0.5, 1.0), rng.uniform(-1.4, 1.4)),
            lobe_intensity: if rng.chance(0.5) { rng.uniform(0.1, 0.7) } else { 0.0 },
            radius: rng.uniform(0.08, 0.2),
            highlight: if rng.chance(ranges.highlight_share) { rng.uniform(0.5, 1.6) } else { 0.0 },
            window: direction(rng.uniform(-0.2, 0.7), rng.uniform(-0.8, 0.8)),
            window_size: [rng.uniform(0.05, 0.2), rng.uniform(0.06, 0.25)],
            window_intensity: if rng.chance(ranges.window_share) { rng.uniform(0.1, 0.6) } else { 0.0 },
        }
    }

    /// Returns the light that a surface of the given normal scatters. `shadow` is the share of the
    /// directional light that arrives; `wrap` extends the light beyond the terminator, as scattering under
    /// skin does.
    pub(crate) fn diffuse(&self, normal: Vec3, shadow: f32, wrap: f32) -> Color {
        let facing = (normal.dot(self.direction) + wrap) / (1.0 + wrap);
        let direct = self.intensity * facing.max(0.0) * shadow;
        self.color * direct + self.sky(normal)
    }

    fn sky(&self, normal: Vec3) -> Color {
        let lobe = (normal.dot(self.lobe) * 0.5 + 0.5).max(0.0);
        let level =
            self.ambient * (1.0 + normal.dot(self.gradient)) + self.lobe_intensity * lobe * lobe * lobe;
        vec3(level, level, level * 1.03)
    }

    /// Returns the reflection from the direction `reflected`: light, window and sky.
    pub(crate) fn mirrored(&self, reflected: Vec3) -> Color {
        let away = self.direction.cross(reflected).length();
        let disc = smoothstep(self.radius * 1.5, self.radius * 0.7, away);
        let lit = if reflected.dot(self.direction) > 0.0 { disc * self.highlight * 14.0 } else { 0.0 };
        let sky = lerp(0.1, 0.6, smoothstep(-0.4, 0.8, reflected.y)) * self.ambient;
        self.color * lit + Vec3::splat(self.window_at(reflected) + sky)
    }

    fn window_at(&self, reflected: Vec3) -> f32 {
        if self.window_intensity <= 0.0 || reflected.dot(self.window) <= 0.0 {
            return 0.0;
        }
        let right = vec3(0.0, 1.0, 0.0).cross(self.window).normalized();
        let up = self.window.cross(right);
        let [half_width, half_height] = self.window_size;
        let edge = |distance: f32, half: f32| smoothstep(half * 1.15, half * 0.85, distance.abs());
        // A vertical glazing bar in the window's middle.
        let bar = 1.0 - 0.6 * bump(reflected.dot(right) / (0.15 * half_width));
        let inside = edge(reflected.dot(right), half_width) * edge(reflected.dot(up), half_height);
        self.window_intensity * 10.0 * inside * bar
    }
}
