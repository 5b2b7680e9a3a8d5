//! Pixels that R takes for not measured.

use super::options::half_black;
use super::*;
use crate::testing::SIZE;

/// Depth in which nothing is measured at the left, and a refiner that takes pixels for not measured and, as D does,
/// sees the relief.
fn holes() -> (TrainConfig, Sources) {
    let mut config = config(6);
    (config.refiner.grain_channels, config.refiner.holes, config.refiner.skip) = (1, true, true);
    (config.refiner.relief, config.discriminator.network.relief) = (3, 5);
    config.data.range = "20..255".parse().unwrap();
    config.loss.gaps = 2.0;
    config.discriminator.patches = crate::Patches::Content;
    (config, Sources { synthetic: half_black(11, 40), real: half_black(7, 200), tone: None })
}

#[test]
fn a_run_with_holes_goes_on_exactly() {
    let (config, sources) = holes();
    let start = || Trainer::new(config.clone(), &sources, &Device::Cpu).unwrap();
    let reports = steps(&mut start(), 12);
    let dir = tempfile::tempdir().unwrap();
    let run = RunDir::create(&dir.path().join("run"), &config).unwrap();
    let mut first = start();
    steps(&mut first, 8);
    first.save(&run.checkpoints()).unwrap();
    let mut resumed = Trainer::resume(&run, config.clone(), &sources, &Device::Cpu).unwrap();
    assert_eq!(steps(&mut resumed, 4), reports[8..]);
    // What D sees of R has nothing where nothing was measured.
    let refined = resumed.refined_for_discriminator(&resumed.samples.synthetic.clone()).unwrap();
    let rows: Vec<Vec<f32>> = refined.flatten_to(2).unwrap().to_vec2().unwrap();
    assert!(rows.iter().all(|row| row[..9] == [-1.0; 9]), "{rows:?}");
    assert!(rows.iter().any(|row| row[9..].iter().any(|value| *value > -1.0)));
}

/// A hole costs what `loss.missing` says, and not its difference; the rest as ever.
#[test]
fn a_hole_has_its_own_cost() {
    let (mut config, sources) = holes();
    config.loss.missing = 0.25;
    let mut trainer = Trainer::new(config, &sources, &Device::Cpu).unwrap();
    let synthetic = trainer.samples.synthetic.clone();
    let mut refined = trainer.refined(&synthetic).unwrap();
    let (n, ..) = synthetic.dims4().unwrap();
    let (width, height) = SIZE;
    // Every pixel is off by 0.1; the last column is missing, and the first, where the render shows nothing.
    refined.mean = (&synthetic + 0.1).unwrap();
    let row: Vec<f32> = (0..width).map(|x| f32::from(u8::from((1..width - 1).contains(&x)))).collect();
    let measured = Tensor::new(row, &Device::Cpu).unwrap().reshape((1, 1, 1, width)).unwrap();
    let measured = measured.broadcast_as((n, 1, height, width)).unwrap().contiguous().unwrap();
    refined.holes.as_mut().unwrap().measured = measured;
    let distance = trainer.distance(&refined, &synthetic, None).unwrap().to_scalar::<f32>().unwrap();
    let expected = (0.1 * (width - 2) as f32 + 0.25) / width as f32;
    assert!((distance - expected).abs() < 1e-5, "{distance} {expected}");
}

#[test]
fn holes_need_grain_and_a_range_above_0() {
    for (grain, range, fits) in
        [(1, "20..255", true), (0, "20..255", false), (1, "0..255", false), (1, "full", false)]
    {
        let (mut config, sources) = holes();
        config.refiner.grain_channels = grain;
        config.data.range = range.parse().unwrap();
        let trainer = Trainer::new(config, &sources, &Device::Cpu);
        let told = trainer.err().map(|error| error.to_string());
        assert_eq!(told.is_none(), fits, "{grain} {range}: {told:?}");
        assert!(fits || told.unwrap().contains("refiner.holes"));
    }
}
