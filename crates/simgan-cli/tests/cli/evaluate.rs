//! Tests `simgan evaluate` on tiny networks: its output, its files, and its errors on bad input.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::scene::{Scene, fails, succeeds, told};

const QUICK: &str = "--images 40 --seeds 2 --steps 3 --batch 8 --network half";

impl Scene {
    /// Trains a run of a few steps on the built-in domains at 24×20 pixels.
    fn with_run() -> Self {
        let scene = Self::with_domains();
        let domains = "--synthetic builtin:eyes --real builtin:camera --set data.size=24x20";
        succeeds(scene.train(domains));
        scene
    }

    fn evaluate(&self, more: &str) -> Command {
        self.simgan(&format!("evaluate --model run {QUICK} {more}"))
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_slice(&self.bytes(name)).unwrap()
    }
}

#[test]
fn both_tables_and_a_file_come_of_a_run() {
    let scene = Scene::with_run();
    let evaluate = scene.evaluate("--test builtin:camera --test-images 30 --json figures.json --fold 2");
    let (status, tables, log) = told(evaluate);
    assert_eq!(status, 0, "{log}");
    assert!(log.contains("14 networks of 3 updates: about ") && log.contains(" on this machine"), "{log}");
    for part in [
        "gaze error in degrees",
        "images within 7°",
        "nearest neighbours",
        "refined, 2x",
        "real, with labels",
    ] {
        assert!(tables.contains(part), "`{part}` is not told:\n{tables}");
    }
    let figures = scene.json("figures.json");
    assert_eq!(figures["format_version"], 2);
    assert_eq!(figures["data"]["n_test"], 30);
    for row in
        ["mean", "knn", "synthetic", "synthetic_2x", "synthetic_fourier", "refined", "refined_2x", "real"]
    {
        let figures = &figures[row];
        for figure in ["error_deg", "within_7deg", "median_deg"] {
            assert!(
                figures[figure]["mean"].is_f64() && figures[figure]["sd"].is_f64(),
                "{row} {figure}: {figures}"
            );
        }
    }
    assert_eq!(figures["refined"]["runs"].as_array().unwrap().len(), 2);
    assert!(
        figures["pupil_shift_px"]["mean"].is_f64()
            && figures["realism"]["refined"]["accuracy"]["sd"].is_f64()
    );
    assert!(!scene.bytes("figures.json").windows(4).any(|word| word == b"null"), "a figure is missing");
}

#[test]
fn a_report_needs_nothing_but_its_page() {
    let scene = Scene::with_run();
    let test = "--test builtin:camera --test-images 14 --seeds 1 --report report";
    let evaluate = |methods: &str| {
        scene.simgan(&format!(
            "evaluate --model run --images 40 --steps 3 --batch 8 --network half {test} {methods}"
        ))
    };
    let names = |all: &[&str]| all.iter().map(PathBuf::from).collect::<Vec<_>>();
    succeeds(evaluate(""));
    let pictures = ["errors.png", "grid.png", "index.html", "scatter.png", "worst.png"];
    assert_eq!(scene.files("report"), names(&pictures));
    assert!(scene.bytes("report/scatter.png").starts_with(b"\x89PNG"));
    let page = String::from_utf8(scene.bytes("report/index.html")).unwrap();
    for part in
        ["gaze error in degrees", "data:image/svg+xml;base64,", "data:image/png;base64,", "true pitch, yaw"]
    {
        assert!(page.contains(part), "`{part}` is missing");
    }
    assert!(!page.contains("src=\"h") && !page.contains("href"), "it refers to something outside");

    succeeds(evaluate("--methods mean"));
    assert_eq!(
        scene.files("report"),
        names(&["errors.png", "grid.png", "index.html"]),
        "an earlier report is replaced"
    );
    scene.text("report/index.html", "mine");
    fails(evaluate(""), 1, &["report: not empty", "hint: "]);
    assert_eq!(scene.bytes("report/index.html"), b"mine");
}

/// Nothing but the sources changes from one kind of label to another.
#[test]
fn each_kind_of_label_is_measured() {
    for (synthetic, real, size, head, pictures) in [
        ("builtin:hands", "builtin:kinect", "32x32", "joints error in pixels", ["errors.png", "worst.png"]),
        ("builtin:digits", "digits", "14x14", "class error in percent", ["confusion.png", "grid.png"]),
    ] {
        let scene = Scene::with_domains();
        succeeds(scene.simgan("render --simulator builtin:digits --count 40 --output digits"));
        succeeds(scene.train(&format!("--synthetic {synthetic} --real {real} --set data.size={size}")));
        let quick =
            "--images 40 --seeds 1 --estimator-steps 3 --estimator-batch 8 --network quarter --augment";
        let files = "--json figures.json --report report";
        let evaluate = format!("evaluate --model run --test {real} --test-images 20 {quick} {files}");
        let (status, tables, log) = told(scene.simgan(&evaluate));
        assert_eq!(status, 0, "{log}");
        for part in [head, "nearest neighbours", "synthetic, Fourier matched", "refined, augmented", "R(x)"] {
            assert!(tables.contains(part), "`{part}` is not told:\n{tables}");
        }
        let shown = scene.files("report");
        assert!(pictures.iter().all(|name| shown.contains(&PathBuf::from(name))), "{shown:?}");
        let figures = scene.json("figures.json");
        assert!(figures["refined"]["runs"][0]["errors"]["n_images"] == 20, "{figures}");
        assert!(
            figures["agreement"]["difference"]["mean"].is_f64() && figures.get("pupil_shift_px").is_none()
        );
    }
}

#[test]
fn a_label_is_named_where_there_are_two() {
    let scene = Scene::with_run();
    scene.images("two", 12, 24, 20);
    for idx in 0..12 {
        scene.text(
            &format!("two/{idx:03}.json"),
            &format!(
                "{{\"gaze\": [0.0, 0.6, -0.8], \"annotations\": {{\"age\": {{\"scalars\": [{idx}]}}}}}}"
            ),
        );
    }
    let quick = "--images 8 --seeds 1 --estimator-steps 3 --estimator-batch 8 --network half";
    let evaluate =
        |more: &str| scene.simgan(&format!("evaluate --model run --synthetic two --test two {quick} {more}"));
    fails(evaluate(""), 1, &["several labels that an estimator can predict: age, gaze", "--task age"]);
    let (status, tables, log) = told(evaluate("--task age --methods mean"));
    assert!(status == 0 && tables.contains("age error in the label's unit"), "{log}{tables}");
    fails(
        scene.evaluate("--test builtin:hands --methods mean"),
        1,
        &["`gaze` (direction)", "`joints` (points)"],
    );
}

#[test]
fn named_methods_alone_are_computed() {
    let scene = Scene::with_run();
    let rows =
        "--test builtin:camera --test-images 12 --methods mean,synthetic-augmented --json figures.json";
    succeeds(scene.evaluate(rows));
    let figures = scene.json("figures.json");
    assert!(figures["synthetic_augmented"].is_object() && figures.get("refined").is_none(), "{figures}");
    fails(scene.evaluate("--test builtin:camera --methods refind"), 2, &["refind", "refined"]);
}

#[test]
fn what_cannot_be_tested_on_is_said() {
    let scene = Scene::with_run();
    scene.images("few", 9, 24, 20);
    fails(scene.evaluate("--test few"), 1, &["test images: 9", "at least 10"]);
    scene.images("some", 12, 24, 20);
    std::fs::remove_file(scene.path("some/003.json")).unwrap();
    fails(scene.evaluate("--test some"), 1, &["1 of 12 test images", "`003.png`", "hint: "]);
    scene.images("away", 12, 24, 20);
    for idx in 0..9 {
        scene.text(&format!("away/{idx:03}.json"), "{\"gaze\": [0.0, 0.6, 0.8]}");
    }
    fails(scene.evaluate("--test away"), 1, &["9 of 12 test labels look away", "hint: ", "z = -1"]);
    fails(scene.evaluate("--test nowhere"), 1, &["nowhere", "hint: "]);
    fails(
        scene.evaluate("--test builtin:camera --synthetic synthetic --fold 2"),
        1,
        &["learn from: 3 images", "at least 5"],
    );
    fails(scene.simgan("evaluate --model run --test builtin:camera --seeds 0"), 2, &["at least 1"]);
    fails(scene.evaluate(""), 2, &["--test"]);
    fails(
        scene.evaluate("--test builtin:camera --json no/figures.json"),
        1,
        &["no: no such folder", "hint: "],
    );
    fails(scene.evaluate("--test builtin:camera --report no/report"), 1, &["no/report", "hint: "]);
    fails(scene.evaluate("--test builtin:camera --size 24x18"), 1, &["too small for the gaze network", "19"]);
}

#[test]
fn models_that_cannot_be_judged_are_said() {
    let scene = Scene::with_domains();
    let evaluate = |model: &str| scene.simgan(&format!("evaluate --model {model} --test real {QUICK}"));
    fails(evaluate("nowhere"), 1, &["nowhere", "hint: "]);
    fails(evaluate("real"), 1, &["neither a run nor a checkpoint"]);
    scene.model("model", 1);
    fails(evaluate("model"), 2, &["belongs to no run", "--synthetic"]);
    succeeds(scene.train("--steps 0"));
    fails(evaluate("run"), 1, &["not trained yet", "5 steps", "hint: "]);
    scene.images("large", 20, 60, 36);
    let sizes = scene.simgan(&format!("evaluate --model model --synthetic large --test real {QUICK}"));
    fails(sizes, 1, &["60x36", "9x7", "hint: ", "--size"]);
}

#[test]
fn sides_of_a_folder_are_warned_of() {
    let scene = Scene::with_run();
    scene.images("sides", 12, 24, 20);
    for (from, to) in [("sides/000", "sides/right-0"), ("sides/001", "sides/0_Left")] {
        for extension in ["png", "json"] {
            std::fs::rename(
                scene.path(&format!("{from}.{extension}")),
                scene.path(&format!("{to}.{extension}")),
            )
            .unwrap();
        }
    }
    let (code, _, stderr) = told(scene.evaluate("--test sides --methods mean"));
    assert!(code == 0 && stderr.contains("must be mirrored"), "{stderr}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_and_writes_nothing() {
    let scene = Scene::with_run();
    let mut command =
        scene.simgan("evaluate --model run --test builtin:camera --test-images 20 --json figures.json");
    command.args("--images 40 --steps 100000 --batch 8 --network half".split(' '));
    let mut child = command.stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    std::thread::sleep(Duration::from_secs(2));
    assert!(child.try_wait().unwrap().is_none(), "it ended too early to test anything");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && stderr.contains("interrupted"), "{stderr}");
    assert!(output.stdout.is_empty() && !scene.path("figures.json").exists());
}
