//! A structured-light sensor of the Kinect's first kind: a projector of dots beside the camera, and a
//! disparity for each patch of dots that the camera finds again.
//!
//! The procedure is that of simkinect (Handa et al., after Barron & Malik 2013): lateral jitter, dots that
//! agree with their neighbours in a window of 9×9 pixels, spread to the pixels around, in steps of 1/8 pixel
//! of disparity. The noise has Khoshelham & Elberink's (2012) deviation, half a step. The projector's shadow
//! and patches without a return are added.

use simgan_data::simulation::Stream;

use crate::camera::Camera;
use crate::render::{Depths, Window};

/// Focal length in pixels and distance of the projector in mm.
const FOCAL_PX: f32 = 585.5;
const BASELINE_MM: f32 = 75.0;
/// Steps of disparity per pixel.
const STEPS_PER_PX: f32 = 8.0;
/// Deviations of a dot's noise, which its pixels share, and of a pixel's own, in steps of disparity. With the
/// rounding's 1/√12 they add up to half a step.
const DOT_NOISE: f32 = 0.30;
const PIXEL_NOISE: f32 = 0.277;
/// Deviation of the lateral jitter along each axis in pixels (Nguyen et al. 2012: 0.8 px in all).
const JITTER_PX: f32 = 0.5;
/// A difference in disparity from which pixels belong to different surfaces, in pixels.
const EDGE_PX: f32 = 0.5;
/// Disparity by which something must be nearer to shade what lies behind, in pixels.
const SHADE_PX: f32 = 1.5;
/// Share of the pixels at an edge that keep a depth between both surfaces.
const FLYING_SHARE: f32 = 0.12;
const CELL: usize = Sensor::CELL;
/// Half of the window in which dots must agree.
const WINDOW: i32 = 4;
/// Distance in pixels up to which a dot gives pixels its disparity.
const REACH: i32 = 3;

/// The sensor, for one image.
pub(crate) struct Sensor {
    rng: Stream,
    /// Distance of the wall behind the hand in mm.
    wall_mm: f32,
}

/// Disparities in pixels as seen before matching, row by row; not positive where there is no return.
struct Seen {
    width: usize,
    height: usize,
    disparities: Vec<f32>,
}

/// A dot of the pattern that was found again.
#[derive(Clone, Copy)]
struct Dot {
    col: i32,
    row: i32,
    disparity: f32,
}

impl Sensor {
    /// Distance of neighbouring pixels' rays in units of x / z.
    pub(crate) const PITCH: f32 = 1.0 / FOCAL_PX;

    /// Dots lie in cells of this many columns and rows, one in each.
    pub(crate) const CELL: usize = 3;

    /// Prepares the measurement of a hand at a distance.
    pub(crate) fn new(mut rng: Stream, distance_mm: f32) -> Self {
        let wall_mm = distance_mm + rng.uniform(350.0, 1200.0);
        Self { rng, wall_mm }
    }

    /// Measures a scene given by its exact depths, at the sensor's own pixels. The result is infinite where
    /// nothing was measured.
    pub(crate) fn measure(&mut self, exact: &Depths, camera: &Camera) -> Depths {
        let part = around_hand(exact);
        let mut seen = self.jittered(exact, part);
        let wall = disparity(self.wall_mm);
        shade(&mut seen, wall);
        self.lose(&mut seen);
        let dots = dots(&seen, &camera.part(part));
        // The wall is cut off later; it matters only where its dots lie nearer to a pixel than the hand's.
        let matched = |at: usize| match dots.cells[at] {
            Some(dot) if dot.disparity == wall => Some(dot),
            _ => dots.matched(at),
        };
        let kept: Vec<Option<Dot>> = (0..dots.cells.len()).map(matched).collect();
        let mut values = vec![f32::INFINITY; exact.values.len()];
        let measured = self.spread(&seen, &kept, wall);
        for (line, row) in measured.chunks_exact(seen.width).zip(part.top..) {
            values[row * exact.width + part.left..][..seen.width].copy_from_slice(line);
        }
        Depths { values, ..*exact }
    }

    /// Disparities of a part of the scene, with the wall behind it, each seen a little beside its place.
    fn jittered(&mut self, exact: &Depths, part: Window) -> Seen {
        let Depths { width, height, ref values } = *exact;
        let (wall, own_width) = (self.wall_mm, part.right - part.left);
        let depth = |col: usize, row: usize| values[row * width + col].min(wall);
        let line = |row: usize| &values[row * width..][..width];
        let mut disparities = vec![disparity(wall); own_width * (part.bottom - part.top)];
        for (row, seen) in (part.top..).zip(disparities.chunks_exact_mut(own_width)) {
            let lines = line(row.max(1) - 1).iter().zip(line(row)).zip(line((row + 1).min(height - 1)));
            let is_thing: Vec<bool> = lines
                .map(|((above, own), below)| (*above < wall) | (*own < wall) | (*below < wall))
                .collect();
            for (col, seen) in (part.left..).zip(seen) {
                // Nothing but wall around: no jitter changes it.
                if is_thing[col.max(1) - 1] | is_thing[(col + 1).min(width - 1)] {
                    *seen = disparity(self.beside(&depth, [col, row], [width, height]));
                }
            }
        }
        Seen { width: own_width, height: part.bottom - part.top, disparities }
    }

    /// The depth a random distance beside a pixel, mixed of its neighbours'.
    fn beside(&mut self, depth: &impl Fn(usize, usize) -> f32, at: [usize; 2], size: [usize; 2]) -> f32 {
        let mut axis = |at: usize, size: usize| {
            let place = (at as f32 + self.rng.normal(0.0, JITTER_PX)).clamp(0.0, (size - 1) as f32);
            let low = (place as usize).min(size.max(2) - 2);
            (low, (low + 1).min(size - 1), place - low as f32)
        };
        let ((left, right, fx), (top, bottom, fy)) = (axis(at[0], size[0]), axis(at[1], size[1]));
        let upper = depth(left, top) + (depth(right, top) - depth(left, top)) * fx;
        let lower = depth(left, bottom) + (depth(right, bottom) - depth(left, bottom)) * fx;
        upper + (lower - upper) * fy
    }

    /// Takes away the return of some patches and pixels.
    fn lose(&mut self, seen: &mut Seen) {
        const PIXEL_SHARE: f32 = 0.002;
        let Seen { width, height, .. } = *seen;
        let n_patches = (width * height) as f32 * 6e-5 * self.rng.uniform(0.0, 2.0);
        for _ in 0..n_patches as usize {
            let middle = [self.rng.unit() * width as f32, self.rng.unit() * height as f32];
            let radii = [0, 1].map(|_| self.rng.uniform(1.2, 3.6));
            let span = |axis: usize, size: usize| {
                let cut = |place: f32| place.clamp(0.0, size as f32) as usize;
                cut(middle[axis] - radii[axis])..cut(middle[axis] + radii[axis] + 1.0)
            };
            for row in span(1, height) {
                for col in span(0, width) {
                    let from = [col as f32 + 0.5 - middle[0], row as f32 + 0.5 - middle[1]];
                    let [x, y] = [from[0] / radii[0], from[1] / radii[1]];
                    if x * x + y * y < 1.0 {
                        seen.disparities[row * width + col] = 0.0;
                    }
                }
            }
        }
        for _ in 0..((width * height) as f32 * PIXEL_SHARE) as usize {
            let at = self.rng.below((width * height) as u32) as usize;
            seen.disparities[at] = 0.0;
        }
    }

    /// Gives each pixel the disparity of the nearest dot, or its own if that is about the same; returns
    /// depths, of the wall none.
    fn spread(&mut self, seen: &Seen, dots: &[Option<Dot>], wall: f32) -> Vec<f32> {
        let nearest = nearest(seen, dots);
        let noise: Vec<f32> =
            dots.iter().map(|dot| dot.map_or(0.0, |_| self.rng.normal(0.0, DOT_NOISE))).collect();
        let measured = |(own, idx): (&f32, &u32)| {
            let dot = dots.get(*idx as usize).copied().flatten();
            let dot = dot.filter(|dot| *own > 0.0 && dot.disparity != wall);
            dot.map_or(f32::INFINITY, |dot| self.depth(*own, dot.disparity, noise[*idx as usize]))
        };
        seen.disparities.iter().zip(&nearest).map(measured).collect()
    }

    /// The depth that a pixel reports, from its own disparity, its dot's and the dot's noise in steps.
    fn depth(&mut self, own: f32, dot: f32, noise: f32) -> f32 {
        let is_same = (own - dot).abs() < EDGE_PX;
        let disparity = if is_same || self.rng.chance(FLYING_SHARE) { own } else { dot };
        let steps = disparity * STEPS_PER_PX + noise + self.rng.normal(0.0, PIXEL_NOISE);
        // Cut, as the sum is positive: rounding down is a library call on many machines.
        let steps = (steps + 0.5) as u32;
        FOCAL_PX * BASELINE_MM * STEPS_PER_PX / steps.max(1) as f32
    }
}

/// The part of the image in which the hand changes anything, from a whole cell on; one cell if there is no
/// hand.
fn around_hand(exact: &Depths) -> Window {
    const MARGIN: usize = 6;
    let Window { left, right, top, bottom } = exact.occupied();
    let start = |from: usize| from.saturating_sub(MARGIN) / CELL * CELL;
    let (left, top) = if right == 0 { (0, 0) } else { (start(left), start(top)) };
    Window {
        left,
        right: (right + MARGIN).min(exact.width),
        top,
        bottom: (bottom + MARGIN).min(exact.height),
    }
}

/// Disparity in pixels of what is a distance in mm away.
fn disparity(depth_mm: f32) -> f32 {
    FOCAL_PX * BASELINE_MM / depth_mm
}

/// Takes away the return of what the projector does not light: it stands to the right of the camera, so
/// that a near thing's shadow lies to its left. `wall` is the wall's disparity.
fn shade(seen: &mut Seen, wall: f32) {
    let mut lit = Vec::new();
    for row in seen.disparities.chunks_exact_mut(seen.width) {
        let is_thing = |disparity: &f32| *disparity > wall;
        // The wall shades nothing.
        let (Some(first), Some(last)) = (row.iter().position(is_thing), row.iter().rposition(is_thing))
        else {
            continue;
        };
        // The projector sees a point `disparity` pixels further left than the camera does.
        let greatest = row[first..=last].iter().fold(0.0_f32, |greatest, disparity| greatest.max(*disparity));
        let margin = greatest as usize + 2;
        let place = |col: usize, disparity: f32| (col + margin) as f32 - disparity;
        lit.clear();
        lit.resize(row.len() + margin + 1, 0.0_f32);
        for (col, disparity) in row.iter().enumerate().take(last + 1).skip(first) {
            // Both neighbours, because steep surfaces leave gaps between whole places.
            let at = place(col, *disparity) as usize;
            for slot in &mut lit[at..at + 2] {
                *slot = slot.max(*disparity);
            }
        }
        let reach = (greatest - wall) as usize + 2;
        for (col, disparity) in row.iter_mut().enumerate().take(last + 1).skip(first.saturating_sub(reach)) {
            let at = (place(col, *disparity) + 0.5) as usize;
            if lit[at] > *disparity + SHADE_PX {
                *disparity = 0.0;
            }
        }
    }
}

/// The pattern's dots, one per cell; those without a return are `None`.
struct Dots {
    columns: usize,
    cells: Vec<Option<Dot>>,
}

fn dots(seen: &Seen, camera: &Camera) -> Dots {
    let Seen { width, height, .. } = *seen;
    let (columns, rows) = (width.div_ceil(CELL), height.div_ceil(CELL));
    let [left, top] = camera.first_px();
    let cell = |at: usize| {
        let (x, y) = (at % columns, at / columns);
        // The pattern belongs to the sensor's field: it is the same in every image, whatever the window.
        let inner = pattern(left / CELL as i32 + x as i32, top / CELL as i32 + y as i32);
        let (col, row) = (x * CELL + inner % CELL, y * CELL + inner / CELL);
        let is_inside = col < width && row < height;
        let disparity = if is_inside { seen.disparities[row * width + col] } else { 0.0 };
        (disparity > 0.0).then_some(Dot { col: col as i32, row: row as i32, disparity })
    };
    Dots { columns, cells: (0..columns * rows).map(cell).collect() }
}

/// Which of its cell's pixels a dot lies on.
fn pattern(x: i32, y: i32) -> usize {
    let mut h = (x as u32).wrapping_mul(0x9E37_79B1) ^ (y as u32).wrapping_mul(0x85EB_CA77);
    h = (h ^ (h >> 15)).wrapping_mul(0x2C1B_3C6D);
    ((h ^ (h >> 13)) >> 8) as usize % (CELL * CELL)
}

impl Dots {
    /// The dot of a cell if more than half of the dots in its window lie on one surface with it. simkinect
    /// compares with the window's mean and asks for 1/1.2 of them, which leaves little of a finger.
    fn matched(&self, at: usize) -> Option<Dot> {
        /// Greatest weighted distance from the dot's disparity, in pixels.
        const DISTANCE_PX: f32 = 0.1;
        let dot = self.cells[at]?;
        let (mut n, mut n_agreeing) = (0_u32, 0_u32);
        self.near(at, &dot, |other, r2| {
            let weight = (1.0 / (1.44 * r2 as f32)).min(1.0);
            let agrees = |other: f32| (other - dot.disparity).abs() * weight < DISTANCE_PX;
            n += 1;
            n_agreeing += u32::from(other.is_some_and(agrees));
        });
        (2 * n_agreeing > n).then_some(dot)
    }

    /// Visits the dots in the window around one, itself included, with their squared distances. A dot without
    /// a return counts as in the window if its cell is close.
    fn near(&self, at: usize, dot: &Dot, mut visit: impl FnMut(Option<f32>, i32)) {
        let (x, y) = ((at % self.columns) as i32, (at / self.columns) as i32);
        let rows = (self.cells.len() / self.columns) as i32;
        for cell_y in (y - 2).max(0)..=(y + 2).min(rows - 1) {
            for cell_x in (x - 2).max(0)..=(x + 2).min(self.columns as i32 - 1) {
                match self.cells[cell_y as usize * self.columns + cell_x as usize] {
                    Some(Dot { col, row, disparity }) => {
                        let (dx, dy) = (col - dot.col, row - dot.row);
                        if dx.abs() <= WINDOW && dy.abs() <= WINDOW {
                            visit(Some(disparity), dx * dx + dy * dy);
                        }
                    }
                    None if (cell_x - x).abs() <= 1 && (cell_y - y).abs() <= 1 => visit(None, REACH * REACH),
                    None => {}
                }
            }
        }
    }
}

/// For each pixel, which of the dots is nearest, of equally near ones the first; a greater number than there
/// are dots where none reaches.
fn nearest(seen: &Seen, dots: &[Option<Dot>]) -> Vec<u32> {
    /// How far a dot reaches along a row of pixels, by the rows between them.
    const HALF: [i32; REACH as usize + 1] = [3, 2, 2, 0];
    /// The squared distance stands above the dot's number, so that the smaller of two words is the nearer.
    const SHIFT: u32 = 28;
    let (width, height) = (seen.width as i32, seen.height as i32);
    let mut nearest = vec![u32::MAX; seen.disparities.len()];
    for (idx, dot) in dots.iter().enumerate() {
        let Some(Dot { col, row, .. }) = *dot else { continue };
        for y in (row - REACH).max(0)..(row + REACH + 1).min(height) {
            let dy = y - row;
            let half = HALF[dy.unsigned_abs() as usize];
            let (from, to) = ((col - half).max(0), (col + half + 1).min(width));
            for (x, slot) in
                (from..).zip(&mut nearest[(y * width + from) as usize..(y * width + to) as usize])
            {
                let r2 = ((x - col) * (x - col) + dy * dy) as u32;
                *slot = (*slot).min((r2 << SHIFT) | idx as u32);
            }
        }
    }
    nearest.iter_mut().for_each(|word| *word &= (1 << SHIFT) - 1);
    nearest
}

#[cfg(test)]
mod tests;
