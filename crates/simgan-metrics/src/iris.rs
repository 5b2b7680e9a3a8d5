use std::f64::consts::PI;
use std::sync::LazyLock;

use candle_core::Tensor;
use serde::Serialize;

use crate::MetricsError;
use crate::eye_region::REFERENCE_WIDTH;
use crate::gray::{Gray, eye_grays};

/// Unit vectors to both sides of the iris, each from −45° to 45°: seven to the right, seven to the left.
static SIDES: LazyLock<[[f64; 2]; 14]> =
    LazyLock::new(|| std::array::from_fn(|i| direction((i % 7) as f64 / 12.0 - 0.25 + (i / 7) as f64)));

/// Sample points inside the unit circle, on three rings.
static INSIDE: LazyLock<[[f64; 2]; 36]> = LazyLock::new(|| {
    std::array::from_fn(|i| direction((i % 12) as f64 / 6.0).map(|value| value * [0.3, 0.6, 0.85][i / 12]))
});

fn direction(half_turns: f64) -> [f64; 2] {
    let (sine, cosine) = (half_turns * PI).sin_cos();
    [cosine, sine]
}

/// An iris as a circle, in pixels. The centre of the image's first pixel is (0.5, 0.5), and y points down.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Iris {
    /// From the left edge.
    pub x: f64,
    /// From the top edge.
    pub y: f64,
    /// Radius of the limbus.
    pub radius: f64,
}

/// Finds the iris in each image `(N, C, H, W)`: the dark disc across whose border brightness rises most. This
/// is Daugman's operator, restricted to the sides because lids cover top and bottom.
///
/// Human irises are all about 12 mm wide. The search covers radii of about 7 to 10 pixels of a 55-pixel-wide
/// eye, which suits crops like the paper's, MPIIGaze's and the built-in simulator's.
///
/// # Errors
///
/// If height or width is under 15 pixels.
pub fn find_irises(images: &Tensor) -> Result<Vec<Iris>, MetricsError> {
    Ok(eye_grays(images)?.iter().map(Gray::iris).collect())
}

impl Gray {
    /// Searches coarsely over whole pixels, then twice more finely around the best circle.
    fn iris(&self) -> Iris {
        let (width, height) = (self.width as f64, self.height as f64);
        let unit = width / REFERENCE_WIDTH;
        let middle = Iris { x: width / 2.0, y: height / 2.0, radius: 8.5 * unit };
        let reach = [width / 2.0 - 4.0 * unit, height / 2.0 - 4.0 * unit, unit];
        let mut best = self.best_of(grid(middle, reach, unit)).unwrap_or(middle);
        for step in [0.5, 0.125] {
            best = self.best_of(grid(best, [2.0 * step * unit; 3], step * unit)).unwrap_or(best);
        }
        best
    }

    fn best_of(&self, circles: impl Iterator<Item = Iris>) -> Option<Iris> {
        let scored = circles.map(|circle| (self.score(circle), circle));
        scored.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, circle)| circle)
    }

    /// Scores a circle by its contrast across the sides and the darkness of its interior.
    fn score(&self, Iris { x, y, radius }: Iris) -> f64 {
        let gap = self.width as f64 / REFERENCE_WIDTH;
        let at = |[dx, dy]: [f64; 2], radius: f64| self.at(x + radius * dx, y + radius * dy);
        let rise = |side: &[f64; 2]| at(*side, radius + gap) - at(*side, radius - gap);
        let contrast = SIDES.iter().map(rise).sum::<f64>() / SIDES.len() as f64;
        let brightness = INSIDE.iter().map(|point| at(*point, radius)).sum::<f64>() / INSIDE.len() as f64;
        contrast - 0.5 * brightness
    }
}

/// Enumerates circles around `centre`, up to `reach` away in x, y and radius.
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
