//! The hand's surface as a sphere-mesh (after Tkach, Pauly & Tagliasacchi 2016): the hulls of two spheres
//! make fingers, those of three the palm.

use crate::math::{Rotation, Vec3, vec3};
use crate::person::Person;
use crate::skeleton::{Skeleton, placed};

/// A ball: centre and radius in mm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ball {
    pub(crate) center: Vec3,
    pub(crate) radius: f32,
}

/// Balls, and the convex hulls of pairs and triples of them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Solid {
    pub(crate) balls: Vec<Ball>,
    pub(crate) pairs: Vec<[usize; 2]>,
    pub(crate) triples: Vec<[usize; 3]>,
}

impl Solid {
    /// Builds the hand with its wrist and forearm, in the hand's coordinates.
    pub(crate) fn new(person: &Person, skeleton: &Skeleton) -> Self {
        let mut solid = Self::default();
        let knuckles: [usize; 4] =
            std::array::from_fn(|idx| solid.chain(&skeleton.fingers[idx], &skeleton.finger_radii[idx]));
        let cmc = solid.chain(&skeleton.thumb, &skeleton.thumb_radii);
        let wrist = solid.forearm(person, skeleton);
        solid.palm(person, skeleton, wrist, knuckles);
        solid.thenar(person, skeleton, wrist, knuckles, cmc);
        solid.webs(skeleton, knuckles);
        solid
    }

    /// The solid turned and moved.
    pub(crate) fn moved(mut self, rotation: &Rotation, by: Vec3) -> Self {
        for ball in &mut self.balls {
            ball.center = rotation.apply(ball.center) + by;
        }
        self
    }

    fn ball(&mut self, center: Vec3, radius: f32) -> usize {
        self.balls.push(Ball { center, radius });
        self.balls.len() - 1
    }

    /// Adds the hull of three balls; its edges once, however many hulls share them.
    fn triple(&mut self, ids: [usize; 3]) {
        let [a, b, c] = ids;
        for (from, to) in [(a, b), (b, c), (c, a)] {
            let pair = [from.min(to), from.max(to)];
            if !self.pairs.contains(&pair) {
                self.pairs.push(pair);
            }
        }
        self.triples.push(ids);
    }

    /// Adds a digit; returns its first ball, followed by the others.
    fn chain(&mut self, chain: &[Vec3; 4], radii: &[f32; 4]) -> usize {
        let first = self.balls.len();
        for (center, radius) in chain.iter().zip(radii) {
            self.ball(*center, *radius);
        }
        self.pairs.extend((first..first + 3).map(|id| [id, id + 1]));
        first
    }

    /// Adds the forearm, flat where a wrist is and rounder above; returns the two balls of the wrist: the
    /// thumb's side and the little finger's.
    fn forearm(&mut self, person: &Person, skeleton: &Skeleton) -> [usize; 2] {
        let size = person.breadth_mm * person.thickness;
        let [along, across] = skeleton.forearm;
        let sleeve = person.sleeve_mm;
        let mut pair = |distance: f32, half: f32, radius: f32| {
            let middle = along * (distance * person.length_mm);
            [-1.0, 1.0].map(|side| self.ball(middle + across * (side * half * size), radius))
        };
        // Girths at the wrist and at a hand's length above it: 2.0 and 2.7 hand breadths (ANSUR II).
        let wrist = pair(0.0, 0.13, 0.195 * size);
        let [near, far] = [pair(0.35, 0.15, 0.21 * size), pair(1.3, 0.2, 0.32 * size)];
        let sleeve =
            sleeve.map(|extra| [pair(0.22, 0.16, 0.22 * size + extra), pair(1.3, 0.22, 0.34 * size + extra)]);
        let mut joined = |[a, b]: [usize; 2], [c, d]: [usize; 2]| {
            self.triple([a, b, c]);
            self.triple([b, c, d]);
        };
        joined(wrist, near);
        joined(near, far);
        if let Some([cuff, end]) = sleeve {
            joined(cuff, end);
        }
        wrist
    }

    /// Adds the palm between wrist and knuckles, with the pad below the little finger.
    fn palm(&mut self, person: &Person, skeleton: &Skeleton, wrist: [usize; 2], knuckles: [usize; 4]) {
        let size = person.breadth_mm * person.thickness;
        let [little, ring, middle, index] = knuckles;
        let [radial, ulnar] = wrist;
        self.triple([radial, index, middle]);
        self.triple([radial, ulnar, middle]);
        self.triple([ulnar, middle, ring]);
        self.triple([ulnar, ring, little]);
        // Flesh on the palm's side: below the fingers, and along the little finger's edge.
        let pads: [usize; 4] = [0, 1, 2, 3].map(|idx| {
            let mcp = skeleton.fingers[idx][0];
            self.ball(vec3(0.97 * mcp.x, 0.93 * mcp.y, mcp.z - 0.05 * size), 0.112 * size)
        });
        for (idx, knuckle) in knuckles.into_iter().enumerate().skip(1) {
            self.triple([pads[idx - 1], pads[idx], knuckle]);
        }
        let heel = self.ball(placed(person, [0.25, 0.13, -0.045]), 0.16 * size);
        self.triple([heel, ulnar, little]);
        self.triple([heel, pads[0], little]);
        self.triple([heel, pads[1], pads[2]]);
        self.triple([heel, pads[0], pads[1]]);
        self.triple([heel, radial, pads[3]]);
        self.triple([heel, pads[2], pads[3]]);
    }

    /// Adds the ball of the thumb and the skin between it and the index finger.
    fn thenar(
        &mut self,
        person: &Person,
        skeleton: &Skeleton,
        wrist: [usize; 2],
        knuckles: [usize; 4],
        cmc: usize,
    ) {
        let size = person.breadth_mm * person.thickness;
        let [base, mp] = [skeleton.thumb[0], skeleton.thumb[1]];
        let index = skeleton.fingers[3][0];
        let muscle = base.lerp(mp, 0.45) + vec3(0.06 * size, 0.0, -0.03 * size);
        let muscle = self.ball(muscle, 0.165 * size);
        let web = self.ball(index.lerp(base, 0.42) + vec3(0.0, 0.0, -0.03 * size), 0.095 * size);
        let [radial, _] = wrist;
        self.triple([cmc, muscle, cmc + 1]);
        self.triple([cmc, muscle, radial]);
        self.triple([muscle, web, cmc + 1]);
        self.triple([muscle, web, radial]);
        self.triple([web, radial, knuckles[3]]);
    }

    /// Adds the skin between neighbouring fingers, over the first third of their proximal phalanges.
    fn webs(&mut self, skeleton: &Skeleton, knuckles: [usize; 4]) {
        let bases: [usize; 4] = [0, 1, 2, 3].map(|idx| {
            let chain = &skeleton.fingers[idx];
            self.ball(chain[0].lerp(chain[1], 0.3), 0.9 * skeleton.finger_radii[idx][0])
        });
        for idx in 0..3 {
            self.triple([knuckles[idx], knuckles[idx + 1], bases[idx]]);
            self.triple([knuckles[idx + 1], bases[idx], bases[idx + 1]]);
        }
    }
}
