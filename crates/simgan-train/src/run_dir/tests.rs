use super::*;
use crate::testing::config;

#[test]
fn a_run_is_never_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    drop(RunDir::create(&path, &config(1)).unwrap());
    let error = RunDir::create(&path, &config(2)).unwrap_err();
    assert!(
        matches!(error, TrainError::RunExists { .. })
            && error.hint().unwrap().to_string().contains("continue it"),
        "{error}"
    );
    assert_eq!(RunDir::open(&path).unwrap().config().unwrap(), config(1));
}

#[test]
fn a_folder_with_something_else_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis.txt"), "").unwrap();
    let error = RunDir::create(dir.path(), &config(1)).unwrap_err().to_string();
    assert!(error.contains("not empty, it has thesis.txt"), "{error}");
    assert!(!dir.path().join(CONFIG_FILE).exists() && !dir.path().join(CHECKPOINTS_DIR).exists());
    let error = RunDir::open(dir.path()).unwrap_err().to_string();
    assert!(error.contains("config.toml is missing"), "{error}");
}

fn is_in_use(error: &TrainError) -> bool {
    matches!(error, TrainError::Data(simgan_data::DataError::InUse { .. }))
}

#[test]
fn only_one_at_a_time_writes_a_run() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let first = RunDir::create(&path, &config(1)).unwrap();
    let error = RunDir::open(&path).unwrap_err();
    assert!(is_in_use(&error), "{error}");
    assert!(is_in_use(&RunDir::create(&path, &config(1)).unwrap_err()));
    // Reading needs no lock.
    assert_eq!(config_of_run(&path).unwrap(), config(1));
    assert!(newest_checkpoint(&path).unwrap().checkpoint.is_none());
    drop(first);
    RunDir::open(&path).unwrap();
}

#[test]
fn what_a_crash_left_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let run = RunDir::create(&path, &config(1)).unwrap();
    let half = run.checkpoints().join(".new-step-00000002");
    fs::create_dir(&half).unwrap();
    fs::write(half.join("refiner.safetensors"), "").unwrap();
    assert!(newest_checkpoint(&path).unwrap().checkpoint.is_none());
    drop(run);
    RunDir::open(&path).unwrap();
    assert!(!half.exists());
    // A crash before `config.toml` is written leaves a folder that counts as empty.
    fs::remove_file(path.join(CONFIG_FILE)).unwrap();
    RunDir::create(&path, &config(1)).unwrap();
}

#[test]
fn an_invalid_configuration_leaves_no_folder() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("run");
    let mut config = config(1);
    config.loss.lambda = f64::NAN;
    assert!(RunDir::create(&path, &config).is_err());
    assert!(!path.exists());
}
