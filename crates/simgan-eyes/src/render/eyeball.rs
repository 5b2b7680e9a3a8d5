use crate::math::{Color, Rotation, Vec3, vec3};

/// A scleral sphere with a corneal sphere on it, like UnityEyes' colliders. In eye axes the eyeball's centre
/// is the origin and +z points out of the pupil. Lengths are in mm.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Eyeball {
    pub(crate) radius: f32,
    pub(crate) cornea_offset: f32,
    pub(crate) cornea_radius: f32,
    /// Position of the limbus circle on the axis.
    pub(crate) limbus_offset: f32,
    pub(crate) limbus_radius: f32,
    /// Position of the iris plane on the axis.
    pub(crate) iris_offset: f32,
    /// Radius of the hole in the iris plane, not magnified by the cornea.
    pub(crate) pupil_radius: f32,
    /// Rotation from eye axes to the head's frame.
    pub(crate) rotation: Rotation,
}

impl Eyeball {
    /// Creates an eyeball of average size.
    pub(crate) fn new(rotation: Rotation, iris_size: f32, pupil_radius: f32) -> Self {
        Self {
            radius: 12.031,
            cornea_offset: 5.0,
            cornea_radius: 7.991,
            limbus_offset: 10.752,
            limbus_radius: 5.870 * iris_size,
            iris_offset: 10.3,
            pupil_radius,
            rotation,
        }
    }

    /// Rotates the eyeball into view coordinates by `head`, the rotation from the head's frame.
    pub(crate) fn seen_from(&self, head: &Rotation) -> SeenEye {
        let rotation = *head * self.rotation;
        let axis = rotation.apply(vec3(0.0, 0.0, 1.0));
        SeenEye { eye: *self, rotation, from_view: rotation.transposed(), axis }
    }

    /// Returns the eyeball's front over the head's frontal plane.
    pub(crate) fn front(&self) -> Front {
        let cornea = self.rotation.apply(vec3(0.0, 0.0, self.cornea_offset));
        Front { radius: self.radius, cornea, cornea_radius: self.cornea_radius }
    }
}

/// The front of an eyeball as a height field over the head's frontal plane.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Front {
    radius: f32,
    /// Centre of the corneal sphere.
    cornea: Vec3,
    cornea_radius: f32,
}

impl Front {
    /// Returns the height over (x, y) in the head's frame. Beyond 0.8 radii, where the sphere falls off
    /// steeply, it continues along the tangent.
    pub(crate) fn height(&self, x: f32, y: f32) -> f32 {
        const TURN: f32 = 0.8;
        const TURN_SLOPE: f32 = TURN / 0.6;
        let squared = (x * x + y * y) / (self.radius * self.radius);
        let sclera = if squared < TURN * TURN {
            self.radius * (1.0 - squared).sqrt()
        } else {
            self.radius * (0.6 - TURN_SLOPE * (squared.sqrt() - TURN))
        };
        let (dx, dy) = (x - self.cornea.x, y - self.cornea.y);
        let under = self.cornea_radius * self.cornea_radius - dx * dx - dy * dy;
        if under > 0.0 { sclera.max(self.cornea.z + under.sqrt()) } else { sclera }
    }
}

/// An eyeball in view coordinates with its centre at the origin.
pub(crate) struct SeenEye {
    pub(crate) eye: Eyeball,
    pub(crate) rotation: Rotation,
    from_view: Rotation,
    /// Unit gaze vector in view coordinates.
    pub(crate) axis: Vec3,
}

/// The point where a ray along the view's −z meets the eye.
pub(crate) struct Hit {
    pub(crate) position: Vec3,
    pub(crate) normal: Vec3,
    pub(crate) on_cornea: bool,
}

impl SeenEye {
    /// Returns the largest distance of a point of the eye from its centre.
    pub(crate) fn reach(&self) -> f32 {
        self.eye.radius.max(self.eye.cornea_offset + self.eye.cornea_radius)
    }

    /// Writes the z of the eye's front at (x, y) in view coordinates, for several x; −∞ beside the eye. It is
    /// the z of [`SeenEye::hit`].
    pub(crate) fn heights(&self, xs: &[f32], y: f32, heights: &mut [f32]) {
        let center = self.axis * self.eye.cornea_offset;
        for (height, x) in heights.iter_mut().zip(xs) {
            let sclera = sphere(*x, y, Vec3::default(), self.eye.radius).unwrap_or(f32::NEG_INFINITY);
            let cornea = sphere(*x, y, center, self.eye.cornea_radius).unwrap_or(f32::NEG_INFINITY);
            *height = if cornea > sclera { cornea } else { sclera };
        }
    }

    /// Intersects the eye with the ray along −z at (x, y) in view coordinates.
    pub(crate) fn hit(&self, x: f32, y: f32) -> Option<Hit> {
        let eye = &self.eye;
        let sclera = sphere(x, y, vec3(0.0, 0.0, 0.0), eye.radius);
        let center = self.axis * eye.cornea_offset;
        let cornea = sphere(x, y, center, eye.cornea_radius);
        let (z, origin, radius, on_cornea) = match (sclera, cornea) {
            (Some(s), Some(c)) if c > s => (c, center, eye.cornea_radius, true),
            (None, Some(c)) => (c, center, eye.cornea_radius, true),
            (Some(s), _) => (s, vec3(0.0, 0.0, 0.0), eye.radius, false),
            (None, None) => return None,
        };
        let position = vec3(x, y, z);
        Some(Hit { position, normal: (position - origin) * (1.0 / radius), on_cornea })
    }

    /// Returns the point seen at a hit, in eye axes: a point of the iris plane through the cornea, else the
    /// surface itself.
    pub(crate) fn seen(&self, hit: &Hit) -> Vec3 {
        if !hit.on_cornea {
            return self.from_view.apply(hit.position);
        }
        let ray = refracted(hit.normal);
        let descent = ray.dot(self.axis);
        let above = hit.position.dot(self.axis) - self.eye.iris_offset;
        // A ray almost parallel to the iris plane meets it far outside the eye or never.
        let along = if descent < -0.05 { (-above / descent).clamp(0.0, 8.0) } else { 8.0 };
        self.from_view.apply(hit.position + ray * along)
    }

    /// Returns the view coordinates at which a point of the iris plane (eye axes) appears through the cornea.
    pub(crate) fn apparent(&self, x: f32, y: f32) -> Vec3 {
        let target = vec3(x, y, self.eye.iris_offset);
        let straight = self.rotation.apply(target);
        let mut at = straight;
        // Inverts `seen` by fixed-point iteration: refraction moves points little, so stepping by the miss
        // converges.
        for _ in 0..8 {
            let Some(hit) = self.hit(at.x, at.y) else { return straight };
            let miss = self.rotation.apply(target - self.seen(&hit));
            at = vec3(at.x + miss.x, at.y + miss.y, hit.position.z);
        }
        at
    }

    /// Returns points of the limbus in view coordinates, from −x in eye axes over the top.
    pub(crate) fn limbus(&self, n_points: usize) -> Vec<Vec3> {
        circle(n_points, self.eye.limbus_radius)
            .map(|(x, y)| self.rotation.apply(vec3(x, y, self.eye.limbus_offset)))
            .collect()
    }

    /// Returns points of the pupil's edge, seen through the cornea, in view coordinates.
    pub(crate) fn pupil(&self, n_points: usize) -> Vec<Vec3> {
        circle(n_points, self.eye.pupil_radius).map(|(x, y)| self.apparent(x, y)).collect()
    }
}

fn circle(n_points: usize, radius: f32) -> impl Iterator<Item = (f32, f32)> {
    (0..n_points).map(move |step| {
        let (sin, cos) = crate::math::sin_cos(std::f32::consts::TAU * step as f32 / n_points as f32);
        (-radius * cos, radius * sin)
    })
}

/// Returns z of a sphere's front at (x, y).
fn sphere(x: f32, y: f32, center: Vec3, radius: f32) -> Option<f32> {
    let (dx, dy) = (x - center.x, y - center.y);
    let under = radius * radius - dx * dx - dy * dy;
    (under > 0.0).then(|| center.z + under.sqrt())
}

/// Refracts the ray (0, 0, −1) into the aqueous humour by Snell's law.
fn refracted(normal: Vec3) -> Vec3 {
    // The refractive index of the aqueous humour is 1.336.
    const RATIO: f32 = 1.0 / 1.336;
    let cos = normal.z;
    let bend = RATIO * cos - (1.0 - RATIO * RATIO * (1.0 - cos * cos)).sqrt();
    vec3(0.0, 0.0, -RATIO) + normal * bend
}

/// Returns the share of light that a wet surface mirrors, from the cosine of the angle between normal and
/// viewer. Schlick's approximation, weaker at grazing angles.
pub(crate) fn fresnel(cos: f32) -> f32 {
    let grazing = 1.0 - cos.clamp(0.0, 1.0);
    let squared = grazing * grazing;
    0.025 + 0.5 * squared * squared * grazing
}

/// Returns the direction that a viewer on +z sees mirrored in a surface of the given normal.
pub(crate) fn reflected(normal: Vec3) -> Vec3 {
    normal * (2.0 * normal.z) - vec3(0.0, 0.0, 1.0)
}

/// Returns the share of light that the lids let through to the eyeball, from the distances to their margins
/// in mm.
pub(crate) fn lid_occlusion(below_upper_mm: f32, above_lower_mm: f32) -> f32 {
    let upper = (below_upper_mm * (1.0 / 3.8)).clamp(0.0, 1.0);
    let lower = (above_lower_mm * (1.0 / 1.8)).clamp(0.0, 1.0);
    (0.36 + 0.64 * upper * (2.0 - upper)) * (0.7 + 0.3 * lower * (2.0 - lower))
}

/// Blends two colours over a border of half-width `softness` round `edge`.
pub(crate) fn across(inner: Color, outer: Color, edge: f32, softness: f32, at: f32) -> Color {
    inner.lerp(outer, crate::math::smoothstep(edge - softness, edge + softness, at))
}
