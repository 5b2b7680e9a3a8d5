//! Tests `simgan experiment` on tiny networks: its output, its files, and continuing after an interruption.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::scene::{Scene, fails, succeeds, told};

const QUICK: &str = "--images 40 --test-images 30 --gaze-steps 3 --gaze-batch 8 --seeds 2 \
    --methods mean,synthetic,refined --set data.size=24x20 --set data.batch=4 --set refiner.features=4 \
    --set refiner.blocks=1 --set history.capacity=8 --set schedule.pretrain_refiner=1 \
    --set optim.refiner.lr=0.02 --set schedule.pretrain_discriminator=1 --set schedule.steps=20 --set discriminator.layers=[{conv={kernel=3,stride=2,features=6}}] --set output.sample_every=0";

impl Scene {
    /// Runs an experiment of two draws.
    fn experiment(&self, folder: &str, more: &str) -> Command {
        self.experiment_of(2, folder, more)
    }

    fn experiment_of(&self, draws: usize, folder: &str, more: &str) -> Command {
        self.simgan(&format!("experiment local --output {folder} --draws {draws} {QUICK} {more}"))
    }

    fn value(&self, name: &str) -> Value {
        serde_json::from_slice(&self.bytes(name)).unwrap()
    }

    fn wait_for(&self, name: &str) {
        let began = Instant::now();
        while !self.path(name).exists() {
            assert!(began.elapsed() < Duration::from_secs(60), "`{name}` does not come");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Returns the mean errors of a row's repetitions in both draws.
fn errors(scene: &Scene, variant: &str, row: &str) -> Vec<f64> {
    let of_draw = |draw: usize| {
        let figures = scene.value(&format!("all/draw-{draw}/{variant}.json"));
        let runs = figures[row]["runs"].as_array().unwrap().clone();
        runs.into_iter().map(|run| run["errors"]["error_deg"].as_f64().unwrap())
    };
    (0..2).flat_map(of_draw).collect()
}

/// Returns a variant's row `refined`, its first row.
fn refined_row<'a>(results: &'a Value, variant: &str) -> &'a Value {
    results["rows"].as_array().unwrap().iter().find(|row| row["variant"] == variant).unwrap()
}

/// Checks that a row averages the figures of the draws.
fn check_means(scene: &Scene) {
    let results = scene.value("all/results.json");
    let row = refined_row(&results, "global");
    let (refined, synthetic) = (errors(scene, "global", "refined"), errors(scene, "local", "synthetic"));
    assert!(row["n_runs"] == 4 && refined.len() == 4 && synthetic.len() == 4);
    let near = |value: &Value, expected: f64| (value["mean"].as_f64().unwrap() - expected).abs() < 1e-9;
    assert!(near(&row["error_deg"], mean(&refined)), "{row}");
    let ratios: Vec<_> =
        refined.iter().zip(&synthetic).map(|(refined, synthetic)| refined / synthetic).collect();
    assert!(near(&row["ratio_to_synthetic"], mean(&ratios)), "{row}");
    assert!(row["refinement"]["drift_x_px"]["sd"].is_f64() && row["told_apart"]["mean"].is_f64(), "{row}");
    check_comparison(&results, mean(&refined) - mean(&errors(scene, "local", "refined")));
}

/// Checks that the second variant is compared with the first.
fn check_comparison(results: &Value, expected_deg: f64) {
    let [compared] = &results["comparisons"].as_array().unwrap()[..] else { panic!("{results}") };
    assert!(compared["variant"] == "global" && compared["against"] == "local", "{compared}");
    let is = |found: &Value, expected: f64| (found["mean"].as_f64().unwrap() - expected).abs() <= 1e-12;
    assert!(is(&compared["error"], expected_deg), "{compared}: not {expected_deg}");
    let told_apart = |variant| refined_row(results, variant)["told_apart"]["mean"].as_f64().unwrap();
    let expected = told_apart("global") - told_apart("local");
    assert!(is(&compared["told_apart"], expected), "{compared}: not {expected}");
}

/// Checks that an experiment and `simgan evaluate` agree about a refiner.
fn check_against_evaluate(scene: &Scene) {
    let evaluate = "evaluate --model all/draw-1/global --test builtin:camera --json global.json --network quarter \
        --images 40 --test-images 30 --gaze-steps 3 --gaze-batch 8 --seeds 2 --methods mean,synthetic,refined";
    succeeds(scene.simgan(evaluate));
    let (alone, beside) = (scene.value("global.json"), scene.value("all/draw-1/global.json"));
    for part in ["config", "data", "refined", "agreement", "realism", "pupil_shift_px"] {
        assert_eq!(alone[part], beside[part], "{part}");
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_or_grown_experiment_tells_the_same() {
    let scene = Scene::new();
    let (status, first_draw, log) = told(scene.experiment_of(1, "all", ""));
    assert!(status == 0 && log.contains("1 draws: about ") && log.contains(" on this machine"), "{log}");
    assert!(first_draw.contains("1 draw(s)"), "{first_draw}");
    let (code, table, stderr) = told(scene.experiment("all", "")); // adds a draw and keeps the first
    assert!(code == 0 && stderr.contains("draw 2 of 2") && !stderr.contains("draw 1 of 2"), "{stderr}");
    for part in ["mean label", "synthetic", "local", "global less local", "told apart", "2 draw(s)"] {
        assert!(table.contains(part), "`{part}` is not told:\n{table}");
    }
    let page = String::from_utf8(scene.bytes("all/index.html")).unwrap();
    for part in ["<title>simgan experiment local: all</title>", "global less local", "draw 2, 2"] {
        assert!(page.contains(part), "`{part}` is not shown:\n{page}");
    }
    check_means(&scene);
    check_against_evaluate(&scene);

    // During the training of the first refiner or soon after it.
    let mut command = scene.experiment("parts", "");
    let mut child = command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    scene.wait_for("parts/draw-0/local/run.lock");
    assert!(child.try_wait().unwrap().is_none(), "it ended too early to test anything");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(1) && stderr.contains("run the same command again"), "{stderr}");
    assert!(!scene.path("parts/results.json").exists());
    assert_eq!(succeeds(scene.experiment("parts", "")), table);
    assert_eq!(scene.bytes("parts/results.json"), scene.bytes("all/results.json"));

    // With fewer draws the table covers the first ones and keeps the others.
    assert_eq!(succeeds(scene.experiment_of(1, "all", "")), first_draw);
    assert!(scene.path("all/draw-1/global.json").exists());

    // A lost part is redone, and only that part.
    std::fs::remove_file(scene.path("parts/draw-1/local.json")).unwrap();
    std::fs::remove_dir_all(scene.path("parts/draw-1/local")).unwrap();
    let (code, again, stderr) = told(scene.experiment("parts", ""));
    assert!(code == 0 && again == table, "{stderr}");
    assert!(stderr.contains("draw 2 of 2: local: training"), "{stderr}");
    for part in ["draw 1 of 2", "baselines", "global"] {
        assert!(!stderr.contains(part), "`{part}` is done again:\n{stderr}");
    }

    fails(
        scene.experiment("parts", "--seed 1"),
        2,
        &["parts/experiment.toml", "seed", "= 0", "1 now", "hint: "],
    );
    scene.text("parts/draw-1/local.json", "{");
    fails(scene.experiment("parts", ""), 1, &["parts/draw-1/local.json", "hint: delete it"]);
}

#[test]
fn what_cannot_be_compared_is_said_before_anything_is_written() {
    let scene = Scene::with_domains();
    let experiment = |arguments: &str| scene.simgan(&format!("experiment --output new {arguments}"));
    fails(experiment("lambdas"), 2, &["lambdas", "k-g"]);
    fails(experiment("history --set history.capacity=0"), 2, &["history.capacity is 0", "hint: "]);
    fails(experiment("history --set lamda=1"), 2, &["lamda", "loss.lambda"]);
    fails(experiment("refine --methods synthetic"), 2, &["leave out `refined`", "hint: "]);
    fails(experiment("refine --synthetic synthetic --real real"), 2, &["--test is missing", "hint: "]);
    fails(experiment("refine --draws 0"), 2, &["at least 1"]);
    fails(experiment("refine --variants 4"), 2, &["4 variants", "takes no noise", "refiner.noise_channels"]);
    fails(experiment("refine --test nowhere"), 1, &["nowhere", "hint: "]);
    scene.images("few", 9, 55, 35);
    fails(experiment("refine --test few --images 20"), 1, &["test images: 9", "at least 10"]);
    assert!(!scene.path("new").exists());
    fails(
        scene.simgan("experiment refine --output real"),
        1,
        &["real: not empty, and holds no experiment", "hint: "],
    );
}
