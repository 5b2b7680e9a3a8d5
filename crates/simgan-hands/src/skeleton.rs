//! Forward kinematics: from joint angles to the joints' places.

use crate::gesture::FAN_DEG;
use crate::math::{Vec3, turned, vec3};
use crate::person::Person;
use crate::pose::{Digits, Finger};

/// Bones of a digit from its base: metacarpal's end, two joints, the middle of the tip's curve.
pub(crate) type Chain = [Vec3; 4];

/// Joints of a hand in its own coordinates in mm, and the radii of the flesh around them. The wrist is at the
/// origin; x points to the little finger's side, y along the middle finger, z out of the back of the hand.
#[derive(Clone, Debug)]
pub(crate) struct Skeleton {
    /// MCP, PIP, DIP joint and tip of the little, ring, middle and index finger.
    pub(crate) fingers: [Chain; 4],
    /// CMC, MP, IP joint and tip.
    pub(crate) thumb: Chain,
    /// Radii at the joints of the fingers and of the thumb.
    pub(crate) finger_radii: [[f32; 4]; 4],
    pub(crate) thumb_radii: [f32; 4],
    /// The palm's middle, on the middle finger's metacarpal.
    pub(crate) palm: Vec3,
    /// Unit vector from the wrist along the forearm, and the one across it that the forearm is widest along.
    pub(crate) forearm: [Vec3; 2],
}

/// MCP joints from the wrist: x relative to the hand's breadth, y and z to its length (OpenBionics' finger
/// kinematics); little, ring, middle, index. The heights form the palm's arch.
const MCP_AT: [[f32; 3]; 4] =
    [[0.402, 0.368, -0.028], [0.206, 0.409, -0.008], [0.0, 0.446, 0.0], [-0.251, 0.447, -0.008]];
/// Phalanges relative to the hand's length (OpenBionics).
const PHALANGES: [[f32; 3]; 4] =
    [[0.204, 0.117, 0.093], [0.244, 0.165, 0.107], [0.266, 0.170, 0.108], [0.245, 0.143, 0.097]];
/// CMC joint, like the MCP joints, and the thumb's bones.
const CMC_AT: [f32; 3] = [-0.23, 0.09, -0.05];
const THUMB: [f32; 3] = [0.251, 0.196, 0.158];
/// Radii at the joints relative to the hand's breadth, those of htrack's model at the breadth of its hand; a
/// tip's curve ends where the bone's length does.
const FINGER_RADII: [f32; 4] = [0.117, 0.108, 0.095, 0.078];
const THUMB_RADII: [f32; 4] = [0.16, 0.125, 0.115, 0.088];
/// Thickness of the little, ring, middle and index finger.
const THICKNESS: [f32; 4] = [0.86, 0.96, 1.0, 0.99];
/// Distance of the palm's middle from the wrist relative to the hand's length: 85 mm, as NYU's PALM_3.
const PALM: f32 = 0.44;

impl Skeleton {
    /// Places a person's joints; `wrist` is its flexion and its bend towards the little finger in degrees.
    pub(crate) fn new(person: &Person, digits: &Digits, wrist: [f32; 2]) -> Self {
        let radius = person.breadth_mm * person.thickness;
        let finger_radii = THICKNESS.map(|thickness| FINGER_RADII.map(|r| r * radius * thickness));
        let thumb_radii = THUMB_RADII.map(|r| r * radius);
        let fingers = std::array::from_fn(|idx| {
            let lengths = PHALANGES[idx].map(|length| length * person.length_mm * person.digits[idx]);
            finger(idx, placed(person, MCP_AT[idx]), lengths, finger_radii[idx][3], &digits.fingers[idx])
        });
        Self {
            fingers,
            thumb: thumb(person, digits, thumb_radii[3]),
            finger_radii,
            thumb_radii,
            palm: vec3(0.0, PALM * person.length_mm, 0.0),
            forearm: forearm(wrist),
        }
    }

    /// The deepest overlap in mm of two parts that should not touch: phalanges of different digits, and
    /// fingertips with the palm.
    pub(crate) fn overlap_mm(&self) -> f32 {
        let digits = self.digits();
        let mut deepest = 0.0_f32;
        for (idx, (chain, radii)) in digits.iter().enumerate() {
            // Neighbours' proximal phalanges grow out of one palm; the thumb's metacarpal is part of it.
            for bone in 1..3 {
                let own = (chain[bone], chain[bone + 1], radii[bone], radii[bone + 1]);
                for (other, other_radii) in &digits[idx + 1..] {
                    for joint in 0..3 {
                        let theirs =
                            (other[joint], other[joint + 1], other_radii[joint], other_radii[joint + 1]);
                        deepest = deepest.max(overlap(own, theirs));
                    }
                }
                for (mcp, r) in self.fingers.iter().zip(&self.finger_radii) {
                    // The palm's bones, up to where fingers leave it.
                    let palm = (Vec3::default(), mcp[0].lerp(Vec3::default(), 0.12), r[0], r[0]);
                    deepest = deepest.max(overlap(own, palm));
                }
            }
        }
        deepest
    }

    /// All digits with their radii, the thumb first.
    fn digits(&self) -> [(Chain, [f32; 4]); 5] {
        let fingers = |idx: usize| (self.fingers[idx], self.finger_radii[idx]);
        [(self.thumb, self.thumb_radii), fingers(0), fingers(1), fingers(2), fingers(3)]
    }
}

/// A point given relative to the hand's breadth (x) and length (y, z).
pub(crate) fn placed(person: &Person, [x, y, z]: [f32; 3]) -> Vec3 {
    vec3(x * person.breadth_mm, y * person.length_mm, z * person.length_mm)
}

fn finger(idx: usize, mcp: Vec3, lengths: [f32; 3], tip_radius: f32, angles: &Finger) -> Chain {
    const PALMAR: Vec3 = vec3(0.0, 0.0, -1.0);
    // Flexed fingers point to one place at the wrist, whatever their directions when straight.
    let fan = FAN_DEG[idx] * (1.0 - angles.mcp.max(0.0) / 90.0) + angles.abduction;
    let (sin, cos) = libm::sincosf(fan.to_radians());
    chained(mcp, vec3(sin, cos, 0.0), PALMAR, lengths, tip_radius, [angles.mcp, angles.pip, angles.dip])
}

fn thumb(person: &Person, digits: &Digits, tip_radius: f32) -> Chain {
    let angles = &digits.thumb;
    let (sin_r, cos_r) = libm::sincosf(angles.radial.to_radians());
    let (sin_p, cos_p) = libm::sincosf(angles.palmar.to_radians());
    let along = vec3(-sin_r * cos_p, cos_r * cos_p, -sin_p);
    // The thumb's pad faces the ring finger's base; it turns further towards the palm in opposition.
    let pad = vec3(0.8, 0.0, 0.3 * sin_p - 0.6).across(along);
    let lengths = THUMB.map(|length| length * person.length_mm * person.digits[4]);
    chained(placed(person, CMC_AT), along, pad, lengths, tip_radius, [0.0, angles.mp, angles.ip])
}

/// Lays bones end to end, each bent from the one before by an angle from `along` towards `pad`. The last ends
/// a radius before its length, so that the digit's surface ends at it.
fn chained(base: Vec3, along: Vec3, pad: Vec3, lengths: [f32; 3], tip: f32, bends: [f32; 3]) -> Chain {
    let mut chain = [base; 4];
    let mut angle = 0.0_f32;
    for (bone, (length, bend)) in lengths.into_iter().zip(bends).enumerate() {
        angle += bend;
        let (sin, cos) = libm::sincosf(angle.to_radians());
        let length = if bone == 2 { length - tip } else { length };
        chain[bone + 1] = chain[bone] + (along * cos + pad * sin) * length;
    }
    chain
}

fn forearm([flexion, bend]: [f32; 2]) -> [Vec3; 2] {
    let (x, z) = (vec3(1.0, 0.0, 0.0), vec3(0.0, 0.0, 1.0));
    // Flexing the wrist by the palm's side is the forearm's turn to the palm's side, seen from the hand.
    let turn = |v: Vec3| turned(turned(v, x, flexion), z, bend);
    [turn(vec3(0.0, -1.0, 0.0)), turn(x)]
}

/// How deep two tapered capsules, given by their ends and radii there, overlap.
fn overlap(own: (Vec3, Vec3, f32, f32), other: (Vec3, Vec3, f32, f32)) -> f32 {
    let (s, t) = closest((own.0, own.1), (other.0, other.1));
    let distance = (own.0.lerp(own.1, s) - other.0.lerp(other.1, t)).length();
    let radius = |(_, _, a, b): (Vec3, Vec3, f32, f32), at: f32| a + (b - a) * at;
    radius(own, s) + radius(other, t) - distance
}

/// The places on two segments, 0 to 1 from their first end, where they come closest.
fn closest((p, p_end): (Vec3, Vec3), (q, q_end): (Vec3, Vec3)) -> (f32, f32) {
    let (u, v, w) = (p_end - p, q_end - q, p - q);
    let (a, b, c, d, e) = (u.dot(u), u.dot(v), v.dot(v), u.dot(w), v.dot(w));
    let parallel = a * c - b * b;
    let s = if parallel > 1e-3 { ((b * e - c * d) / parallel).clamp(0.0, 1.0) } else { 0.5 };
    let t = ((b * s + e) / c.max(1e-6)).clamp(0.0, 1.0);
    // `t` may have been cut: the best place on the first segment for it.
    (((b * t - d) / a.max(1e-6)).clamp(0.0, 1.0), t)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Domain;
    use crate::gesture::{open, prototype};

    fn lengths(chain: &Chain) -> [f32; 3] {
        std::array::from_fn(|bone| (chain[bone + 1] - chain[bone]).length())
    }

    /// Bones keep their published lengths in any pose.
    #[test]
    fn bones_are_as_long_as_published() {
        for index in 0..1000_u16 {
            let person = Person::draw(1, Domain::Hands, u32::from(index));
            let digits = prototype(Domain::Hands, f32::from(index) / 1000.0);
            let skeleton = Skeleton::new(&person, &digits, [0.0; 2]);
            for (idx, chain) in skeleton.fingers.iter().enumerate() {
                let scale = person.length_mm * person.digits[idx];
                let tip = skeleton.finger_radii[idx][3];
                let found = lengths(chain);
                for (bone, published) in PHALANGES[idx].into_iter().enumerate() {
                    let expected = published * scale - if bone == 2 { tip } else { 0.0 };
                    assert!((found[bone] - expected).abs() < 1e-3, "{index} {idx} {bone}");
                }
            }
            let [metacarpal, ..] = lengths(&skeleton.thumb);
            assert!((metacarpal - 0.251 * person.length_mm * person.digits[4]).abs() < 1e-3);
        }
    }

    /// The middle finger of a straight hand ends at the hand's length, up to the published table's 1 %.
    #[test]
    fn hands_are_as_long_as_drawn() {
        let person = Person { digits: [1.0; 5], ..Person::draw(1, Domain::Hands, 5) };
        let skeleton = Skeleton::new(&person, &open(), [0.0; 2]);
        let reach = skeleton.fingers[2][3].length() + skeleton.finger_radii[2][3];
        assert!((reach / person.length_mm - 0.99).abs() < 0.01, "{reach} of {}", person.length_mm);
    }

    #[test]
    fn the_closest_places_of_segments_are_found() {
        let line = |x: f32, z: f32| (vec3(x, -1.0, z), vec3(x, 1.0, z));
        let cross = (vec3(-1.0, 0.0, 3.0), vec3(3.0, 0.0, 3.0));
        assert_eq!(closest(line(0.0, 0.0), cross), (0.5, 0.25));
        let beyond = (vec3(0.0, 5.0, 0.0), vec3(0.0, 9.0, 0.0));
        assert_eq!(closest(line(0.0, 0.0), beyond), (1.0, 0.0));
    }
}
