//! Tests binomial statistics and the kernel distance against SciPy and NumPy; `golden/export.py` writes the
//! numbers.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use candle_core::{DType, Device, Tensor};
use serde_json::Value;
use simgan_metrics::{Spread, binomial_p, kernel_distance, share_interval};

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
