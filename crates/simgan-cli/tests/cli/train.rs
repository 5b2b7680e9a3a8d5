//! Tests `simgan train`, and reports on runs: new, interrupted, killed, continued.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use crate::scene::{Scene, fails, simgan, succeeds, told};

const REFINER: &str = "run/checkpoints/step-00000010/refiner.safetensors";

#[test]
fn a_run_leaves_a_complete_folder_and_a_summary() {
    let scene = Scene::with_domains();
    let summary = succeeds(scene.train(""));
    for part in
        ["run: 10 of 10 steps", "patches classified right: real", "mean |R(x) - x|", "step-00000010", "next:"]
    {
        assert!(summary.contains(part), "`{part}` is not told:\n{summary}");
    }
    let files = scene.files("run");
    for name in
        ["config.toml", "metrics.jsonl", "samples/step-00000010.png", "checkpoints/step-00000010/state.toml"]
    {
        assert!(files.contains(&PathBuf::from(name)), "{name} is missing: {files:?}");
    }
    assert!(files.iter().any(|file| file.starts_with("tensorboard")));
    succeeds(scene.simgan("refine --model run --input synthetic --output refined"));
}

#[test]
fn the_best_checkpoint_is_chosen_named_and_used() {
    let scene = Scene::with_domains();
    let summary = succeeds(scene.train("--set selection.every=2 --set output.keep_last=1"));
    assert!(summary.contains("best           run/checkpoints/step-000000"), "{summary}");
    let best = fs::read_to_string(scene.path("run/best.toml")).unwrap();
    let step = best.lines().find_map(|line| line.strip_prefix("step = ")).unwrap();
    assert!(["6", "8", "10"].contains(&step), "{best}");
    let inspected = succeeds(scene.simgan("inspect run"));
    assert!(inspected.contains(&format!("best           step {step}, a classifier tells")), "{inspected}");
    let (status, _, log) = told(scene.simgan("refine --model run --input synthetic --output refined"));
    assert_eq!(status, 0, "{log}");
    assert!(log.contains(&format!("taking the best checkpoint, of step {step}")), "{log}");
    fails(scene.train("--set selection.images=3"), 2, &["selection.images", "16"]);
}

/// The summary's commands, except those of other programs, end as they should when typed as they stand.
#[test]
fn the_next_commands_run_as_printed() {
    let scene = Scene::with_domains();
    let summary = succeeds(scene.train(""));
    let program = env!("CARGO_BIN_EXE_simgan");
    let commands: Vec<&str> = summary.lines().filter_map(|line| line.trim().strip_prefix(program)).collect();
    assert!(
        commands
            .iter()
            .any(|command| command.contains("refine --model run --input synthetic --output run-refined")),
        "{summary}"
    );
    for command in commands {
        succeeds(scene.simgan(command));
    }
    assert_eq!(
        fs::read_dir(scene.path("run-refined")).unwrap().count(),
        21,
        "10 images, 10 labels, the manifest"
    );
}

#[test]
fn started_by_cargo_it_prints_cargo_s_commands() {
    let scene = Scene::with_domains();
    let run = scene.path("run");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_simgan"));
    command.args(["train", "--config"]).arg(scene.path("tiny.toml")).arg("--run").arg(&run);
    command.arg("--synthetic").arg(scene.path("synthetic")).arg("--real").arg(scene.path("real"));
    let package = env!("CARGO_MANIFEST_DIR");
    command.env("CARGO", "cargo").env("CARGO_MANIFEST_DIR", package).current_dir(package);
    let summary = succeeds(command);
    assert!(summary.contains("\n  cargo run -p simgan-cli -- refine --model "), "{summary}");
}

#[test]
fn files_and_patterns_are_sources() {
    let scene = Scene::with_domains();
    let summary = succeeds(scene.train("--synthetic synthetic/00[1-4].png --real real/001.png real/002.png"));
    let input = "--input 'synthetic/00[1-4].png' --output run-refined";
    assert!(summary.contains(input), "{summary}");
    let refine = "refine --model run --output out --input";
    succeeds(scene.simgan(&format!("{refine} synthetic/00[1-4].png")));
    let names: Vec<_> = scene.files("out").iter().map(|file| file.display().to_string()).collect();
    assert_eq!(names.len(), 9, "four images, their labels, the manifest: {names:?}");
    assert!(names.contains(&"004.json".to_owned()), "{names:?}");
    let inspected = succeeds(scene.simgan("inspect synthetic/00[1-4].png"));
    assert!(
        inspected.contains("4 images") && inspected.contains("labels     beside 4 images"),
        "{inspected}"
    );
    fails(scene.simgan(&format!("{refine} synthetic/*.bmp")), 1, &["no image fits this pattern"]);
    let unquoted = scene.simgan(&format!("{refine} synthetic/001.png synthetic/002.png"));
    fails(unquoted, 2, &["'synthetic/002.png'", "put a pattern in quotes"]);
}

#[test]
fn runs_without_a_name_are_numbered() {
    let scene = Scene::with_domains();
    for _ in 0..2 {
        succeeds(scene.simgan("train --config tiny.toml --steps 1"));
    }
    assert!(
        scene.path("runs/demo-001/config.toml").exists() && scene.path("runs/demo-002/config.toml").exists()
    );
}

#[test]
fn arguments_of_their_own_win_over_settings_and_file() {
    let scene = Scene::with_domains();
    scene.images("other folder", 4, 5, 3);
    let mut command =
        scene.train("--set schedule.steps=7 --steps 1 --set seed=3 --seed 4 --set data.size=5x3");
    command.args(["--synthetic", "other folder", "--real", "synthetic", "--real", "real"]);
    succeeds(command);
    let config = fs::read_to_string(scene.path("run/config.toml")).unwrap();
    for part in ["steps = 1\n", "seed = 4\n", "size = \"5x3\"\n", "other folder"] {
        assert!(config.contains(part), "`{part}` is missing:\n{config}");
    }
    assert_eq!(
        config.matches(scene.path("real").to_str().unwrap()).count(),
        1,
        "paths are absolute:\n{config}"
    );
}

#[test]
fn a_run_s_configuration_runs_again() {
    let scene = Scene::with_domains();
    succeeds(scene.train("--steps 2"));
    succeeds(scene.simgan("train --config run/config.toml --run again"));
    let refiner = |run: &str| scene.bytes(&format!("{run}/checkpoints/step-00000007/refiner.safetensors"));
    assert_eq!(refiner("run"), refiner("again"));
}

/// Waits until `path` exists.
fn wait_for(path: &Path, child: &mut Child) {
    for _ in 0..2000 {
        if path.exists() {
            return;
        }
        assert!(child.try_wait().unwrap().is_none(), "the program ended before {path:?} was there");
        sleep(Duration::from_millis(5));
    }
    panic!("no {path:?} after 10 s");
}

#[test]
fn killed_and_resumed_it_ends_as_if_nothing_had_happened() {
    let scene = Scene::with_domains();
    succeeds(scene.simgan("train --config tiny.toml --run whole --steps 400 --threads 1"));
    let mut child = scene.train("--steps 400").stderr(Stdio::null()).spawn().unwrap();
    wait_for(&scene.path("run/checkpoints/step-00000060"), &mut child);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(!scene.path("run/checkpoints/step-00000405").exists(), "killed too late to test anything");
    succeeds(scene.resume(""));
    for name in ["refiner", "discriminator", "optimizers", "history"] {
        let file = |run: &str| scene.bytes(&format!("{run}/checkpoints/step-00000405/{name}.safetensors"));
        assert!(file("whole") == file("run"), "{name} differs");
    }
    let steps: Vec<u64> = fs::read_to_string(scene.path("run/metrics.jsonl"))
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|event| event["event"] == "step")
        .map(|event| event["step"].as_u64().unwrap())
        .collect();
    assert!(steps.iter().copied().eq(1..=405), "each step is told once");
}

#[cfg(unix)]
#[test]
fn ctrl_c_writes_a_checkpoint_and_says_how_to_resume() {
    let scene = Scene::with_domains();
    let mut command =
        scene.train("--steps 100000 --set output.checkpoint_every=0 --set output.sample_every=50");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(&scene.path("run/samples/step-00000050.png"), &mut child);
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("train --run run --resume"), "{stderr}");
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.starts_with("how it went    "), "{stdout}");
    assert_eq!(fs::read_dir(scene.path("run/checkpoints")).unwrap().count(), 1);
    let told = succeeds(scene.simgan("inspect run"));
    assert!(told.contains("100005") && told.contains("adversarial training"), "{told}");
}

#[test]
fn a_finished_run_is_lengthened_by_resume() {
    let scene = Scene::with_domains();
    succeeds(scene.train("--steps 5"));
    let refiner = scene.bytes(REFINER);
    let (files, metrics) = (scene.files("run"), scene.bytes("run/metrics.jsonl"));
    let told = succeeds(scene.resume(""));
    for part in ["finished before", "--resume --steps", "run: 10 of 10 steps", "patches classified right"] {
        assert!(told.contains(part), "`{part}` is not told:\n{told}");
    }
    assert_eq!(scene.bytes(REFINER), refiner, "nothing was left to do");
    assert_eq!((scene.files("run"), scene.bytes("run/metrics.jsonl")), (files, metrics));
    assert!(fs::read_to_string(scene.path("run/config.toml")).unwrap().contains("steps = 5\n"));
    assert!(succeeds(scene.resume("--steps 8")).contains("13 of 13 steps"));
    assert!(fs::read_to_string(scene.path("run/config.toml")).unwrap().contains("steps = 8\n"));
}

#[test]
fn a_run_is_described() {
    let scene = Scene::with_domains();
    succeeds(scene.train(""));
    let told = succeeds(scene.simgan("inspect run"));
    for part in [
        "step 10 of 10",
        "recipe demo, seed 0",
        "lambda",
        "pretraining the refiner",
        "adversarial training",
        "how it went    too short to judge: 5 adversarial steps",
    ] {
        assert!(told.contains(part), "`{part}` is not told:\n{told}");
    }
    let run: Value = serde_json::from_str(&succeeds(scene.simgan("inspect run --json"))).unwrap();
    assert_eq!(
        (&run["kind"], &run["step"], &run["losses"][2]["step"]),
        (&"run".into(), &10.into(), &10.into())
    );
    assert!(run["summary"]["refiner"]["change"].is_number() && run["config"]["loss"]["lambda"].is_number());
    assert_eq!(run["config_crc32c"].as_str().unwrap().len(), 8);
}

#[test]
fn a_second_process_keeps_out() {
    let scene = Scene::with_domains();
    let mut child = scene.train("--steps 100000").stderr(Stdio::null()).spawn().unwrap();
    wait_for(&scene.path("run/checkpoints/step-00000003"), &mut child);
    fails(scene.resume(""), 1, &["run", "another process", "hint: "]);
    fails(scene.train(""), 1, &["run", "hint: "]);
    let (code, ..) = told(scene.simgan("inspect run"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(code, 0, "looking is allowed");
}

#[test]
fn speed_is_measured() {
    let scene = Scene::new();
    let told = succeeds(scene.simgan("bench --batch 1 --reps 1 --json --threads 1"));
    let speed: Value = serde_json::from_str(&told).unwrap();
    assert_eq!((&speed["batch"], &speed["threads"], &speed["device"]), (&1.into(), &1.into(), &"cpu".into()));
    for name in ["refine", "refiner_step", "discriminator_step"] {
        assert!(speed[name].as_f64().unwrap() > 0.0, "{told}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn candle_starts_no_threads_of_its_own() {
    let mut child =
        simgan("bench --batch 16 --reps 1 --only refiner-step").stdout(Stdio::null()).spawn().unwrap();
    let threads = PathBuf::from(format!("/proc/{}/task", child.id()));
    let mut names = BTreeSet::new();
    while child.try_wait().unwrap().is_none() {
        let of_threads = fs::read_dir(&threads).into_iter().flatten().flatten();
        names.extend(of_threads.filter_map(|thread| fs::read_to_string(thread.path().join("comm")).ok()));
        sleep(Duration::from_millis(20));
    }
    assert!(child.wait().unwrap().success());
    assert!(names.iter().any(|name| name.starts_with("simgan")), "{names:?}");
    assert!(!names.iter().any(|name| name.starts_with("candle")), "{names:?}");
}
