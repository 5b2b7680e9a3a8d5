//! Tests `simgan turing`.

use crate::scene::{Scene, fails, simgan, succeeds};

#[test]
fn plans_say_how_many_answers_a_claim_needs() {
    let plan = succeeds(simgan("turing plan"));
    assert!(plan.starts_with("654 answers show with 80 % power"), "{plan}");
    assert!(plan.contains("\n888 answers") && plan.contains("±5 points"), "{plan}");
    let other = succeeds(simgan("turing plan --share 0.6 --margin 0.1"));
    assert!(other.starts_with("169 answers") && other.contains("\n227 answers"), "{other}");
    fails(simgan("turing plan --share 55"), 2, &["--share must be", "0.55 is 55 %"]);
    fails(simgan("turing plan --margin 0"), 2, &["--margin must be"]);
    fails(simgan("turing plan --alpha 1e-300"), 2, &["--alpha must be"]);
    fails(simgan("turing plan --power 1"), 2, &["--power must be"]);
}

/// A model, and 30 images of each domain in a size of their own.
fn scene() -> Scene {
    let scene = Scene::new();
    scene.model("model", 1);
    scene.images("real", 30, 12, 8);
    scene.images("synthetic", 30, 24, 16);
    scene
}

#[test]
fn a_test_is_made_once_and_its_results_are_told() {
    let scene = scene();
    let new = "turing new model --real real --synthetic synthetic --size 12x8 --per-class 6 --examples 4";
    let made = succeeds(scene.simgan(&format!("{new} --baseline --output eyes.turing")));
    assert!(made.contains("42 images of 12x8, 34 questions a subject"), "{made}");
    assert!(made.contains("serve eyes.turing"), "{made}");
    fails(
        scene.simgan(&format!("{new} --output eyes.turing")),
        1,
        &["eyes.turing: exists already", "hint: "],
    );
    let pairs = succeeds(scene.simgan(&format!("{new} --design 2afc --output pairs.turing")));
    assert!(pairs.contains("7 questions a subject"), "{pairs}");

    let told = succeeds(scene.simgan("turing results eyes.turing --csv answers.csv"));
    assert!(told.starts_with("No answers yet.\n0 subjects, 0 finished"), "{told}");
    assert!(told.contains("Baseline: unrefined") && told.contains("Sensitivity d′"), "{told}");
    assert!(String::from_utf8(scene.bytes("answers.csv")).unwrap().starts_with("subject,question,part,"));
    let over_itself = "turing results eyes.turing --csv ./eyes.turing";
    fails(scene.simgan(over_itself), 2, &["the test itself", "another file"]);
    let json = succeeds(scene.simgan("turing results eyes.turing --json"));
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((&json["n_subjects"], &json["main"]["n"]), (&0.into(), &0.into()));
}

#[test]
fn what_makes_no_test_is_named_and_leaves_nothing() {
    let scene = scene();
    let new = |more: &str| scene.simgan(&format!("turing new model --output a.turing {more}"));
    fails(new(""), 2, &["model belongs to no run", "--real and --synthetic"]);
    fails(new("--real real --synthetic synthetic"), 1, &["70 real images are needed", "has 30"]);
    let few = "--per-class 6 --examples 4 --real real --synthetic synthetic";
    fails(new(few), 1, &["12x8", "24x16", "tell their kind", "--size"]);
    fails(
        scene.simgan(&format!("turing new model --output none/a.turing {few}")),
        1,
        &["none: no such folder"],
    );
    assert!(!scene.path("a.turing").exists());
    scene.text("text", "no database");
    fails(scene.simgan("turing results text"), 1, &["text: no Turing test", "simgan turing new"]);
    fails(scene.simgan("turing results missing"), 1, &["missing: no Turing test: no such file"]);
}
