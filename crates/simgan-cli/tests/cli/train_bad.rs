//! Tests bad input to `simgan train`: the error is clear, and nothing is left half-written.

use std::fs;

use simgan_data::{Image, Pixels};

use crate::scene::{Scene, fails, gray, succeeds, told};

#[test]
fn missing_and_empty_folders_are_named() {
    let scene = Scene::with_domains();
    fs::create_dir(scene.path("empty")).unwrap();
    scene.text("words/readme.md", "no images here");
    fails(scene.train("--synthetic nowhere"), 1, &["nowhere", "hint: "]);
    fails(scene.train("--real empty"), 1, &["empty: no images", "hint: "]);
    fails(scene.train("--real words"), 1, &["words: no images among its 1 other files"]);
    fails(scene.train("--real builtin:cam"), 1, &["builtin:camera"]);
    fails(scene.simgan("train --config nowhere.toml"), 1, &["nowhere.toml"]);
    assert!(!scene.path("run").exists());
}

#[test]
fn one_domain_alone_asks_for_the_other() {
    let scene = Scene::with_domains();
    let real = ["--real is missing", "hint: ", "--real builtin:camera"];
    let synthetic = ["--synthetic is missing", "hint: ", "--synthetic builtin:eyes"];
    fails(scene.simgan("train --synthetic synthetic"), 2, &real);
    fails(scene.simgan("train --real real --recipe eye-gaze"), 2, &synthetic);
    fails(scene.simgan("train --set data.real=[\"real\"]"), 2, &synthetic);
    fails(scene.simgan("experiment refine --output out --synthetic synthetic"), 2, &real);
    assert!(!scene.path("runs").exists() && !scene.path("out").exists());
    scene.text("half.toml", &crate::scene::TINY.replace("real = [\"real\"]\n", ""));
    fails(scene.simgan("train --config half.toml --run run"), 2, &real);
    succeeds(scene.simgan("train --config half.toml --run run --real real"));
}

#[test]
fn a_damaged_image_is_named_or_skipped() {
    let scene = Scene::with_domains();
    let whole = scene.bytes("real/003.png");
    for damaged in [&whole[..whole.len() - 20], &b"no image"[..]] {
        fs::write(scene.path("real/003.png"), damaged).unwrap();
        fails(scene.train(""), 1, &["real/003.png", "hint: ", "skip"]);
        fs::remove_dir_all(scene.path("run")).unwrap_or_default();
    }
    let told = succeeds(scene.train("--set data.on_error=skip"));
    assert!(told.contains("skipped"), "{told}");
}

#[test]
fn mixed_sizes_name_two_files() {
    let scene = Scene::with_domains();
    scene.image("real/odd.png", gray(5, 4, 1));
    let source = scene.train("--set data.size=source");
    fails(source, 1, &["000.png is 9×7", "odd.png is 5×4", "hint: ", "data.size"]);
    assert!(!scene.path("run").exists());
    let (code, _, stderr) = told(scene.train(""));
    assert!(code == 0 && stderr.contains("such as 5x4 and 9x7: training at 9x7"), "{stderr}");
}

#[test]
fn domains_of_different_sizes_are_told() {
    let scene = Scene::with_domains();
    scene.images("large", 4, 12, 10);
    let source = scene.train("--real large --set data.size=source");
    fails(source, 1, &["9x7", "12x10", "data.size"]);
    assert!(!scene.path("run").exists());
    let (code, _, stderr) = told(scene.train("--real large"));
    assert!(code == 0 && stderr.contains("such as 9x7 and 12x10: training at 12x10"), "{stderr}");
}

#[test]
fn one_pixel_is_an_image() {
    let scene = Scene::with_domains();
    scene.images("dots", 5, 1, 1);
    succeeds(scene.train("--synthetic dots --real dots"));
}

#[test]
fn colour_is_converted_and_other_channels_are_refused() {
    let scene = Scene::with_domains();
    scene.image("colour/a.png", Image::new(3, 7, 9, Pixels::U8((0..189).collect())));
    let trained = |more: &str, channels: &str, part: &str| {
        let (code, _, stderr) = told(scene.train(&format!("--synthetic colour {more}")));
        assert!(code == 0 && stderr.contains(part), "{stderr}");
        let config = fs::read_to_string(scene.path("run/config.toml")).unwrap();
        assert!(config.contains(channels), "{config}");
        fs::remove_dir_all(scene.path("run")).unwrap();
    };
    let mixed = "1 of 1 synthetic and 0 of 7 real images that were looked at are RGB, so that colour alone";
    trained("", "channels = 3", mixed);
    trained("--set data.channels=3", "channels = 3", "");
    trained("--set data.channels=1", "channels = 1", "trains on their brightness alone");
    fails(scene.train("--set data.channels=2"), 2, &["data.channels", "1 (gray) or 3 (RGB)"]);
    scene.model("model", 3);
    fails(scene.simgan("refine --model model --input nowhere --output out"), 1, &["nowhere"]);
}

#[test]
fn wrong_settings_are_wrong_usage() {
    let scene = Scene::with_domains();
    for (arguments, parts) in [
        ("--set loss.lamda=2", vec!["loss.lamda", "hint: ", "loss.lambda"]),
        ("--set loss.lambda=-1", vec!["loss.lambda", "-1"]),
        ("--set loss.lambda=much", vec!["loss.lambda", "much"]),
        ("--set data.size=55", vec!["data.size", "WIDTHxHEIGHT"]),
        ("--set data.batch=5", vec!["data.batch", "even"]),
        ("--set refiner.kernel=4", vec!["refiner.kernel", "odd"]),
        ("--set seed", vec!["seed", "KEY=VALUE"]),
        ("--recipe demmo", vec!["demmo", "demo"]),
    ] {
        fails(scene.train(arguments), 2, &parts);
    }
    scene.text("bad.toml", "[los]\nlambda = 1");
    fails(scene.simgan("train --config bad.toml --run run"), 2, &["los", "hint: "]);
    scene.text("bad.toml", "[loss\nlambda = 1");
    fails(scene.simgan("train --config bad.toml --run run"), 2, &["TOML"]);
    assert!(!scene.path("run").exists());
}

#[test]
fn divergence_is_told_with_what_to_try() {
    let scene = Scene::with_domains();
    let diverging =
        "--set optim.refiner.kind=sgd --set optim.refiner.lr=1e30 --set output.checkpoint_every=1";
    fails(scene.train(diverging), 1, &["diverged", "hint: ", "optim.refiner.lr"]);
    let metrics = fs::read_to_string(scene.path("run/metrics.jsonl")).unwrap();
    assert!(metrics.contains("\"event\":\"failed\""), "{metrics}");
    let told = succeeds(scene.simgan("inspect run"));
    assert!(told.contains("diverged"), "{told}");
}

#[test]
fn the_run_must_be_writable_and_new() {
    let scene = Scene::with_domains();
    scene.text("file", "not a folder");
    scene.text("full/notes.md", "mine");
    let train = |run: &str| scene.simgan(&format!("train --config tiny.toml --run {run}"));
    fails(train("file"), 1, &["file"]);
    fails(train("file/deeper"), 1, &["file/deeper"]);
    fails(train("full"), 1, &["full", "not empty", "hint: "]);
    #[cfg(target_os = "linux")]
    fails(train("/proc/simgan"), 1, &["/proc/simgan"]);
    assert_eq!(scene.files("full").len(), 1, "nothing is written into a stranger's folder");
    fails(scene.resume(""), 1, &["no run here", "hint: "]);
    succeeds(scene.train(""));
    fails(scene.train(""), 1, &["there is a run here already", "hint: ", "--resume"]);
}

/// Simulates a full disk by limiting files to one block of 512 bytes.
#[cfg(unix)]
#[test]
fn a_full_disk_leaves_whole_files() {
    let scene = Scene::with_domains();
    succeeds(scene.train(""));
    let limited = |arguments: &str| {
        let mut command = std::process::Command::new("sh");
        // The program inherits the ignored signal, so that its write fails instead of killing it.
        command.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_simgan")]);
        command.args(arguments.split_whitespace()).current_dir(scene.path(""));
        command
    };
    let before = scene.files("run/checkpoints");
    fails(limited("train --run run --resume --steps 9"), 1, &["run/"]);
    assert_eq!(
        scene.files("run/checkpoints"),
        before,
        "the earlier checkpoints stay, and nothing half-written"
    );
    succeeds(scene.resume("--steps 9"));

    scene.image("large/a.png", gray(60, 50, 3));
    fails(limited("refine --model run --input large --output refined"), 1, &["refined/a.png"]);
    assert!(!scene.path("refined/a.png").exists());
    assert!(scene.files("refined").is_empty(), "{:?}", scene.files("refined"));
    let (code, stdout, stderr) = told(scene.simgan("refine --model run --input large --output refined"));
    assert!(code == 0 && stdout.contains("1 images refined"), "{stderr}");
}

#[test]
fn a_damaged_checkpoint_is_passed_over_or_told() {
    let scene = Scene::with_domains();
    succeeds(scene.train(""));
    let newest = scene.path("run/checkpoints/step-00000010/discriminator.safetensors");
    let whole = fs::read(&newest).unwrap();
    fs::write(&newest, &whole[..whole.len() - 4]).unwrap();
    let (code, _, stderr) = told(scene.resume(""));
    assert!(
        code == 0 && stderr.contains("step-00000010") && stderr.contains("going on from step 9"),
        "{stderr}"
    );
    for step in [9, 10] {
        fs::write(scene.path(&format!("run/checkpoints/step-{step:08}/state.toml")), "format_version = 1")
            .unwrap();
    }
    fails(scene.resume(""), 1, &["step-00000010", "hint: "]);
    fails(scene.resume("--set loss.lambda=9"), 2, &["loss.lambda", "hint: "]);
    fails(scene.resume("--real nowhere"), 1, &["nowhere", "hint: "]);
}

#[test]
fn a_run_does_not_go_on_with_other_images() {
    let scene = Scene::with_domains();
    succeeds(scene.train(""));
    fs::remove_file(scene.path("real/000.png")).unwrap();
    fails(scene.resume("--steps 20"), 1, &["hint: ", "7 then, 6 now"]);
}
