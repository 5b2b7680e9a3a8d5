use std::ops::Range;

use super::eyeball::{Hit, SeenEye, fresnel, lid_occlusion, reflected};
use super::mesh::InView;
use super::raster::{DepthBuffer, Window};
use super::scene::LidTable;
use super::shadow::ShadowMap;
use super::{Appearance, Camera, Canvas, Finish, Light, Scene};
use crate::math::{Color, Rotation, Vec3, smoothstep, vec3};

/// What is interpolated over the triangles of a vertex: light, specular reflection and texture coordinate.
#[derive(Clone, Copy, Default)]
struct Lit {
    light: Color,
    sheen: f32,
    uv: [f32; 2],
}

/// The colours that the samples of a block share, computed on first use.
#[derive(Clone, Copy, Default)]
struct Look {
    skin: Option<Color>,
    eye: Option<Color>,
}

/// A sample's column and row, and the number of samples along its block's sides.
#[derive(Clone, Copy)]
struct At {
    col: usize,
    row: usize,
    block: usize,
}

impl At {
    /// Returns the sample's position.
    fn position(self) -> [f32; 2] {
        [self.col, self.row].map(|place| place as f32 + 0.5)
    }

    /// Returns the position of the middle of its block.
    fn middle(self) -> [f32; 2] {
        let last = self.block - 1;
        [self.col, self.row].map(|place| place as f32 + 0.5 + (last as f32 * 0.5 - (place & last) as f32))
    }
}

/// A scene, lit and projected to samples.
pub(super) struct Shading<'a, A> {
    scene: &'a Scene<A>,
    light: &'a Light,
    camera: &'a Camera,
    to_head: Rotation,
    view: InView,
    lit: Vec<Lit>,
    eye: SeenEye,
    opening: Opening,
    /// The view's x in mm of the opening's columns.
    opening_x: Vec<f32>,
    lids: LidTable,
    shadow: ShadowMap,
}

/// The rectangle of samples around the lids' opening. The eye is visible nowhere else, so it is tested only
/// there.
struct Opening {
    cols: Range<usize>,
    rows: Range<usize>,
}

impl Opening {
    fn new<A>(scene: &Scene<A>, camera: &Camera) -> Self {
        const BEYOND_MM: f32 = 1.0;
        let margin = scene.margin.upper.iter().chain(&scene.margin.lower);
        let around = |along: fn(Vec3) -> f32, n: usize| {
            let places = margin.clone().map(|point| along(camera.project(camera.view(*point))));
            let (low, high) = places.fold((f32::MAX, 0.0_f32), |(low, high), at| (low.min(at), high.max(at)));
            let beyond = BEYOND_MM * camera.px_per_mm;
            // `as` saturates: what lies left of the image or above it becomes 0.
            ((low - beyond) as usize).min(n)..((high + beyond) as usize + 1).min(n)
        };
        Self { cols: around(|at| at.x, camera.width), rows: around(|at| at.y, camera.height) }
    }
}

impl<'a, A: Appearance> Shading<'a, A> {
    pub(super) fn new(scene: &'a Scene<A>, light: &'a Light, camera: &'a Camera) -> Self {
        let positions: Vec<Vec3> = scene.positions.iter().map(|position| camera.view(*position)).collect();
        let (view, eye) = (InView::new(scene, camera, &positions), scene.eye.seen_from(&camera.rotation));
        let normals: Vec<Vec3> = view.normals(scene).iter().map(|normal| camera.view(*normal)).collect();
        let surfaces = || positions.iter().copied().zip(normals.iter().copied());
        let seen =
            surfaces().zip(&view.has_vertex).filter_map(|(surface, is_seen)| is_seen.then_some(surface));
        let skin = &scene.triangles[..scene.n_skin_triangles];
        let shadow = ShadowMap::new(light.direction, &positions, skin, seen, &eye);
        let half = (light.direction + vec3(0.0, 0.0, 1.0)).normalized();
        let light_at = |(vertex, surface): (usize, (Vec3, Vec3))| {
            if !view.has_vertex[vertex] {
                return Lit::default();
            }
            let finish = scene.appearance.finish(vertex, scene.positions[vertex]);
            let lit = lit(light, half, &finish, surface.1, shadow.lit(surface));
            Lit { uv: scene.uvs[vertex], ..lit }
        };
        let opening = Opening::new(scene, camera);
        Self {
            scene,
            light,
            camera,
            to_head: camera.rotation.transposed(),
            lit: surfaces().enumerate().map(light_at).collect(),
            view,
            eye,
            opening_x: opening.cols.clone().map(|col| camera.unproject(col as f32 + 0.5, 0.0).0).collect(),
            opening,
            lids: LidTable::new(&scene.margin),
            shadow,
        }
    }

    /// Returns the colours of the samples in some rows. Each surface is shaded once per `block`² samples;
    /// `block` is a power of two.
    pub(super) fn samples(&self, rows: Range<usize>, block: usize) -> Canvas {
        let (width, height) = (self.camera.width, rows.len());
        let band = rows.start as u32..rows.end as u32;
        let mut buffer = DepthBuffer::new(Window { rows: band, ..Window::whole(width, self.camera.height) });
        for (id, facet) in self.view.facets.iter().enumerate() {
            buffer.draw(id as u32, facet);
        }
        let mut pixels = Vec::with_capacity(width * height);
        let mut looks = vec![Look::default(); width.div_ceil(block)];
        let mut eye = vec![f32::NEG_INFINITY; width];
        for row in rows {
            if row % block == 0 {
                looks.fill(Look::default());
            }
            self.eye_heights(row, &mut eye);
            let (depths, facets) = buffer.row(row);
            let samples = depths.iter().zip(facets).zip(&eye).enumerate();
            pixels.extend(samples.map(|(col, ((depth, facet), eye))| {
                let look = &mut looks[col >> block.trailing_zeros()];
                let at = At { col, row, block };
                if eye > depth {
                    *look.eye.get_or_insert_with(|| self.eye_color(&self.eye_hit(at)))
                } else {
                    self.mesh_sample(*facet, at, look)
                }
            }));
        }
        Canvas { width, height, pixels }
    }

    /// Writes the z of the eye's front at each sample of a row, −∞ outside the opening.
    fn eye_heights(&self, row: usize, heights: &mut [f32]) {
        if self.opening.rows.contains(&row) {
            let (_, y) = self.camera.unproject(0.0, row as f32 + 0.5);
            self.eye.heights(&self.opening_x, y, &mut heights[self.opening.cols.clone()]);
        } else {
            heights.fill(f32::NEG_INFINITY);
        }
    }

    /// Returns the colour of a facet, or black for the background.
    fn mesh_sample(&self, facet: u32, at: At, look: &mut Look) -> Color {
        if facet == DepthBuffer::NONE {
            return vec3(0.0, 0.0, 0.0);
        }
        let facet = facet as usize;
        if facet >= self.view.n_skin {
            return self.mesh_color(facet, at, false);
        }
        *look.skin.get_or_insert_with(|| self.mesh_color(facet, at, true))
    }

    /// Intersects the eye at the middle of a sample's block, because shading a block at any of its samples
    /// would shift iris and pupil. Beside the eye's outline only the sample itself meets it.
    fn eye_hit(&self, at: At) -> Hit {
        let hit = |[x, y]: [f32; 2]| {
            let (x, y) = self.camera.unproject(x, y);
            self.eye.hit(x, y)
        };
        let hit = hit(at.middle()).or_else(|| hit(at.position()));
        hit.unwrap_or_else(|| unreachable!("a sample of the eye meets the eye"))
    }

    fn mesh_color(&self, facet: usize, at: At, is_skin: bool) -> Color {
        let [wb, wc] = self.view.facets[facet].weights(at.col, at.row);
        let [a, b, c] = self.view.triangles[facet].map(|corner| &self.lit[corner as usize]);
        let wa = 1.0 - wb - wc;
        let light = a.light * wa + b.light * wb + c.light * wc;
        let sheen = a.sheen * wa + b.sheen * wb + c.sheen * wc;
        if !is_skin {
            return light + Vec3::splat(sheen);
        }
        let uv = [0, 1].map(|axis| a.uv[axis] * wa + b.uv[axis] * wb + c.uv[axis] * wc);
        light.times(self.scene.appearance.skin(uv)) + Vec3::splat(sheen)
    }

    fn eye_color(&self, hit: &Hit) -> Color {
        let seen = self.eye.seen(hit);
        let albedo = self.scene.appearance.eyeball(seen, hit.on_cornea);
        let in_head = self.to_head.apply(hit.position);
        let (upper, lower) = self.lids.at(in_head.x);
        let aside = smoothstep(5.0, 12.5, in_head.x.abs());
        let occlusion = lid_occlusion(upper - in_head.y, in_head.y - lower) * (1.0 - 0.4 * aside);
        let lit = self.shadow.lit((hit.position, hit.normal));
        // The iris lies flat behind the curved cornea.
        let normal = if hit.on_cornea { hit.normal.lerp(self.eye.axis, 0.7) } else { hit.normal };
        let scattered = self.light.diffuse(normal, lit, 0.25).times(albedo) * occlusion;
        let gloss = if hit.on_cornea { 1.0 } else { 0.35 };
        let mirrored = self.light.mirrored(reflected(hit.normal));
        scattered + mirrored * (fresnel(hit.normal.z) * gloss * occlusion * (0.3 + 0.7 * lit))
    }
}

/// Lights a vertex, with Blinn's specular reflection. `half` is midway between the light and the viewer.
fn lit(light: &Light, half: Vec3, finish: &Finish, normal: Vec3, shadow: f32) -> Lit {
    let diffuse = light.diffuse(normal, shadow, 0.3);
    let mut sheen = normal.dot(half).max(0.0);
    // Squaring four times raises to the power of 16.
    for _ in 0..4 {
        sheen = sheen * sheen;
    }
    Lit {
        light: diffuse.times(finish.tint) * finish.occlusion,
        sheen: sheen * finish.gloss * light.intensity * shadow * finish.occlusion,
        uv: [0.0; 2],
    }
}
