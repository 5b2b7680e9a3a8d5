//! Tests UnityEyes' faces as a simulator and as a source; skipped without the assets.
#![cfg(unix)]

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use crate::scene::{Scene, fails, simgan, succeeds};

/// Makes a scene with the assets where `cargo xtask fetch-data unityeyes2` puts them.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn with_assets() -> Option<Scene> {
    let Some(data) = std::env::var_os("SIMGAN_TEST_DATA").map(PathBuf::from) else {
        println!("skipped: SIMGAN_TEST_DATA is not set");
        return None;
    };
    let scene = Scene::new();
    fs::create_dir_all(scene.path("data/raw/unityeyes2")).unwrap();
    let link = scene.path("data/raw/unityeyes2/Assets");
    std::os::unix::fs::symlink(data.join("unityeyes2/Assets"), link).unwrap();
    Some(scene)
}

#[test]
fn unityeyes_renders_and_is_a_source() {
    let Some(scene) = with_assets() else { return };
    scene.model("model", 1);
    succeeds(scene.simgan("render --count 3 --output a --simulator unityeyes --preset mpiigaze --seed 4"));
    succeeds(scene.simgan("render --count 2 --output b --simulator unityeyes:mpiigaze --seed 4 --threads 1"));
    for name in ["0.jpg", "1.json"] {
        let content = |folder: &str| fs::read(scene.path(folder).join(name)).unwrap();
        assert_eq!(content("a"), content("b"), "{name}");
    }
    let record: Value = serde_json::from_slice(&fs::read(scene.path("a/2.json")).unwrap()).unwrap();
    assert_eq!(record["eye_region_details"]["pca_shape_coeffs"].as_array().unwrap().len(), 20);
    let set = "--set gaze_yaw_deg=5 --set head_yaw_deg=5 --set gaze_frame=camera";
    succeeds(scene.simgan(&format!("render --count 1 --output c --simulator unityeyes {set}")));
    let record: Value = serde_json::from_slice(&fs::read(scene.path("c/0.json")).unwrap()).unwrap();
    assert!((record["simgan"]["gaze_yaw_deg"].as_f64().unwrap() - 5.0).abs() < 1e-4);
    let told = succeeds(scene.simgan("inspect unityeyes:mpiigaze --limit 2"));
    assert!(told.contains("60x36 gray 8 bit") && told.contains("landmarks"), "{told}");
    succeeds(scene.simgan("refine --model model --input unityeyes --output out --count 2"));
    assert_eq!(scene.files("out").len(), 5);
    scene.text("tiny.toml", crate::scene::TINY);
    scene.images("real", 7, 9, 8);
    let sources = "--synthetic unityeyes:mpiigaze --real real --set data.size=9x8";
    succeeds(scene.simgan(&format!("train --config tiny.toml --run run {sources} --steps 2")));
}

#[test]
fn missing_assets_say_how_to_get_them() {
    let scene = Scene::new();
    let way_out = ["hint: cargo xtask fetch-data unityeyes2", "SIMGAN_UNITYEYES2", "builtin:eyes"];
    for arguments in ["render --count 1 --output x --simulator unityeyes", "inspect unityeyes:mpiigaze"] {
        let mut command = scene.simgan(arguments);
        command.env_remove("SIMGAN_UNITYEYES2");
        fails(command, 1, &[&way_out[..], &["data/raw/unityeyes2: "]].concat());
        let mut command = scene.simgan(arguments);
        command.env("SIMGAN_UNITYEYES2", "elsewhere");
        fails(command, 1, &[&way_out[..], &["elsewhere: "]].concat());
    }
}

#[test]
fn wrong_settings_are_usage_errors() {
    let render = |more: &str| simgan(&format!("render --count 1 --output x {more}"));
    fails(render("--set gaze_yaw=3"), 2, &["gaze_yaw=3", "hint: ", "gaze_yaw_deg"]);
    fails(render("--set gaze_yaw_deg=3..x"), 2, &["-20..20"]);
    fails(render("--set gaze_yaw_deg=3..2"), 2, &["low must not exceed high"]);
    fails(render("--simulator unityeyes --set crop_mm=3"), 2, &["crop_mm", "10 to 110"]);
    fails(render("--simulator unityears"), 2, &["unityeyes:mpiigaze"]);
}
