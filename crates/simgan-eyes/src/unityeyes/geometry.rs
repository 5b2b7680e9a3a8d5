//! UnityEyes' shape model, subdivision and eyeball.

use super::mesh::Mesh;
use super::topology::{LIMBUS, N_CONTROL, N_MODES, N_SKIN, N_WEIGHTS};
use crate::math::{Vec3, vec3};

/// The contents of the geometry files, converted to Unity's axes in cm.
pub(super) struct Geometry {
    mean: Vec<Vec3>,
    /// For each mode, the displacement of every control point.
    modes: Vec<Vec<Vec3>>,
    /// Standard deviation of each mode's coefficient.
    pub(super) deviations: Vec<f32>,
    /// For each skin vertex, the control points of which it is the weighted mean.
    weights: Vec<[(u16, f32); N_WEIGHTS]>,
    pub(super) triangles: Vec<[u32; 3]>,
    /// Texture coordinates of the skin vertices.
    pub(super) uvs: Vec<[f32; 2]>,
    /// Edges of the skin's outer border.
    pub(super) outline: Vec<[u32; 2]>,
    pub(super) eyeball: EyeballMap,
}

/// The limbus and the texture mapping of the eyeball's mesh.
pub(super) struct EyeballMap {
    /// Position of the limbus circle on the axis in mm.
    pub(super) limbus_offset: f32,
    /// Radius of the limbus circle in mm.
    pub(super) limbus_radius: f32,
    /// Pairs (cosine of the angle to the axis, distance from the texture's middle) by descending cosine.
    pub(super) rings: Vec<(f32, f32)>,
}

/// Converts Blender's axes in m to Unity's in cm.
fn unity([x, y, z]: [f32; 3]) -> Vec3 {
    vec3(-x * 100.0, z * 100.0, -y * 100.0)
}

impl Geometry {
    pub(super) fn new(
        shape: Shape,
        subdivision: Subdivision,
        control: &Mesh,
        eyeball: &Mesh,
    ) -> Result<Self, String> {
        let Subdivision { weights, triangles } = subdivision;
        let uvs = weights
            .iter()
            .map(|pairs| {
                [0, 1].map(|axis| pairs.iter().map(|(idx, w)| control.uvs[usize::from(*idx)][axis] * w).sum())
            })
            .collect();
        let Shape { mean, components, deviations } = shape;
        let mean = mean.as_chunks::<3>().0.iter().map(|point| unity(*point) - vec3(0.0, 0.0, 0.05)).collect();
        let mode = |mode: usize| {
            let at = |row: usize| components[row * N_MODES + mode];
            (0..N_CONTROL)
                .map(|vertex| unity([at(3 * vertex), at(3 * vertex + 1), at(3 * vertex + 2)]))
                .collect()
        };
        let modes = (0..N_MODES).map(mode).collect();
        let (outline, eyeball) = (Vec::new(), EyeballMap::new(eyeball)?);
        let mut geometry = Self { mean, modes, deviations, weights, triangles, uvs, outline, eyeball };
        geometry.outline = outline_of(&geometry.skin(&geometry.mean), &geometry.triangles);
        Ok(geometry)
    }

    /// Returns the relaxed control mesh of a shape.
    pub(super) fn control(&self, coefficients: &[f32]) -> Vec<Vec3> {
        let mut points = self.mean.clone();
        for (mode, coefficient) in self.modes.iter().zip(coefficients) {
            for (point, displacement) in points.iter_mut().zip(mode) {
                *point += *displacement * *coefficient;
            }
        }
        points
    }

    /// Returns the skin's vertices over a control mesh.
    pub(super) fn skin(&self, control: &[Vec3]) -> Vec<Vec3> {
        let mean = |pairs: &[(u16, f32); N_WEIGHTS]| {
            pairs
                .iter()
                .fold(Vec3::default(), |sum, (idx, weight)| sum + control[usize::from(*idx)] * *weight)
        };
        self.weights.iter().map(mean).collect()
    }
}

/// Returns the edges of the skin's outer border, in the direction of their triangles.
fn outline_of(skin: &[Vec3], triangles: &[[u32; 3]]) -> Vec<[u32; 2]> {
    const FROM_EYE_CM: f32 = 1.9;
    let edges: Vec<[u32; 2]> =
        triangles.iter().flat_map(|[a, b, c]| [[*a, *b], [*b, *c], [*c, *a]]).collect();
    let mut sorted: Vec<[u32; 2]> = edges.clone();
    sorted.sort_unstable();
    let is_outside = |vertex: &u32| {
        let at = skin[*vertex as usize];
        at.x * at.x + at.y * at.y > FROM_EYE_CM * FROM_EYE_CM
    };
    // Adjacent triangles traverse their common edge in opposite directions. The opening between the lids is a
    // border too, but close to the eye.
    let is_border = |[a, b]: &[u32; 2]| sorted.binary_search(&[*b, *a]).is_err();
    edges.into_iter().filter(|edge| is_border(edge) && edge.iter().all(is_outside)).collect()
}

/// The contents of the shape model's files.
pub(super) struct Shape {
    pub(super) mean: Vec<f32>,
    pub(super) components: Vec<f32>,
    pub(super) deviations: Vec<f32>,
}

/// The contents of the subdivision's files.
pub(super) struct Subdivision {
    weights: Vec<[(u16, f32); N_WEIGHTS]>,
    triangles: Vec<[u32; 3]>,
}

impl Subdivision {
    /// Combines checked lists: indices and weights of `N_SKIN` × `N_WEIGHTS`, and the corners of
    /// `N_TRIANGLES`.
    pub(super) fn new(idxs: &[u16], weights: &[f32], corners: &[u32]) -> Self {
        let pairs: Vec<(u16, f32)> = idxs.iter().copied().zip(weights.iter().copied()).collect();
        Self {
            weights: pairs.as_chunks::<N_WEIGHTS>().0.to_vec(),
            triangles: corners.as_chunks::<3>().0.to_vec(),
        }
    }

    pub(super) fn check_idxs(idxs: &[u16]) -> Result<(), String> {
        match idxs.iter().find(|idx| usize::from(**idx) >= N_CONTROL) {
            Some(idx) => Err(format!("control vertex {idx} does not exist")),
            None => Ok(()),
        }
    }

    pub(super) fn check_weights(weights: &[f32]) -> Result<(), String> {
        let rows = weights.as_chunks::<N_WEIGHTS>().0;
        match rows.iter().position(|row| (row.iter().sum::<f32>() - 1.0).abs() > 1e-3) {
            Some(row) => Err(format!("the weights of skin vertex {row} do not add up to 1")),
            None => Ok(()),
        }
    }

    pub(super) fn check_triangles(corners: &[u32]) -> Result<(), String> {
        match corners.iter().find(|corner| **corner as usize >= N_SKIN) {
            Some(corner) => Err(format!("skin vertex {corner} does not exist")),
            None => Ok(()),
        }
    }
}

impl EyeballMap {
    fn new(mesh: &Mesh) -> Result<Self, String> {
        let last = LIMBUS[LIMBUS.len() - 1];
        if mesh.vertices.len() <= last {
            return Err(format!(
                "the eyeball has {} vertices, vertex {last} is missing",
                mesh.vertices.len()
            ));
        }
        let points: Vec<Vec3> = mesh.vertices.iter().map(|vertex| unity(*vertex) * 10.0).collect();
        let share = 1.0 / LIMBUS.len() as f32;
        let limbus_offset = LIMBUS.iter().map(|vertex| points[*vertex].z).sum::<f32>() * share;
        let radius = |point: Vec3| (point.x * point.x + point.y * point.y).sqrt();
        let limbus_radius = LIMBUS.iter().map(|vertex| radius(points[*vertex])).sum::<f32>() * share;
        if !(limbus_offset > 5.0 && limbus_offset < 15.0 && limbus_radius > 3.0 && limbus_radius < 9.0) {
            return Err(format!("the limbus lies at {limbus_offset} mm with radius {limbus_radius} mm"));
        }
        Ok(Self { limbus_offset, limbus_radius, rings: rings(&points, &mesh.uvs) })
    }

    /// Returns the distance from the texture's middle at an angle to the axis, given by its cosine.
    pub(super) fn texture_radius(&self, cos: f32) -> f32 {
        let next = self.rings.partition_point(|ring| ring.0 > cos).clamp(1, self.rings.len() - 1);
        let (a, b) = (self.rings[next - 1], self.rings[next]);
        let t = if a.0 > b.0 { ((a.0 - cos) / (a.0 - b.0)).clamp(0.0, 1.0) } else { 0.0 };
        crate::math::lerp(a.1, b.1, t)
    }
}

/// Tabulates the texture's radius over the angle to the axis, for the eyeball's front half.
fn rings(points: &[Vec3], uvs: &[[f32; 2]]) -> Vec<(f32, f32)> {
    let mut all: Vec<(f32, f32)> = points
        .iter()
        .zip(uvs)
        .map(|(point, [u, v])| {
            let (du, dv) = (u - 0.5, v - 0.5);
            (point.normalized().z, (du * du + dv * dv).sqrt())
        })
        .filter(|(cos, _)| *cos > 0.0)
        .collect();
    all.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.total_cmp(&b.1)));
    let mut rings = vec![(1.0, 0.0)];
    for (cos, radius) in all {
        let (last_cos, last_radius) = rings[rings.len() - 1];
        // Only rings that grow outwards are kept, so that the table has one radius at each angle.
        if cos < last_cos - 1e-4 && radius > last_radius {
            rings.push((cos, radius));
        }
    }
    rings.push((-1.0, 0.5));
    rings
}
