//! The renderer core: a provider gives a [`Scene`], a [`Light`] and a [`Camera`] make it an image.

mod camera;
mod eyeball;
mod hair;
mod light;
mod raster;
mod scene;
mod shadow;
#[cfg(test)]
mod tests;

pub(crate) use self::camera::Camera;
pub(crate) use self::eyeball::{Eyeball, SeenEye, across};
pub(crate) use self::hair::Hair;
pub(crate) use self::light::Light;
pub(crate) use self::scene::{Appearance, Finish, Margin, Scene};

use self::eyeball::{Hit, fresnel, lid_occlusion, reflected};
use self::raster::{DepthBuffer, Fragment};
use self::scene::LidTable;
use self::shadow::ShadowMap;
use crate::math::{Color, Rotation, Vec3, smoothstep, vec3};

/// Linear colours of an image, row by row.
pub(crate) struct Canvas {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) pixels: Vec<Color>,
}

/// Renders a scene with `supersample`² samples a pixel.
pub(crate) fn render<A: Appearance>(
    scene: &Scene<A>,
    light: &Light,
    camera: &Camera,
    supersample: usize,
) -> Canvas {
    let factor = supersample as f32;
    let fine = camera.scaled(factor, camera.width * supersample, camera.height * supersample);
    // Where the samples of a pixel pair up, four share one look at the skin's texture.
    let block = if supersample.is_multiple_of(2) { 2 } else { 1 };
    let mut samples = Shading::new(scene, light, &fine).samples(block);
    hair::draw(&mut samples, &scene.hairs, &fine);
    averaged(&samples, supersample)
}

/// One colour for each `supersample`² samples.
fn averaged(samples: &Canvas, supersample: usize) -> Canvas {
    let (width, height) = (samples.width / supersample, samples.height / supersample);
    let mut pixels = vec![Vec3::default(); width * height];
    for (row_idx, row) in samples.pixels.chunks_exact(samples.width).enumerate() {
        let start = row_idx / supersample * width;
        for (pixel, group) in pixels[start..start + width].iter_mut().zip(row.chunks_exact(supersample)) {
            *pixel += group.iter().fold(Vec3::default(), |sum, color| sum + *color);
        }
    }
    let share = 1.0 / (supersample * supersample) as f32;
    pixels.iter_mut().for_each(|pixel| *pixel = *pixel * share);
    Canvas { width, height, pixels }
}

/// What a vertex passes on to the samples around it.
#[derive(Clone, Copy)]
struct Lit {
    light: Color,
    sheen: f32,
}

/// A scene, lit and in samples.
struct Shading<'a, A> {
    scene: &'a Scene<A>,
    light: &'a Light,
    camera: &'a Camera,
    to_head: Rotation,
    corners: Vec<Vec3>,
    lit: Vec<Lit>,
    eye: SeenEye,
    lids: LidTable,
    shadow: ShadowMap,
}

impl<'a, A: Appearance> Shading<'a, A> {
    fn new(scene: &'a Scene<A>, light: &'a Light, camera: &'a Camera) -> Self {
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
            lids: LidTable::new(&scene.margin),
            shadow,
        }
    }

    /// Colours of all samples; the skin's texture is read once for each `block`² samples.
    fn samples(&self, block: usize) -> Canvas {
        let (width, height) = (self.camera.width, self.camera.height);
        let mut buffer = DepthBuffer::new(width, height);
        buffer.draw(&self.corners, &self.scene.triangles);
        let mut pixels = Vec::with_capacity(width * height);
        let mut albedos = vec![None; width.div_ceil(block)];
        for row in 0..height {
            if row % block == 0 {
                albedos.fill(None);
            }
            for col in 0..width {
                let idx = row * width + col;
                let (x, y) = (col as f32 + 0.5, row as f32 + 0.5);
                let (fragment, depth) = (buffer.fragments[idx], buffer.depth[idx]);
                pixels.push(self.sample(x, y, fragment, depth, &mut albedos[col / block]));
            }
        }
        Canvas { width, height, pixels }
    }

    /// The colour at a sample whose nearest triangle and depth are known.
    fn sample(&self, x: f32, y: f32, fragment: Fragment, depth: f32, albedo: &mut Option<Color>) -> Color {
        // Nothing of the eye lies beyond its apex.
        if depth < self.eye.apex {
            let (view_x, view_y) = self.camera.unproject(x, y);
            if let Some(hit) = self.eye.hit(view_x, view_y)
                && hit.position.z > depth
            {
                return self.eye_color(&hit);
            }
        }
        if fragment.triangle == Fragment::NONE.triangle {
            return vec3(0.0, 0.0, 0.0);
        }
        self.mesh_color(fragment, albedo)
    }

    fn mesh_color(&self, fragment: Fragment, albedo: &mut Option<Color>) -> Color {
        let Fragment { triangle, weight_b: wb, weight_c: wc } = fragment;
        let [a, b, c] = self.scene.triangles[triangle as usize].map(|corner| corner as usize);
        let wa = 1.0 - wb - wc;
        let light = self.lit[a].light * wa + self.lit[b].light * wb + self.lit[c].light * wc;
        let sheen = self.lit[a].sheen * wa + self.lit[b].sheen * wb + self.lit[c].sheen * wc;
        if triangle as usize >= self.scene.n_skin_triangles {
            return light + Vec3::splat(sheen);
        }
        let albedo = *albedo.get_or_insert_with(|| {
            let [ua, ub, uc] = [a, b, c].map(|corner| self.scene.uvs[corner]);
            self.scene.appearance.skin([0, 1].map(|axis| ua[axis] * wa + ub[axis] * wb + uc[axis] * wc))
        });
        light.times(albedo) + Vec3::splat(sheen)
    }

    fn eye_color(&self, hit: &Hit) -> Color {
        let seen = self.eye.seen(hit);
        let albedo = self.scene.appearance.eyeball(seen, hit.on_cornea);
        let in_head = self.to_head.apply(hit.position);
        let (upper, lower) = self.lids.at(in_head.x);
        let aside = smoothstep(5.0, 12.5, in_head.x.abs());
        let occlusion = lid_occlusion(upper - in_head.y, in_head.y - lower) * (1.0 - 0.4 * aside);
        let lit = self.shadow.lit(hit.position, hit.normal);
        // The iris lies flat behind the cornea.
        let normal = if hit.on_cornea { hit.normal.lerp(self.eye.axis, 0.7) } else { hit.normal };
        let scattered = self.light.diffuse(normal, lit, 0.25).times(albedo) * occlusion;
        let gloss = if hit.on_cornea { 1.0 } else { 0.35 };
        let mirrored = self.light.mirrored(reflected(hit.normal));
        scattered + mirrored * (fresnel(hit.normal.z) * gloss * occlusion * (0.3 + 0.7 * lit))
    }
}

fn lit(light: &Light, finish: &Finish, normal: Vec3, shadow: f32) -> Lit {
    let diffuse = light.diffuse(normal, shadow, 0.3);
    let half = (light.direction + vec3(0.0, 0.0, 1.0)).normalized();
    let mut sheen = normal.dot(half).max(0.0);
    for _ in 0..4 {
        sheen = sheen * sheen;
    }
    Lit {
        light: diffuse.times(finish.tint) * finish.occlusion,
        sheen: sheen * finish.gloss * light.intensity * shadow * finish.occlusion,
    }
}

/// Unit vertex normals on the outer side of the triangles, weighted by area.
pub(crate) fn normals(positions: &[Vec3], triangles: &[[u32; 3]]) -> Vec<Vec3> {
    let mut normals = vec![Vec3::default(); positions.len()];
    for triangle in triangles {
        let [a, b, c] = triangle.map(|corner| corner as usize);
        let normal = (positions[b] - positions[a]).cross(positions[c] - positions[a]);
        for corner in [a, b, c] {
            normals[corner] += normal;
        }
    }
    normals.into_iter().map(Vec3::normalized).collect()
}
