//! Tests `simgan train --tui`, on a terminal that `script` of util-linux makes.

use crate::scene::{Scene, fails};

#[test]
fn without_a_terminal_the_screen_is_refused() {
    let scene = Scene::with_domains();
    fails(scene.train("--tui"), 2, &["--tui needs a terminal", "hint: leave out --tui"]);
    assert!(!scene.path("run").exists());
}

#[cfg(target_os = "linux")]
mod on_a_terminal {
    use std::fs;
    use std::io::Write;
    use std::path::PathBuf;
    use std::process::{Child, Command, Output, Stdio};
    use std::time::Duration;

    use serde_json::Value;

    use crate::scene::{Scene, succeeds};

    const ENTERS: &str = "\u{1b}[?1049h";
    const LEAVES: &str = "\u{1b}[?1049l";

    /// Starts `simgan train --tui` on a terminal, with standard output in the file `summary`.
    fn start(scene: &Scene, more: &str) -> Child {
        let program = env!("CARGO_BIN_EXE_simgan");
        let train = format!(
            "stty cols 100 rows 30; {program} train --tui --config tiny.toml --run run {more} > summary"
        );
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--command", &train, "/dev/null"]).env("TERM", "xterm");
        script.env_remove("NO_COLOR").env_remove("RUST_LOG").current_dir(scene.path(""));
        script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
    }

    /// What the terminal got, and what is left on it once the second screen is gone.
    fn shown(output: &Output) -> (String, String) {
        let all = String::from_utf8_lossy(&output.stdout).into_owned();
        let (_, rest) = all.split_once(ENTERS).expect("the second screen is entered");
        let (screen, left) = rest.split_once(LEAVES).expect("the second screen is left");
        (screen.to_owned(), left.to_owned())
    }

    /// The events without times and places.
    fn events(scene: &Scene, run: &str) -> Vec<Value> {
        let text = fs::read_to_string(scene.path(&format!("{run}/metrics.jsonl"))).unwrap();
        let mut events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        for event in events.iter_mut().filter_map(Value::as_object_mut) {
            ["images_per_sec", "elapsed_secs", "run"].iter().for_each(|name| drop(event.remove(*name)));
        }
        events
    }

    #[test]
    fn it_changes_nothing_but_the_terminal() {
        let scene = Scene::with_domains();
        let plain = succeeds(scene.simgan("train --config tiny.toml --run plain --steps 40"));
        let output = start(&scene, "--steps 40").wait_with_output().unwrap();
        let (screen, left) = shown(&output);
        assert!(output.status.success(), "{left}");
        assert!(screen.contains("D is right") && screen.contains("q stop"), "{screen}");
        assert!(left.contains("10 synthetic and 7 real images"), "the log is printed afterwards: {left}");
        let summary = fs::read_to_string(scene.path("summary")).unwrap();
        let untimed = |text: &str| text.lines().skip(1).collect::<Vec<_>>().join("\n");
        assert_eq!(untimed(&summary).replace("plain", "run"), untimed(&plain).replace("plain", "run"));
        assert_eq!(events(&scene, "run"), events(&scene, "plain"));
        let kept = |path: &PathBuf| !path.starts_with("tensorboard") && !path.ends_with("metrics.jsonl");
        let files: Vec<PathBuf> = scene.files("run").into_iter().filter(kept).collect();
        let others: Vec<PathBuf> = scene.files("plain").into_iter().filter(kept).collect();
        assert_eq!(files, others);
        for file in files {
            let of = |run: &str| scene.bytes(&format!("{run}/{}", file.display()));
            assert!(of("run") == of("plain"), "{} differs", file.display());
        }
    }

    #[test]
    fn q_stops_as_ctrl_c_does() {
        for keys in ["q", "\u{3}"] {
            let scene = Scene::with_domains();
            let mut child = start(&scene, "--steps 100000 --set output.checkpoint_every=0");
            let samples = scene.path("run/samples/step-00000008.png");
            for _ in 0..2000 {
                if samples.exists() {
                    break;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
            child.stdin.as_mut().unwrap().write_all(keys.as_bytes()).unwrap();
            let output = child.wait_with_output().unwrap();
            let (screen, left) = shown(&output);
            assert_eq!(output.status.code(), Some(1), "{left}");
            assert!(screen.contains("q stop"), "{screen}");
            assert!(left.contains("train --run run --resume"), "{left}");
            assert!(fs::read_to_string(scene.path("summary")).unwrap().starts_with("how it went    "));
            assert_eq!(fs::read_dir(scene.path("run/checkpoints")).unwrap().count(), 1);
        }
    }
}
