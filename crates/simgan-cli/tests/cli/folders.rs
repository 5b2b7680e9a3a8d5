//! Tests folders that hold more than images: what is copied, left out and told.

use std::fs;

use serde_json::Value;
use simgan_data::{Image, Pixels};

use crate::scene::{Scene, fails, gray, succeeds, told};

const REFINE: &str = "refine --model model --input in --output out";

/// Three frames as Replicator writes them, with files of other kinds.
fn scene() -> Scene {
    let scene = Scene::new();
    scene.model("model", 1);
    for frame in 0..3 {
        scene.image(&format!("in/rgb_{frame:04}.png"), gray(16, 12, frame));
        scene.image(&format!("in/semantic_segmentation_{frame:04}.png"), mask());
        scene.text(&format!("in/bounding_box_2d_tight_{frame:04}.npy"), "boxes");
    }
    scene.text("in/0.heic", "?");
    scene.text("in/README.md", "about");
    scene.text("in/@eaDir/rgb_0000.png", "thumbnail");
    scene.text("in/.hidden", "");
    scene
}

fn mask() -> Image {
    Image::new(1, 12, 16, Pixels::U8((0..192).map(|i| i % 3).collect()))
}

#[test]
fn a_summary_tells_what_became_of_every_file() {
    let scene = scene();
    let told = succeeds(scene.simgan(REFINE));
    for part in [
        "3 images refined",
        "3 label files copied",
        "copied unchanged: 3 masks",
        "copied unchanged: 1 of formats that are not read: 1 .heic",
        "copied unchanged: 1 other files: 1 .md",
        "left out: 1 hidden files and folders",
    ] {
        assert!(told.contains(part), "`{part}` is not told:\n{told}");
    }
    let bytes = |folder: &str, name: &str| fs::read(scene.path(folder).join(name)).unwrap();
    for name in ["semantic_segmentation_0001.png", "bounding_box_2d_tight_0001.npy", "0.heic", "README.md"] {
        assert_eq!(bytes("in", name), bytes("out", name), "{name}");
    }
    assert_ne!(bytes("in", "rgb_0001.png"), bytes("out", "rgb_0001.png"));
    assert!(!scene.path("out/@eaDir").exists());
}

#[test]
fn globs_choose_what_is_refined() {
    let scene = scene();
    let chosen = succeeds(scene.simgan(&format!("{REFINE} --images semantic_* --exclude *_0002.png")));
    assert!(chosen.contains("2 images refined") && chosen.contains("4 images not chosen"), "{chosen}");
    fails(scene.simgan(&format!("{REFINE}2 --images depth_*")), 1, &["depth_*", "hint: "]);
    fails(scene.simgan(&format!("{REFINE}2 --images a[")), 2, &["a["]);
    let simulator = "refine --model model --input builtin:eyes --count 1 --output out2 --images x";
    fails(scene.simgan(simulator), 2, &["--images"]);
}

#[test]
fn a_mask_among_photographs_is_asked_about() {
    let scene = Scene::new();
    scene.model("model", 1);
    (0..4).for_each(|i| scene.image(&format!("in/{i}.png"), gray(16, 12, i)));
    scene.image("in/4.png", mask());
    let told = succeeds(scene.simgan(REFINE));
    assert!(
        told.contains("4 images refined") && told.contains("  4.png\n") && told.contains("--images"),
        "{told}"
    );
}

#[test]
fn inspect_counts_what_it_passes_over() {
    let scene = scene();
    fs::write(scene.path("in/rgb_0002.png"), "damaged").unwrap();
    let told = succeeds(scene.simgan("inspect in"));
    for part in
        ["in: 3 images, 2 read, 1 unreadable", "3 masks", "1 .heic", "1 .md", "1 hidden", "rgb_0002.png"]
    {
        assert!(told.contains(part), "`{part}` is not told:\n{told}");
    }
    let json: Value = serde_json::from_str(&succeeds(scene.simgan("inspect in --json"))).unwrap();
    assert_eq!((&json["census"]["kept"]["mask"], &json["census"]["labels"]), (&3.into(), &3.into()));
}

#[test]
fn inspect_takes_several_sources() {
    let scene = scene();
    scene.images("more", 2, 9, 7);
    let told = succeeds(scene.simgan("inspect in more"));
    assert!(told.contains("in: 3 images") && told.contains("\nmore: 2 images"), "{told}");
    let json: Value = serde_json::from_str(&succeeds(scene.simgan("inspect in more --json"))).unwrap();
    assert_eq!((&json[0]["source"], &json[1]["n_images"]), (&"in".into(), &2.into()));
    fails(scene.simgan("inspect in nowhere"), 1, &["nowhere"]);
}

#[test]
fn inspect_lists_five_sizes() {
    let scene = Scene::new();
    (0..8).for_each(|idx| scene.image(&format!("in/{idx}.png"), gray(9 + idx, 7, idx)));
    scene.image("in/8.png", gray(16, 7, 1));
    let told = succeeds(scene.simgan("inspect in"));
    assert!(told.contains("9 read\n  2 of 16x7 gray 8 bit\n  1 of 10x7"), "{told}");
    assert!(told.contains("\n  and 3 more sizes, of 3 images\n"), "{told}");
    let json: Value = serde_json::from_str(&succeeds(scene.simgan("inspect in --json"))).unwrap();
    assert_eq!(json["kinds"].as_object().unwrap().len(), 8);
}

#[cfg(unix)]
#[test]
fn a_name_with_a_line_end_stays_on_its_line() {
    let scene = scene();
    fs::write(scene.path("in/rgb_\nerror: none.png"), "damaged").unwrap();
    let (code, _, stderr) = told(scene.simgan(REFINE));
    assert!(code == 1 && stderr.contains("rgb_\\u000aerror: none.png"), "{stderr}");
    let (_, _, stderr) = told(scene.simgan(&format!("{REFINE} --on-error skip")));
    assert!(stderr.contains("rgb_\\u000aerror: none.png"), "{stderr}");
    let (_, stdout, stderr) = told(scene.simgan("inspect in"));
    assert!(stdout.contains("\nunreadable ") && stdout.contains("\\u000aerror"), "{stdout}");
    for line in stdout.lines().chain(stderr.lines()) {
        assert!(!line.starts_with("error: none"), "{line}");
    }
}

#[cfg(unix)]
#[test]
fn names_cannot_steer_the_terminal() {
    let scene = scene();
    let name = "in/rgb_\u{1b}[31m\u{9b}2J.png";
    fs::write(scene.path(name), "damaged").unwrap();
    let clean = |text: &str| assert!(!text.contains(['\u{1b}', '\u{9b}']), "{text:?}");
    let (code, _, stderr) = told(scene.simgan(REFINE));
    assert!(code == 1 && stderr.contains("rgb_\\u001b[31m"), "{stderr}");
    clean(&stderr);
    let (code, stdout, stderr) = told(scene.simgan(&format!("{REFINE} --on-error skip")));
    assert_eq!(code, 0, "{stderr}");
    clean(&stdout);
    clean(&stderr);
    let (_, stdout, stderr) = told(scene.simgan("inspect in"));
    assert!(stdout.contains("\\u001b"), "{stdout}");
    clean(&stdout);
    clean(&stderr);
    let json = succeeds(scene.simgan("inspect in --json"));
    clean(&json);
    let json: Value = serde_json::from_str(&json).unwrap();
    assert!(json["errors"][0].as_str().unwrap().contains('\u{9b}'), "in JSON the code means the character");
}
