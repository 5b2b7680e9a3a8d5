//! Prototypes of hand shapes, between which poses are drawn.

use crate::config::Domain;
use crate::pose::{Digits, Finger, Thumb};

/// A hand shape in whole degrees.
struct Gesture {
    /// Flexion of MCP and PIP: little, ring, middle and index finger.
    fingers: [[f32; 2]; 4],
    /// How far the fingers are spread, 0 to 1.
    spread: f32,
    /// Radial and palmar abduction, flexion of MP and IP.
    thumb: [f32; 4],
    /// How often each domain shows it, relative to the others.
    weights: [f32; 2],
}

const STRAIGHT: [f32; 2] = [2.0, 6.0];
const CURLED: [f32; 2] = [76.0, 94.0];
/// The thumb lies across curled fingers.
const ACROSS: [f32; 4] = [8.0, 44.0, 30.0, 40.0];
const THUMB_OUT: [f32; 4] = [52.0, 8.0, 2.0, 2.0];

const fn gesture(fingers: [[f32; 2]; 4], spread: f32, thumb: [f32; 4], weights: [f32; 2]) -> Gesture {
    Gesture { fingers, spread, thumb, weights }
}

/// Open hand, flat hand, relaxed hand, fist; point, gun, two, three, three with the thumb, four, thumb up,
/// call, horns; pinch, ring, claw, grasp.
const GESTURES: [Gesture; 17] = [
    gesture([STRAIGHT; 4], 1.0, THUMB_OUT, [3.0, 2.0]),
    gesture([STRAIGHT; 4], 0.15, [18.0, 6.0, 4.0, 4.0], [2.0, 2.0]),
    gesture(
        [[36.0, 46.0], [32.0, 42.0], [27.0, 36.0], [20.0, 28.0]],
        0.25,
        [26.0, 26.0, 10.0, 14.0],
        [2.0, 4.0],
    ),
    gesture([CURLED; 4], 0.1, ACROSS, [2.0, 2.0]),
    gesture([CURLED, CURLED, CURLED, STRAIGHT], 0.2, ACROSS, [2.0, 3.0]),
    gesture([CURLED, CURLED, CURLED, STRAIGHT], 0.2, THUMB_OUT, [1.0, 1.0]),
    gesture([CURLED, CURLED, STRAIGHT, STRAIGHT], 0.9, ACROSS, [2.0, 1.0]),
    gesture([CURLED, STRAIGHT, STRAIGHT, STRAIGHT], 0.7, ACROSS, [1.0, 1.0]),
    gesture([CURLED, CURLED, STRAIGHT, STRAIGHT], 0.8, THUMB_OUT, [1.0, 1.0]),
    gesture([STRAIGHT; 4], 0.7, [2.0, 40.0, 30.0, 40.0], [1.0, 1.0]),
    gesture([CURLED; 4], 0.1, THUMB_OUT, [1.0, 1.0]),
    gesture([STRAIGHT, CURLED, CURLED, CURLED], 0.6, THUMB_OUT, [1.0, 0.5]),
    gesture([STRAIGHT, CURLED, CURLED, STRAIGHT], 0.6, ACROSS, [1.0, 0.5]),
    gesture(
        [[24.0, 34.0], [26.0, 36.0], [32.0, 40.0], [44.0, 48.0]],
        0.3,
        [24.0, 44.0, 12.0, 26.0],
        [2.0, 3.0],
    ),
    gesture([STRAIGHT, [8.0, 12.0], [14.0, 20.0], [52.0, 54.0]], 0.7, [24.0, 44.0, 14.0, 30.0], [1.0, 1.0]),
    gesture([[8.0, 62.0]; 4], 0.7, [42.0, 26.0, 8.0, 36.0], [1.0, 2.0]),
    gesture([[44.0, 48.0]; 4], 0.3, [34.0, 44.0, 10.0, 18.0], [1.0, 3.0]),
];

/// Directions of the straight fingers from the palm's axis towards the little finger: little, ring, middle,
/// index.
pub(crate) const FAN_DEG: [f32; 4] = [9.0, 4.0, 0.0, -3.0];
/// Abduction at full spread: with the fan, about the spans between the fingers that Chatzioglou et al. (2024)
/// measured, 32°, 14° and 17°.
const SPREAD_DEG: [f32; 4] = [19.0, 9.0, 0.0, -13.0];
/// Abduction of fingers that are held together.
const TOGETHER_DEG: [f32; 4] = [-4.0, -2.0, 0.0, 1.0];

/// Returns the prototype at `share`, 0 to 1, of a domain's gestures laid end to end.
pub(crate) fn prototype(domain: Domain, share: f32) -> Digits {
    let weight = |gesture: &Gesture| gesture.weights[domain as usize];
    let mut rest = share * GESTURES.iter().map(weight).sum::<f32>();
    let found = GESTURES.iter().find(|gesture| {
        rest -= weight(gesture);
        rest < 0.0
    });
    digits(found.unwrap_or(&GESTURES[0]))
}

/// The open hand, whose digits do not touch.
pub(crate) fn open() -> Digits {
    digits(&GESTURES[0])
}

fn digits(gesture: &Gesture) -> Digits {
    let finger = |idx: usize| {
        let [mcp, pip] = gesture.fingers[idx];
        let abduction = TOGETHER_DEG[idx] + (SPREAD_DEG[idx] - TOGETHER_DEG[idx]) * gesture.spread;
        Finger { mcp, abduction, pip, dip: 2.0 / 3.0 * pip }
    };
    let [radial, palmar, mp, ip] = gesture.thumb;
    Digits { fingers: std::array::from_fn(finger), thumb: Thumb { radial, palmar, mp, ip } }
}
