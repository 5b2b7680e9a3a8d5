//! Tests the whole evaluation on cases with known results: refiners that change nothing or blank the image,
//! repeated images, persons.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::sync::atomic::AtomicBool;

use candle_core::Device;
use simgan_data::{Direction, MemorySource, Source, Tone, Want};
use simgan_eval::evaluation::{
    Baselines, Evaluation, EvaluationConfig, EvaluationData, EvaluationSources, Method, MethodKind,
    NetworkSize, Plan, Watch, evaluate,
};
use simgan_eval::{EstimatorTraining, EvalError, GazeErrors, TestEye};
use simgan_eyes::Domain;
use simgan_metrics::RealismTraining;
use simgan_models::Refiner;

fn config() -> EvaluationConfig {
    EvaluationConfig {
        images: 200,
        seeds: 2,
        network: NetworkSize::Half,
        training: EstimatorTraining { steps: 12, batch: 16, ..EstimatorTraining::default() },
        methods: vec![MethodKind::Mean, MethodKind::Knn, MethodKind::Synthetic, MethodKind::Refined],
        realism: RealismTraining { steps: 15, batch: 16, ..RealismTraining::default() },
        ..EvaluationConfig::default()
    }
}

/// Returns a refiner that computes tanh(`gain` · x).
fn scaling(gain: f32) -> Refiner {
    noisy(gain, None)
}

/// As [`scaling`], after adding noise to x.
fn noisy(gain: f32, grain: Option<f32>) -> Refiner {
    let (config, parameters) = common::scaling(gain, grain);
    Refiner::new(&config, 1, parameters.var_builder()).unwrap().frozen()
}

struct Scene {
    synthetic: MemorySource,
    test: MemorySource,
    real: MemorySource,
    tone: Option<Tone>,
}

impl Scene {
    fn new() -> Self {
        let [synthetic, real] = [(Domain::Eyes, 0, 260), (Domain::Camera, 1, 60)]
            .map(|(domain, seed, n)| common::eyes(domain, seed, n));
        Self { synthetic, real, test: common::eyes(Domain::Camera, 2, 40), tone: None }
    }

    fn read(&self, config: &EvaluationConfig) -> Result<EvaluationData, EvalError> {
        let sources = EvaluationSources {
            synthetic: &self.synthetic,
            test: &self.test,
            real: Some(&self.real),
            most_test: usize::MAX,
            tone: self.tone.as_ref(),
        };
        watched(|watch| EvaluationData::read(&sources, config, &Device::Cpu, watch))
    }

    fn evaluate(&self, refiner: &Refiner) -> Evaluation {
        let (config, data) = (config(), self.read(&config()).unwrap());
        watched(|watch| evaluate(refiner, &Plan::new(&data, &config)?, watch)).unwrap().0
    }
}

fn watched<T>(work: impl FnOnce(&mut Watch<'_>) -> T) -> T {
    let (mut observe, stop) = (|_: &_| (), AtomicBool::new(false));
    work(&mut Watch::new(&mut observe, &stop))
}

#[test]
fn a_refiner_that_changes_nothing_changes_no_figure() {
    let found = Scene::new().evaluate(&scaling(1.0));
    let [synthetic, refined] =
        [MethodKind::Synthetic, MethodKind::Refined].map(|kind| found.methods[&Method::once(kind)].clone());
    let ratio = refined.ratio_to_synthetic.unwrap();
    assert!((ratio.mean - 1.0).abs() < 0.03 && ratio.sd < 0.03, "{ratio:?}");
    assert_eq!((synthetic.n_images, refined.n_images, refined.runs.len()), (200, 200, 2));
    assert!(found.shifts.any().unwrap().mean < 0.05, "{:?}", found.shifts);
    let (agreement, realism) = (found.agreement.clone().unwrap(), found.realism.unwrap());
    assert!(agreement.difference.mean < 0.3 && agreement.own_error.mean > 1.0, "{agreement:?}");
    assert!((realism.refined.accuracy.mean - realism.synthetic.accuracy.mean).abs() < 0.1, "{realism:?}");
    assert!((realism.refined.intensity_distance - realism.synthetic.intensity_distance).abs() < 1e-3);

    let text = serde_json::to_string(&found).unwrap();
    assert!(!text.contains("null"), "{text}");
    let again: Evaluation = serde_json::from_str(&text).unwrap();
    assert_eq!((again.config, again.data), (found.config, found.data));
    assert!(again.methods.keys().eq(found.methods.keys()));
    let reread = again.methods[&Method::once(MethodKind::Refined)].figures["error_deg"];
    assert!((reread.mean - refined.figures["error_deg"].mean).abs() < 1e-9, "{reread:?}");
}

#[test]
fn a_refiner_that_blanks_images_is_found_out() {
    let found = Scene::new().evaluate(&scaling(0.0));
    assert!(found.shifts.any().unwrap().mean > 2.0, "{:?}", found.shifts);
    let realism = found.realism.unwrap();
    assert!(realism.refined.gradient_distance > 3.0 * realism.synthetic.gradient_distance, "{realism:?}");
    let [synthetic, refined] = [MethodKind::Synthetic, MethodKind::Refined]
        .map(|kind| &found.methods[&Method::once(kind)].predicted);
    assert_ne!(synthetic, refined, "the networks learned from the same images");
}

/// With the same weights and order of images, networks differ only by what is done to the images.
#[test]
fn every_row_learns_from_images_of_its_own() {
    let scene = Scene { tone: Some(Tone::Equalize), ..Scene::new() };
    let networks = MethodKind::ALL.into_iter().filter(|kind| kind.is_network()).collect();
    let training = EstimatorTraining { steps: 2, batch: 16, ..EstimatorTraining::default() };
    let realism = RealismTraining { steps: 2, batch: 8, ..RealismTraining::default() };
    let config = EvaluationConfig { methods: networks, seeds: 1, images: 60, training, realism, ..config() };
    let data = scene.read(&config).unwrap();
    let found = watched(|watch| evaluate(&scaling(0.5), &Plan::new(&data, &config)?, watch)).unwrap().0;
    assert_eq!(found.methods.len(), MethodKind::ALL.len() - 2, "all but the mean and the neighbours");
    let predicted: Vec<_> = found.methods.values().map(|figures| &figures.predicted).collect();
    for (idx, other) in predicted.iter().enumerate() {
        assert!(!predicted[..idx].contains(other), "row {idx} of {:?}", found.methods.keys());
    }
    let again = watched(|watch| evaluate(&scaling(0.5), &Plan::new(&data, &config)?, watch)).unwrap().0;
    assert_eq!(again, found, "one configuration, one result");
}

/// As many updates on several refined images of each render, which differ if the refiner looks at its noise.
#[test]
fn variants_of_an_image_share_its_label() {
    let config = EvaluationConfig { methods: vec![MethodKind::Refined], images: 60, ..config() };
    let four = EvaluationConfig { variants: 4, ..config.clone() };
    let data = Scene::new().read(&config).unwrap();
    let measure = |refiner: &Refiner, config: &EvaluationConfig| {
        let evaluated = watched(|watch| evaluate(refiner, &Plan::new(&data, config)?, watch));
        evaluated.map(|(found, _)| found.methods[&Method::once(MethodKind::Refined)].clone())
    };
    let [one, all] = [&config, &four].map(|config| measure(&noisy(0.5, Some(0.1)), config).unwrap());
    assert_eq!((one.n_images, all.n_images), (60, 240));
    assert_ne!(one.predicted, all.predicted);
    // Without a look at the noise all variants are one image; only the order of the batches differs.
    let [one, all] = [&config, &four].map(|config| measure(&noisy(0.5, Some(0.0)), config).unwrap());
    let ratio = all.figures["error_deg"].mean / one.figures["error_deg"].mean;
    assert!((ratio - 1.0).abs() < 0.2, "labels went astray: {ratio}");
    let error = measure(&scaling(0.5), &four).unwrap_err().to_string();
    assert!(error.contains("4 variants of an image are asked of a refiner that takes no noise"), "{error}");
}

/// Side by side or one after the other: every digit is the same.
#[test]
fn figures_do_not_depend_on_the_number_of_threads() {
    let (scene, config) = (Scene::new(), EvaluationConfig { augment: true, images: 60, ..config() });
    let data = scene.read(&config).unwrap();
    let measure = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let work = || watched(|watch| evaluate(&scaling(0.5), &Plan::new(&data, &config)?, watch)).unwrap().0;
        pool.install(work)
    };
    let alone = measure(1);
    for threads in [2, 5] {
        assert_eq!(measure(threads), alone, "{threads} threads");
    }
}

#[test]
fn a_tone_is_a_row_of_its_own_and_comes_before_the_refiner() {
    let mut config = config();
    config.methods = vec![MethodKind::Synthetic, MethodKind::Toned, MethodKind::Refined];
    let without = Scene::new().read(&config).unwrap();
    let error = Plan::new(&without, &config).err().unwrap().to_string();
    assert!(error.contains("`toned` needs a refiner with a tone stage"), "{error}");
    let data = Scene { tone: Some(Tone::Equalize), ..Scene::new() }.read(&config).unwrap();
    let found = watched(|watch| evaluate(&scaling(1.0), &Plan::new(&data, &config)?, watch)).unwrap().0;
    let [synthetic, toned, refined] = [MethodKind::Synthetic, MethodKind::Toned, MethodKind::Refined]
        .map(|kind| found.methods[&Method::once(kind)].ratio_to_synthetic.map(|ratio| ratio.mean));
    // This refiner changes nothing, so what it was given shows.
    let ratio = refined.unwrap() / toned.unwrap();
    assert!(synthetic.is_none() && (ratio - 1.0).abs() < 0.03, "{ratio}");
    assert!((toned.unwrap() - 1.0).abs() > 0.001, "the tone was applied");
    assert!(found.shifts.any().unwrap().mean < 0.05, "R is compared with what it saw: {:?}", found.shifts);
    let realism = found.realism.unwrap();
    let [synthetic, toned, refined] =
        [realism.synthetic, realism.toned.unwrap(), realism.refined].map(|like| like.intensity_distance);
    assert!((toned - refined).abs() < 0.3 * (synthetic - refined).abs(), "R saw toned images: {realism:?}");
}

#[test]
fn the_floor_learns_from_no_test_image() {
    let mut scene = Scene::new();
    let all = |source: &MemorySource| {
        (0..source.len()).map(|idx| source.sample(idx, Want::Labels).unwrap()).collect::<Vec<_>>()
    };
    scene.real = MemorySource::new([all(&scene.real), all(&scene.test)].concat()).unwrap();
    let summary = scene.read(&config()).unwrap().summary().unwrap();
    assert_eq!((summary.n_real, summary.n_labelled_real, summary.n_repeated), (100, 60, 40));
    scene.real = common::eyes(Domain::Camera, 2, 40);
    let floor = EvaluationConfig { methods: vec![MethodKind::Real], ..config() };
    let data = scene.read(&floor).unwrap();
    let error = Plan::new(&data, &floor).err().unwrap().to_string();
    assert!(error.contains("`real` needs labelled real images that are no test images"), "{error}");
    assert!(
        Plan::new(&data, &EvaluationConfig { methods: vec![], ..floor }).is_ok(),
        "unless asked for, it is left out"
    );
}

#[test]
fn rows_follow_data_and_wishes() {
    let scene = Scene::new();
    let all = EvaluationConfig { methods: vec![], augment: true, fold: 2, images: 100, ..config() };
    let named = |config: &EvaluationConfig| -> Vec<_> {
        let data = scene.read(config).unwrap();
        Plan::new(&data, config).unwrap().rows().iter().map(Method::to_string).collect()
    };
    let expected = "mean knn synthetic synthetic_2x synthetic_augmented synthetic_histogram synthetic_histogram_augmented synthetic_fourier refined refined_2x refined_augmented real";
    assert_eq!(named(&all).join(" "), expected);
    let some =
        EvaluationConfig { methods: vec![MethodKind::Knn, MethodKind::Refined], fold: 1, ..all.clone() };
    assert_eq!(named(&some), ["knn", "refined", "refined_augmented"]);
    assert_eq!(named(&EvaluationConfig { augment: false, ..some }), ["knn", "refined"]);
    let alone =
        EvaluationConfig { methods: vec![MethodKind::RefinedAugmented], augment: false, fold: 1, ..all };
    assert_eq!(named(&alone), ["refined_augmented"]);
    let none = EvaluationConfig { seeds: 0, ..config() };
    assert!(scene.read(&none).err().unwrap().to_string().contains("seeds is 0"));
}

#[test]
fn work_stops_when_asked_to() {
    let (scene, config) = (Scene::new(), config());
    let data = scene.read(&config).unwrap();
    let (mut seen, stop) = (Vec::new(), AtomicBool::new(false));
    let mut observe = |progress: &simgan_eval::evaluation::Progress| {
        seen.push(progress.clone());
        stop.store(progress.done == 15, std::sync::atomic::Ordering::Relaxed);
    };
    let mut watch = Watch::new(&mut observe, &stop);
    let stopped = Baselines::measure(&Plan::new(&data, &config).unwrap(), &mut watch);
    assert!(matches!(stopped, Err(EvalError::Stopped)));
    let last = seen.last().unwrap();
    assert_eq!((last.done, last.doing.as_str()), (15, "training 2 networks"));
}

/// Two persons have opposite offsets: a shared calibration leaves the errors, a personal one removes them.
#[test]
fn each_person_is_calibrated_alone() {
    let truth: Vec<_> =
        (0..40).map(|idx| Direction::from_pitch_yaw(0.01 * idx as f32, -0.005 * idx as f32)).collect();
    let of = |person| TestEye { person, is_mirrored: false };
    let persons: Vec<_> = (0..40).map(|idx| of(idx % 2)).collect();
    let off = |(gaze, eye): (&Direction, &TestEye)| {
        Direction::from_pitch_yaw(gaze.pitch(), gaze.yaw() + 0.1 - 0.2 * eye.person as f32)
    };
    let predicted: Vec<_> = truth.iter().zip(&persons).map(off).collect();
    let own = GazeErrors::personally_calibrated(&predicted, &truth, &persons, 9).unwrap().unwrap();
    assert!(own.mean_deg < 1e-3 && own.n_images == 22, "{own:?}");
    assert!(GazeErrors::calibrated(&predicted, &truth, 9).unwrap().mean_deg > 4.0);
    // Persons with too few images are left out; if that is everybody, nothing is left.
    assert!(GazeErrors::personally_calibrated(&predicted, &truth, &persons, 20).unwrap().is_none());
    let uneven: Vec<_> = (0..40).map(|idx| of(usize::from(idx > 34))).collect();
    let first_alone = GazeErrors::personally_calibrated(&truth, &truth, &uneven, 9).unwrap().unwrap();
    assert_eq!(first_alone.n_images, 26);
    assert!(GazeErrors::personally_calibrated(&truth, &truth, &persons[1..], 9).is_err());
}

/// A head turned from the camera: both eyes' offsets are equal in the camera's frame, but opposite in the
/// images, where right eyes are mirrored.
#[test]
fn calibration_undoes_the_mirror() {
    let truth: Vec<_> =
        (0..40).map(|idx| Direction::from_pitch_yaw(0.01 * idx as f32, -0.005 * idx as f32)).collect();
    let eyes: Vec<_> = (0..40).map(|idx| TestEye { person: 0, is_mirrored: idx % 3 == 0 }).collect();
    let off = |(gaze, eye): (&Direction, &TestEye)| {
        let yaw = if eye.is_mirrored { -0.1 } else { 0.1 };
        Direction::from_pitch_yaw(gaze.pitch() + 0.05, gaze.yaw() + yaw)
    };
    let predicted: Vec<_> = truth.iter().zip(&eyes).map(off).collect();
    let errors = GazeErrors::personally_calibrated(&predicted, &truth, &eyes, 9).unwrap().unwrap();
    assert!(errors.mean_deg < 1e-3 && errors.n_images == 31, "{errors:?}");
    assert!(GazeErrors::calibrated(&predicted, &truth, 9).unwrap().mean_deg > 3.0);
}
