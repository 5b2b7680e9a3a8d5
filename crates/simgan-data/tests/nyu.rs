//! NYU's hands: synthetic frames, with joints as written by SciPy.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use simgan_data::{
    AnnotationsExt, Fitted, Image, ImageFile, ImageFormat, NyuHands, NyuOptions, Pixels, Registry, Role,
    Source, SourceRequest, Target, Want,
};

/// `joint_data.mat` as written by `tests/golden/nyu/export.py`: 3 cameras, 2 frames, 4 joints, with the
/// values of [`joint`].
const JOINTS: &[u8] = include_bytes!("golden/nyu/joint_data.mat");
const WIDTH: usize = 20;
const HEIGHT: usize = 12;

fn joint(camera: usize, frame: usize, joint: usize, k: usize) -> f32 {
    (1000 * camera + 100 * frame + 10 * joint + k) as f32 / 8.0
}

fn write(path: &Path, depth: impl Fn(usize, usize) -> u16) {
    let depths: Vec<u16> =
        (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| (x, y))).map(|(x, y)| depth(x, y)).collect();
    let green = depths.iter().map(|depth| (depth >> 8) as u8);
    let values =
        depths.iter().map(|_| 7).chain(green).chain(depths.iter().map(|depth| *depth as u8)).collect();
    let image = Image::new(3, HEIGHT, WIDTH, Pixels::U8(values));
    ImageFile::new(image, ImageFormat::Png).save(path).unwrap();
}

/// A hand of 6×4 pixels with its top left corner at (12, 9 − frame), about 700 mm away, seen by camera 2.
/// Every real depth is 10 mm larger, except that one is missing.
fn scene() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for frame in 1..=2 {
        let is_hand = move |x: usize, y: usize| (12..18).contains(&x) && (9 - frame..13 - frame).contains(&y);
        let name = |kind: &str| folder.path().join(format!("{kind}_2_{frame:07}.png"));
        write(&name("synthdepth"), |x, y| if is_hand(x, y) { 700 + x as u16 } else { 0 });
        write(&name("depth"), |x, y| if (x, y) == (13, 10 - frame) { 0 } else { 710 + x as u16 });
    }
    std::fs::write(folder.path().join("joint_data.mat"), JOINTS).unwrap();
    folder
}

fn open(folder: &Path, role: Role) -> NyuHands {
    NyuHands::open(folder, NyuOptions { role, camera: 2 }).unwrap()
}

fn stored(depth: u32) -> u16 {
    (f64::from(depth) / 2000.0 * 65535.0).round() as u16
}

#[test]
fn hands_are_cut_out_by_the_synthetic_silhouette() {
    let folder = scene();
    for (role, name, more) in
        [(Role::Synthetic, "synthdepth_2_0000001.png", 0), (Role::Real, "depth_2_0000001.png", 10)]
    {
        let hands = open(folder.path(), role);
        assert_eq!((hands.len(), hands.name(0).unwrap().as_str()), (2, name));
        let sample = hands.sample(0, Want::Image).unwrap();
        assert_eq!((sample.name.as_str(), sample.image.spec()), (name, hands.spec()));
        // The smallest square around 6×4 is 6×6; it starts one row above the hand.
        let expected = (0..36).map(|i| match (i % 6, i / 6) {
            (_, 0 | 5) => 65535,
            (1, 2) if more > 0 => 65535,
            (x, _) => stored(712 + x + more),
        });
        assert_eq!(sample.image.pixels(), &Pixels::U16(expected.collect()), "{role:?}");
    }
}

#[test]
fn joints_move_with_the_pixels() {
    let folder = scene();
    let hands = open(folder.path(), Role::Real);
    let sample = hands.sample(1, Want::Labels).unwrap();
    // Camera 2, frame 2: the square's corner is at (12, 6).
    let expected: Vec<[f32; 2]> =
        (0..4).map(|j| [joint(1, 1, j, 0) - 12.0, joint(1, 1, j, 1) - 6.0]).collect();
    assert_eq!(sample.annotations.joints().unwrap(), expected);
    assert_eq!(sample.record.unwrap()["joint_depth_mm"][3], f64::from(joint(1, 1, 3, 2)));
    let target = Target { size: Some("12x12".parse().unwrap()), ..Target::default() };
    let fitted = Fitted::new(Arc::new(hands), target).sample(1, Want::Labels).unwrap();
    assert_eq!(fitted.image.spec().width, 12);
    let twice: Vec<[f32; 2]> = expected.iter().map(|[x, y]| [2.0 * x, 2.0 * y]).collect();
    assert_eq!(fitted.annotations.joints().unwrap(), twice);
}

#[test]
fn the_folder_is_recognised_and_damage_is_named() {
    let folder = scene();
    let path = |name: &str| folder.path().join(name);
    let opened = |options: NyuOptions| NyuHands::open(folder.path(), options).err().unwrap().to_string();
    let request = SourceRequest::new(folder.path().to_str().unwrap());
    let error = Registry::default().open(&request).err().unwrap().to_string();
    assert!(error.contains("synthdepth_1_"), "camera 1 is the default and not there: {error}");
    let camera = NyuOptions { camera: 2, ..NyuOptions::default() };
    write(&path("synthdepth_2_0000001.png"), |_, _| 2500);
    let first_frame = || open(folder.path(), Role::Synthetic).sample(0, Want::Image).unwrap_err().to_string();
    assert!(first_frame().contains("synthdepth_2_0000001.png: it shows no hand"), "the second frame is good");
    let gray = Image::new(1, HEIGHT, WIDTH, Pixels::U8(vec![0; WIDTH * HEIGHT]));
    ImageFile::new(gray, ImageFormat::Png).save(&path("synthdepth_2_0000001.png")).unwrap();
    assert!(first_frame().contains("synthdepth_2_0000001.png: no depth image"));
    write(&path("synthdepth_2_0000002.png"), |_, _| 0);
    assert!(opened(camera).contains("synthdepth_2_0000001.png: no depth image"), "no frame is good");
    std::fs::remove_file(path("synthdepth_2_0000001.png")).unwrap();
    std::fs::write(path("joint_data.mat"), &JOINTS[..JOINTS.len() / 2]).unwrap();
    let error = opened(camera);
    assert!(error.contains("joint_data.mat"), "{error}");
    std::fs::write(path("joint_data.mat"), include_bytes!("golden/nyu/other.mat")).unwrap();
    assert!(opened(camera).contains("\"joint_uvd\" is [2, 3] instead of"));
}
