//! The movements of the pen that make up a figure.

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

/// Number of straight pieces between two places of a curve.
const PIECES: usize = 8;

impl Stroke {
    /// The places that it goes through.
    pub(crate) fn places(&self) -> &'static [Place] {
        let (Self::Line(places) | Self::Curve(places) | Self::Loop(places)) = self;
        places
    }

    /// Returns the stroke as a chain of straight pieces, through its places as `moved` moves them.
    pub(crate) fn chain(&self, moved: impl FnMut(Place) -> Place) -> Vec<Place> {
        let places: Vec<Place> = self.places().iter().copied().map(moved).collect();
        match self {
            Self::Line(_) => places,
            Self::Curve(_) => curve(&places, false),
            Self::Loop(_) => curve(&places, true),
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
}
