//! Tests each kind of task: its errors with known values, its choice, and an estimator on an easy case.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;

use candle_core::{Device, Tensor};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use simgan_data::{Annotation, Annotations, Boxes, Class, Direction, Vector};
use simgan_eval::evaluation::NetworkSize;
use simgan_eval::{
    EstimatorTrainer, EstimatorTraining, EvalError, InputShape, Inputs, LabelledImages, Labels, Task,
    TaskKind, TaskSpec, choose_task, predict, train_estimator,
};

fn task(kind: TaskKind, width: usize) -> Box<dyn Task> {
    TaskSpec::new("it", kind, width).task()
}

fn figure(task: &dyn Task, predicted: &[Annotation], truth: &[Annotation], key: &str) -> f64 {
    task.errors(predicted, truth).unwrap().figure(key).unwrap()
}

fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-4, "{found}, not {expected}");
}

/// Labels of each kind; seeds differ.
fn labels(kind: TaskKind, seed: u64) -> Vec<Annotation> {
    let mut stream = ChaCha8Rng::seed_from_u64(seed);
    let mut number = |reach: f32| stream.random_range(0.0..reach);
    let label = |idx: u32| match kind {
        TaskKind::Direction => Direction::from_pitch_yaw(number(0.5) - 0.2, number(0.8) - 0.4).into(),
        TaskKind::Points => (0..3).map(|_| [number(40.0), number(30.0)]).collect::<Vec<_>>().into(),
        TaskKind::Class => Class(idx % 4).into(),
        TaskKind::Vector => Vector::scalars(vec![number(10.0), number(0.1)]).into(),
    };
    (0..24).map(label).collect()
}

const KINDS: [(TaskKind, usize); 4] =
    [(TaskKind::Direction, 3), (TaskKind::Points, 3), (TaskKind::Class, 4), (TaskKind::Vector, 2)];

#[test]
fn the_truth_has_no_error() {
    for (kind, width) in KINDS {
        let (task, truth) = (task(kind, width), labels(kind, 1));
        let errors = task.errors(&truth, &truth).unwrap();
        let measures = task.measures();
        assert_eq!(errors.n_images, 24);
        assert!(errors.figure(&measures[0].key).unwrap() < 1e-4, "{kind}: {errors:?}");
        assert!(errors.per_image.iter().all(|error| *error < 1e-4) && errors.per_image.len() == 24);
        let best =
            measures.iter().filter(|measure| measure.key.starts_with("pck") || measure.key == "accuracy");
        best.for_each(|measure| assert_eq!(errors.figure(&measure.key), Some(1.0), "{kind} {}", measure.key));
        // Every figure is announced, and every one announced is there.
        for key in errors.figures.keys() {
            assert!(measures.iter().any(|measure| measure.key == *key), "{kind}: {key}");
        }
        assert!(task.errors(&truth, &truth[1..]).is_err() && task.errors(&[], &[]).is_err());
        assert!(task.errors(&truth, &labels(kind, 2)).is_ok());
    }
}

#[test]
fn points_moved_by_two_pixels_err_by_two() {
    let (task, truth) = (task(TaskKind::Points, 3), labels(TaskKind::Points, 1));
    let moved: Vec<Annotation> = truth
        .iter()
        .map(|label| {
            label.as_points().unwrap().iter().map(|[x, y]| [x + 1.2, y - 1.6]).collect::<Vec<_>>().into()
        })
        .collect();
    let of = |key: &str| figure(&*task, &moved, &truth, key);
    close(of("error_px"), 2.0);
    close(of("median_px"), 2.0);
    close(of("offset_x_px"), 1.2);
    close(of("offset_y_px"), -1.6);
    assert_eq!([of("pck_1px"), of("pck_3px"), of("pck_5px")], [0.0, 1.0, 1.0]);
    close(of("point_2_px"), 2.0);
}

#[test]
fn permuted_classes_show_in_the_confusion_matrix() {
    let (task, truth) = (task(TaskKind::Class, 4), labels(TaskKind::Class, 1));
    let next: Vec<Annotation> =
        truth.iter().map(|label| Class((label.as_class().unwrap() + 1) % 4).into()).collect();
    let errors = task.errors(&next, &truth).unwrap();
    assert_eq!((errors.figure("accuracy"), errors.figure("macro_f1")), (Some(0.0), Some(0.0)));
    for (truth, row) in errors.confusion.iter().enumerate() {
        let expected: Vec<u64> = (0..4).map(|answer| if answer == (truth + 1) % 4 { 6 } else { 0 }).collect();
        assert_eq!(*row, expected);
    }
}

#[test]
fn numbers_off_by_a_constant_have_that_error() {
    let (task, truth) = (task(TaskKind::Vector, 2), labels(TaskKind::Vector, 1));
    let off: Vec<Annotation> = truth
        .iter()
        .map(|label| {
            let values = label.as_vector().unwrap().values();
            Vector::scalars(vec![values[0] + 3.0, values[1]]).into()
        })
        .collect();
    close(figure(&*task, &off, &truth, "rmse_0"), 3.0);
    close(figure(&*task, &off, &truth, "rmse_1"), 0.0);
    close(figure(&*task, &off, &truth, "offset_0"), 3.0);
    let mean = vec![task.mean(&truth.iter().collect::<Vec<_>>()).unwrap(); truth.len()];
    close(figure(&*task, &mean, &truth, "r2_0"), 0.0);
}

/// Errors do not change if predictions and labels are mirrored together.
#[test]
fn a_mirror_changes_no_error() {
    let mirror = |label: &Annotation| -> Annotation {
        match label {
            Annotation::Points(points) => {
                points.0.iter().map(|[x, y]| [40.0 - x, *y]).collect::<Vec<_>>().into()
            }
            Annotation::Direction(direction) => {
                let [x, y, z] = direction.vector();
                Direction::from_vector([-x, y, z]).unwrap().into()
            }
            other => other.clone(),
        }
    };
    let mirrored = |labels: &[Annotation]| labels.iter().map(mirror).collect::<Vec<_>>();
    for (kind, width) in KINDS {
        let (task, truth, predicted) = (task(kind, width), labels(kind, 1), labels(kind, 2));
        let error = task.measures()[0].key.clone();
        let before = figure(&*task, &predicted, &truth, &error);
        close(figure(&*task, &mirrored(&predicted), &mirrored(&truth), &error), before);
    }
}

#[test]
fn unknown_points_count_nowhere() {
    let task = task(TaskKind::Points, 2);
    let truth: Vec<Annotation> =
        vec![vec![[1.0, 1.0], [f32::NAN, 0.0]].into(), vec![[3.0, 3.0], [5.0, 5.0]].into()];
    let predicted: Vec<Annotation> =
        vec![vec![[1.0, 2.0], [9.0, 9.0]].into(), vec![[3.0, 3.0], [5.0, 7.0]].into()];
    close(figure(&*task, &predicted, &truth, "error_px"), 1.0);
    let mean = task.mean(&truth.iter().collect::<Vec<_>>()).unwrap();
    assert_eq!(mean.as_points().unwrap(), [[2.0, 2.0], [5.0, 5.0]]);
}

fn set(
    what: &'static str,
    images: &[&[(&'static str, Annotation)]],
) -> (Vec<String>, Vec<Annotations>, &'static str) {
    let names = (0..images.len()).map(|idx| format!("{idx}.png")).collect();
    let annotations = images
        .iter()
        .map(|image| image.iter().map(|(name, label)| ((*name).into(), label.clone())).collect())
        .collect();
    (names, annotations, what)
}

fn chosen(
    name: Option<&str>,
    sets: &[(Vec<String>, Vec<Annotations>, &'static str)],
) -> Result<TaskSpec, EvalError> {
    let labels: Vec<_> =
        sets.iter().map(|(names, annotations, what)| Labels { what, names, annotations }).collect();
    choose_task(name, &labels)
}

#[test]
fn the_task_follows_from_the_labels() {
    let gaze = || Annotation::from(Direction::from_pitch_yaw(0.1, 0.1));
    let pose = || Annotation::from(Vector::rotation([0.1, 0.2, 0.3]));
    let tips = |count: usize| Annotation::from(vec![[1.0, 2.0]; count]);
    let told = |name, sets: &[_]| chosen(name, sets).unwrap_err().to_string();

    let eyes = [set("synthetic", &[&[("gaze", gaze()), ("head_pose", pose()), ("iris", tips(8))]])];
    assert_eq!(chosen(None, &eyes).unwrap(), TaskSpec::gaze(), "landmarks and poses describe the image");
    assert_eq!(chosen(Some("head_pose"), &eyes).unwrap().kind, TaskKind::Vector);
    let both = [
        set("synthetic", &[&[("class", Class(2).into()), ("joints", tips(3))]]),
        set("test", &[&[("joints", tips(3)), ("class", Class(5).into())]]),
    ];
    assert!(told(None, &both).contains("several labels that an estimator can predict: class, joints"));
    assert!(chosen(None, &both).unwrap_err().hint().is_some());
    let joints = chosen(Some("joints"), &both).unwrap();
    assert_eq!((joints.kind, joints.width), (TaskKind::Points, 3));
    assert_eq!(chosen(Some("class"), &both).unwrap().width, 6, "classes of all sets count");

    let image: &[(&'static str, Annotation)] = &[("class", Class(1).into()), ("keypoints", tips(2))];
    let one = [set("synthetic", &[image; 2])];
    assert_eq!(chosen(None, &one).unwrap().name, "keypoints", "one class for all images is nothing to learn");
    assert_eq!(chosen(None, &[set("synthetic", &[&[("class", Class(1).into())]])]).unwrap().name, "class");

    let other = [set("synthetic", &[&[("joints", tips(3))]]), set("test", &[&[("gaze", gaze())]])];
    let error = told(None, &other);
    assert!(
        error.contains("synthetic images have `joints` (points); test images have `gaze` (direction)"),
        "{error}"
    );
    let error = told(Some("joints"), &other);
    assert!(error.contains("1 of 1 test images have no `joints`, the first is `0.png`"), "{error}");
    let error = told(Some("nose"), &other);
    assert!(error.contains("no image has `nose`"), "{error}");
    let bare = [set("synthetic", &[&[]]), set("test", &[&[("gaze", gaze())]])];
    assert!(told(None, &bare).contains("synthetic images have no labels"));

    let widths = [set("synthetic", &[&[("joints", tips(3))]]), set("test", &[&[("joints", tips(2))]])];
    let error = told(None, &widths);
    assert!(
        error.contains("`0.png`: no `joints` to use: it has 2 entries, where other images have 3"),
        "{error}"
    );
    let kinds = [set("synthetic", &[&[("it", gaze())], &[("it", Class(1).into())]])];
    let error = told(Some("it"), &kinds);
    assert!(
        error.contains("`1.png`: no `it` to use: it is class, where other images have direction"),
        "{error}"
    );
    let unknown = [set("synthetic", &[&[("joints", vec![[f32::NAN, f32::NAN]].into())]])];
    assert!(told(None, &unknown).contains("none of its points is known"));
    let wild = [set("synthetic", &[&[("age", Vector::scalars(vec![f32::NAN]).into())]])];
    assert!(told(None, &wild).contains("a number that is not finite"));
    let boxes = [set("synthetic", &[&[("boxes", Boxes(Vec::new()).into())]])];
    assert!(told(Some("boxes"), &boxes).contains("boxes or a mask"));
    let huge = [set("synthetic", &[&[("class", Class(4_000_000_000).into())]])];
    assert!(told(None, &huge).contains("exceeds the 1000"));
}

/// A bright square whose place, or size, is the label.
fn squares(kind: TaskKind, seed: u64, count: usize) -> LabelledImages {
    let (height, width) = (32usize, 40usize);
    let mut stream = ChaCha8Rng::seed_from_u64(seed);
    let (mut values, mut labels): (Vec<f32>, _) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let (x, y) = (stream.random_range(8.0..32f32), stream.random_range(8.0..24f32));
        let half = if stream.random() { 2.5 } else { 5.5 };
        labels.push(match kind {
            TaskKind::Points => vec![[x, y], [x + half, y]].into(),
            TaskKind::Class => Class(u32::from(half > 3.0)).into(),
            _ => Annotation::from(Vector::scalars(vec![100.0 + 10.0 * x, 0.01 * y])),
        });
        for pixel in 0..height * width {
            let (dx, dy) = ((pixel % width) as f32 + 0.5 - x, (pixel / width) as f32 + 0.5 - y);
            let inside = dx.abs().max(dy.abs()) < half;
            values.push(if inside { 0.8 } else { -0.8 } + stream.random_range(-0.1..0.1));
        }
    }
    let images = Tensor::from_vec(values, (count, 1, height, width), &Device::Cpu).unwrap();
    LabelledImages::new(Inputs::new(images, None).unwrap(), labels).unwrap()
}

const SHAPE: InputShape = InputShape { channels: 1, height: 32, width: 40, extra: 0 };

#[test]
fn estimators_learn_an_easy_case() {
    for (kind, width, steps) in
        [(TaskKind::Points, 2, 60), (TaskKind::Class, 2, 60), (TaskKind::Vector, 2, 80)]
    {
        let (task, training, test) = (task(kind, width), squares(kind, 1, 200), squares(kind, 2, 40));
        let config = task.estimator(NetworkSize::Quarter, SHAPE).unwrap();
        let options = EstimatorTraining { steps, batch: 16, lr: 0.003, ..EstimatorTraining::default() };
        let network = train_estimator(&*task, &config, &training, &options).unwrap();
        let mean = vec![task.mean(&training.labels().iter().collect::<Vec<_>>()).unwrap(); 40];
        let key = &task.measures()[0].key;
        let mean = figure(&*task, &mean, test.labels(), key);
        let error = figure(&*task, &predict(&*task, &network, test.inputs()).unwrap(), test.labels(), key);
        assert!(error < 0.5 * mean, "{kind}: {error}, the mean {mean}");
    }
}

/// Makes the file one from before the lengths of the others were recorded.
fn record_checksums_alone(path: &Path) {
    let mut state: toml::Table = std::fs::read_to_string(path).unwrap().parse().unwrap();
    for name in ["network", "optimizer"] {
        let mark = state.remove(name).unwrap();
        let checksum = format!("{:08x}", mark["crc32c"].as_integer().unwrap());
        state.insert(format!("{name}_crc32c"), checksum.into());
    }
    std::fs::write(path, state.to_string()).unwrap();
}

#[test]
fn an_interrupted_training_ends_the_same() {
    for (kind, width) in [(TaskKind::Points, 2), (TaskKind::Class, 2)] {
        let (task, images) = (task(kind, width), squares(kind, 1, 30));
        let config = task.estimator(NetworkSize::Quarter, SHAPE).unwrap();
        let options = EstimatorTraining { steps: 6, batch: 8, augment: true, ..EstimatorTraining::default() };
        let whole = train_estimator(&*task, &config, &images, &options).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let begin = |options| EstimatorTrainer::new(&*task, &config, &images, options).unwrap();
        let mut first = begin(options);
        assert!(!first.restore(folder.path()).unwrap());
        for _ in 0..3 {
            first.update().unwrap();
        }
        first.save(folder.path()).unwrap();
        if kind == TaskKind::Class {
            record_checksums_alone(&folder.path().join("training.toml"));
        }
        let mut second = begin(options);
        assert!(second.restore(folder.path()).unwrap() && second.n_done() == 3);
        while !second.is_done() {
            second.update().unwrap();
        }
        let resumed = second.finish().unwrap();
        let same = whole.parameters.tensors().into_iter().zip(resumed.parameters.tensors());
        for ((name, left), (_, right)) in same {
            let values = [left, right].map(|tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap());
            assert!(values[0] == values[1], "{kind}: {name}");
        }
        let other = EstimatorTraining { seed: 1, ..options };
        assert!(begin(other).restore(folder.path()).unwrap_err().to_string().contains("other images"));
        std::fs::write(folder.path().join("training-network-a.safetensors"), b"damage").unwrap();
        assert!(begin(options).restore(folder.path()).unwrap_err().to_string().contains("checksum"));
        EstimatorTrainer::forget(folder.path()).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn one_class_is_nothing_to_learn() {
    let images = squares(TaskKind::Points, 1, 8);
    let same = LabelledImages::new(images.inputs().clone(), vec![Class(1).into(); 8]).unwrap();
    let task = task(TaskKind::Class, 2);
    let config = task.estimator(NetworkSize::Quarter, SHAPE).unwrap();
    let error = train_estimator(&*task, &config, &same, &EstimatorTraining::default()).unwrap_err();
    assert!(error.to_string().contains("one class cannot be told from others"), "{error}");
}
