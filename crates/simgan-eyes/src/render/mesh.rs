use super::raster::{Facet, Window};
use super::{Camera, Scene};
use crate::math::Vec3;

/// The part of a scene's mesh that an image may show. The rest needs no normals and no light.
pub(super) struct InView {
    pub(super) facets: Vec<Facet>,
    /// The triangle of each facet.
    pub(super) triangles: Vec<[u32; 3]>,
    /// Number of facets that are skin; the others, which follow, are lining.
    pub(super) n_skin: usize,
    /// Whether each vertex of the scene is a corner of a facet.
    pub(super) has_vertex: Vec<bool>,
}

impl InView {
    /// Selects the triangles that cover samples; `positions` are the scene's in view coordinates.
    pub(super) fn new<A>(scene: &Scene<A>, camera: &Camera, positions: &[Vec3]) -> Self {
        let corners: Vec<Vec3> = positions.iter().map(|position| camera.corner(*position)).collect();
        let (n_triangles, n_vertices) = (scene.triangles.len(), positions.len());
        let mut view = Self {
            facets: Vec::with_capacity(n_triangles),
            triangles: Vec::with_capacity(n_triangles),
            n_skin: 0,
            has_vertex: vec![false; n_vertices],
        };
        let window = Window::whole(camera.width, camera.height);
        for (idx, triangle) in scene.triangles.iter().enumerate() {
            let at = triangle.map(|corner| corners[corner as usize]);
            let Some(facet) = Facet::new(at, &window) else { continue };
            view.facets.push(facet);
            view.triangles.push(*triangle);
            view.n_skin += usize::from(idx < scene.n_skin_triangles);
            triangle.iter().for_each(|corner| view.has_vertex[*corner as usize] = true);
        }
        view
    }

    /// Computes the unit normals of the vertices in view, on the outer side of the triangles and weighted by
    /// the triangles' areas. They are in the head's frame, because computing them in a mirrored view would
    /// turn the skin inside out. Vertices outside the view get the zero vector.
    pub(super) fn normals<A>(&self, scene: &Scene<A>) -> Vec<Vec3> {
        let mut normals = vec![Vec3::default(); scene.positions.len()];
        for triangle in &scene.triangles {
            let [a, b, c] = triangle.map(|corner| corner as usize);
            // A triangle outside the view may share a vertex with one inside.
            if !(self.has_vertex[a] || self.has_vertex[b] || self.has_vertex[c]) {
                continue;
            }
            let [from, to_b, to_c] = [a, b, c].map(|corner| scene.positions[corner]);
            // The cross product's length is twice the area, which is the weight.
            let normal = (to_b - from).cross(to_c - from);
            for corner in [a, b, c] {
                normals[corner] += normal;
            }
        }
        let is_in_view = self.has_vertex.iter();
        normals.iter_mut().zip(is_in_view).for_each(|(normal, is_in_view)| {
            *normal = if *is_in_view { normal.normalized() } else { Vec3::default() };
        });
        normals
    }
}
