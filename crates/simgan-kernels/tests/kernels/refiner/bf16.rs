//! Products in bf16.

use super::*;
use crate::common::{bf16_places, has_bf16};

fn in_bf16(images: &Tensor, layers: &RefinerLayers<'_>, border: Border) -> Result<Tensor> {
    refiner_in(images, layers, border, Precision::Bf16)
}

/// How many gray levels the images of trained refiners differ by is tested where there are trained ones.
#[test]
fn images_in_bf16_are_near_the_oracle() {
    for case in cases() {
        let exact = Arguments::random(&case, &Place::cpu(DType::F64), false);
        let expected = exact.run(case.border, reference::refiner).unwrap();
        for place in bf16_places() {
            let arguments = Arguments::random(&case, &place, false);
            let out = arguments.run(case.border, in_bf16).unwrap();
            let error = relative_distance(&out, &expected);
            assert!(error < 0.02, "{case:?}: {error:e} at {place:?}");
            assert!(case.blocks == 0 || error > 1e-5, "{case:?} was computed in f32: {error:e}");
            // Spread over threads, an image is the same.
            assert_eq!(relative_distance(&arguments.infer(case.border, Precision::Bf16).unwrap(), &out), 0.0);
        }
    }
}

#[test]
fn gradients_in_bf16_are_near_the_oracle() {
    for case in cases() {
        let expected = gradients(&case, &Place::cpu(DType::F64), true, reference::refiner);
        for place in bf16_places() {
            let found = gradients(&case, &place, true, in_bf16);
            let errors = found.iter().zip(&expected);
            let errors = errors.map(|(found, expected)| relative_distance(found, expected));
            let error = errors.fold(0.0, f64::max);
            assert!(error < place.tolerance(0.03, 0.0), "{case:?}: {error:e} at {place:?}");
        }
    }
}

#[test]
fn in_bf16_too_results_do_not_depend_on_the_number_of_threads() {
    if !has_bf16() {
        return;
    }
    let case = cases()[6];
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| gradients(&case, &Place::cpu(DType::F32), false, in_bf16))
    };
    let expected = run(1);
    for threads in [2, 3] {
        for (a, b) in run(threads).iter().zip(&expected) {
            assert_eq!(relative_distance(a, b), 0.0, "{threads} threads");
        }
    }
}

#[test]
fn bf16_is_for_f32_on_the_cpu() {
    let arguments = Arguments::random(&cases()[2], &Place::cpu(DType::F64), false);
    assert!(arguments.run(Border::Zeros, in_bf16).unwrap_err().to_string().contains("bf16"));
}
