//! Tests published and packed data sets as sources of `simgan train` and `simgan inspect`.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use candle_core::Device;
use simgan_data::{
    Crop, Fitted, Image, MpiiGaze, MpiiGazeOptions, PackOptions, Pixels, Source, Target, UnityEyes,
    UnityEyesOptions, pack,
};

use crate::scene::{Scene, fails, succeeds, told};

/// The record of an eye around (320, 240) in a 640×480 render.
const RECORD: &str = r#"{
    "interior_margin_2d": ["(270, 240, 9)", "(280, 245, 9)", "(290, 250, 9)", "(300, 252, 9)", "(315, 253, 9)",
        "(330, 253, 9)", "(345, 250, 9)", "(360, 245, 9)", "(368, 238, 9)", "(360, 232, 9)", "(345, 229, 9)",
        "(330, 227, 9)", "(315, 227, 9)", "(300, 229, 9)", "(290, 232, 9)", "(280, 236, 9)"],
    "eye_details": {"look_vec": "(0.1, -0.2, -0.97, 0.0)"}
}"#;

impl Scene {
    /// Writes `n` colour pairs `1.jpg` and `1.json`, ….
    fn unityeyes(&self, folder: &str, n: usize) {
        for number in 1..=n {
            let value = |i: usize| (i % 640 / 3 + i / 7680 * number) as u8;
            let image = Image::new(3, 480, 640, Pixels::U8((0..3 * 640 * 480).map(value).collect()));
            self.image(&format!("{folder}/{number}.jpg"), image);
            self.text(&format!("{folder}/{number}.json"), RECORD);
        }
    }

    /// Writes the synthetic MPIIGaze of simgan-data's tests.
    fn mpiigaze(&self, folder: &str) {
        let case =
            concat!(env!("CARGO_MANIFEST_DIR"), "/../simgan-data/tests/golden/mpiigaze/case.safetensors");
        for (name, tensor) in simgan_models::read_tensors(Path::new(case), &Device::Cpu).unwrap() {
            if let Some(name) = name.strip_prefix("files/") {
                let path = self.path(folder).join(name);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, tensor.to_vec1::<u8>().unwrap()).unwrap();
            }
        }
    }

    fn pack(&self, source: impl Source + 'static, name: &str) {
        let target = Target { size: Some("55x35".parse().unwrap()), channels: Some(1), ..Target::default() };
        let fitted = Fitted::new(Arc::new(source), target);
        pack(&fitted, &self.path(name), &PackOptions::default(), &mut |_, _| {}).unwrap();
    }
}

#[test]
fn raw_and_packed_data_sets_train_the_same_refiner() {
    let scene = Scene::with_domains();
    scene.unityeyes("eyes", 5);
    scene.mpiigaze("gaze");
    let fixed = UnityEyesOptions { crop: Crop::Fixed, channels: Some(1) };
    scene.pack(UnityEyes::open(&scene.path("eyes"), fixed).unwrap(), "eyes.safetensors");
    scene.pack(MpiiGaze::open(&scene.path("gaze"), &MpiiGazeOptions::default()).unwrap(), "gaze.safetensors");
    let train = |run: &str, synthetic: &str, real: &str, set: &str| {
        succeeds(scene.simgan(&format!(
            "train --config tiny.toml --run {run} --synthetic {synthetic} --real {real} --set data.size=55x35 \
             --set data.channels=1 {set}"
        )));
        scene.bytes(&format!("{run}/checkpoints/step-00000010/refiner.safetensors"))
    };
    let packed = train("packed", "eyes.safetensors", "gaze.safetensors", "");
    assert_eq!(train("raw", "eyes", "gaze", ""), packed);
    assert_eq!(train("named", "eyes", "gaze", "--set data.crop=fixed"), packed);
    assert_ne!(train("whole", "eyes", "gaze", "--set data.crop=none"), packed);
    let told = succeeds(scene.simgan("inspect eyes.safetensors"));
    assert!(told.contains("5 of 55x35 gray 8 bit") && told.contains("5 labels"), "{told}");
}

#[test]
fn one_bad_pair_among_good_ones_is_named_or_skipped() {
    let scene = Scene::with_domains();
    let train = |more: &str| {
        scene.simgan(&format!(
            "train --config tiny.toml --run run --synthetic eyes --set data.size=55x35 --real gaze {more}"
        ))
    };
    scene.mpiigaze("gaze");
    scene.unityeyes("eyes", 4);
    let (image, record) = (scene.bytes("eyes/1.jpg"), RECORD.to_owned());
    let no_gaze = record.replace("look_vec", "look");
    let short = record.replace("\"(280, 236, 9)\"", "\"(280, 236\"");
    let missing = record.replace(", \"(280, 236, 9)\"", "");
    for (jpg, json, parts) in [
        (&image[..image.len() / 2], &record[..], &["1.jpg", "ends too early"][..]),
        (&image, &record[..record.len() - 9], &["1.json", "not JSON"]),
        (&image, &no_gaze, &["1.json", "look_vec"]),
        (&image, &short, &["1.json", "interior_margin_2d"]),
        (&image, &missing, &["1.json", "15 points instead of 16"]),
        (&image, "", &["1.json", "not JSON"]),
    ] {
        fs::write(scene.path("eyes/1.jpg"), jpg).unwrap();
        fs::write(scene.path("eyes/1.json"), json).unwrap();
        fails(train(""), 1, &[parts, &["hint: "]].concat());
        fs::remove_dir_all(scene.path("run")).unwrap_or_default();
    }
    let told = succeeds(train("--set data.on_error=skip"));
    assert!(told.contains("skipped"), "{told}");
    fs::remove_dir_all(scene.path("run")).unwrap();
    fs::remove_file(scene.path("eyes/1.json")).unwrap();
    fails(train(""), 1, &["1.json", "hint: "]);
}

#[test]
fn packed_and_published_data_sets_are_refined() {
    let scene = Scene::new();
    scene.model("model", 1);
    scene.unityeyes("eyes", 2);
    scene.mpiigaze("gaze");
    let fixed = UnityEyesOptions { crop: Crop::Fixed, channels: Some(1) };
    scene.pack(UnityEyes::open(&scene.path("eyes"), fixed).unwrap(), "eyes.safetensors");
    for (input, n, file) in [
        ("eyes.safetensors", 2, "2"),
        ("eyes --crop fixed --size 55x35", 2, "1"),
        ("gaze", 12, "p00/day02/0001-right"),
    ] {
        let told = succeeds(scene.simgan(&format!("refine --model model --input {input} --output out")));
        assert!(told.contains(&format!("{n} images refined")), "{told}");
        assert!(told.contains(&format!("{n} label files")), "{told}");
        let label = String::from_utf8(scene.bytes(&format!("out/{file}.json"))).unwrap();
        assert!(label.contains("\"gaze\"") && scene.path(&format!("out/{file}.png")).exists(), "{label}");
        let told = succeeds(scene.simgan("inspect out"));
        assert!(told.contains(&format!("{n} images")) && told.contains("gaze yaw"), "{told}");
        fs::remove_dir_all(scene.path("out")).unwrap();
    }
    let told = succeeds(scene.simgan("refine --model model --input eyes --output out"));
    assert!(told.contains("2 images refined") && scene.path("out/1.jpg").exists(), "{told}");
}

#[test]
fn one_folder_of_hands_holds_both_domains() {
    let scene = Scene::with_domains();
    for frame in 1..=4 {
        let depths = |more: usize| {
            let depth = move |i: usize| {
                if (70..250).contains(&i) && i % 20 > 9 - frame { 600 + more + i } else { more }
            };
            let channel = move |c: usize| (0..400).map(move |i| [0, depth(i) >> 8, depth(i) & 255][c] as u8);
            Image::new(3, 20, 20, Pixels::U8((0..3).flat_map(channel).collect()))
        };
        scene.image(&format!("hands/synthdepth_1_{frame:07}.png"), depths(0));
        scene.image(&format!("hands/depth_1_{frame:07}.png"), depths(30));
    }
    let joints = concat!(env!("CARGO_MANIFEST_DIR"), "/../simgan-data/tests/golden/nyu/joint_data.mat");
    fs::copy(joints, scene.path("hands/joint_data.mat")).unwrap();
    let train = "train --config tiny.toml --run run --synthetic hands --real hands --set data.size=12x12";
    let told = succeeds(scene.simgan(train));
    assert!(told.contains("run"), "{told}");
    let told = succeeds(scene.simgan("inspect hands"));
    assert!(told.contains("hands: 4 images, 4 read") && told.contains("16 bit"), "{told}");
    fs::remove_file(scene.path("hands/depth_1_0000002.png")).unwrap();
    fs::remove_dir_all(scene.path("run")).unwrap();
    fails(scene.simgan(train), 1, &["depth_1_0000002.png: missing", "hint: "]);
}

#[cfg(feature = "hdf5")]
#[test]
fn blenderproc_s_renders_are_trained_on_and_refined() {
    let scene = Scene::with_domains();
    let renders = concat!(env!("CARGO_MANIFEST_DIR"), "/../simgan-data/tests/golden/hdf5/blenderproc");
    let text = succeeds(scene.simgan(&format!("inspect {renders}")));
    assert!(text.contains("3 images, 3 read") && text.contains("3 of 7x5 RGB 8 bit"), "{text}");
    let train = format!("train --config tiny.toml --run run --synthetic {renders} --real {renders}");
    succeeds(scene.simgan(&train));
    let refine = format!("refine --model run --input {renders} --output out");
    let (code, _, log) = told(scene.simgan(&refine));
    assert!(
        code == 0 && log.contains("not carried: category_id_segmaps, depth, instance_attribute_maps"),
        "{log}"
    );
    for name in ["0", "2", "10"] {
        assert!(scene.path(&format!("out/{name}.png")).exists(), "{:?}", scene.files("out"));
    }
}

#[test]
fn damaged_days_and_packed_files_are_named() {
    let scene = Scene::with_domains();
    scene.mpiigaze("gaze");
    let day = scene.bytes("gaze/Data/Normalized/p00/day01.mat");
    fs::write(scene.path("gaze/Data/Normalized/p00/day01.mat"), &day[..day.len() / 2]).unwrap();
    scene.text("cut.safetensors", "not a packed file");
    for command in ["train --config tiny.toml --run run --real", "inspect"] {
        fails(scene.simgan(&format!("{command} gaze")), 1, &["day01.mat", "hint: "]);
        fails(scene.simgan(&format!("{command} cut.safetensors")), 1, &["cut.safetensors", "hint: "]);
    }
    assert!(!scene.path("run").exists());
    scene.model("model", 1);
    let refine = "refine --model model --input gaze --output out";
    fails(scene.simgan(refine), 1, &["day01.mat", "hint: ", "--on-error skip"]);
    for command in [
        "train --config tiny.toml --run run --real gaze --set data.size=9x7 --set data.on_error=skip",
        &format!("{refine} --on-error skip"),
    ] {
        let (code, _, stderr) = told(scene.simgan(command));
        assert!(code == 0 && stderr.contains("left out: ") && stderr.contains("day01.mat"), "{stderr}");
    }
}

#[test]
fn a_folder_of_two_layouts_is_refused_until_one_is_chosen() {
    let scene = Scene::with_domains();
    scene.unityeyes("both", 2);
    scene.text("both/joint_data.mat", "no MATLAB file");
    let readings = ["`nyu:both`", "`unityeyes:both`", "hint: write the one that you mean"];
    fails(scene.simgan("inspect both"), 1, &readings);
    let told = succeeds(scene.simgan("inspect unityeyes:both"));
    assert!(told.contains("2 images") && told.contains("labels     beside 2 images"), "{told}");
    fails(scene.simgan("inspect nyu:both"), 1, &["no NYU hands", "hint: "]);
    let train = "train --config tiny.toml --run run --set data.size=9x7 --real real --synthetic";
    fails(scene.simgan(&format!("{train} both")), 1, &["`nyu:/", "/both` or `unityeyes:/", "hint: "]);
    succeeds(scene.simgan(&format!("{train} folder:both")));
    let config = String::from_utf8(scene.bytes("run/config.toml")).unwrap();
    assert!(config.contains("\"folder:/"), "a run is resumed from any folder: {config}");
    fails(scene.simgan("inspect mpiigaze:none"), 1, &["`mpiigaze:none` is not a source", "hint: "]);
}

#[cfg(unix)]
#[test]
fn a_folder_called_like_a_simulator_is_never_shadowed() {
    let scene = Scene::with_domains();
    scene.images("unityeyes", 3, 9, 7);
    scene.images("builtin:eyes", 2, 9, 7);
    for (name, n) in [("unityeyes", 3), ("builtin:eyes", 2)] {
        let readings = [format!("`simulator:{name}`"), format!("`./{name}`"), "hint: ".to_owned()];
        let readings: Vec<&str> = readings.iter().map(String::as_str).collect();
        fails(scene.simgan(&format!("inspect {name}")), 1, &readings);
        fails(scene.train(&format!("--synthetic {name}")), 1, &readings);
        let told = succeeds(scene.simgan(&format!("inspect ./{name}")));
        assert!(told.contains(&format!("{n} images")), "{told}");
    }
    let told = succeeds(scene.simgan("inspect simulator:builtin:eyes --limit 2"));
    assert!(told.contains("100000 images"), "{told}");
    // A preset's name conflicts with a folder only if the folder holds UnityEyes' renders.
    scene.images("mpiigaze", 2, 9, 7);
    fails(scene.simgan("inspect unityeyes:mpiigaze"), 1, &["assets are missing"]);
    scene.unityeyes("mpiigaze", 2);
    fails(
        scene.simgan("inspect unityeyes:mpiigaze"),
        1,
        &["`simulator:unityeyes:mpiigaze` or `unityeyes:./mpiigaze`"],
    );
    assert!(succeeds(scene.simgan("inspect unityeyes:./mpiigaze")).contains("4 images"));
}

#[test]
fn a_crop_of_images_without_records_is_refused() {
    let scene = Scene::with_domains();
    scene.model("model", 1);
    let words = ["nothing to crop by", "000.json the first, have no \"eye_details\"", "hint: "];
    fails(scene.simgan("refine --model model --input synthetic --crop fixed --output out"), 1, &words);
    fails(scene.train("--set data.crop=fixed"), 1, &words);
    scene.unityeyes("eyes/UnityEyes/imgs", 2);
    let told = succeeds(scene.train("--synthetic eyes --set data.crop=fixed --set data.size=9x7"));
    assert!(told.contains("run"), "{told}");
}
