//! Runs in bf16.

use simgan_models::Precision;

use super::*;

#[test]
fn a_run_in_bf16_is_another_one_and_resumes_exactly() {
    if let Err(error) = Precision::Bf16.check(&Device::Cpu) {
        eprintln!("not tested: {error}");
        return;
    }
    let mut config = config(5);
    let single = steps(&mut trainer(config.clone()), 11);
    config.compute.precision = Precision::Bf16;
    let mut whole = trainer(config.clone());
    let reports = steps(&mut whole, 11);
    assert_ne!(reports, single);
    let (half, single) = (reports[10].refiner.as_ref().unwrap(), single[10].refiner.as_ref().unwrap());
    assert!((half.loss / single.loss - 1.0).abs() < 0.1, "{} and {}", half.loss, single.loss);
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(&dir.path().join("run"), &config).unwrap();
    let mut first = trainer(config.clone());
    steps(&mut first, 7);
    first.save(&run.checkpoints()).unwrap();
    let mut resumed = Trainer::resume(&run, config.clone(), &sources(), &Device::Cpu).unwrap();
    assert_eq!(steps(&mut resumed, 4), reports[7..]);
    assert_eq!(snapshot(&resumed), snapshot(&whole));
    config.compute.precision = Precision::F32;
    let error = Trainer::resume(&run, config, &sources(), &Device::Cpu).err().unwrap().to_string();
    assert!(error.contains("compute.precision") || error.contains("config"), "{error}");
}
