use super::SeenEye;
use super::raster::{DepthBuffer, Lanes, Window};
use crate::math::{Rotation, Vec3, vec3};

/// The depth map of the directional light, which tells the points in the shadow of brow, nose and lids.
pub(crate) struct ShadowMap {
    light: Rotation,
    buffer: DepthBuffer,
}

/// A point of a surface and the surface's unit normal there, in view coordinates.
pub(crate) type Surface = (Vec3, Vec3);

/// Half the side of the square that the map covers. Everything beyond is lit.
const REACH_MM: f32 = 32.0;
const SIDE: usize = 96;
const PER_MM: f32 = SIDE as f32 / (2.0 * REACH_MM);
/// Skin in front of a point by less than this casts no shadow on it, which covers the step between two texels
/// of a slope.
const BIAS_MM: f32 = 0.7;
/// How far in front of a surface its light is looked up.
const AHEAD_MM: f32 = 0.5;

impl ShadowMap {
    /// Renders the texels of the map that decide over the light at some surfaces of the skin and on the eye.
    /// `towards_light` and `positions` are in view coordinates.
    pub(crate) fn new(
        towards_light: Vec3,
        positions: &[Vec3],
        triangles: &[[u32; 3]],
        skin: impl Iterator<Item = Surface>,
        eye: &SeenEye,
    ) -> Self {
        let aside = if towards_light.y.abs() < 0.9 { vec3(0.0, 1.0, 0.0) } else { vec3(1.0, 0.0, 0.0) };
        let right = aside.cross(towards_light).normalized();
        let light = Rotation::from_rows([right, towards_light.cross(right), towards_light]);
        let corners: Vec<Vec3> = positions.iter().map(|position| texel(light.apply(*position))).collect();
        let window = window(skin.filter_map(|surface| asked(&light, surface)), eye);
        Self { light, buffer: DepthBuffer::of_mesh(&window, &corners, triangles) }
    }

    /// Returns the share of the light that arrives, 0 to 1, averaged over 3×3 texels.
    pub(crate) fn lit(&self, surface: Surface) -> f32 {
        let Some(point) = asked(&self.light, surface) else { return 1.0 };
        let (col, row) = (point.x as usize, point.y as usize);
        // The outer texels are weighted by the point's position in its texel, so that the shadow's edge has
        // no steps.
        let (fx, fy) = (point.x - col as f32, point.y - row as f32);
        let (along_x, along_y) = ([1.0 - fx, 1.0, fx, 0.0], [1.0 - fy, 1.0, fy]);
        let mut lit = 0.0;
        for (dy, weight_y) in along_y.iter().enumerate() {
            let depths = self.buffer.group(col - 1, row + dy - 1);
            let lights = depths.map(|depth| (1.0 - (depth - point.z - BIAS_MM) * 1.25).clamp(0.0, 1.0));
            let shares: Lanes = std::array::from_fn(|dx| along_x[dx] * weight_y * lights[dx]);
            // One after the other, because the order decides over the last bit. The fourth has no weight.
            lit += shares[0];
            lit += shares[1];
            lit += shares[2];
        }
        lit * 0.25
    }
}

/// Returns the texels that are looked up: the neighbours of points on the map and of all points on the eye.
fn window(points: impl Iterator<Item = Vec3>, eye: &SeenEye) -> Window {
    // Rounding moves points by less than the slack.
    const SLACK_MM: f32 = 0.1;
    let reach = eye.reach() + AHEAD_MM + SLACK_MM;
    let (mut low, mut high) = (texel(Vec3::splat(-reach)), texel(Vec3::splat(reach)));
    for point in points {
        low = vec3(low.x.min(point.x), low.y.min(point.y), 0.0);
        high = vec3(high.x.max(point.x), high.y.max(point.y), 0.0);
    }
    let texels = |low: f32, high: f32| (low as u32).saturating_sub(1)..(high as u32 + 2).min(SIDE as u32);
    Window { cols: texels(low.x, high.x), rows: texels(low.y, high.y), ..Window::whole(SIDE, SIDE) }
}

/// Returns the point of the map at which a surface asks for its light; `None` beyond the map.
fn asked(light: &Rotation, (position, normal): Surface) -> Option<Vec3> {
    let point = texel(light.apply(position + normal * AHEAD_MM));
    let inside = 1.0..SIDE as f32 - 2.0;
    (inside.contains(&point.x) && inside.contains(&point.y)).then_some(point)
}

fn texel(in_light: Vec3) -> Vec3 {
    vec3((in_light.x + REACH_MM) * PER_MM, (in_light.y + REACH_MM) * PER_MM, in_light.z)
}
