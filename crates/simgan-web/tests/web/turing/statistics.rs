use serde::Deserialize;

use simgan_web::turing::statistics::{
    Bootstrap, Design, Detection, Figures, ImageFigures, Response, Table, answers_for_equivalence,
    answers_to_beat_chance, least_real, most_real,
};

#[derive(Deserialize)]
struct Golden {
    tables: Vec<GoldenTable>,
    beating: Vec<(f64, f64, f64, u64)>,
    equivalence: Vec<(f64, f64, f64, u64)>,
    bootstrap: GoldenBootstrap,
}

#[derive(Deserialize)]
struct GoldenTable {
    table: Table,
    yes_no: Option<Detection>,
    two_alternatives: Option<Detection>,
    p_one_sided: f64,
    p_two_sided: f64,
    interval: [f64; 2],
    equivalence: f64,
}

#[derive(Deserialize)]
struct GoldenBootstrap {
    said: Vec<Vec<usize>>,
    share: [f64; 2],
    d_prime: [f64; 2],
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../../golden/turing/statistics.json")).unwrap()
}

#[track_caller]
fn assert_near(found: f64, expected: f64, tolerance: f64) {
    assert!((found - expected).abs() <= tolerance * expected.abs().max(1e-3), "{found}, not {expected}");
}

#[test]
fn figures_equal_scipys() {
    for GoldenTable { table, yes_no, two_alternatives, p_one_sided, p_two_sided, interval, equivalence } in
        golden().tables
    {
        let found = Figures::new(table, Design::YesNo);
        assert_near(found.p_one_sided, p_one_sided, 1e-9);
        assert_near(found.p_two_sided, p_two_sided, 1e-9);
        assert_near(found.equivalence.p, equivalence, 1e-9);
        for (found, expected) in found.interval.into_iter().zip(interval) {
            assert_near(found, expected, 1e-9);
        }
        let of_pairs = Figures::new(table, Design::TwoAlternatives);
        for (found, expected) in [(found.detection, yes_no), (of_pairs.detection, two_alternatives)] {
            assert_eq!(found.is_some(), expected.is_some(), "{table:?}");
            if let Some((found, expected)) = found.zip(expected) {
                assert_near(found.d_prime, expected.d_prime, 1e-8);
                assert_near(found.bias, expected.bias, 1e-8);
                assert_eq!(found.is_corrected, expected.is_corrected);
            }
        }
    }
}

#[test]
fn the_papers_figures_come_out() {
    let found = Figures::new(Table { counts: [[224, 276], [207, 293]] }, Design::YesNo);
    let text = |value: f64| format!("{value:.4}");
    assert_eq!((found.n_right, found.n), (517, 1000));
    assert_eq!([found.p_one_sided, found.p_two_sided].map(text), ["0.1483", "0.2967"]);
    assert_eq!(found.interval.map(text), ["0.4860", "0.5478"]);
    let Detection { d_prime, bias, is_corrected } = found.detection.unwrap();
    assert_eq!(([d_prime, bias].map(text), is_corrected), (["0.0866", "-0.1740"].map(str::to_owned), false));
    assert!(found.equivalence.holds(), "not distinguishable within five points");
}

#[test]
fn nothing_is_claimed_without_answers() {
    let found = Figures::of(&[], Design::YesNo);
    assert_eq!((found.n, found.share, found.detection), (0, None, None));
    assert_eq!((found.p_one_sided, found.p_two_sided, found.interval), (1.0, 1.0, [0.0, 1.0]));
    assert!(!found.equivalence.holds());
    assert_eq!(Bootstrap::new(&[], Design::YesNo, 0), None);
}

#[test]
fn plans_equal_a_search_with_scipy() {
    let Golden { beating, equivalence, .. } = golden();
    for (share, power, alpha, n) in beating {
        assert_eq!(answers_to_beat_chance(share, power, alpha), Some(n), "{share}");
    }
    for (margin, power, alpha, n) in equivalence {
        assert_eq!(answers_for_equivalence(margin, power, alpha), Some(n), "{margin}");
    }
    for (share, power, alpha) in [(0.5, 0.8, 0.05), (1.0, 0.8, 0.05), (0.6, 1.0, 0.05), (0.6, 0.8, 0.0)] {
        assert_eq!(answers_to_beat_chance(share, power, alpha), None);
    }
    assert_eq!(answers_for_equivalence(f64::NAN, 0.8, 0.05), None);
}

/// The answers of the golden file: each subject answers each image once.
fn crossed(said: &[Vec<usize>]) -> Vec<Response> {
    let of_subject = |(subject, said): (usize, &Vec<usize>)| {
        let answer = move |(image, said): (usize, usize)| Response {
            subject,
            images: vec![image],
            truth: image % 2,
            said,
        };
        said.clone().into_iter().enumerate().map(answer)
    };
    said.iter().enumerate().flat_map(of_subject).collect()
}

#[test]
fn the_bootstrap_equals_numpys_up_to_its_randomness() {
    let GoldenBootstrap { said, share, d_prime } = golden().bootstrap;
    let responses = crossed(&said);
    let found = Bootstrap::new(&responses, Design::YesNo, 1).unwrap();
    assert_eq!(Bootstrap::new(&responses, Design::YesNo, 1), Some(found), "seeded");
    for (found, expected) in found.share.into_iter().zip(share) {
        assert!((found - expected).abs() < 0.015, "{found}, not {expected}");
    }
    for (found, expected) in found.d_prime.unwrap().into_iter().zip(d_prime) {
        assert!((found - expected).abs() < 0.1, "{found}, not {expected}");
    }
    let [low, high] = Figures::of(&responses, Design::YesNo).interval;
    assert!(found.share[1] - found.share[0] > high - low, "wider than if answers were independent");
    assert_eq!(Bootstrap::new(&crossed(&said[..1]), Design::YesNo, 1), None, "one subject");
}

#[test]
fn images_are_sorted_by_what_is_sure() {
    let images: Vec<_> = [(9, 10), (1, 1), (0, 10), (0, 1)]
        .into_iter()
        .enumerate()
        .map(|(image, (n_real, n))| ImageFigures::new(image, n_real, n))
        .collect();
    let order = |images: Vec<ImageFigures>| images.iter().map(|figures| figures.image).collect::<Vec<_>>();
    assert_eq!(order(most_real(images.clone()))[..2], [0, 1]);
    assert_eq!(order(least_real(images.clone()))[..2], [2, 3]);
    assert_eq!(images[0].share(), Some(0.9));
}
