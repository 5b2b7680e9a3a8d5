//! The figures' outlines: our own, drawn for this simulator.
//!
//! Coordinates are in units of a figure's height, x to the right and y down. A figure spans about 0 to 1 in y
//! and 0 to 0.6 in x; [`Figure`](crate::figure::Figure) centres it.

mod high;
mod low;

use self::high::{EIGHT, FIVE, NINE, SEVEN, SIX};
use self::low::{FOUR, ONE, THREE, TWO, ZERO};
use crate::stroke::Stroke;

/// One way to write a figure.
type Shape = &'static [Stroke];

/// The ways to write each figure, by class.
pub(crate) const SHAPES: [&[Shape]; 10] =
    [&ZERO, &ONE, &TWO, &THREE, &FOUR, &FIVE, &SIX, &SEVEN, &EIGHT, &NINE];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_with_several_usual_shapes_have_them() {
        for (digit, shapes) in SHAPES.iter().enumerate() {
            assert!(shapes.len() >= 3, "{digit}");
            for place in
                shapes.iter().flat_map(|shape| shape.iter()).flat_map(|stroke| stroke.chain(|place| place))
            {
                assert!(
                    (-0.06..0.72).contains(&place[0]) && (-0.06..1.06).contains(&place[1]),
                    "{digit}: {place:?}"
                );
            }
        }
    }
}
