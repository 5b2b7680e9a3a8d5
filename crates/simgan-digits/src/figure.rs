use libm::{cosf, sinf, tanf};
use simgan_data::simulation::Stream;

use crate::outlines::SHAPES;
use crate::stroke::{Place, Stroke};
use crate::{DigitsConfig, Range};

/// Everything drawn for one image.
pub(crate) struct Figure {
    /// The figure, 0 to 9.
    pub(crate) class: usize,
    /// Which of its shapes.
    pub(crate) shape: usize,
    /// Displacements of a lattice of 3 × 3 control points, in units of the figure's height.
    warp: [[Place; 3]; 3],
    pub(crate) pen: f32,
    pub(crate) slant_deg: f32,
    pub(crate) rotation_deg: f32,
    pub(crate) aspect: f32,
    extent: f32,
    offset: [f32; 2],
    /// Displacements of the places that its strokes go through, in their order, in units of the figure's height.
    wobbles: Vec<Place>,
}

impl Figure {
    pub(crate) fn sample(config: &DigitsConfig, index: u64) -> Self {
        let mut rng = Stream::new(config.seed, "digits/figure", index);
        let class = rng.below(SHAPES.len() as u32) as usize;
        let shape = rng.below(SHAPES[class].len() as u32) as usize;
        let jitter = Range::new(-config.jitter, config.jitter);
        let wobble = Range::new(-config.wobble, config.wobble);
        let places = SHAPES[class][shape].iter().flat_map(Stroke::places);
        let warp = [(); 3].map(|()| [(); 3].map(|()| [(); 2].map(|()| rng.within(jitter))));
        Self {
            class,
            shape,
            warp,
            pen: rng.within(config.pen),
            slant_deg: rng.within(config.slant_deg),
            rotation_deg: rng.within(config.rotation_deg),
            aspect: rng.within(config.aspect),
            extent: rng.within(config.extent),
            offset: [rng.within(config.offset), rng.within(config.offset)],
            wobbles: places.map(|_| [rng.within(wobble), rng.within(wobble)]).collect(),
        }
    }

    /// Half of the pen's width in an image of this size, in pixels.
    pub(crate) fn pen_px(&self, width: usize, height: usize) -> f32 {
        0.5 * self.pen * width.min(height) as f32
    }

    /// The strokes in pixels of an image. The pen stays at least a pixel away from the image's edges.
    pub(crate) fn chains(&self, width: usize, height: usize) -> Vec<Vec<Place>> {
        const MARGIN_PX: f32 = 1.0;
        let mut wobbles = self.wobbles.iter();
        let mut moved = |[x, y]: Place| wobbles.next().map_or([x, y], |[dx, dy]| [x + dx, y + dy]);
        let strokes: &[Stroke] = SHAPES[self.class][self.shape];
        let mut chains: Vec<Vec<Place>> = strokes.iter().map(|stroke| stroke.chain(&mut moved)).collect();
        chains.iter_mut().flatten().for_each(|place| *place = self.formed(*place));
        let (low, high) = bounds(&chains);
        let (side, radius) = (width.min(height) as f32, self.pen_px(width, height));
        let longest = (high[0] - low[0]).max(high[1] - low[1]);
        let scale = (self.extent * side - 2.0 * radius).max(0.0) / longest;
        let center = [0, 1].map(|axis| {
            let (low, high, n) = (low[axis], high[axis], [width, height][axis] as f32);
            let half = 0.5 * scale * (high - low) + radius + MARGIN_PX;
            let play = (0.5 * n - half).max(0.0);
            0.5 * n + (self.offset[axis] * side).clamp(-play, play)
        });
        let placed = |place: Place| {
            [0, 1].map(|axis| center[axis] + scale * (place[axis] - 0.5 * (low[axis] + high[axis])))
        };
        chains.iter_mut().flatten().for_each(|place| *place = placed(*place));
        chains
    }

    /// Warps, stretches, slants and turns a place of the outline.
    fn formed(&self, [x, y]: Place) -> Place {
        let [dx, dy] = self.displacement(x / 0.6, y);
        let (x, y) = ((x + dx - 0.3) * self.aspect, y + dy - 0.5);
        // A positive slant leans to the right, as most hands do.
        let x = x - tanf(self.slant_deg.to_radians()) * y;
        let angle = self.rotation_deg.to_radians();
        let (sin, cos) = (sinf(angle), cosf(angle));
        [cos * x - sin * y, sin * x + cos * y]
    }

    /// The warp at a place within the unit square: a Bézier patch, which bends strokes but never breaks a
    /// joint between two.
    fn displacement(&self, u: f32, v: f32) -> Place {
        let weights = |t: f32| [(1.0 - t) * (1.0 - t), 2.0 * t * (1.0 - t), t * t];
        let mut sum = [0.0; 2];
        for (row, in_y) in self.warp.iter().zip(weights(v)) {
            for (knot, in_x) in row.iter().zip(weights(u)) {
                sum = [sum[0] + in_x * in_y * knot[0], sum[1] + in_x * in_y * knot[1]];
            }
        }
        sum
    }
}

fn bounds(chains: &[Vec<Place>]) -> (Place, Place) {
    let (mut low, mut high) = ([f32::MAX; 2], [f32::MIN; 2]);
    for place in chains.iter().flatten() {
        low = [low[0].min(place[0]), low[1].min(place[1])];
        high = [high[0].max(place[0]), high[1].max(place[1])];
    }
    (low, high)
}
