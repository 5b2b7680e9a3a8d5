//! Tests binomial statistics and the kernel distance against SciPy and NumPy; `golden/export.py` writes the
//! numbers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use candle_core::{DType, Device, Tensor};
use serde_json::Value;
use simgan_metrics::{PairedDifference, Spread, binomial_p, kernel_distance, share_interval};

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/case.json")).unwrap()
}

#[test]
fn binomial_tests_equal_scipy() {
    for case in golden()["binomial"].as_array().unwrap() {
        let (n_right, n_all) = (case["n_right"].as_u64().unwrap(), case["n_all"].as_u64().unwrap());
        let expected = case["p"].as_f64().unwrap();
        let found = binomial_p(n_right, n_all);
        assert!((found / expected - 1.0).abs() < 1e-9, "{n_right} of {n_all}: {found}, not {expected}");
        for (found, expected) in
            share_interval(n_right, n_all).iter().zip(case["interval"].as_array().unwrap())
        {
            assert!((found - expected.as_f64().unwrap()).abs() < 1e-9, "{n_right} of {n_all}: {found}");
        }
    }
    // The paper's visual Turing test (§3.1).
    assert!((binomial_p(517, 1000) - 0.148).abs() < 5e-4);
    assert!(binomial_p(162, 200) < 1e-8);
    assert_eq!(share_interval(0, 0), [0.0, 1.0]);
}

#[test]
fn the_kernel_distance_equals_its_definition() {
    let golden = golden();
    let rows = |name: &str| {
        let rows: Vec<Vec<f64>> = serde_json::from_value(golden[name].clone()).unwrap();
        Tensor::new(rows, &Device::Cpu).unwrap()
    };
    let (left, right) = (rows("left"), rows("right"));
    let expected = golden["kernel_distance"].as_f64().unwrap();
    assert!((kernel_distance(&left, &right).unwrap() - expected).abs() < 1e-12);
    assert!((kernel_distance(&right, &left).unwrap() - expected).abs() < 1e-12);
    let single = kernel_distance(&left.to_dtype(DType::F32).unwrap(), &right).unwrap();
    assert!((single - expected).abs() < 1e-6);
    assert!(kernel_distance(&left, &right.narrow(0, 0, 1).unwrap()).is_err());
    assert!(kernel_distance(&left, &right.narrow(1, 0, 4).unwrap()).is_err());
}

#[test]
fn the_spread_is_the_samples() {
    let spread = Spread::new(&[1.0, 2.0, 6.0]).unwrap();
    assert_eq!((spread.mean, spread.sd), (3.0, 7f64.sqrt()));
    assert_eq!(Spread::new(&[4.0]).unwrap().sd, 0.0);
    assert_eq!(Spread::new(&[]), None);
}

#[test]
fn paired_differences_equal_scipy() {
    let cases: Value = serde_json::from_str(include_str!("golden/paired/case.json")).unwrap();
    for case in cases.as_array().unwrap() {
        let draws: Vec<Vec<f64>> = serde_json::from_value(case["draws"].clone()).unwrap();
        let found = PairedDifference::new(&draws).unwrap();
        let n_pairs = draws.len() * draws[0].len();
        assert_eq!((found.n_draws, found.n_pairs), (draws.len(), n_pairs));
        assert_eq!(
            (found.n_lower as u64, found.n_higher as u64),
            (case["lower"].as_u64().unwrap(), case["higher"].as_u64().unwrap())
        );
        assert!((found.mean - case["mean"].as_f64().unwrap()).abs() < 1e-9, "{found:?}");
        assert!((found.p_value - case["p"].as_f64().unwrap()).abs() < 1e-9, "{found:?}");
        let expected: Option<[f64; 2]> = serde_json::from_value(case["interval"].clone()).unwrap();
        let ends = found.interval.into_iter().flatten().zip(expected.into_iter().flatten());
        assert_eq!(found.interval.is_some(), expected.is_some());
        assert!(
            ends.clone().all(|(found, expected)| (found - expected).abs() < 1e-3),
            "{found:?} {expected:?}"
        );
    }
    assert_eq!(PairedDifference::new(&[]), None);
    assert_eq!(PairedDifference::new(&[vec![0.1], vec![]]), None);
}
