//! Tests judgements of refiners with a known effect: none, or a blank image.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use candle_core::Device;
use simgan_data::{DataError, ImageSpec, MemorySource, OnError, Sample, Source, Want, names};
use simgan_eyes::Domain;
use simgan_metrics::RealismTraining;
use simgan_models::{Refiner, save_refiner};
use simgan_train::{RefinerJudge, SelectionConfig, Sources};

fn eyes(domain: Domain, seed: u64, count: usize, is_labelled: bool) -> Arc<dyn Source> {
    let source = common::eyes(domain, seed, count);
    if is_labelled {
        return Arc::new(source);
    }
    let bare = |idx: usize| source.sample(idx, Want::Image).unwrap();
    Arc::new(MemorySource::new((0..count).map(bare).collect()).unwrap())
}

fn judge(sources: &Sources) -> RefinerJudge {
    let training = RealismTraining { steps: 25, batch: 16, seed: 3, ..RealismTraining::default() };
    RefinerJudge::new(sources, 100, OnError::Fail, training, &Device::Cpu).unwrap()
}

#[test]
fn preservation_and_realism_are_told() {
    let sources = Sources {
        synthetic: eyes(Domain::Eyes, 1, 110, true),
        real: eyes(Domain::Camera, 2, 90, true),
        tone: None,
    };
    let limits = SelectionConfig::default();
    let judge = judge(&sources);
    let folder = tempfile::tempdir().unwrap();
    let of = |gain: f32| {
        let (config, parameters) = common::scaling(gain, None);
        save_refiner(folder.path(), &config, 1, &parameters.tensors()).unwrap();
        judge.judge(folder.path()).unwrap()
    };
    let (nothing, again, blank) = (of(1.0), of(1.0), of(0.0));
    println!("{nothing:?}\n{blank:?}");
    assert_eq!(nothing, again, "the same at each call");
    let (still, lost) = (nothing.pupil.unwrap(), blank.pupil.unwrap());
    assert!(still.shift_px < 0.05 && nothing.change < 0.002 && nothing.excess(&limits) < 0.1, "{nothing:?}");
    assert!(lost.shift_px > 5.0 && blank.excess(&limits) > 1.0, "{blank:?}");
    assert!(nothing.compare(&blank, &limits).is_lt());
    assert!((0.0..=1.0).contains(&nothing.accuracy) && blank.accuracy > 0.8, "{blank:?}");
    std::fs::remove_file(folder.path().join("refiner.safetensors")).unwrap();
    assert!(judge.judge(folder.path()).is_err());
}

/// Without iris labels, only the change of pixels counts.
#[test]
fn without_landmarks_the_change_of_pixels_counts() {
    let sources = Sources {
        synthetic: eyes(Domain::Eyes, 1, 40, false),
        real: eyes(Domain::Camera, 2, 40, false),
        tone: None,
    };
    let (config, parameters) = common::scaling(-1.0, None);
    let refiner = Refiner::new(&config, 1, parameters.var_builder()).unwrap().frozen();
    let judgement = judge(&sources).judge_refiner(&refiner).unwrap();
    assert_eq!((judgement.pupil, judgement.points), (None, None));
    assert!((0.05..0.2).contains(&judgement.change), "{judgement:?}");
    let limits = SelectionConfig { max_change: judgement.change / 2.0, ..SelectionConfig::default() };
    assert!((judgement.excess(&limits) - 2.0).abs() < 1e-9);
}

/// Returns eyes whose points around the iris have another name, two in every other image.
fn eyes_with_points(count: usize) -> Arc<dyn Source> {
    let eyes = common::eyes(Domain::Eyes, 1, count);
    let renamed = |idx: usize| {
        let mut sample = eyes.sample(idx, Want::Labels).unwrap();
        let points = sample.annotations.remove(names::IRIS).unwrap();
        let few = points.as_points().unwrap()[..2 + 6 * (idx % 2)].to_vec();
        sample.annotations = [("ring".into(), few.into())].into_iter().collect();
        sample
    };
    Arc::new(MemorySource::new((0..count).map(renamed).collect()).unwrap())
}

/// Without iris labels, the movement of whatever points there are counts.
#[test]
fn without_irises_other_points_count() {
    let sources =
        Sources { synthetic: eyes_with_points(60), real: eyes(Domain::Camera, 2, 40, false), tone: None };
    let (judge, limits) = (judge(&sources), SelectionConfig::default());
    let of = |gain: f32| {
        let (config, parameters) = common::scaling(gain, None);
        let refiner = Refiner::new(&config, 1, parameters.var_builder()).unwrap().frozen();
        judge.judge_refiner(&refiner).unwrap()
    };
    let (nothing, blank) = (of(1.0), of(0.0));
    let (still, lost) = (nothing.points.unwrap(), blank.points.unwrap());
    assert!(still.shift_px < 0.1 && nothing.pupil.is_none(), "{nothing:?}");
    assert!(nothing.excess(&limits) < 0.2 && blank.excess(&limits) > 1.0, "{nothing:?} {blank:?}");
    // Lost points count with the radius of the search: 4 pixels of an image of 33×21, that is 8.4 of 55×55.
    assert!((lost.shift_px - 4.0 * 55.0 / 693f64.sqrt()).abs() < 1e-9, "{blank:?}");
    assert!(nothing.compare(&blank, &limits).is_lt());
}

/// A source whose label files are damaged.
struct Damaged(Arc<dyn Source>);

impl Source for Damaged {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn spec(&self) -> ImageSpec {
        self.0.spec()
    }

    fn sample(&self, idx: usize, want: Want) -> Result<Sample, DataError> {
        match want {
            Want::Image => self.0.sample(idx, want),
            Want::Labels => Err(DataError::Label { path: "0.json".into(), reason: "not JSON".to_owned() }),
        }
    }

    fn name(&self, idx: usize) -> Result<String, DataError> {
        self.0.name(idx)
    }
}

#[test]
fn damaged_labels_cost_only_the_pupil() {
    let synthetic = Arc::new(Damaged(eyes(Domain::Eyes, 1, 40, true)));
    let sources = Sources { synthetic, real: eyes(Domain::Camera, 2, 40, false), tone: None };
    let (config, parameters) = common::scaling(1.0, None);
    let refiner = Refiner::new(&config, 1, parameters.var_builder()).unwrap().frozen();
    assert_eq!(judge(&sources).judge_refiner(&refiner).unwrap().pupil, None);
}
