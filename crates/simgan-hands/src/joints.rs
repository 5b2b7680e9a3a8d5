//! The joints that are labelled: 14 as Tompson et al. evaluate, among the 36 of NYU's data set.

use crate::math::Vec3;
use crate::skeleton::{Chain, Skeleton};

/// A joint: its place in mm and the radius of the flesh around it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Joint {
    pub(crate) place: Vec3,
    pub(crate) radius: f32,
}

/// Number of joints in NYU's data set.
pub(crate) const N_NYU: usize = 36;

/// The labelled joints, by their index in NYU's 36.
pub(crate) const LABELLED: [usize; 14] = [0, 3, 6, 9, 12, 15, 18, 21, 24, 25, 27, 30, 31, 32];

/// Names of the 14 points that a sample's annotation `joints` holds, in its order: tip and PIP joint of the
/// little, ring, middle and index finger; tip, IP and MP joint of the thumb; the wrist's two sides and the
/// palm's middle. They are the joints 0, 3, 6, 9, 12, 15, 18, 21, 24, 25, 27, 30, 31 and 32 of NYU's 36, on
/// which Tompson et al. (ToG 2014) evaluate.
pub const JOINT_NAMES: [&str; 14] = [
    "little_tip",
    "little_pip",
    "ring_tip",
    "ring_pip",
    "middle_tip",
    "middle_pip",
    "index_tip",
    "index_pip",
    "thumb_tip",
    "thumb_ip",
    "thumb_mp",
    "wrist_little_side",
    "wrist_thumb_side",
    "palm",
];

/// Returns NYU's 36 joints in the hand's coordinates; `None` for PALM_4 to PALM_6, whose places are not
/// published. KNUk_A, the middle of a phalanx (the tip of the last), comes before KNUk_B, its base.
pub(crate) fn joints(skeleton: &Skeleton) -> [Option<Joint>; N_NYU] {
    /// Half the distance of PALM_1 from PALM_2, at the wrist's sides, and how thick the wrist is there, in
    /// mm.
    const WRIST_MM: [f32; 2] = [18.0, 16.0];
    let mut joints = [None; N_NYU];
    let digits = skeleton.fingers.iter().zip(&skeleton.finger_radii);
    let digits = digits.chain([(&skeleton.thumb, &skeleton.thumb_radii)]);
    for (slots, (chain, radii)) in joints.as_chunks_mut::<6>().0.iter_mut().zip(digits) {
        *slots = of_digit(chain, radii).map(Some);
    }
    let [half, radius] = WRIST_MM;
    let side = |side: f32| Joint { place: skeleton.forearm[1] * (side * half), radius };
    joints[30] = Some(side(1.0));
    joints[31] = Some(side(-1.0));
    joints[32] = Some(Joint { place: skeleton.palm, radius: 1.1 * skeleton.finger_radii[2][0] });
    joints
}

/// From the tip: 3_A, 3_B, 2_A, 2_B, 1_A, 1_B.
fn of_digit(chain: &Chain, radii: &[f32; 4]) -> [Joint; 6] {
    let joint = |at: usize| Joint { place: chain[at], radius: radii[at] };
    let middle = |at: usize| Joint {
        place: chain[at].lerp(chain[at + 1], 0.5),
        radius: 0.5 * (radii[at] + radii[at + 1]),
    };
    [joint(3), joint(2), middle(1), joint(1), middle(0), joint(0)]
}
