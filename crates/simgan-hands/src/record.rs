//! What is known of a sample, as JSON.

use serde_json::{Value, json};

use crate::joints::{JOINT_NAMES, LABELLED};
use crate::simulator::{HandSimulator, Scene};

/// Version of the record's form.
const FORMAT: u32 = 1;

/// A sample to be described.
pub(crate) struct Described<'a> {
    pub(crate) simulator: &'a HandSimulator,
    pub(crate) index: usize,
    pub(crate) scene: &'a Scene,
}

impl Described<'_> {
    /// Writes the record, from which [`annotations_from_record`](simgan_data::annotations_from_record) reads
    /// the points (`joints_2d`, in pixels, y up). Points in space are in camera coordinates in mm (x right, y
    /// down, z away from the camera), those of NYU in its order, null where it has a joint that this hand
    /// does not.
    pub(crate) fn json(&self) -> Value {
        let Self { simulator, index, scene } = self;
        let visible = scene.visible();
        let place = |idx: usize| scene.joints[idx].map(|joint| <[f32; 3]>::from(joint.place));
        let config = simulator.config();
        let height = config.size.height as f32;
        let from_bottom = |[x, y]: [f32; 2]| [x, height - y];
        let points: Vec<_> = scene.points().into_iter().map(from_bottom).collect();
        json!({
            "format": FORMAT,
            "simulator": simulator.domain().name(),
            "seed": config.seed,
            "index": index,
            "size": config.size,
            "joint_names": JOINT_NAMES,
            "joints_2d": points,
            "joint_xyz_mm": LABELLED.map(place),
            "joint_visible": LABELLED.map(|idx| visible[idx]),
            "nyu_joint_xyz_mm": (0..scene.joints.len()).map(place).collect::<Vec<_>>(),
            "nyu_joint_visible": visible.to_vec(),
            "crop_middle_xyz_mm": <[f32; 3]>::from(scene.middle),
            "crop_mm": config.crop_mm,
            "view": scene.pose.view,
            "person": scene.person,
            "pose_deg": { "digits": scene.pose.digits, "wrist": scene.pose.wrist },
        })
    }
}
