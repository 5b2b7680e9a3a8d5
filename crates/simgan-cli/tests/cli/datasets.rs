//! Data sets as their tools write them go through inspect, train and refine with no option but the paths.
//!
//! The folders are made here, from the documented layouts. Only training's length and the networks' size are
//! set, so that a run takes a second.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use simgan_data::{Image, ImageFile, Pixels};

use crate::scene::{Scene, succeeds, told};

const QUICK: &str = "--steps 2 --set schedule.pretrain_refiner=2 --set schedule.pretrain_discriminator=1 \
                     --set data.batch=4 --set refiner.features=4 --set refiner.blocks=1";

/// Runs the three commands; returns what each told on both streams.
#[track_caller]
fn goes_through(scene: &Scene) -> [String; 3] {
    let refine = "refine --model run --input renders --output refined";
    [
        both(scene, "inspect renders"),
        both(scene, &format!("train --synthetic renders --real photographs --run run {QUICK}")),
        both(scene, refine),
    ]
}

#[track_caller]
fn both(scene: &Scene, command: &str) -> String {
    let (code, stdout, stderr) = told(scene.simgan(command));
    assert_eq!(code, 0, "{command}: {stderr}");
    format!("{stdout}{stderr}")
}

fn open(scene: &Scene, path: &str) -> Image {
    ImageFile::open(&scene.path(path)).unwrap().into_image()
}

/// A smooth colour image: many values, no two channels alike.
fn photograph(width: usize, height: usize, seed: usize) -> Image {
    let at =
        |c: usize, y: usize, x: usize| ((x * (5 + c) + y * (3 + 2 * c) + seed * 31 + c * 40) % 256) as u8;
    let values = (0..3).flat_map(|c| (0..height).flat_map(move |y| (0..width).map(move |x| at(c, y, x))));
    Image::new(3, height, width, Pixels::U8(values.collect()))
}

/// A label map with the values 0, 1 and 2.
fn mask(width: usize, height: usize) -> Image {
    Image::new(
        1,
        height,
        width,
        Pixels::U8((0..width * height).map(|i| (i % width * 3 / width) as u8).collect()),
    )
}

/// A surface between 1,000 and 2,400 mm; every seventh pixel of a column has no measurement.
fn depth(seed: usize) -> Image {
    let (width, height) = (33, 21);
    let at = |y: usize, x: usize| match (x + 2 * y + seed).is_multiple_of(57) {
        true => 0,
        false => (1000 + 40 * x + 3 * y + seed) as u16,
    };
    let values = (0..height).flat_map(|y| (0..width).map(move |x| at(y, x))).collect();
    Image::new(1, height, width, Pixels::U16(values))
}

/// Asserts that `files` are equal, byte for byte, in the refined folder.
#[track_caller]
fn unchanged(scene: &Scene, files: &[PathBuf]) {
    assert!(!files.is_empty());
    for file in files {
        let read = |folder: &str| fs::read(scene.path(folder).join(file)).unwrap_or_default();
        assert!(read("renders") == read("refined"), "{} was changed", file.display());
    }
}

/// The files of `renders` that are not among the refined images.
fn all_but(scene: &Scene, is_refined: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    scene.files("renders").into_iter().filter(|path| !is_refined(path)).collect()
}

#[track_caller]
fn nothing_is_missing(scene: &Scene) {
    let refined: Vec<_> =
        scene.files("refined").into_iter().filter(|path| path != Path::new("refined.jsonl")).collect();
    assert_eq!(refined, scene.files("renders"));
}

#[test]
fn depth_in_millimetres() {
    let scene = Scene::new();
    for idx in 0..6 {
        scene.image(&format!("renders/{idx}.png"), depth(idx));
        scene.image(&format!("photographs/{idx}.png"), depth(100 + 17 * idx));
    }
    let [_, trained, refined] = goes_through(&scene);
    nothing_is_missing(&scene);
    assert!(trained.contains("1000") || trained.contains("range"), "{trained}");
    assert!(trained.contains("recipe depth"), "the sensor misses pixels: {trained}");
    for idx in 0..6 {
        let (Pixels::U16(before), Pixels::U16(after)) = (
            open(&scene, &format!("renders/{idx}.png")).pixels().clone(),
            open(&scene, &format!("refined/{idx}.png")).pixels().clone(),
        ) else {
            panic!("the depth stays");
        };
        for (before, after) in before.iter().zip(&after) {
            assert!(*before > 0 || *after == 0, "no measurement stays none");
            // R has hardly trained, and yet stays within the range that it was given.
            assert!((900..2600).contains(after) || *after == 0, "{before} became {after}");
        }
    }
    assert!(refined.contains("6 images refined"), "{refined}");
}

#[test]
fn photographs_in_colour_and_many_sizes() {
    let scene = Scene::new();
    for (idx, (width, height)) in [(40, 30), (31, 45), (64, 48), (33, 33), (50, 20)].into_iter().enumerate() {
        scene.image(&format!("renders/{idx}.png"), photograph(width, height, idx));
        scene.image(&format!("photographs/{idx}.jpg"), photograph(height + 9, width + 7, 50 + idx));
    }
    let [inspected, _, refined] = goes_through(&scene);
    assert!(inspected.contains("RGB"), "{inspected}");
    assert!(refined.contains("5 images refined"), "{refined}");
    let config = fs::read_to_string(scene.path("run/config.toml")).unwrap();
    assert!(config.contains("channels = 3"), "{config}");
    for idx in 0..5 {
        let name = format!("{idx}.png");
        let (before, after) =
            (open(&scene, &format!("renders/{name}")), open(&scene, &format!("refined/{name}")));
        assert_eq!(before.spec(), after.spec());
    }
}

#[test]
fn a_folder_of_replicators_basic_writer() {
    let scene = Scene::new();
    for idx in 0..4 {
        let name = |what: &str, ending: &str| format!("renders/{what}_{idx:04}.{ending}");
        scene.image(&name("rgb", "png"), photograph(37, 29, idx));
        scene.image(&name("semantic_segmentation", "png"), mask(37, 29));
        scene.text(
            &name("semantic_segmentation_labels", "json"),
            r#"{"(0, 0, 0, 0)": {"class": "BACKGROUND"}}"#,
        );
        scene.text(&name("bounding_box_2d_tight", "npy"), "\u{1}NUMPY stands for a structured array");
        scene.text(&name("bounding_box_2d_tight_labels", "json"), r#"{"0": {"class": "cup"}}"#);
        scene.text(&name("distance_to_camera", "npy"), "\u{1}NUMPY");
        scene.text(&name("camera_params", "json"), r#"{"cameraFocalLength": 24.0}"#);
        scene.image(&format!("photographs/{idx}.jpg"), photograph(37, 29, 60 + idx));
    }
    let [inspected, _, refined] = goes_through(&scene);
    nothing_is_missing(&scene);
    let is_rgb = |path: &Path| path.to_string_lossy().starts_with("rgb_");
    unchanged(&scene, &all_but(&scene, is_rgb));
    assert!(inspected.contains("4 images") && refined.contains("4 images refined"), "{inspected}{refined}");
}

/// Four images, their COCO file, and one frame in HDF5 beside them, as BlenderProc's writers leave them.
#[test]
fn a_set_of_blenderproc_in_coco_form() {
    let scene = Scene::new();
    let (mut images, mut annotations) = (Vec::new(), Vec::new());
    for idx in 0..4 {
        let name = format!("images/{idx:06}.png");
        scene.image(&format!("renders/coco_data/{name}"), photograph(36, 28, idx));
        scene.image(&format!("photographs/{idx}.png"), photograph(36, 28, 70 + idx));
        images.push(json!({"id": idx, "file_name": name, "width": 36, "height": 28}));
        annotations.push(json!({"id": idx, "image_id": idx, "category_id": 1, "iscrowd": 0, "area": 35,
            "bbox": [4, 6, 7, 5], "width": 36, "height": 28,
            "segmentation": [[4.0, 6.0, 11.0, 6.0, 11.0, 11.0, 4.0, 11.0]]}));
    }
    let index = json!({"images": images, "annotations": annotations,
        "categories": [{"id": 1, "name": "cup", "supercategory": "coco_annotations"}]});
    scene.text("renders/coco_data/coco_annotations.json", &format!("{index:#}"));
    let [_, _, refined] = goes_through(&scene);
    nothing_is_missing(&scene);
    unchanged(&scene, &[PathBuf::from("coco_data/coco_annotations.json")]);
    assert!(refined.contains("4 images refined"), "{refined}");
    succeeds(scene.simgan("refine --model run --input renders --output halved --size 18x14"));
    let halved: Value =
        serde_json::from_slice(&scene.bytes("halved/coco_data/coco_annotations.json")).unwrap();
    assert_eq!(halved["annotations"][2]["bbox"], json!([2, 3, 3.5, 2.5]));
    assert_eq!(halved["images"][0]["width"], 18);
    assert_eq!(open(&scene, "halved/coco_data/images/000003.png").spec().width, 18);
}

#[test]
fn a_set_of_yolo() {
    let scene = Scene::new();
    for idx in 0..6 {
        let split = if idx < 4 { "train" } else { "val" };
        scene.image(&format!("renders/images/{split}/{idx}.jpg"), photograph(40, 24, idx));
        if idx != 1 {
            scene.text(
                &format!("renders/labels/{split}/{idx}.txt"),
                "0 0.5 0.5 0.25 0.5\r\n3 0.25 0.25 0.1 0.2\r\n",
            );
        }
        scene.image(&format!("photographs/{idx}.jpg"), photograph(40, 24, 80 + idx));
    }
    scene.text(
        "renders/data.yaml",
        "path: .\ntrain: images/train\nval: images/val\nnames: [cup, can, box, jar]\n",
    );
    let [_, _, refined] = goes_through(&scene);
    nothing_is_missing(&scene);
    unchanged(&scene, &all_but(&scene, |path| path.extension().is_some_and(|ending| ending == "jpg")));
    assert!(refined.contains("6 images refined"), "{refined}");
    // To 24 x 24, "cover" crops 8 columns on each side, a fifth of the width.
    succeeds(scene.simgan("refine --model run --input renders --output square --size 24x24"));
    let label = String::from_utf8(scene.bytes("square/labels/val/5.txt")).unwrap();
    let rows: Vec<Vec<f64>> =
        label.lines().map(|row| row.split(' ').map(|n| n.parse().unwrap()).collect()).collect();
    let near = |row: &[f64], expected: [f64; 5]| row.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-5);
    assert!(near(&rows[0], [0.0, 0.5, 0.5, 0.25 * 40.0 / 24.0, 0.5]), "{label}");
    assert!(near(&rows[1], [3.0, (10.0 - 8.0) / 24.0, 0.25, 4.0 / 24.0, 0.2]), "{label}");
    assert!(label.ends_with("\r\n"));
}

#[test]
fn a_folder_of_unity_solo() {
    let scene = Scene::new();
    for idx in 0..4 {
        let folder = format!("renders/sequence.{idx}");
        scene.image(&format!("{folder}/step0.camera.png"), photograph(32, 24, idx));
        scene.image(&format!("{folder}/step0.camera.SemanticSegmentation.png"), mask(32, 24));
        let frame = json!({"frame": idx, "sequence": idx, "step": 0, "timestamp": 0.0, "metrics": [], "captures": [{
            "@type": "type.unity.com/unity.solo.RGBCamera", "id": "camera", "imageFormat": "Png",
            "filename": "step0.camera.png", "dimension": [32.0, 24.0],
            "annotations": [{"@type": "type.unity.com/unity.solo.BoundingBox2DAnnotation", "id": "bounding box",
                "values": [{"instanceId": 1, "labelId": 1, "labelName": "cup",
                    "origin": [8.0, 6.0], "dimension": [4.0, 10.0]}]}]}]});
        scene.text(&format!("{folder}/step0.frame_data.json"), &format!("{frame:#}"));
        scene.image(&format!("photographs/{idx}.png"), photograph(32, 24, 90 + idx));
    }
    scene.text("renders/metadata.json", r#"{"unityVersion": "2021.3", "totalFrames": 4}"#);
    scene.text("renders/annotation_definitions.json", r#"{"annotationDefinitions": []}"#);
    let [inspected, _, refined] = goes_through(&scene);
    nothing_is_missing(&scene);
    unchanged(&scene, &all_but(&scene, |path| path.ends_with("step0.camera.png")));
    assert!(inspected.contains("4 images") && refined.contains("4 images refined"), "{inspected}{refined}");
    succeeds(scene.simgan("refine --model run --input renders --output halved --size 16x12"));
    let frame: Value =
        serde_json::from_slice(&scene.bytes("halved/sequence.2/step0.frame_data.json")).unwrap();
    let capture = &frame["captures"][0];
    let numbers = |value: &Value| serde_json::from_value::<Vec<f64>>(value.clone()).unwrap();
    assert_eq!(numbers(&capture["dimension"]), [16.0, 12.0]);
    assert_eq!(numbers(&capture["annotations"][0]["values"][0]["origin"]), [4.0, 3.0]);
    let mask = open(&scene, "halved/sequence.2/step0.camera.SemanticSegmentation.png");
    let Pixels::U8(values) = mask.pixels() else { panic!("8 bits") };
    assert!(mask.spec().width == 16 && values.iter().all(|value| *value <= 2));
}
