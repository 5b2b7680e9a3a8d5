//! Tests how training goes on: a run that is finished or moved, a refiner taken further, settings without
//! measure.

use std::fs;

use crate::scene::{Scene, fails, succeeds, told};

#[test]
fn a_finished_run_says_so_and_how_to_go_on() {
    let scene = Scene::with_domains();
    succeeds(scene.train(""));
    let before = scene.files("run");
    let metrics = scene.bytes("run/metrics.jsonl");
    let told = succeeds(scene.resume("--set output.log_every=2"));
    assert!(told.contains("finished before, nothing is left to do"), "{told}");
    fails(scene.resume("--steps 2"), 1, &["done 10 steps", "7 are asked for", "hint: "]);
    assert_eq!(scene.files("run"), before);
    assert_eq!(scene.bytes("run/metrics.jsonl"), metrics);
    let config = fs::read_to_string(scene.path("run/config.toml")).unwrap();
    assert!(config.contains("steps = 5\n") && config.contains("log_every = 1\n"), "{config}");
    assert!(succeeds(scene.resume("--steps 6")).contains("11 of 11 steps"));
}

#[test]
fn a_run_follows_its_images_and_refuses_others() {
    let scene = Scene::with_domains();
    succeeds(scene.train(""));
    fs::rename(scene.path("real"), scene.path("moved")).unwrap();
    fails(scene.resume("--steps 7"), 1, &["real", "no such folder"]);
    assert!(succeeds(scene.resume("--steps 7 --real moved")).contains("12 of 12 steps"));
    let config = fs::read_to_string(scene.path("run/config.toml")).unwrap();
    assert!(config.contains("/moved\""), "{config}");
    // As many images of the same size, but others.
    scene.images("others", 17, 9, 7);
    (0..10).for_each(|idx| fs::remove_file(scene.path(&format!("others/{idx:03}.png"))).unwrap());
    let parts = ["real images are not those", "as many as then, 7", "hint: ", "--from", "run/checkpoints"];
    fails(scene.resume("--steps 9 --real others"), 1, &parts);
    // Fewer, as a later version recognises masks among them.
    (0..10).for_each(|idx| {
        fs::copy(scene.path("moved/000.png"), scene.path(&format!("moved/{idx}_mask.png")))
            .map(drop)
            .unwrap();
    });
    fs::remove_file(scene.path("moved/000.png")).unwrap();
    fails(scene.resume("--steps 9"), 1, &["7 then, 6 now", "6 .png are taken", "passed over are 10 masks"]);
    let now = fs::read_to_string(scene.path("run/config.toml")).unwrap();
    assert_eq!(now, config, "a refused resume changes nothing");
}

#[test]
fn skipping_can_be_turned_on_by_a_resume() {
    let scene = Scene::with_domains();
    succeeds(scene.train(""));
    fs::write(scene.path("synthetic/004.png"), "no image").unwrap();
    fails(scene.resume("--steps 9"), 1, &["004.png", "hint: ", "skip"]);
    let told = succeeds(scene.resume("--steps 9 --set data.on_error=skip"));
    assert!(told.contains("skipped"), "{told}");
    let config = fs::read_to_string(scene.path("run/config.toml")).unwrap();
    assert!(config.contains("on_error = \"skip\""), "{config}");
}

#[test]
fn a_refiner_is_trained_further_on_new_images() {
    let scene = Scene::with_domains();
    succeeds(scene.train(""));
    scene.images("new", 9, 11, 8);
    let from = "train --from run --synthetic new --real new --set data.batch=4 --steps 2";
    let told = succeeds(scene.simgan(&format!("{from} --run further")));
    // R needs no pretraining; the recipe's discriminator is another one, and is pretrained.
    assert!(told.contains("52 of 52 steps"), "{told}");
    let config = fs::read_to_string(scene.path("further/config.toml")).unwrap();
    assert!(
        config.contains("run/checkpoints/step-00000010\"") && config.contains("features = 4\n"),
        "{config}"
    );
    succeeds(scene.simgan("train --config further/config.toml --run again"));
    let refiner = |run: &str| scene.bytes(&format!("{run}/checkpoints/step-00000052/refiner.safetensors"));
    assert_eq!(refiner("further"), refiner("again"));
    let parts = ["refiner.features", "32", "4, as in the refiner to start from", "step-00000010"];
    fails(scene.simgan(&format!("{from} --run no --set refiner.features=32")), 2, &parts);
    fails(scene.simgan("train --from nowhere --run no"), 1, &["nowhere", "no such folder"]);
    assert!(!scene.path("no").exists());
}

#[test]
fn flipped_and_cropped_a_run_is_another_run() {
    let scene = Scene::with_domains();
    succeeds(scene.train(""));
    let more = "--set data.flip=horizontal --set data.random_crop=7x5";
    succeeds(scene.simgan(&format!("train --config tiny.toml --run changed {more}")));
    let refiner = |run: &str| scene.bytes(&format!("{run}/checkpoints/step-00000010/refiner.safetensors"));
    assert_ne!(refiner("run"), refiner("changed"));
    let large = "--set data.random_crop=10x5";
    let parts = ["parts of 10x5", "images of 9x7", "hint: ", "data.random_crop=9x7"];
    fails(scene.simgan(&format!("train --config tiny.toml --run no {large}")), 1, &parts);
    fails(scene.train("--set data.flip=vertical"), 2, &["data.flip", "horizontal"]);
    fails(scene.resume("--set data.flip=horizontal"), 2, &["data.flip"]);
}

/// Each of these would take more memory than any machine has, or overflow.
#[test]
fn settings_without_measure_are_refused() {
    let scene = Scene::with_domains();
    let layer = |kernel: u64, features: u64| {
        format!("discriminator.layers=[{{conv={{kernel={kernel},stride=2,features={features}}}}}]")
    };
    for (setting, part) in [
        ("refiner.kernel=99999".to_owned(), "an odd number from 1 to 31"),
        ("refiner.features=1000000000".to_owned(), "from 1 to 4096"),
        ("refiner.blocks=1000".to_owned(), "from 0 to 256"),
        (layer(99_999, 6), "odd kernels from 1 to 31"),
        (layer(3, 1_000_000_000), "features from 1 to 4096"),
        ("history.capacity=100000000".to_owned(), "1 to 10000000"),
        ("data.batch=1000000".to_owned(), "from 1 to 65536"),
    ] {
        fails(scene.train(&format!("--set {setting}")), 2, &["cannot be", part]);
    }
    #[cfg(target_os = "linux")]
    {
        scene.images("large", 4, 2000, 1500);
        let large = "--synthetic large --real large --set data.size=source --set";
        let parts = ["history 120000.0 GB", "hint: need less with --set history.capacity="];
        fails(scene.train(&format!("{large} history.capacity=10000000")), 1, &parts);
        fails(
            scene.train(&format!("{large} refiner.blocks=256 --set refiner.features=4096")),
            1,
            &["GB of memory"],
        );
    }
    assert!(!scene.path("run").exists());
}

#[cfg(unix)]
#[test]
fn pipes_and_devices_are_no_configuration() {
    let scene = Scene::with_domains();
    let pipe = scene.path("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in ["pipe", "/dev/zero"] {
        let command = scene.simgan(&format!("train --config {path} --run run"));
        fails(command, 1, &[path, "not a regular file"]);
    }
    succeeds(scene.train(""));
    for file in ["config.toml", "metrics.jsonl", "checkpoints/step-00000010/state.toml"] {
        let file = scene.path("run").join(file);
        let moved = file.with_extension("moved");
        fs::rename(&file, &moved).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
        let (code, _, stderr) = told(scene.resume("--steps 9"));
        assert!(stderr.contains("not a "), "{stderr}");
        if file.ends_with("state.toml") {
            assert_eq!(code, 0, "passed over, the run goes on from the checkpoint before: {stderr}");
            return;
        }
        assert_eq!(code, 1, "{stderr}");
        let config =
            if file.ends_with("config.toml") { moved.clone() } else { scene.path("run/config.toml") };
        let config = fs::read_to_string(config).unwrap();
        assert!(config.contains("steps = 5\n"), "a refused resume changes nothing:\n{config}");
        fs::remove_file(&file).unwrap();
        fs::rename(&moved, &file).unwrap();
    }
}
