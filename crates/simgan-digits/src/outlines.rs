//! The figures' outlines: our own, drawn for this simulator.
//!
//! Coordinates are in units of a figure's height, x to the right and y down. A figure spans about 0 to 1 in y
//! and 0 to 0.6 in x; [`Figure`](crate::figure::Figure) centres it.

/// A place in an outline.
pub(crate) type Place = [f32; 2];

/// One movement of the pen.
pub(crate) enum Stroke {
    /// Straight lines through these places.
    Line(&'static [Place]),
    /// A smooth curve through these places.
    Curve(&'static [Place]),
    /// A smooth curve that returns to its first place.
    Loop(&'static [Place]),
}

use Stroke::{Curve, Line, Loop};

/// One way to write a figure.
type Shape = &'static [Stroke];

/// The ways to write each figure, by class.
pub(crate) const SHAPES: [&[Shape]; 10] =
    [&ZERO, &ONE, &TWO, &THREE, &FOUR, &FIVE, &SIX, &SEVEN, &EIGHT, &NINE];

const ZERO: [Shape; 3] = [
    &[Loop(&[
        [0.30, 0.00],
        [0.52, 0.16],
        [0.60, 0.50],
        [0.52, 0.84],
        [0.30, 1.00],
        [0.08, 0.84],
        [0.00, 0.50],
        [0.08, 0.16],
    ])],
    &[Loop(&[
        [0.37, 0.01],
        [0.53, 0.20],
        [0.53, 0.50],
        [0.40, 0.85],
        [0.19, 1.00],
        [0.03, 0.84],
        [0.02, 0.53],
        [0.14, 0.17],
    ])],
    // Closed by a pen that runs past its beginning.
    &[Curve(&[
        [0.40, 0.08],
        [0.22, 0.02],
        [0.05, 0.23],
        [0.00, 0.58],
        [0.10, 0.92],
        [0.30, 1.00],
        [0.50, 0.82],
        [0.57, 0.46],
        [0.47, 0.12],
        [0.27, 0.00],
    ])],
];

const ONE: [Shape; 4] = [
    &[Line(&[[0.00, 0.00], [0.00, 1.00]])],
    &[Line(&[[0.00, 0.25], [0.24, 0.00], [0.24, 1.00]])],
    &[Line(&[[0.05, 0.22], [0.26, 0.00], [0.26, 1.00]]), Line(&[[0.02, 1.00], [0.50, 1.00]])],
    &[Curve(&[[0.04, 0.00], [0.05, 0.35], [0.03, 0.70], [0.00, 1.00]])],
];

const TWO: [Shape; 3] = [
    &[
        Curve(&[
            [0.02, 0.24],
            [0.10, 0.06],
            [0.30, 0.00],
            [0.50, 0.08],
            [0.55, 0.28],
            [0.42, 0.54],
            [0.20, 0.79],
            [0.00, 1.00],
        ]),
        Line(&[[0.00, 1.00], [0.60, 1.00]]),
    ],
    // With a loop at the foot.
    &[Curve(&[
        [0.05, 0.20],
        [0.20, 0.02],
        [0.42, 0.04],
        [0.50, 0.24],
        [0.40, 0.53],
        [0.21, 0.83],
        [0.06, 0.98],
        [0.00, 0.88],
        [0.10, 0.79],
        [0.28, 0.87],
        [0.46, 0.98],
        [0.65, 0.93],
    ])],
    // A flat neck and a curved foot.
    &[
        Curve(&[[0.00, 0.14], [0.20, 0.01], [0.44, 0.05], [0.52, 0.26], [0.38, 0.58], [0.06, 0.96]]),
        Curve(&[[0.06, 0.96], [0.25, 0.92], [0.42, 0.98], [0.60, 1.00]]),
    ],
];

const THREE: [Shape; 3] = [
    &[
        Curve(&[[0.02, 0.13], [0.20, 0.00], [0.42, 0.05], [0.49, 0.23], [0.38, 0.41], [0.18, 0.47]]),
        Curve(&[[0.18, 0.47], [0.42, 0.52], [0.55, 0.72], [0.46, 0.92], [0.24, 1.00], [0.00, 0.88]]),
    ],
    // With a flat top.
    &[
        Line(&[[0.03, 0.00], [0.52, 0.00], [0.22, 0.40]]),
        Curve(&[[0.22, 0.40], [0.45, 0.46], [0.56, 0.68], [0.45, 0.92], [0.22, 1.00], [0.00, 0.90]]),
    ],
    // In one go, with a small loop in the middle.
    &[Curve(&[
        [0.05, 0.08],
        [0.26, 0.00],
        [0.44, 0.10],
        [0.43, 0.30],
        [0.24, 0.45],
        [0.17, 0.50],
        [0.22, 0.44],
        [0.43, 0.52],
        [0.53, 0.72],
        [0.42, 0.94],
        [0.20, 1.00],
        [0.00, 0.92],
    ])],
];

const FOUR: [Shape; 4] = [
    // Open at the top.
    &[Line(&[[0.10, 0.02], [0.00, 0.56], [0.60, 0.56]]), Line(&[[0.47, 0.12], [0.42, 1.00]])],
    // Closed at the top.
    &[Line(&[[0.44, 1.00], [0.44, 0.00], [0.00, 0.66], [0.62, 0.66]])],
    // Open, with a round corner.
    &[
        Curve(&[[0.05, 0.00], [0.01, 0.28], [0.09, 0.47], [0.28, 0.51], [0.50, 0.44]]),
        Line(&[[0.53, 0.00], [0.49, 1.00]]),
    ],
    // Open, a short bar that ends in the stem.
    &[Line(&[[0.14, 0.05], [0.00, 0.50], [0.46, 0.48]]), Line(&[[0.50, 0.00], [0.40, 1.00]])],
];

const FIVE: [Shape; 3] = [
    &[
        Line(&[[0.54, 0.00], [0.10, 0.00], [0.06, 0.44]]),
        Curve(&[
            [0.06, 0.44],
            [0.28, 0.38],
            [0.50, 0.48],
            [0.57, 0.68],
            [0.46, 0.92],
            [0.22, 1.00],
            [0.00, 0.88],
        ]),
    ],
    // The bar is added last and rises.
    &[
        Line(&[[0.14, 0.08], [0.05, 0.46]]),
        Curve(&[[0.05, 0.46], [0.26, 0.44], [0.45, 0.56], [0.46, 0.80], [0.28, 0.98], [0.00, 0.98]]),
        Line(&[[0.14, 0.08], [0.60, 0.00]]),
    ],
    // Without a corner at the neck.
    &[Curve(&[
        [0.52, 0.02],
        [0.30, 0.02],
        [0.12, 0.10],
        [0.08, 0.32],
        [0.20, 0.45],
        [0.40, 0.53],
        [0.48, 0.74],
        [0.34, 0.96],
        [0.00, 0.97],
    ])],
];

const SIX: [Shape; 3] = [
    &[Curve(&[
        [0.45, 0.00],
        [0.20, 0.18],
        [0.04, 0.48],
        [0.01, 0.77],
        [0.14, 0.97],
        [0.36, 0.98],
        [0.50, 0.80],
        [0.43, 0.60],
        [0.24, 0.55],
        [0.04, 0.72],
    ])],
    // A straight stem and a small bowl.
    &[Curve(&[
        [0.34, 0.00],
        [0.14, 0.35],
        [0.01, 0.70],
        [0.06, 0.94],
        [0.25, 1.00],
        [0.43, 0.87],
        [0.41, 0.68],
        [0.23, 0.62],
        [0.02, 0.76],
    ])],
    // A wide bowl under a bent stem.
    &[Curve(&[
        [0.52, 0.08],
        [0.36, 0.00],
        [0.13, 0.16],
        [0.00, 0.52],
        [0.05, 0.88],
        [0.28, 1.00],
        [0.53, 0.87],
        [0.55, 0.62],
        [0.34, 0.47],
        [0.02, 0.64],
    ])],
];

const SEVEN: [Shape; 4] = [
    &[Line(&[[0.00, 0.00], [0.58, 0.00], [0.20, 1.00]])],
    // With a bar.
    &[Line(&[[0.00, 0.02], [0.56, 0.00], [0.20, 1.00]]), Line(&[[0.12, 0.52], [0.54, 0.48]])],
    // With a serif and a bent stem.
    &[
        Line(&[[0.00, 0.16], [0.02, 0.01], [0.55, 0.00]]),
        Curve(&[[0.55, 0.00], [0.40, 0.32], [0.29, 0.66], [0.25, 1.00]]),
    ],
    // With a wavy top.
    &[
        Curve(&[[0.00, 0.14], [0.12, 0.02], [0.32, 0.08], [0.54, 0.03]]),
        Curve(&[[0.54, 0.03], [0.36, 0.36], [0.22, 0.68], [0.14, 1.00]]),
    ],
];

const EIGHT: [Shape; 3] = [
    // Two rings.
    &[
        Loop(&[[0.28, 0.00], [0.46, 0.08], [0.49, 0.27], [0.28, 0.46], [0.07, 0.27], [0.10, 0.08]]),
        Loop(&[[0.28, 0.46], [0.54, 0.64], [0.51, 0.90], [0.28, 1.00], [0.05, 0.90], [0.02, 0.64]]),
    ],
    // One line that crosses itself.
    &[Loop(&[
        [0.28, 0.00],
        [0.08, 0.13],
        [0.13, 0.34],
        [0.30, 0.48],
        [0.50, 0.66],
        [0.50, 0.88],
        [0.28, 1.00],
        [0.04, 0.88],
        [0.08, 0.65],
        [0.27, 0.48],
        [0.45, 0.33],
        [0.49, 0.12],
    ])],
    // The same, begun at the right and left open there.
    &[Curve(&[
        [0.52, 0.10],
        [0.32, 0.00],
        [0.10, 0.11],
        [0.14, 0.33],
        [0.33, 0.52],
        [0.42, 0.76],
        [0.28, 0.98],
        [0.08, 0.90],
        [0.10, 0.66],
        [0.34, 0.42],
        [0.54, 0.16],
    ])],
];

const NINE: [Shape; 4] = [
    // A ring and a straight stem.
    &[
        Loop(&[
            [0.48, 0.24],
            [0.41, 0.06],
            [0.23, 0.00],
            [0.05, 0.11],
            [0.03, 0.35],
            [0.20, 0.49],
            [0.41, 0.42],
        ]),
        Line(&[[0.48, 0.20], [0.48, 1.00]]),
    ],
    // A hooked stem.
    &[
        Loop(&[
            [0.50, 0.24],
            [0.42, 0.06],
            [0.24, 0.00],
            [0.06, 0.12],
            [0.04, 0.34],
            [0.20, 0.48],
            [0.42, 0.40],
        ]),
        Curve(&[[0.50, 0.24], [0.52, 0.55], [0.46, 0.86], [0.26, 1.00], [0.04, 0.92]]),
    ],
    // In one go, with a leaning stem.
    &[Curve(&[
        [0.46, 0.10],
        [0.27, 0.00],
        [0.07, 0.12],
        [0.02, 0.34],
        [0.16, 0.47],
        [0.36, 0.36],
        [0.48, 0.10],
        [0.46, 0.34],
        [0.40, 0.68],
        [0.34, 1.00],
    ])],
    // A head on a leaning line.
    &[
        Curve(&[[0.46, 0.02], [0.22, 0.00], [0.01, 0.16], [0.03, 0.40], [0.24, 0.46], [0.43, 0.24]]),
        Line(&[[0.46, 0.02], [0.38, 0.44], [0.20, 1.00]]),
    ],
];

/// Number of straight pieces between two places of a curve.
const PIECES: usize = 8;

impl Stroke {
    /// Returns the stroke as a chain of straight pieces.
    pub(crate) fn chain(&self) -> Vec<Place> {
        match self {
            Line(places) => places.to_vec(),
            Curve(places) => curve(places, false),
            Loop(places) => curve(places, true),
        }
    }
}

/// Returns a Catmull–Rom spline through `places`.
fn curve(places: &[Place], is_closed: bool) -> Vec<Place> {
    let n = places.len();
    // An open curve ends as if its first and last place were doubled.
    let at = |idx: usize| match is_closed {
        true => places[(idx + n - 1) % n],
        false => places[idx.saturating_sub(1).min(n - 1)],
    };
    let n_spans = if is_closed { n } else { n - 1 };
    let mut chain = vec![places[0]];
    for span in 0..n_spans {
        let around = [at(span), at(span + 1), at(span + 2), at(span + 3)];
        let share = |piece: usize| piece as f32 / PIECES as f32;
        chain.extend(
            (1..=PIECES).map(|piece| [0, 1].map(|axis| spline(around.map(|p| p[axis]), share(piece)))),
        );
    }
    chain
}

/// The uniform Catmull–Rom spline between `b` and `c`, at `t` from 0 to 1.
fn spline([a, b, c, d]: [f32; 4], t: f32) -> f32 {
    let linear = c - a;
    let square = 2.0 * a - 5.0 * b + 4.0 * c - d;
    let cubic = 3.0 * (b - c) + d - a;
    b + 0.5 * t * (linear + t * (square + t * cubic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_go_through_their_places() {
        let places = [[0.0, 0.0], [1.0, 0.5], [0.5, 1.0]];
        for is_closed in [false, true] {
            let chain = curve(&places, is_closed);
            for (idx, place) in places.iter().enumerate() {
                assert_eq!(&chain[idx * PIECES], place);
            }
            assert_eq!(chain.len(), if is_closed { 3 * PIECES + 1 } else { 2 * PIECES + 1 });
            assert_eq!(chain[chain.len() - 1], if is_closed { places[0] } else { places[2] });
        }
    }

    #[test]
    fn figures_with_several_usual_shapes_have_them() {
        for (digit, shapes) in SHAPES.iter().enumerate() {
            assert!(shapes.len() >= 3, "{digit}");
            for place in shapes.iter().flat_map(|shape| shape.iter()).flat_map(Stroke::chain) {
                assert!(
                    (-0.06..0.72).contains(&place[0]) && (-0.06..1.06).contains(&place[1]),
                    "{digit}: {place:?}"
                );
            }
        }
    }
}
