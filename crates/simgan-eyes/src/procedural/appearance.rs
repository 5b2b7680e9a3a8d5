use super::finish;
use super::shape::{Face, N_COLUMNS, N_RINGS};
use crate::math::{Color, Vec3, lerp, smoothstep, vec3};
use crate::random::Noise;
use crate::render::{Appearance, Eyeball, Finish, across};

/// Surfaces of one person's skin and eyeball, with textures made of lattice noise. Texture coordinates are mm
/// in the frontal plane.
pub(crate) struct ProceduralAppearance<'a> {
    face: Face<'a>,
    skin: Color,
    grain: f32,
    wrinkles: f32,
    brow_y_mm: f32,
    brow_darkness: f32,
    noise: Textures,
    iris: Color,
    iris_contrast: f32,
    limbus_radius: f32,
    pupil_radius: f32,
    sclera: Color,
}

/// The noise of each texture.
struct Textures {
    fine: Noise,
    blotches: Noise,
    lines: Noise,
    ragged: Noise,
    hairs: Noise,
    fibres: Noise,
    fine_fibres: Noise,
    vessels: Noise,
}

impl Textures {
    fn new(seed: u32) -> Self {
        let noise = |texture: u32| Noise::new(seed ^ texture);
        Self {
            fine: noise(0),
            blotches: noise(1),
            lines: noise(2),
            ragged: noise(3),
            hairs: noise(4),
            fibres: noise(5),
            fine_fibres: noise(6),
            vessels: noise(7),
        }
    }
}

impl<'a> ProceduralAppearance<'a> {
    pub(super) fn new(face: Face<'a>, eye: &Eyeball) -> Self {
        let who = face.who;
        Self {
            face,
            skin: who.skin,
            grain: who.grain,
            wrinkles: who.wrinkles,
            brow_y_mm: who.brow_y_mm,
            brow_darkness: who.brow_darkness,
            noise: Textures::new(who.texture_seed),
            iris: who.iris,
            iris_contrast: who.iris_contrast,
            limbus_radius: eye.limbus_radius,
            pupil_radius: eye.pupil_radius,
            sclera: who.sclera,
        }
    }

    fn brow(&self, x: f32, y: f32) -> f32 {
        let center = self.brow_y_mm + 1.5 - 0.012 * (x - 4.0) * (x - 4.0);
        let away = (y - center) / 4.0;
        if away.abs() > 1.5 {
            return 0.0;
        }
        let ragged = away.abs() + 0.35 * self.noise.ragged.at(x * 0.9 + y * 0.5, y * 0.5);
        let hairs = 0.75 + 0.4 * self.noise.hairs.at(x * 2.2 + y * 1.2, y * 0.7);
        self.brow_darkness * smoothstep(1.1, 0.5, ragged) * hairs
    }

    fn iris_albedo(&self, x: f32, y: f32, radius: f32) -> Color {
        let (cos, sin) = (x / radius.max(0.1), y / radius.max(0.1));
        let fibres = self.noise.fibres.at(cos * 7.0 + radius * 0.35, sin * 7.0)
            + 0.6 * self.noise.fine_fibres.at(cos * 15.0, sin * 15.0 + radius * 0.6);
        let out = (radius - self.pupil_radius) / (self.limbus_radius - self.pupil_radius);
        let collarette = 1.0 + 0.35 * smoothstep(0.5, 0.2, out);
        let rim = lerp(1.0, 0.4, smoothstep(0.72, 1.0, out));
        let iris = self.iris * ((1.0 + self.iris_contrast * fibres) * collarette * rim);
        across(vec3(0.004, 0.004, 0.004), iris, self.pupil_radius, 0.18, radius)
    }

    fn sclera_albedo(&self, seen: Vec3) -> Color {
        // The white turns redder and yellower towards the corners, with fine vessels.
        let aside = smoothstep(5.5, 12.0, seen.x.abs());
        let vessels = self.noise.vessels.at(seen.x * 0.7, seen.y * 1.9);
        let redness = 0.25 * aside + 0.06 * vessels * (0.4 + aside);
        self.sclera.times(vec3(1.0 - 0.2 * redness, 1.0 - 0.9 * redness, 1.0 - redness))
    }
}

impl Appearance for ProceduralAppearance<'_> {
    fn finish(&self, vertex: usize, position: Vec3) -> Finish {
        let (column, ring) = (vertex / N_RINGS, vertex % N_RINGS);
        if column < N_COLUMNS {
            finish::skin(&self.face, self.face.place(position, column, ring), ring)
        } else {
            finish::lining(&self.face, position)
        }
    }

    fn skin(&self, [x, y]: [f32; 2]) -> Color {
        let fine = self.noise.fine.at(x * 1.9, y * 1.9);
        let blotches = self.noise.blotches.at(x * 0.35, y * 0.4);
        let lines = self.noise.lines.at(x * 0.22 + y * 0.1, y * 1.25);
        let shade = 1.0 + self.grain * (fine + 0.8 * blotches) + self.wrinkles * lines;
        let skin = self.skin * shade.max(0.2);
        // Well below the brow its noise need not be computed.
        if y < self.brow_y_mm - 8.0 { skin } else { skin * (1.0 - self.brow(x, y).clamp(0.0, 0.92)) }
    }

    fn eyeball(&self, seen: Vec3, _through_cornea: bool) -> Color {
        let radius = (seen.x * seen.x + seen.y * seen.y).sqrt();
        let border = self.limbus_radius - 0.2;
        if seen.z < 0.0 || radius > border + 0.6 {
            return self.sclera_albedo(seen);
        }
        let iris = self.iris_albedo(seen.x, seen.y, radius);
        if radius < border - 0.6 {
            iris
        } else {
            across(iris, self.sclera_albedo(seen), border, 0.55, radius)
        }
    }
}
