use super::{Eyeball, Hair};
use crate::math::{Color, Vec3, lerp};

/// A provider's geometry and textures for one set of parameters. Everything is in the head's frame, in mm:
/// the eyeball's centre is the origin, x points to the outer corner, y up and z out of the face.
pub(crate) struct Scene<A> {
    pub(crate) positions: Vec<Vec3>,
    pub(crate) uvs: Vec<[f32; 2]>,
    /// Triangles, anticlockwise seen from outside: first the skin's, then those of the lining behind the
    /// lids.
    pub(crate) triangles: Vec<[u32; 3]>,
    pub(crate) n_skin_triangles: usize,
    pub(crate) appearance: A,
    pub(crate) margin: Margin,
    /// The inner corner, where the caruncle ends, and the outer one.
    pub(crate) corners: [Vec3; 2],
    pub(crate) caruncle: Vec<Vec3>,
    pub(crate) eye: Eyeball,
    pub(crate) hairs: Vec<Hair>,
}

/// Surface properties of a vertex.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finish {
    /// Factor of the skin's albedo; on the lining, the albedo itself.
    pub(crate) tint: Color,
    /// Share of the light that reaches the vertex, 0 to 1.
    pub(crate) occlusion: f32,
    /// Strength of the specular reflection.
    pub(crate) gloss: f32,
}

/// The surfaces of a scene.
pub(crate) trait Appearance {
    /// Returns the surface properties of a vertex, given its index and position. Few vertices are seen, so
    /// properties are computed for these only.
    fn finish(&self, vertex: usize, position: Vec3) -> Finish;

    /// Returns the skin's albedo at a texture coordinate.
    fn skin(&self, uv: [f32; 2]) -> Color;

    /// Returns the eyeball's albedo at a point in eye axes (mm), which lies on the iris plane if seen through
    /// the cornea.
    fn eyeball(&self, seen: Vec3, through_cornea: bool) -> Color;
}

/// The lids' edges where they touch the eye. Both run from the inner to the outer corner and share these end
/// points.
#[derive(Clone, Debug)]
pub(crate) struct Margin {
    pub(crate) upper: Vec<Vec3>,
    pub(crate) lower: Vec<Vec3>,
}

impl Margin {
    /// Returns the mean of UnityEyes' 16 margin points.
    pub(crate) fn middle(&self) -> Vec3 {
        let step = (self.upper.len() - 1) / 8;
        let points = self.upper.iter().step_by(step).chain(self.lower[step..].iter().step_by(step).take(7));
        points.fold(Vec3::default(), |sum, point| sum + *point) * (1.0 / 16.0)
    }
}

/// A table of both margins' heights over equally spaced x: the eye's shading looks them up for every sample.
pub(crate) struct LidTable {
    start: f32,
    per_mm: f32,
    heights: [(f32, f32); Self::N],
}

impl LidTable {
    const N: usize = 48;

    pub(crate) fn new(margin: &Margin) -> Self {
        let (start, end) = (margin.upper[0].x, margin.upper[margin.upper.len() - 1].x);
        let step = (end - start) / (Self::N - 1) as f32;
        let heights = std::array::from_fn(|idx| {
            let x = start + step * idx as f32;
            (height_at(&margin.upper, x), height_at(&margin.lower, x))
        });
        Self { start, per_mm: 1.0 / step, heights }
    }

    /// Returns the heights of the upper and the lower margin at `x`.
    pub(crate) fn at(&self, x: f32) -> (f32, f32) {
        let position = ((x - self.start) * self.per_mm).clamp(0.0, (Self::N - 2) as f32);
        let idx = position as usize;
        let (low, high) = (self.heights[idx], self.heights[idx + 1]);
        let t = (position - idx as f32).min(1.0);
        (lerp(low.0, high.0, t), lerp(low.1, high.1, t))
    }
}

/// Interpolates the height of a line with ascending x.
fn height_at(line: &[Vec3], x: f32) -> f32 {
    let next = line.iter().position(|point| point.x >= x).unwrap_or(line.len() - 1).max(1);
    let (a, b) = (line[next - 1], line[next]);
    let t = if b.x > a.x { ((x - a.x) / (b.x - a.x)).clamp(0.0, 1.0) } else { 0.0 };
    lerp(a.y, b.y, t)
}
