//! Tests the hand experiment on files in the layout of NYU's data set: depth in two channels of a PNG, joints in a
//! MATLAB file.

use simgan_data::{Image, Pixels};

use crate::scene::{Scene, succeeds, told};

const WIDTH: usize = 64;
const HEIGHT: usize = 48;
const N_JOINTS: usize = 36;

/// Where a frame's hand begins, and how large it is.
fn hand(frame: usize) -> [usize; 3] {
    [4 + 3 * (frame % 9), 3 + 2 * (frame % 7), 20 + frame % 5]
}

/// Joint `joint` of a frame in pixels, and its depth in millimetres.
fn joint(frame: usize, joint: usize) -> [f64; 3] {
    let [left, top, side] = hand(frame);
    let share = [(joint % 6) as f64 / 5.0, (joint / 6) as f64 / 5.0];
    [left as f64 + share[0] * side as f64, top as f64 + share[1] * side as f64, 600.0 + joint as f64]
}

impl Scene {
    /// Writes `n` frames of the front camera and the joints of all three.
    fn nyu(&self, folder: &str, n: usize) {
        for frame in 0..n {
            let [left, top, side] = hand(frame);
            for (kind, more) in [("synthdepth", 0), ("depth", 9)] {
                let depth = |i: usize| {
                    let (x, y) = (i % WIDTH, i / WIDTH);
                    let is_hand = (left..left + side).contains(&x) && (top..top + side).contains(&y);
                    if is_hand {
                        600 + 3 * (x - left) as u16 + more + (x * y % 5) as u16 * (more / 9)
                    } else {
                        0
                    }
                };
                let depths: Vec<u16> = (0..WIDTH * HEIGHT).map(depth).collect();
                let red = std::iter::repeat_n(0, depths.len());
                let green = depths.iter().map(|depth| (depth >> 8) as u8);
                let blue = depths.iter().map(|depth| *depth as u8);
                let values = red.chain(green).chain(blue).collect();
                let image = Image::new(3, HEIGHT, WIDTH, Pixels::U8(values));
                self.image(&format!("{folder}/{kind}_1_{:07}.png", frame + 1), image);
            }
        }
        let at = |camera: usize, frame: usize, idx: usize, k: usize| match camera {
            0 => joint(frame, idx)[k],
            _ => 0.0,
        };
        let mut values = Vec::new();
        // MATLAB's order: the first index runs fastest.
        for k in 0..3 {
            for idx in 0..N_JOINTS {
                for frame in 0..n {
                    values.extend((0..3).map(|camera| at(camera, frame, idx, k)));
                }
            }
        }
        let bytes = mat("joint_uvd", [3, n, N_JOINTS, 3], &values);
        std::fs::write(self.path(&format!("{folder}/joint_data.mat")), bytes).unwrap();
    }
}

/// A MATLAB 5 file of one array of doubles.
fn mat(name: &str, dims: [usize; 4], values: &[f64]) -> Vec<u8> {
    fn element(kind: u32, bytes: &[u8]) -> Vec<u8> {
        let mut element = [kind.to_le_bytes(), (bytes.len() as u32).to_le_bytes()].concat();
        element.extend(bytes);
        element.resize(element.len().next_multiple_of(8), 0);
        element
    }
    let dims: Vec<u8> = dims.iter().flat_map(|dim| (*dim as i32).to_le_bytes()).collect();
    let numbers: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
    // Class double (6) without flags, then dimensions (int32), name (int8), numbers (double).
    let flags = [6u32.to_le_bytes(), [0; 4]].concat();
    let array =
        [element(6, &flags), element(5, &dims), element(1, name.as_bytes()), element(9, &numbers)].concat();
    let mut file = b"MATLAB 5.0 MAT-file".to_vec();
    file.resize(124, b' ');
    file.extend([0x00, 0x01, b'I', b'M']);
    file.extend(element(14, &array));
    file
}

#[test]
fn hands_in_nyus_layout_are_evaluated() {
    let scene = Scene::with_domains();
    scene.nyu("nyu/train", 40);
    scene.nyu("nyu/test", 14);
    succeeds(scene.train("--synthetic nyu/train --real nyu/train --set data.size=32x32"));
    let evaluate = "evaluate --model run --test nyu/test --images 30 --seeds 1 --estimator-steps 3 \
                    --estimator-batch 8 --network quarter --json figures.json";
    let (status, tables, log) = told(scene.simgan(evaluate));
    assert_eq!(status, 0, "{log}");
    for part in
        ["joints error in pixels", "PCK@5 px", "real, with labels", "predictions for x and R(x), pixels"]
    {
        assert!(tables.contains(part), "`{part}` is not told:\n{tables}");
    }
    let figures: serde_json::Value = serde_json::from_slice(&scene.bytes("figures.json")).unwrap();
    assert_eq!(figures["data"]["task"]["width"], 14, "the joints that the paper evaluates");
    // The hand's square becomes 32 pixels: a joint's place in it depends on nothing else, so that the mean label
    // is nearly right.
    let mean = figures["mean"]["error_px"]["mean"].as_f64().unwrap();
    assert!(mean < 1.5, "{mean}");
}
