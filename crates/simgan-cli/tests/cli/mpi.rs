//! Several processes train one run (feature `mpi`; `mpirun` on the path).

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::scene::{Scene, succeeds, told};

/// Returns `mpirun` for a job of `count` processes; `None`, which is said, if there is no MPI to test.
#[expect(clippy::print_stderr, reason = "a skipped test says so")]
fn job(scene: &Scene, count: usize, arguments: &str) -> Option<Command> {
    if !cfg!(feature = "mpi") {
        eprintln!("skipped: this build has no MPI (--features simgan-cli/mpi)");
        return None;
    }
    if Command::new("mpirun").arg("--version").stdout(Stdio::null()).status().is_err() {
        eprintln!("skipped: there is no mpirun");
        return None;
    }
    let mut command = Command::new("mpirun");
    command.args(["--allow-run-as-root", "--oversubscribe", "-n", &count.to_string()]);
    command.arg(env!("CARGO_BIN_EXE_simgan")).args(arguments.split_whitespace());
    command.env_remove("CARGO").env_remove("RUST_LOG").current_dir(scene.path("."));
    Some(command)
}

fn events(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path.join("metrics.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// R's loss and change in the last step.
fn last(path: &Path) -> [f64; 2] {
    let mut steps = events(path).into_iter().filter(|event| event["event"] == "step");
    let last = steps.next_back().unwrap();
    ["loss", "change"].map(|name| last["refiner"][name].as_f64().unwrap())
}

#[test]
fn processes_train_resume_and_end_as_one() {
    let scene = Scene::with_domains();
    let Some(first) = job(&scene, 2, "train --config tiny.toml --run shared --steps 3") else { return };
    let (status, summary, log) = told(first);
    assert_eq!(status, 0, "{log}");
    assert_eq!(summary.matches("of 8 steps").count(), 1, "one process tells:\n{summary}");
    assert_eq!(log.matches("synthetic and").count(), 1, "{log}");
    let (status, _, log) = told(job(&scene, 4, "train --run shared --resume --steps 9").unwrap());
    assert_eq!(status, 0, "{log}");
    succeeds(scene.simgan("train --config tiny.toml --run alone --steps 9"));
    let ended = ["alone", "shared"].map(|run| last(&scene.path(run)));
    for (alone, shared) in ended[0].into_iter().zip(ended[1]) {
        assert!((alone - shared).abs() < 1e-3, "{ended:?}");
    }
    // A job that has nothing left to do ends.
    let (status, _, log) = told(job(&scene, 2, "train --run shared --resume --steps 9").unwrap());
    assert_eq!(status, 0, "{log}");
}

#[test]
fn a_process_that_dies_ends_the_job_and_leaves_the_last_checkpoint() {
    let scene = Scene::with_domains();
    let arguments = "train --config tiny.toml --run run --steps 100000";
    let Some(mut command) = job(&scene, 2, arguments) else { return };
    let mut job = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    // Later checkpoints replace earlier ones, so that no certain one can be waited for.
    let is_under_way = || fs::read_dir(scene.path("run/checkpoints")).is_ok_and(|found| found.count() > 1);
    while !is_under_way() {
        assert!(job.try_wait().unwrap().is_none(), "the job ended early");
        std::thread::sleep(Duration::from_millis(10));
    }
    kill_second(&job);
    let output = job.wait_with_output().unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("signal 9"), "{output:?}");
    let done = events(&scene.path("run")).last().unwrap()["step"].as_u64().unwrap();
    succeeds(scene.simgan(&format!("train --run run --resume --steps {done}")));
}

#[test]
fn what_processes_cannot_share_ends_the_job() {
    let scene = Scene::with_domains();
    let Some(command) = job(&scene, 3, "train --config tiny.toml --run run") else { return };
    let (status, _, log) = told(command);
    assert_ne!(status, 0);
    assert!(log.contains("cannot be shared equally by 3 ranks"), "{log}");
    assert!(log.contains("data.batch"), "{log}");
}

/// Without MPI, processes would train the same run one against the other.
#[test]
#[cfg(not(feature = "mpi"))]
fn a_build_without_mpi_refuses_to_be_one_of_several() {
    let scene = Scene::with_domains();
    let mut command = scene.train("");
    command.env("OMPI_COMM_WORLD_SIZE", "2").env("OMPI_COMM_WORLD_RANK", "1");
    crate::scene::fails(command, 2, &["this build of simgan has no MPI", "--features mpi"]);
}

/// Kills the job's second process.
fn kill_second(job: &Child) {
    let children = fs::read_to_string(format!("/proc/{0}/task/{0}/children", job.id())).unwrap();
    let is_second = |process: &&str| {
        let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains("OMPI_COMM_WORLD_RANK=1")
    };
    let second = children.split_whitespace().find(is_second).expect("a second process");
    assert!(Command::new("kill").args(["-9", second]).status().unwrap().success());
}
