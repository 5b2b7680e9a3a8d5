use crate::stroke::Place;

/// Draws chains of straight pieces with a round pen of uniform width; returns `height` rows of `width` bytes,
/// white on black. Places are in pixels, the first pixel's centre at (0.5, 0.5).
pub(crate) fn draw(chains: &[Vec<Place>], radius_px: f32, width: usize, height: usize) -> Vec<u8> {
    let mut levels = vec![0_u8; width * height];
    for piece in chains.iter().flat_map(|chain| chain.windows(2)) {
        let (from, to) = (piece[0], piece[1]);
        let reach = radius_px + 1.0;
        // Only the pixels that the pen can touch.
        let span = |axis: usize, n: usize| {
            let (low, high) = (from[axis].min(to[axis]) - reach, from[axis].max(to[axis]) + reach);
            (low.max(0.0) as usize).min(n)..(high.max(0.0) as usize + 1).min(n)
        };
        for y in span(1, height) {
            for x in span(0, width) {
                let distance = distance([x as f32 + 0.5, y as f32 + 0.5], from, to);
                // The edge fades over one pixel.
                let ink = (radius_px + 0.5 - distance).clamp(0.0, 1.0);
                let level = &mut levels[y * width + x];
                *level = (*level).max((ink * 255.0 + 0.5) as u8);
            }
        }
    }
    levels
}

/// The distance from a place to a straight piece.
fn distance(place: Place, from: Place, to: Place) -> f32 {
    let along = [to[0] - from[0], to[1] - from[1]];
    let away = [place[0] - from[0], place[1] - from[1]];
    let length = along[0] * along[0] + along[1] * along[1];
    let share =
        if length > 0.0 { ((away[0] * along[0] + away[1] * along[1]) / length).clamp(0.0, 1.0) } else { 0.0 };
    let rest = [away[0] - share * along[0], away[1] - share * along[1]];
    (rest[0] * rest[0] + rest[1] * rest[1]).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_as_wide_as_the_pen() {
        let levels = draw(&[vec![[5.0, 2.0], [5.0, 12.0]]], 1.5, 10, 14);
        let row: Vec<u8> = levels[7 * 10..8 * 10].to_vec();
        // Pixels' centres are 0.5, 1.5 and 2.5 px from the line.
        assert_eq!(row, [0, 0, 0, 128, 255, 255, 128, 0, 0, 0]);
        assert!(levels[..10].iter().all(|level| *level < 128), "the round end covers the row above by half");
    }

    #[test]
    fn a_place_alone_is_a_dot() {
        let levels = draw(&[vec![[3.5, 3.5], [3.5, 3.5]]], 1.0, 7, 7);
        assert_eq!((levels[3 * 7 + 3], levels[3 * 7 + 4], levels[3 * 7 + 5]), (255, 128, 0));
    }
}
