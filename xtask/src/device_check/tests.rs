//! Tests the script with stand-ins for the programs.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Makes a package whose programs are scripts; its `simgan refine` creates the requested images.
fn package(folder: &Path, kernels: &str) {
    let program = |name: &str, text: &str| {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    program("run.sh", include_str!("run.sh"));
    program("bin/kernels", kernels);
    program("bin/golden", "#!/bin/sh\necho \"ok: $SIMGAN_TEST_REPOSITORY\"\n");
    program(
        "bin/simgan",
        "#!/bin/sh\nif [ \"$1\" = refine ]; then mkdir -p \"$9\"; for i in $(seq 64); do : > \"$9/$i.jpg\"; done; fi\n",
    );
    fs::write(folder.join("device"), "cpu").unwrap();
    fs::write(folder.join("about.json"), r#"{"commit": "c"}"#).unwrap();
}

/// Runs the script; returns whether it succeeded, and its JSON.
fn run(folder: &Path) -> (bool, Value) {
    let output = Command::new(folder.join("run.sh")).arg(folder.join("logs")).output().unwrap();
    let told = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("{error}: {}", String::from_utf8_lossy(&output.stdout));
    });
    (output.status.success(), told)
}

fn step<'a>(told: &'a Value, name: &str) -> &'a Value {
    told["steps"].as_array().unwrap().iter().find(|step| step["name"] == name).unwrap()
}

#[test]
fn a_step_that_fails_is_told_and_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    package(
        folder.path(),
        "#!/bin/sh\nprintf 'a \"quoted\" \\\\ and \\001 caf\\303\\251\\nsecond line\\n'\nexit 3\n",
    );
    let (passed, told) = run(folder.path());
    assert!(!passed);
    assert_eq!(told["passed"], false);
    let kernels = step(&told, "kernels");
    assert_eq!((&kernels["status"], &kernels["exit_status"]), (&"failed".into(), &3.into()));
    assert_eq!(kernels["detail"], "a \"quoted\" \\ and  caf\nsecond line");
    assert!(folder.path().join("logs/kernels.log").exists());
    let repository = folder.path().join("repository");
    assert_eq!(step(&told, "golden")["detail"], format!("ok: {}", repository.display()));
    for name in ["golden", "train", "resume", "refine", "refined", "bench"] {
        assert_eq!(step(&told, name)["status"], "passed", "{name}");
    }
    assert_eq!(told["versions"]["commit"], "c");
}

#[test]
fn where_every_step_passes_so_does_the_script() {
    let folder = tempfile::tempdir().unwrap();
    package(folder.path(), "#!/bin/sh\necho fine\n");
    let (passed, told) = run(folder.path());
    assert!(passed, "{told:#}");
    assert_eq!(told["passed"], true);
    assert_eq!(step(&told, "kernels")["detail"], "fine");
}
