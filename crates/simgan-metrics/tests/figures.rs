//! Figures of predicted labels on known answers.

use simgan_metrics::{ClassFigures, MetricsError, PointErrors, PointFigures, VectorFigures};

type Points = Vec<Vec<[f32; 2]>>;

/// Five images of a hand of seven points in an image of 31 × 17 pixels, all at different places.
fn hands() -> Points {
    let point = |image: usize, point: usize| {
        [((3 + 7 * image + 4 * point) % 31) as f32 + 0.25, ((5 + 2 * image + 3 * point) % 17) as f32 + 0.5]
    };
    (0..5).map(|image| (0..7).map(|idx| point(image, idx)).collect()).collect()
}

fn moved(points: &Points, by: impl Fn(usize, usize) -> [f32; 2]) -> Points {
    let moved = |image: usize, idx: usize, [x, y]: [f32; 2]| {
        let [right, down] = by(image, idx);
        [x + right, y + down]
    };
    let images = points.iter().enumerate();
    images
        .map(|(image, all)| all.iter().enumerate().map(|(idx, at)| moved(image, idx, *at)).collect())
        .collect()
}

#[test]
fn points_predicted_exactly_have_no_error() {
    let figures = PointErrors::new(&hands(), &hands()).unwrap().figures();
    assert_eq!((figures.n_images, figures.n_points, figures.n_missing), (5, 35, 0));
    assert_eq!((figures.mean_px, figures.median_px, figures.pck_5px), (0.0, 0.0, 1.0));
    assert!(figures.pck.iter().chain(&figures.worst_within).all(|share| *share == 1.0));
    assert!(figures.points.iter().all(|point| point.mean_px == Some(0.0) && point.pck_5px == Some(1.0)));
}

#[test]
fn points_moved_by_two_pixels_are_two_pixels_off() {
    let truth = hands();
    let ways = [[2.0, 0.0], [0.0, -2.0], [-1.2, 1.6], [0.0, 2.0]];
    let errors = PointErrors::new(&moved(&truth, |image, idx| ways[(image + idx) % 4]), &truth).unwrap();
    let figures = errors.figures();
    assert!((figures.mean_px - 2.0).abs() < 1e-6 && (figures.median_px - 2.0).abs() < 1e-6, "{figures:?}");
    // -1.2 and 1.6 are not exact in f32, so that 2 itself is no threshold.
    assert_eq!((errors.pck(1.99), errors.pck(2.01)), (0.0, 1.0));
    assert_eq!((errors.worst_within(1.99), errors.worst_within(2.01)), (0.0, 1.0));
    assert!(errors.image_means_px().iter().all(|mean| (mean.unwrap() - 2.0).abs() < 1e-6));
    let curve: Vec<_> = PointFigures::pck_thresholds().zip(&figures.pck).collect();
    assert_eq!((curve.len(), curve[40].0), (41, 20.0));
    assert!(curve.iter().all(|(at, share)| *at == 2.0 || **share == f64::from(*at > 2.0)), "{curve:?}");
}

/// One point of one image is far off: the shares of points, of that point and of images differ.
#[test]
fn one_wrong_point_counts_once_for_points_and_spoils_its_image() {
    let truth = hands();
    let wrong = moved(&truth, |image, idx| if (image, idx) == (3, 6) { [9.0, 12.0] } else { [0.0, 1.0] });
    let errors = PointErrors::new(&wrong, &truth).unwrap();
    let figures = errors.figures();
    assert_eq!(figures.mean_px, (34.0 + 15.0) / 35.0);
    assert_eq!(figures.median_px, 1.0);
    assert_eq!((errors.pck(0.5), errors.pck(1.0), errors.pck(15.0)), (0.0, 34.0 / 35.0, 1.0));
    assert_eq!((errors.worst_within(1.0), errors.worst_within(15.0)), (0.8, 1.0));
    assert_eq!((figures.points[6].mean_px, figures.points[6].pck_5px), (Some(19.0 / 5.0), Some(0.8)));
    assert_eq!((figures.points[5].mean_px, figures.points[5].pck_5px), (Some(1.0), Some(1.0)));
    assert_eq!(errors.image_worst_px(), [1.0, 1.0, 1.0, 15.0, 1.0].map(Some));
    assert_eq!(figures.worst_within[10], 0.8);
}

#[test]
fn points_whose_place_is_unknown_do_not_count() {
    let mut truth = hands();
    truth[2] = vec![[f32::NAN, 4.0]; 7];
    truth.iter_mut().for_each(|points| points[1] = [3.0, f32::INFINITY]);
    let predicted = moved(&hands(), |_, _| [1.0, 0.0]);
    let errors = PointErrors::new(&predicted, &truth).unwrap();
    let figures = errors.figures();
    assert_eq!((figures.n_images, figures.n_points, figures.n_missing), (4, 24, 11));
    assert_eq!((figures.mean_px, figures.worst_within[2]), (1.0, 1.0));
    assert_eq!((figures.points[1].n_images, figures.points[1].mean_px), (0, None));
    assert_eq!((figures.points[0].n_images, figures.points[0].mean_px), (4, Some(1.0)));
    assert_eq!((errors.image_means_px()[2], errors.image_means_px()[3]), (None, Some(1.0)));
}

/// Mirroring predictions together with labels changes nothing; mirroring one of them, or exchanging two
/// joints, does.
#[test]
fn points_mirrored_with_their_labels_keep_their_error() {
    let mirrored = |points: &Points| -> Points {
        points.iter().map(|all| all.iter().map(|[x, y]| [31.0 - x, *y]).collect()).collect()
    };
    let truth = hands();
    let predicted = moved(&truth, |image, idx| [0.5 * image as f32, -0.25 * idx as f32]);
    let figures = |predicted: &Points, truth: &Points| PointErrors::new(predicted, truth).unwrap().figures();
    let plain = figures(&predicted, &truth);
    assert_eq!(figures(&mirrored(&predicted), &mirrored(&truth)), plain);
    assert!(figures(&mirrored(&predicted), &truth).mean_px > 3.0 * plain.mean_px);
    let mut exchanged = predicted;
    exchanged.iter_mut().for_each(|points| points.swap(0, 4));
    let exchanged = figures(&exchanged, &truth);
    assert!(exchanged.points[0].mean_px > plain.points[0].mean_px);
    assert_eq!(exchanged.points[1..4], plain.points[1..4]);
}

#[test]
fn points_that_cannot_be_compared_are_errors() {
    let truth = hands();
    let error = |predicted: &Points, truth: &Points| PointErrors::new(predicted, truth).unwrap_err();
    assert!(matches!(error(&truth[1..].to_vec(), &truth), MetricsError::Predictions { n_predicted: 4, .. }));
    assert!(matches!(error(&Vec::new(), &Vec::new()), MetricsError::TooFew { .. }));
    let mut ragged = truth.clone();
    ragged[3].pop();
    assert!(matches!(error(&ragged, &truth), MetricsError::Ragged { image: 3, found: 6, needed: 7, .. }));
    assert!(matches!(error(&truth, &ragged), MetricsError::Ragged { image: 3, found: 6, needed: 7, .. }));
    let mut broken = truth.clone();
    broken[4][2][1] = f32::NAN;
    assert!(matches!(error(&broken, &truth), MetricsError::PredictionNotFinite { image: 4 }));
    let unknown = vec![vec![[f32::NAN; 2]; 7]; 5];
    assert!(matches!(error(&truth, &unknown), MetricsError::NoKnownPoint { n_images: 5 }));
    let none = vec![Vec::new(); 5];
    assert!(matches!(error(&none, &none), MetricsError::NoKnownPoint { n_images: 5 }));
}

/// Figures worked out by hand. Class 2 is predicted but never true, class 3 the reverse, 4 and 5 neither.
#[test]
fn classes_are_counted() {
    let (truth, predicted) = ([0, 0, 0, 1, 1, 3], [0, 0, 1, 1, 0, 2]);
    let figures = ClassFigures::new(&predicted, &truth, 6).unwrap();
    assert_eq!(figures.accuracy, 0.5);
    assert_eq!(figures.confusion[0], [2, 1, 0, 0, 0, 0]);
    assert_eq!(figures.confusion[3], [0, 0, 1, 0, 0, 0]);
    let [first, second, third, fourth, absent] = [0, 1, 2, 3, 5].map(|class| figures.classes[class]);
    assert_eq!((first.recall, first.precision), (Some(2.0 / 3.0), Some(2.0 / 3.0)));
    assert_eq!((second.recall, second.precision), (Some(0.5), Some(0.5)));
    assert_eq!((third.recall, third.precision, third.f1), (None, Some(0.0), Some(0.0)));
    assert_eq!((fourth.recall, fourth.precision, fourth.f1), (Some(0.0), None, Some(0.0)));
    assert_eq!((absent.n_images, absent.n_predicted, absent.f1), (0, 0, None));
    assert!((figures.macro_f1 - (2.0 / 3.0 + 0.5) / 4.0).abs() < 1e-12, "{figures:?}");
}

#[test]
fn classes_permuted_are_all_wrong_and_renamed_are_the_same() {
    let truth: Vec<u32> = (0..40).map(|idx| idx * idx % 5).collect();
    let same = ClassFigures::new(&truth, &truth, 5).unwrap();
    assert_eq!((same.accuracy, same.macro_f1), (1.0, 1.0));
    let permuted = |classes: &[u32]| classes.iter().map(|class| (class + 2) % 5).collect::<Vec<_>>();
    let wrong = ClassFigures::new(&permuted(&truth), &truth, 5).unwrap();
    assert_eq!((wrong.accuracy, wrong.macro_f1), (0.0, 0.0));
    assert_eq!(wrong.confusion[1][3], same.confusion[1][1]);
    let predicted: Vec<u32> = (0..40).map(|idx| idx * 3 % 5).collect();
    let plain = ClassFigures::new(&predicted, &truth, 5).unwrap();
    let renamed = ClassFigures::new(&permuted(&predicted), &permuted(&truth), 5).unwrap();
    assert_eq!(plain.accuracy, renamed.accuracy);
    assert!((plain.macro_f1 - renamed.macro_f1).abs() < 1e-12);
    let one = ClassFigures::new(&[2, 2], &[2, 2], 3).unwrap();
    assert_eq!((one.accuracy, one.macro_f1), (1.0, 1.0));
}

#[test]
fn classes_that_cannot_be_compared_are_errors() {
    let error = |predicted: &[u32], truth: &[u32], n| ClassFigures::new(predicted, truth, n).unwrap_err();
    assert!(matches!(error(&[0], &[0, 1], 2), MetricsError::Predictions { .. }));
    assert!(matches!(error(&[], &[], 2), MetricsError::TooFew { .. }));
    assert!(matches!(error(&[0, 2], &[0, 1], 2), MetricsError::UnknownClass { image: 1, class: 2, .. }));
    assert!(matches!(error(&[0, 1], &[0, 9], 2), MetricsError::UnknownClass { image: 1, class: 9, .. }));
    assert!(matches!(error(&[0], &[0], usize::MAX), MetricsError::TooManyClasses { .. }));
    assert!(matches!(error(&[0], &[0], 0), MetricsError::UnknownClass { .. }));
}

#[test]
fn vectors_have_errors_by_component() {
    let truth: Vec<Vec<f32>> = (0..8).map(|idx| vec![idx as f32, (idx * idx) as f32, 3.0]).collect();
    let same = VectorFigures::new(&truth, &truth).unwrap();
    assert_eq!((same.n_images, same.rmse, same.components[0].r2), (8, 0.0, Some(1.0)));
    let predicted: Vec<Vec<f32>> = (0..8)
        .map(|idx| vec![3.5, (idx * idx) as f32 + if idx % 2 == 0 { 2.0 } else { -2.0 }, 4.0])
        .collect();
    let figures = VectorFigures::new(&predicted, &truth).unwrap();
    let [constant, alternating, unvaried] = [0, 1, 2].map(|idx| figures.components[idx]);
    assert_eq!((constant.rmse, constant.mae, constant.r2), (5.25f64.sqrt(), 2.0, Some(0.0)));
    // The squares from 0 to 49 have the mean 17.5 and the sum of squared deviations 4676 − 8 · 17.5².
    assert_eq!((alternating.rmse, alternating.mae), (2.0, 2.0));
    assert!((alternating.r2.unwrap() - (1.0 - 32.0 / 2226.0)).abs() < 1e-12, "{alternating:?}");
    assert_eq!((unvaried.rmse, unvaried.mae, unvaried.r2), (1.0, 1.0, None));
    assert!((figures.rmse - (10.25f64 / 3.0).sqrt()).abs() < 1e-12);
    let errors = VectorFigures::image_errors(&predicted, &truth).unwrap();
    assert_eq!((errors.len(), errors[0]), (8, (17.25f64 / 3.0).sqrt()));
    // A constant other than the mean is worse than the mean.
    let worse = VectorFigures::new(&vec![vec![5.0, 0.0, 3.0]; 8], &truth).unwrap();
    assert!(worse.components[0].r2.unwrap() < 0.0 && worse.components[2].rmse == 0.0);
}

/// A constant truth has no R², whatever rounding makes of its variance.
#[test]
fn constant_truth_has_no_r2() {
    let truth = vec![vec![0.1]; 7];
    assert_eq!(VectorFigures::new(&vec![vec![0.3]; 7], &truth).unwrap().components[0].r2, None);
}

#[test]
fn vectors_that_cannot_be_compared_are_errors() {
    let truth = vec![vec![1.0, 2.0], vec![3.0, 4.0]];
    let error =
        |predicted: &[Vec<f32>], truth: &[Vec<f32>]| VectorFigures::new(predicted, truth).unwrap_err();
    assert!(matches!(error(&truth[..1], &truth), MetricsError::Predictions { .. }));
    assert!(matches!(error(&[], &[]), MetricsError::TooFew { .. }));
    let odd = vec![vec![1.0, 2.0], vec![3.0]];
    assert!(matches!(error(&odd, &truth), MetricsError::Ragged { image: 1, found: 1, needed: 2, .. }));
    assert!(matches!(error(&truth, &odd), MetricsError::Ragged { image: 1, .. }));
    let infinite = vec![vec![1.0, 2.0], vec![f32::INFINITY, 4.0]];
    assert!(matches!(error(&infinite, &truth), MetricsError::PredictionNotFinite { image: 1 }));
    assert!(matches!(error(&truth, &infinite), MetricsError::LabelNotFinite { image: 1 }));
    assert!(matches!(error(&[vec![]], &[vec![]]), MetricsError::Mismatch(_)));
    assert!(VectorFigures::image_errors(&odd, &truth).is_err());
}
