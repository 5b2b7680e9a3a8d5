use super::raster::DepthBuffer;
use crate::math::{Rotation, Vec3, vec3};

/// The depth map of the directional light, which tells the points in the shadow of brow, nose and lids.
pub(crate) struct ShadowMap {
    light: Rotation,
    buffer: DepthBuffer,
}

/// Half the side of the square that the map covers. Everything beyond is lit.
const REACH_MM: f32 = 32.0;
const SIDE: usize = 96;
const PER_MM: f32 = SIDE as f32 / (2.0 * REACH_MM);
/// Skin in front of a point by less than this casts no shadow on it, which covers the step between two texels
/// of a slope.
const BIAS_MM: f32 = 0.7;

impl ShadowMap {
    /// Renders the map. `towards_light` and `positions` are in view coordinates.
    pub(crate) fn new(towards_light: Vec3, positions: &[Vec3], triangles: &[[u32; 3]]) -> Self {
        let aside = if towards_light.y.abs() < 0.9 { vec3(0.0, 1.0, 0.0) } else { vec3(1.0, 0.0, 0.0) };
        let right = aside.cross(towards_light).normalized();
        let light = Rotation::from_rows([right, towards_light.cross(right), towards_light]);
        let corners: Vec<Vec3> = positions.iter().map(|position| texel(light.apply(*position))).collect();
        let mut buffer = DepthBuffer::new(SIDE, 0..SIDE);
        buffer.draw(&corners, triangles);
        Self { light, buffer }
    }

    /// Returns the share of the light that arrives, 0 to 1, averaged over 3×3 texels.
    pub(crate) fn lit(&self, position: Vec3, normal: Vec3) -> f32 {
        let point = texel(self.light.apply(position + normal * 0.5));
        let inside = 1.0..SIDE as f32 - 2.0;
        if !inside.contains(&point.x) || !inside.contains(&point.y) {
            return 1.0;
        }
        let (col, row) = (point.x as usize, point.y as usize);
        // The outer texels are weighted by the point's position in its texel, so that the shadow's edge has
        // no steps.
        let (fx, fy) = (point.x - col as f32, point.y - row as f32);
        let (along_x, along_y) = ([1.0 - fx, 1.0, fx], [1.0 - fy, 1.0, fy]);
        let mut lit = 0.0;
        for (dy, weight_y) in along_y.iter().enumerate() {
            let start = (row + dy - 1) * SIDE + col - 1;
            for (dx, weight_x) in along_x.iter().enumerate() {
                let in_front = self.buffer.depth[start + dx] - point.z;
                lit += weight_x * weight_y * (1.0 - (in_front - BIAS_MM) * 1.25).clamp(0.0, 1.0);
            }
        }
        lit * 0.25
    }
}

fn texel(in_light: Vec3) -> Vec3 {
    vec3((in_light.x + REACH_MM) * PER_MM, (in_light.y + REACH_MM) * PER_MM, in_light.z)
}
