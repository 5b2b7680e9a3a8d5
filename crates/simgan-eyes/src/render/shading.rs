use std::ops::Range;

use super::eyeball::{Hit, SeenEye, fresnel, lid_occlusion, reflected};
use super::raster::{DepthBuffer, Fragment};
use super::scene::LidTable;
use super::shadow::ShadowMap;
use super::{Appearance, Camera, Canvas, Finish, Light, Scene};
use crate::math::{Color, Rotation, Vec3, smoothstep, vec3};

/// The light at a vertex, interpolated over its triangles.
#[derive(Clone, Copy)]
struct Lit {
    light: Color,
    sheen: f32,
}

/// The colours that the samples of a block share, computed on first use.
#[derive(Clone, Copy, Default)]
struct Look {
    skin: Option<Color>,
    eye: Option<Color>,
}

/// A sample's position and the offset from it to the middle of its block.
#[derive(Clone, Copy)]
struct At {
    x: f32,
    y: f32,
    to_middle: [f32; 2],
}

/// Returns the offset from a sample to the middle of its block.
fn middle(col: usize, row: usize, block: usize) -> [f32; 2] {
    [col, row].map(|place| (block - 1) as f32 * 0.5 - (place & (block - 1)) as f32)
}

/// A scene, lit and projected to samples.
pub(super) struct Shading<'a, A> {
    scene: &'a Scene<A>,
    light: &'a Light,
    camera: &'a Camera,
    to_head: Rotation,
    corners: Vec<Vec3>,
    lit: Vec<Lit>,
    eye: SeenEye,
    opening: Opening,
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
        let around = |along: fn(Vec3) -> f32| {
            let places = margin.clone().map(|point| along(camera.project(camera.view(*point))));
            let (low, high) = places.fold((f32::MAX, 0.0_f32), |(low, high), at| (low.min(at), high.max(at)));
            let beyond = BEYOND_MM * camera.px_per_mm;
            // `as` saturates: what lies left of the image or above it becomes 0.
            (low - beyond) as usize..(high + beyond) as usize + 1
        };
        Self { cols: around(|at| at.x), rows: around(|at| at.y) }
    }
}

impl<'a, A: Appearance> Shading<'a, A> {
    pub(super) fn new(scene: &'a Scene<A>, light: &'a Light, camera: &'a Camera) -> Self {
        let positions: Vec<Vec3> = scene.positions.iter().map(|position| camera.view(*position)).collect();
        let shadow = ShadowMap::new(light.direction, &positions, &scene.triangles[..scene.n_skin_triangles]);
        let lit = scene
            .finishes
            .iter()
            .zip(positions.iter().zip(&scene.normals))
            .map(|(finish, (position, normal))| {
                let normal = camera.view(*normal);
                lit(light, finish, normal, shadow.lit(*position, normal))
            })
            .collect();
        let corners = positions
            .iter()
            .map(|position| {
                let at = camera.project(*position);
                vec3(at.x, at.y, position.z)
            })
            .collect();
        Self {
            scene,
            light,
            camera,
            to_head: camera.rotation.transposed(),
            corners,
            lit,
            eye: scene.eye.seen_from(&camera.rotation),
            opening: Opening::new(scene, camera),
            lids: LidTable::new(&scene.margin),
            shadow,
        }
    }

    /// Returns the colours of the samples in some rows. Each surface is shaded once per `block`² samples;
    /// `block` is a power of two.
    pub(super) fn samples(&self, rows: Range<usize>, block: usize) -> Canvas {
        let (width, height) = (self.camera.width, rows.len());
        let mut buffer = DepthBuffer::new(width, rows.clone());
        buffer.draw(&self.corners, &self.scene.triangles);
        let mut pixels = Vec::with_capacity(width * height);
        let mut looks = vec![Look::default(); width.div_ceil(block)];
        for (row, samples) in rows.zip(buffer.rows()) {
            if row % block == 0 {
                looks.fill(Look::default());
            }
            let in_row = self.opening.rows.contains(&row);
            for (col, (depth, fragment)) in samples.enumerate() {
                let look = &mut looks[col >> block.trailing_zeros()];
                let at = At { x: col as f32 + 0.5, y: row as f32 + 0.5, to_middle: middle(col, row, block) };
                let eye = if in_row && self.opening.cols.contains(&col) {
                    self.eye_sample(at, *depth, look)
                } else {
                    None
                };
                pixels.push(eye.unwrap_or_else(|| self.mesh_sample(*fragment, look)));
            }
        }
        Canvas { width, height, pixels }
    }

    /// Returns the eye's colour at a sample, unless something is nearer.
    fn eye_sample(&self, at: At, depth: f32, look: &mut Look) -> Option<Color> {
        // Nothing of the eye lies above its apex, which spares most samples the intersection.
        if depth >= self.eye.apex {
            return None;
        }
        let (view_x, view_y) = self.camera.unproject(at.x, at.y);
        let hit = self.eye.hit(view_x, view_y).filter(|hit| hit.position.z > depth)?;
        Some(*look.eye.get_or_insert_with(|| self.eye_color(&self.middle_hit(at).unwrap_or(hit))))
    }

    /// Returns the colour of the nearest triangle, or black for the background.
    fn mesh_sample(&self, fragment: Fragment, look: &mut Look) -> Color {
        if fragment.triangle == Fragment::NONE.triangle {
            return vec3(0.0, 0.0, 0.0);
        }
        if fragment.triangle as usize >= self.scene.n_skin_triangles {
            return self.mesh_color(fragment, false);
        }
        *look.skin.get_or_insert_with(|| self.mesh_color(fragment, true))
    }

    /// Intersects the eye at the middle of a sample's block. Shading a block at any of its samples would
    /// shift iris and pupil.
    fn middle_hit(&self, at: At) -> Option<Hit> {
        let (x, y) = self.camera.unproject(at.x + at.to_middle[0], at.y + at.to_middle[1]);
        self.eye.hit(x, y)
    }

    fn mesh_color(&self, fragment: Fragment, is_skin: bool) -> Color {
        let Fragment { triangle, weight_b: wb, weight_c: wc } = fragment;
        let [a, b, c] = self.scene.triangles[triangle as usize].map(|corner| corner as usize);
        let wa = 1.0 - wb - wc;
        let light = self.lit[a].light * wa + self.lit[b].light * wb + self.lit[c].light * wc;
        let sheen = self.lit[a].sheen * wa + self.lit[b].sheen * wb + self.lit[c].sheen * wc;
        if !is_skin {
            return light + Vec3::splat(sheen);
        }
        let [ua, ub, uc] = [a, b, c].map(|corner| self.scene.uvs[corner]);
        let uv = [0, 1].map(|axis| ua[axis] * wa + ub[axis] * wb + uc[axis] * wc);
        light.times(self.scene.appearance.skin(uv)) + Vec3::splat(sheen)
    }

    fn eye_color(&self, hit: &Hit) -> Color {
        let seen = self.eye.seen(hit);
        let albedo = self.scene.appearance.eyeball(seen, hit.on_cornea);
        let in_head = self.to_head.apply(hit.position);
        let (upper, lower) = self.lids.at(in_head.x);
        let aside = smoothstep(5.0, 12.5, in_head.x.abs());
        let occlusion = lid_occlusion(upper - in_head.y, in_head.y - lower) * (1.0 - 0.4 * aside);
        let lit = self.shadow.lit(hit.position, hit.normal);
        // The iris lies flat behind the curved cornea.
        let normal = if hit.on_cornea { hit.normal.lerp(self.eye.axis, 0.7) } else { hit.normal };
        let scattered = self.light.diffuse(normal, lit, 0.25).times(albedo) * occlusion;
        let gloss = if hit.on_cornea { 1.0 } else { 0.35 };
        let mirrored = self.light.mirrored(reflected(hit.normal));
        scattered + mirrored * (fresnel(hit.normal.z) * gloss * occlusion * (0.3 + 0.7 * lit))
    }
}

/// Lights a vertex, with Blinn's specular reflection.
fn lit(light: &Light, finish: &Finish, normal: Vec3, shadow: f32) -> Lit {
    let diffuse = light.diffuse(normal, shadow, 0.3);
    let half = (light.direction + vec3(0.0, 0.0, 1.0)).normalized();
    let mut sheen = normal.dot(half).max(0.0);
    // Squaring four times raises to the power of 16.
    for _ in 0..4 {
        sheen = sheen * sheen;
    }
    Lit {
        light: diffuse.times(finish.tint) * finish.occlusion,
        sheen: sheen * finish.gloss * light.intensity * shadow * finish.occlusion,
    }
}
