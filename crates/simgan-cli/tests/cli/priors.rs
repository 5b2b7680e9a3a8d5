//! Tests `simgan priors` and `simgan estimate adapt`: what they write, and that they read no label of a photograph.

use std::fs;

use serde_json::Value;

use crate::scene::{Scene, fails, succeeds, told};

impl Scene {
    fn render(&self, simulator: &str, count: usize, folder: &str) {
        succeeds(self.simgan(&format!("render --simulator {simulator} --count {count} --output {folder}")));
    }

    /// Replaces the gaze of each image by one that nobody has.
    fn poison(&self, folder: &str) {
        for entry in fs::read_dir(self.path(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "json") {
                let mut record: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
                record["eye_details"]["look_vec"] = "(0.0000, 0.0000, 1.0000, 0.0000)".into();
                fs::write(&path, record.to_string()).unwrap();
            }
        }
    }
}

#[test]
fn no_label_of_a_photograph_is_looked_at() {
    let scene = Scene::with_domains();
    scene.render("builtin:eyes", 300, "renders");
    scene.render("builtin:eyes,gaze_yaw_deg=4..14,seed=9", 60, "photographs");
    let priors = |output: &str| {
        let priors = "priors --synthetic renders --real photographs --size 24x20 --steps 300 --batch 16";
        succeeds(scene.simgan(&format!("{priors} --output {output}")))
    };
    let text = priors("a.priors");
    for part in ["300 renders, 60 real images", "pitch\n", "yaw\n", "slope", "effective sample size"] {
        assert!(text.contains(part), "`{part}` is missing: {text}");
    }
    scene.poison("photographs");
    assert_eq!(priors("b.priors"), text);
    assert_eq!(scene.bytes("a.priors"), scene.bytes("b.priors"));

    // The file is a source: as many images, each from the folder, the heavy ones several times.
    let (status, told, log) = told(scene.simgan("inspect a.priors --json"));
    assert_eq!(status, 0, "{log}");
    assert!(told.contains("300"), "{told}");
    succeeds(scene.simgan(
        "estimate train a.priors --output kept --task gaze --network quarter --batch 8 --steps 8 --size 24x20",
    ));
    let model = scene.bytes("kept/estimator.toml");
    let adapt = "estimate adapt --model kept --synthetic renders --real photographs --batch 8 --output";
    succeeds(scene.simgan(&format!("{adapt} adapted --steps 4")));
    succeeds(scene.simgan("estimate predict --model adapted renders --count 5"));
    assert_eq!(scene.bytes("kept/estimator.toml"), model);
    assert_ne!(scene.bytes("adapted/estimator.safetensors"), scene.bytes("kept/estimator.safetensors"));
    fails(scene.simgan(&format!("{adapt} adapted --steps 4")), 1, &["holds a trained estimator"]);
    fails(scene.simgan(&format!("{adapt} other --steps 4 --roll 90")), 2, &["--roll"]);
}

#[test]
fn a_simulator_gets_settings() {
    let scene = Scene::with_domains();
    scene.render("builtin:eyes,gaze_yaw_deg=4..14,seed=9", 60, "photographs");
    let priors = "priors --real photographs --images 300 --size 24x20 --steps 300 --batch 16 --synthetic";
    let text = succeeds(scene.simgan(&format!("{priors} builtin:eyes,crop_mm=37 --output eyes.priors")));
    let settings = text.lines().last().unwrap().strip_prefix("--synthetic ").unwrap();
    assert!(settings.starts_with("builtin:eyes,crop_mm=37,gaze_pitch_deg="), "{settings}");
    let file: Value = serde_json::from_slice(&scene.bytes("eyes.priors")).unwrap();
    assert_eq!((file["source"].as_str(), file.get("weights")), (Some(settings), None));
    succeeds(scene.simgan("inspect eyes.priors --limit 3"));
    fails(scene.simgan(&format!("{priors} unityeyes --output a.json")), 1, &["a.json", ".priors"]);
    fails(scene.simgan(&format!("{priors} builtin:hands --size 24x24")), 1, &["joints"]);
}
