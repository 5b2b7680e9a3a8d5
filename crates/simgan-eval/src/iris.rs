use std::f64::consts::PI;
use std::sync::LazyLock;

use candle_core::{DType, Tensor};
use serde::Serialize;

use crate::{EvalError, Spread};

/// The paper's images are 55 pixels wide; lengths are given for that width.
const REFERENCE_WIDTH: f64 = 55.0;

/// Directions from −45° to 45° on both sides.
static SIDES: LazyLock<[[f64; 2]; 14]> =
    LazyLock::new(|| std::array::from_fn(|i| direction((i % 7) as f64 / 12.0 - 0.25 + (i / 7) as f64)));

/// Points inside a circle of radius 1.
static INSIDE: LazyLock<[[f64; 2]; 36]> = LazyLock::new(|| {
    std::array::from_fn(|i| direction((i % 12) as f64 / 6.0).map(|value| value * [0.3, 0.6, 0.85][i / 12]))
});

fn direction(half_turns: f64) -> [f64; 2] {
    let (sine, cosine) = (half_turns * PI).sin_cos();
    [cosine, sine]
}

/// Further than this, in pixels of that width, the iris is not sought in the refined image.
const LARGEST_SHIFT: f64 = 6.0;

/// An iris as a circle in pixels; the centre of the image's first pixel is (0.5, 0.5), y goes down.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Iris {
    /// From the left edge.
    pub x: f64,
    /// From the top edge.
    pub y: f64,
    /// Radius of the limbus.
    pub radius: f64,
}

/// How far the iris moved between images and their refined versions, in pixels of a 55-pixel-wide eye. The paper's
/// subjects' clicks gave 1.1 ± 0.8 (§3.1).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct PupilShift {
    /// Number of pairs.
    pub n_pairs: usize,
    /// Distance between the two centres.
    pub distance_px: Spread,
    /// Signed change of x and y: a systematic drift, which falsifies labels more than scatter does.
    pub drift_px: [Spread; 2],
}

/// Compares each image of `before` with the same of `after`, both `(N, C, H, W)` in [−1, 1].
///
/// The refined iris is sought up to 6 pixels around the original one. The detector's own scatter is part of the figure:
/// measure it on images whose iris is known.
///
/// # Errors
///
/// If the shapes differ, there is no image, or images are too small for an iris (15 pixels).
pub fn pupil_shift(before: &Tensor, after: &Tensor) -> Result<PupilShift, EvalError> {
    if before.dims() != after.dims() {
        return Err(EvalError::Mismatch(format!(
            "images {:?} and refined {:?}",
            before.dims(),
            after.dims()
        )));
    }
    let scale = REFERENCE_WIDTH / before.dim(3)? as f64;
    let irises = find_irises(before)?;
    let moved = irises.iter().zip(grays(after)?).map(|(from, image)| {
        let to = image.iris(Some(*from));
        [scale * (to.x - from.x), scale * (to.y - from.y)]
    });
    let moved: Vec<_> = moved.collect();
    let distances: Vec<_> = moved.iter().map(|[x, y]| x.hypot(*y)).collect();
    let spread = |values: &[f64]| {
        Spread::new(values).ok_or(EvalError::TooFew { what: "the pupil shift", found: 0, needed: 1 })
    };
    let axis = |axis: usize| spread(&moved.iter().map(|moved| moved[axis]).collect::<Vec<_>>());
    Ok(PupilShift { n_pairs: moved.len(), distance_px: spread(&distances)?, drift_px: [axis(0)?, axis(1)?] })
}

/// Finds the iris in each image `(N, C, H, W)`: the circle across which brightness rises most towards the outside
/// (Daugman's operator, on the sides alone, since lids cover top and bottom) around a dark disc.
///
/// An iris is about 12 mm wide in everybody; its radius is sought between 7 and 10 pixels of a 55-pixel-wide eye, which
/// fits crops as the paper's, MPIIGaze's and the built-in simulator's.
///
/// # Errors
///
/// If the images are smaller than 15 pixels.
pub fn find_irises(images: &Tensor) -> Result<Vec<Iris>, EvalError> {
    Ok(grays(images)?.iter().map(|image| image.iris(None)).collect())
}

fn grays(images: &Tensor) -> Result<Vec<Gray>, EvalError> {
    let (_, _, height, width) = images.dims4()?;
    if height.min(width) < 15 {
        return Err(EvalError::Mismatch(format!("images of {width}×{height} are too small to find an iris")));
    }
    let gray = images.mean(1)?.to_dtype(DType::F32)?.flatten_from(1)?.to_vec2::<f32>()?;
    Ok(gray.into_iter().map(|pixels| Gray { pixels, height, width }).collect())
}

/// One image, row by row.
struct Gray {
    pixels: Vec<f32>,
    height: usize,
    width: usize,
}

impl Gray {
    /// A coarse search over whole pixels, then two finer ones around the best circle. With `near` the coarse search
    /// keeps to that iris's neighbourhood, but to the same grid, so that an unchanged image gives the same circle.
    fn iris(&self, near: Option<Iris>) -> Iris {
        let (width, height) = (self.width as f64, self.height as f64);
        let unit = width / REFERENCE_WIDTH;
        let middle = Iris { x: width / 2.0, y: height / 2.0, radius: 8.5 * unit };
        let reach = [width / 2.0 - 4.0 * unit, height / 2.0 - 4.0 * unit, unit];
        let is_near = |circle: &Iris| {
            near.is_none_or(|near| (circle.x - near.x).hypot(circle.y - near.y) <= LARGEST_SHIFT * unit)
        };
        let mut best = self.best_of(grid(middle, reach, unit).filter(is_near)).unwrap_or(middle);
        for step in [0.5, 0.125] {
            best = self.best_of(grid(best, [2.0 * step * unit; 3], step * unit)).unwrap_or(best);
        }
        best
    }

    fn best_of(&self, circles: impl Iterator<Item = Iris>) -> Option<Iris> {
        let scored = circles.map(|circle| (self.score(circle), circle));
        scored.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, circle)| circle)
    }

    /// How much brighter it is outside the circle's sides than inside, and how dark it is within.
    fn score(&self, Iris { x, y, radius }: Iris) -> f64 {
        let gap = self.width as f64 / REFERENCE_WIDTH;
        let at = |[dx, dy]: [f64; 2], radius: f64| self.at(x + radius * dx, y + radius * dy);
        let rise = |side: &[f64; 2]| at(*side, radius + gap) - at(*side, radius - gap);
        let contrast = SIDES.iter().map(rise).sum::<f64>() / SIDES.len() as f64;
        let brightness = INSIDE.iter().map(|point| at(*point, radius)).sum::<f64>() / INSIDE.len() as f64;
        contrast - 0.5 * brightness
    }

    /// The brightness at a point, linear between pixel centres.
    fn at(&self, x: f64, y: f64) -> f64 {
        let (x, y) =
            ((x - 0.5).clamp(0.0, (self.width - 1) as f64), (y - 0.5).clamp(0.0, (self.height - 1) as f64));
        let (column, row) = (x as usize, y as usize);
        let (right, below) = ((column + 1).min(self.width - 1), (row + 1).min(self.height - 1));
        let pixel = |row: usize, column: usize| f64::from(self.pixels[row * self.width + column]);
        let (fx, fy) = (x - column as f64, y - row as f64);
        let above = pixel(row, column) * (1.0 - fx) + pixel(row, right) * fx;
        above * (1.0 - fy) + (pixel(below, column) * (1.0 - fx) + pixel(below, right) * fx) * fy
    }
}

/// Circles around `centre` that reach as far as `reach` in x, y and radius.
fn grid(centre: Iris, reach: [f64; 3], step: f64) -> impl Iterator<Item = Iris> {
    let offsets = move |reach: f64| {
        let count = (reach / step).round() as i32;
        (-count..=count).map(move |idx| f64::from(idx) * step)
    };
    offsets(reach[1]).flat_map(move |dy| {
        offsets(reach[0]).flat_map(move |dx| {
            let (x, y) = (centre.x + dx, centre.y + dy);
            offsets(reach[2]).map(move |dr| Iris { x, y, radius: centre.radius + dr })
        })
    })
}
