//! Tests `simgan estimate`: training, prediction and calibration, and that what is kept is what was measured.

use std::fs;

use serde_json::Value;

use crate::refine::has_bf16;
use crate::scene::{Scene, fails, succeeds, told};

impl Scene {
    /// Renders labelled images into a folder.
    fn rendered(&self, simulator: &str, count: usize, folder: &str) {
        succeeds(self.simgan(&format!("render --simulator {simulator} --count {count} --output {folder}")));
    }

    fn lines(&self, name: &str) -> Vec<String> {
        String::from_utf8(self.bytes(name)).unwrap().lines().map(str::to_owned).collect()
    }
}

#[test]
fn a_kept_estimator_says_what_evaluate_measured() {
    let scene = Scene::with_domains();
    scene.rendered("builtin:camera", 24, "test");
    succeeds(scene.train("--synthetic builtin:eyes --real builtin:camera --set data.size=24x20"));
    succeeds(scene.simgan(
        "evaluate --model run --test test --images 40 --seeds 2 --estimator-steps 4 --estimator-batch 8 \
         --methods synthetic,refined --save kept --json figures.json",
    ));
    let figures: Value = serde_json::from_slice(&scene.bytes("figures.json")).unwrap();
    for row in ["synthetic", "refined"] {
        let measured = figures[row]["runs"][0]["errors"]["error_deg"].as_f64().unwrap();
        let predict = format!("estimate predict --model kept/{row} test --output {row}.csv");
        let (status, _, log) = told(scene.simgan(&predict));
        assert_eq!(status, 0, "{log}");
        assert!(
            log.contains(&format!(
                "24 of 24 images are labelled; at the estimator's 24x20 pixels: mean {measured:.2}°"
            )),
            "{measured}: {log}"
        );
        let table = scene.lines(&format!("{row}.csv"));
        assert_eq!(table[0], "image,gaze_pitch_deg,gaze_yaw_deg,true_gaze_pitch_deg,true_gaze_yaw_deg");
        assert_eq!(table.len(), 25);
    }
    assert_ne!(scene.lines("synthetic.csv"), scene.lines("refined.csv"));
    let (status, _, log) =
        told(scene.simgan("evaluate --model run --test test --methods mean --save kept --images 40"));
    assert!(status == 1 && log.contains("kept: not empty"), "{log}");
}

#[test]
fn an_estimator_of_each_label_is_trained_used_and_drawn() {
    for (simulator, head, label) in [
        ("builtin:digits,size=20x20", "image,class,true_class", "class"),
        ("builtin:hands,size=48x48", "image,joints0_x,joints0_y,joints1_x", "joints"),
    ] {
        let scene = Scene::with_domains();
        scene.rendered(simulator, 30, "images");
        let train = "estimate train images --output kept --network quarter --batch 8 --steps";
        succeeds(scene.simgan(&format!("{train} 6 --augment")));
        let toml = String::from_utf8(scene.bytes("kept/estimator.toml")).unwrap();
        assert!(toml.contains(&format!("name = \"{label}\"")), "{toml}");
        succeeds(scene.simgan("estimate predict --model kept images --overlay drawn --output all.csv"));
        assert!(scene.lines("all.csv")[0].starts_with(head), "{}", scene.lines("all.csv")[0]);
        assert_eq!((scene.lines("all.csv").len(), scene.files("drawn").len()), (31, 30));
        succeeds(scene.simgan("estimate predict --model kept images --output all.json --count 7"));
        let json: Value = serde_json::from_slice(&scene.bytes("all.json")).unwrap();
        assert_eq!(json.as_object().unwrap().len(), 7);
        assert!(json.as_object().unwrap().values().all(|entry| entry["annotations"].get(label).is_some()));
        let (status, _, log) = told(scene.simgan(&format!("{train} 6")));
        assert!(status == 1 && log.contains("kept: holds a trained estimator"), "{log}");
    }
}

#[test]
fn in_bf16_an_estimator_trains_alike_each_time_and_not_as_in_f32() {
    let scene = Scene::with_domains();
    if !has_bf16(&scene) {
        return;
    }
    scene.rendered("builtin:digits,size=20x20", 30, "images");
    for (folder, precision) in [("single", "f32"), ("half", "bf16"), ("again", "bf16")] {
        succeeds(scene.simgan(&format!(
            "estimate train images --output {folder} --batch 8 --steps 6 --precision {precision}"
        )));
        succeeds(scene.simgan(&format!(
            "estimate predict --model {folder} images --output {folder}.csv --precision {precision}"
        )));
    }
    assert_eq!(scene.bytes("half.csv"), scene.bytes("again.csv"));
    let network = |folder: &str| scene.bytes(&format!("{folder}/estimator.safetensors"));
    assert!(network("half") == network("again") && network("half") != network("single"));
}

#[test]
fn measuring_in_bf16_without_its_instructions_is_refused() {
    let scene = Scene::with_domains();
    for command in ["evaluate --model model --test in", "experiment refine --output out"] {
        let mut command = scene.simgan(&format!("{command} --estimator-precision bf16"));
        command.env("SIMGAN_KERNELS_ISA", "portable");
        fails(command, 2, &["AVX512-BF16", "hint: ", "--estimator-precision f32"]);
    }
    assert!(!scene.path("out").exists());
}

#[test]
fn a_calibration_says_what_it_chose() {
    let scene = Scene::with_domains();
    scene.rendered("builtin:camera", 40, "person");
    scene.rendered("builtin:eyes", 60, "images");
    succeeds(
        scene
            .simgan("estimate train images --output kept --network quarter --batch 8 --steps 8 --size 24x20"),
    );
    let (status, report, log) =
        told(scene.simgan("estimate calibrate --model kept person --count 9 --output own"));
    assert_eq!(status, 0, "{log}");
    assert!(report.starts_with("calibration on 9 images\nas it is           error "), "{report}");
    assert!(report.contains("\noffset ") && report.contains("\nchosen: "), "{report}");
    let before = fs::read(scene.path("kept/estimator.toml")).unwrap();
    let after = String::from_utf8(scene.bytes("own/estimator.toml")).unwrap();
    assert!(!String::from_utf8(before).unwrap().contains("calibration"), "the model itself stays as it was");
    assert_eq!(after.contains("[about.calibration]"), !report.contains("no correction"), "{report}\n{after}");
    succeeds(scene.simgan("estimate predict --model own person --output own.csv"));
    // Calibrating again starts from the bare network.
    let (_, again, _) = told(scene.simgan("estimate calibrate --model own person --count 9"));
    assert_eq!(again, report);
    let digits = "estimate train builtin:digits,size=20x20 --images 40 --output digits --network quarter --batch 8 \
                  --steps 4";
    succeeds(scene.simgan(digits));
    fails(
        scene.simgan("estimate calibrate --model digits builtin:digits,size=20x20"),
        1,
        &["have no offset to calibrate"],
    );
}

/// Sources number their classes in their own order; names say which are the same.
#[test]
fn classes_are_compared_by_name() {
    let scene = Scene::with_domains();
    let labelled = |folder: &str, classes: &[&str]| {
        let mut table = "image,class\n".to_owned();
        for (idx, class) in classes.iter().enumerate() {
            scene.image(&format!("{folder}/{idx}.png"), crate::scene::gray(24, 20, idx));
            table += &format!("{idx}.png,{class}\n");
        }
        scene.text(&format!("{folder}/labels.csv"), &table);
    };
    labelled("pets", &["dog", "cat"].repeat(10));
    labelled("more", &["cat", "bee", "dog"].repeat(4));
    labelled("fewer", &["dog"].repeat(12));
    let train = |source: &str| {
        format!("estimate train {source} --output kept-{source} --network quarter --steps 2 --batch 4")
    };
    succeeds(scene.simgan(&train("pets")));
    let toml = String::from_utf8(scene.bytes("kept-pets/estimator.toml")).unwrap();
    assert!(toml.contains("classes = [\"cat\", \"dog\"]"), "{toml}");
    let (status, _, log) =
        told(scene.simgan("estimate predict --model kept-pets more --output more.csv --overlay drawn"));
    assert!(status == 0 && log.contains("8 of 12 images are labelled"), "{log}");
    assert!(log.contains("4 of 12 labels do not suit the estimator"), "{log}");
    assert!(log.contains("`1.png` is of class \"bee\"") && log.contains("cat, dog"), "{log}");
    let table = scene.lines("more.csv");
    let truth = |line: usize| table[line].rsplit(',').next().unwrap().to_owned();
    assert_eq!([1, 2, 5].map(truth), ["cat", "", "dog"], "{table:?}");

    succeeds(scene.train("--synthetic builtin:eyes --real builtin:camera --set data.size=24x20"));
    let evaluate = |test: &str| {
        let rest =
            "--images 16 --methods mean --seeds 1 --estimator-steps 2 --task class --json figures.json";
        scene.simgan(&format!("evaluate --model run --synthetic pets --real pets --test {test} {rest}"))
    };
    fails(evaluate("more"), 1, &["is of class \"bee\"", "cat, dog", "hint: "]);
    // Of class 0 in its own table, and of class 1 among the pets, whose mean label is the lower of two: 0, a cat.
    succeeds(evaluate("fewer"));
    let figures: Value = serde_json::from_slice(&scene.bytes("figures.json")).unwrap();
    assert_eq!(figures["mean"]["runs"][0]["errors"]["accuracy"], 0.0, "{figures}");
    assert_eq!(figures["data"]["task"]["classes"], serde_json::json!(["cat", "dog"]));
}

#[test]
fn what_an_estimator_cannot_use_is_named() {
    let scene = Scene::with_domains();
    scene.images("eyes", 6, 24, 20);
    for idx in 0..6 {
        let class = idx % 2;
        scene.text(
            &format!("both/{idx}.json"),
            &format!("{{\"gaze\": [0.0, 0.6, -0.8], \"class\": {class}}}"),
        );
        scene.text(&format!("one/{idx}.json"), "{\"class\": 1}");
        scene.image(&format!("one/{idx}.png"), crate::scene::gray(24, 20, idx));
        scene.image(&format!("both/{idx}.png"), crate::scene::gray(24, 20, idx));
        scene.image(&format!("bare/{idx}.png"), crate::scene::gray(24, 20, idx));
    }
    let train =
        |rest: &str| scene.simgan(&format!("estimate train {rest} --output kept --steps 2 --batch 4"));
    fails(train("both"), 1, &["several labels that an estimator can predict: class, gaze"]);
    fails(train("both --task nose"), 1, &["no image has `nose`"]);
    fails(train("one"), 1, &["one class cannot be told from others"]);
    fails(train("bare"), 1, &["no label that every image has"]);
    fails(train("eyes --input head_pose"), 1, &["has no `head_pose` that is numbers"]);
    assert!(!scene.path("kept/estimator.toml").exists());
    succeeds(train("eyes --network quarter"));
    fails(
        scene.simgan("estimate predict --model nowhere eyes"),
        1,
        &["nowhere: holds no estimator", "hint: "],
    );
    let weights = scene.path("kept/estimator.safetensors");
    let mut bytes = fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&weights, bytes).unwrap();
    fails(
        scene.simgan("estimate predict --model kept eyes"),
        1,
        &["its checksum is not that of estimator.toml"],
    );
    scene.text("kept/estimator.toml", "format_version = 9");
    fails(scene.simgan("estimate predict --model kept eyes"), 1, &["format version 9, this program reads 1"]);
}
