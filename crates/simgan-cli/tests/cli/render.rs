//! Tests `simgan render`, and `simgan inspect` on data.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;
use simgan_data::{Image, ImageFile, Pixels};

use crate::scene::{Scene, fails, gray, simgan, succeeds};

#[test]
fn eyes_are_written_with_labels_the_same_each_time() {
    let scene = Scene::new();
    succeeds(scene.simgan("render --count 3 --output a --seed 5 --size 24x16"));
    succeeds(scene.simgan("render --count 2 --output b --seed 5 --size 24x16 --threads 1"));
    succeeds(scene.simgan("render --count 1 --output c --seed 6 --size 24x16 --color --preset mpiigaze"));
    succeeds(scene.simgan("render --count 1 --output d --simulator builtin:camera"));
    let expected = ["0.jpg", "0.json", "1.jpg", "1.json", "2.jpg", "2.json"].map(PathBuf::from);
    assert_eq!(scene.files("a"), expected);
    for name in scene.files("b") {
        let content = |folder: &str| fs::read(scene.path(folder).join(&name)).unwrap();
        assert_eq!(content("a"), content("b"), "{name:?}");
    }
    let spec = ImageFile::open(&scene.path("c/0.jpg")).unwrap().image().spec();
    assert_eq!((spec.channels, spec.height, spec.width), (3, 16, 24));
    assert_ne!(fs::read(scene.path("a/0.json")).unwrap(), fs::read(scene.path("c/0.json")).unwrap());
}

#[test]
fn an_interrupted_set_is_continued_and_another_is_not_mixed_in() {
    let scene = Scene::new();
    let render = |more: &str| scene.simgan(&format!("render --count 3 --output out --size 24x16 {more}"));
    succeeds(render(""));
    let whole = fs::read(scene.path("out/2.jpg")).unwrap();
    fs::remove_file(scene.path("out/2.jpg")).unwrap();
    succeeds(render(""));
    assert_eq!(fs::read(scene.path("out/2.jpg")).unwrap(), whole);
    fails(render("--seed 1"), 1, &["out: not empty", "hint: "]);
    scene.text("full/notes.md", "mine");
    fails(scene.simgan("render --count 1 --output full"), 1, &["full: not empty"]);
    fails(scene.simgan("render --count 1 --output full/notes.md"), 1, &["notes.md"]);
    fails(simgan("render --count 1 --output x --simulator builtin:ears"), 2, &["builtin:camera"]);
    fails(simgan("render --count 1 --output x --size 55"), 2, &["WIDTHxHEIGHT"]);
    fails(simgan("render --count 1 --output x --size 2x2"), 2, &["8 to 4096"]);
}

#[test]
fn digits_are_written_with_their_class() {
    let scene = Scene::new();
    let render = |more: &str| scene.simgan(&format!("render --simulator builtin:digits --count 3 {more}"));
    succeeds(render("--output a --seed 5 --size 32x20"));
    assert_eq!(
        scene.files("a"),
        ["0.json", "0.png", "1.json", "1.png", "2.json", "2.png"].map(PathBuf::from)
    );
    let spec = ImageFile::open(&scene.path("a/0.png")).unwrap().image().spec();
    assert_eq!((spec.channels, spec.height, spec.width), (1, 20, 32));
    let record: Value = serde_json::from_slice(&fs::read(scene.path("a/0.json")).unwrap()).unwrap();
    assert!(record["class"].as_u64().unwrap() < 10);
    let told = succeeds(scene.simgan("inspect a"));
    assert!(told.contains("3 images") && told.contains("class"), "{told}");
    let whole = fs::read(scene.path("a/1.png")).unwrap();
    fs::remove_file(scene.path("a/1.png")).unwrap();
    succeeds(render("--output a --seed 5 --size 32x20"));
    assert_eq!(fs::read(scene.path("a/1.png")).unwrap(), whole);
    fails(render("--output a --seed 6"), 1, &["a: not empty", "hint: "]);
    fails(render("--output x --set pens=3"), 2, &["pens=3", "slant_deg"]);
    fails(render("--output x --set samples=2"), 2, &["has 2 images", "samples=3"]);
    fails(render("--output x --preset wide"), 2, &["presets"]);
    fails(render("--output x --size 4x4"), 2, &["8 to 1024"]);
    assert!(!scene.path("x").exists());
}

#[test]
fn hands_are_written_in_depth_with_their_joints() {
    let scene = Scene::new();
    for name in ["hands", "kinect"] {
        let render = format!("render --simulator builtin:{name} --count 3 --size 48x40 --set view=any");
        succeeds(scene.simgan(&format!("{render} --output {name}")));
        let image = ImageFile::open(&scene.path(&format!("{name}/0.png"))).unwrap().into_image();
        assert!(matches!(image.pixels(), Pixels::U16(depths) if depths.iter().any(|depth| *depth > 300)));
        let told = succeeds(scene.simgan(&format!("inspect {name}")));
        assert!(told.contains("48x40 gray 16 bit") && told.contains("landmarks  in 3"), "{told}");
        let told = succeeds(scene.simgan(&format!("inspect builtin:{name},size=32x32 --limit 3")));
        assert!(told.contains("32x32 gray 16 bit"), "{told}");
    }
    let bad = "render --simulator builtin:hands --count 1 --output x";
    fails(scene.simgan(&format!("{bad} --set fingers=6")), 2, &["fingers=6", "crop_mm"]);
    fails(scene.simgan(&format!("{bad} --set distance_mm=1..2")), 2, &["distance_mm", "400..1400"]);
}

#[test]
fn a_data_set_is_described() {
    let scene = Scene::new();
    scene.images("in", 3, 9, 7);
    scene.image("in/big.tif", Image::new(3, 2, 2, Pixels::U16(vec![65_535; 12])));
    scene.text("in/labels.csv", "name\n");
    scene.text("in/bad.png", "no image");
    let told = succeeds(scene.simgan("inspect in"));
    for part in [
        "5 images",
        "3 of 9x7 gray 8 bit",
        "1 of 2x2 RGB 16 bit",
        "gaze pitch -36.870",
        "3 labels",
        "labels.csv",
    ] {
        assert!(told.contains(part), "`{part}` is not told:\n{told}");
    }
    assert!(told.contains("bad.png"), "{told}");
    let found: Value = serde_json::from_str(&succeeds(scene.simgan("inspect in --json"))).unwrap();
    assert_eq!(
        (&found["kind"], &found["n_images"], &found["n_labelled"]),
        (&"source".into(), &5.into(), &3.into())
    );
    assert_eq!(found["pixels"]["max"], 1.0);
}

#[test]
fn sources_are_shown_on_one_sheet() {
    let scene = Scene::new();
    scene.images("in", 3, 9, 7);
    let told = succeeds(scene.simgan("inspect --sheet sheet.png --rows 1 in builtin:eyes builtin:camera"));
    assert!(told.contains("sheet.png") && told.contains("in, builtin:eyes, builtin:camera"), "{told}");
    let spec = ImageFile::open(&scene.path("sheet.png")).unwrap().image().spec();
    assert_eq!((spec.channels, spec.width, spec.height), (1, 1230, 3 * (75 + 12)));
    fails(scene.simgan("inspect --sheet sheet.jpg in"), 2, &["PNG"]);
    fails(scene.simgan("inspect --sheet no/such/sheet.png in"), 1, &["no/such"]);
}

#[test]
fn a_film_is_rendered() {
    let scene = Scene::new();
    succeeds(scene.simgan("render --count 3 --output film --sequence --size 24x16"));
    let subject = |idx: usize| -> Value {
        let record: Value =
            serde_json::from_slice(&fs::read(scene.path(&format!("film/{idx}.json"))).unwrap()).unwrap();
        record["simgan"]["parameters"]["subject"]["procedural"]["identity"].clone()
    };
    assert_eq!(subject(0), subject(2));
}

#[test]
fn what_is_no_data_set_is_said() {
    let scene = Scene::new();
    fs::create_dir(scene.path("empty")).unwrap();
    scene.image("one.png", gray(3, 3, 0));
    fails(scene.simgan("inspect empty"), 1, &["empty: no images", "hint: "]);
    fails(scene.simgan("inspect nowhere"), 1, &["nowhere", "hint: "]);
    assert!(succeeds(scene.simgan("inspect one.png")).contains("1 images"));
    scene.text("notes.txt", "no image");
    fails(scene.simgan("inspect notes.txt"), 1, &["notes.txt", "hint: "]);
    fails(scene.simgan("inspect builtin:eye"), 1, &["builtin:eyes"]);
}
