use super::{Camera, Canvas};
use crate::math::{Color, Vec3, vec3};

/// A hair: a bent line that tapers towards its tip.
#[derive(Clone, Debug)]
pub(crate) struct Hair {
    /// From root to tip, in the head's frame.
    pub(crate) points: [Vec3; Self::N],
    pub(crate) width_mm: f32,
    pub(crate) color: Color,
    /// Share of the background that it hides where it covers a sample.
    pub(crate) opacity: f32,
}

impl Hair {
    pub(crate) const N: usize = 5;
}

/// Draws hairs over the band of an image that begins at row `top`. A hair thinner than a sample covers its
/// share of it.
pub(crate) fn draw(canvas: &mut Canvas, hairs: &[Hair], camera: &Camera, top: usize) {
    for hair in hairs {
        let points = hair.points.map(|point| camera.project(camera.view(point)) - vec3(0.0, top as f32, 0.0));
        let width = hair.width_mm * camera.px_per_mm;
        for (idx, ends) in points.windows(2).enumerate() {
            let [thick, thin] = [idx, idx + 1].map(|step| width * (1.0 - 0.8 * step as f32 / Hair::N as f32));
            draw_segment(canvas, [ends[0], ends[1]], [thick, thin], hair);
        }
    }
}

fn draw_segment(canvas: &mut Canvas, [from, to]: [Vec3; 2], widths: [f32; 2], hair: &Hair) {
    let reach = widths[0] * 0.5 + 1.0;
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let inverse = 1.0 / (dx * dx + dy * dy).max(1e-6);
    let first_row = (from.y.min(to.y) - reach).max(0.0) as usize;
    let last_row = ((from.y.max(to.y) + reach).max(0.0) as usize).min(canvas.height);
    let first_col = (from.x.min(to.x) - reach).max(0.0) as usize;
    let last_col = ((from.x.max(to.x) + reach).max(0.0) as usize).min(canvas.width);
    // Columns from the segment's line to where it covers nothing, except along flat segments, whose few rows are
    // drawn in full.
    let is_flat = dy.abs() <= 0.1 * dx.abs();
    let (slope, beside) = (dx / dy, (widths[0] * 0.5 + 0.6) / (inverse.sqrt() * dy.abs()));
    for row in first_row..last_row {
        let y = row as f32 + 0.5 - from.y;
        let middle = from.x - 0.5 + y * slope;
        let cols = if is_flat {
            first_col..last_col
        } else {
            first_col.max((middle - beside) as usize)..last_col.min((middle + beside).max(0.0) as usize + 1)
        };
        for col in cols {
            let x = col as f32 + 0.5 - from.x;
            let t = (x * dx + y * dy) * inverse;
            // A segment includes its start but not its end, so that joints are drawn once.
            if !(0.0..1.0).contains(&t) {
                continue;
            }
            let away = (x * dy - y * dx).abs() * inverse.sqrt();
            let width = widths[0] + (widths[1] - widths[0]) * t;
            let cover = (width * 0.5 + 0.5 - away).clamp(0.0, width.min(1.0));
            let pixel = &mut canvas.pixels[row * canvas.width + col];
            *pixel = pixel.lerp(hair.color, cover * hair.opacity);
        }
    }
}
