//! `SIMGAN_KERNELS_ISA` chooses the instruction set, and each gives the oracle's results.

use std::process::Command;

use candle_core::DType;
use simgan_kernels::{Border, Conv2d, conv2d, reference};

use crate::common::{Place, generator, has_bf16, relative_distance, uniform, variable};

/// Runs in a process of its own for each instruction set, started by the test below.
#[test]
fn child() {
    let mut rng = generator(1);
    let (input, weight) = (uniform(&mut rng, &[2, 19, 11, 7]), uniform(&mut rng, &[33, 19, 3, 3]));
    let options = Conv2d { stride: 1, padding: 1, border: Border::Replicate, relu: false };
    let expected = reference::conv2d(&input, &weight, None, options).unwrap();
    let place = Place::cpu(DType::F32);
    let (input, weight) = (variable(&input, &place), variable(&weight, &place));
    let out = conv2d(&input, &weight, None, options).unwrap();
    assert!(relative_distance(&out, &expected) < 2e-6);
    assert!(out.sum_all().unwrap().backward().unwrap().get(&weight).is_some());
}

/// Whether the child succeeded under an instruction set, and its output.
fn run_child(name: &str) -> (bool, String) {
    run_tests(&["--exact", "instruction_sets::child"], name)
}

/// Whether some tests of this program succeeded under an instruction set, and their output.
fn run_tests(arguments: &[&str], name: &str) -> (bool, String) {
    let program = std::env::current_exe().unwrap();
    let child = Command::new(program).args(arguments).env("SIMGAN_KERNELS_ISA", name).output().unwrap();
    (child.status.success(), String::from_utf8_lossy(&child.stdout).into_owned())
}

#[test]
fn each_instruction_set_can_be_forced() {
    for name in ["amx", "avx512", "avx2", "neon", "portable", ""] {
        let (success, output) = run_child(name);
        if output.contains("this processor has") {
            println!("skipped: {name}, which this processor lacks");
        } else {
            assert!(success, "{name}: {output}");
        }
    }
}

/// Where there are tiles, the tests of products of 16 bits use them; this runs them with vectors too.
#[test]
fn products_of_16_bits_are_tested_on_tiles_and_on_vectors() {
    if !has_bf16() || run_child("amx").1.contains("this processor has") {
        println!("skipped: this processor has no tiles");
        return;
    }
    let (success, output) = run_tests(&["in_bf16"], "avx512");
    assert!(success && output.contains("gradients_in_bf16"), "{output}");
}

#[test]
fn an_unknown_instruction_set_is_an_error_that_names_the_known() {
    let (success, output) = run_child("sse9");
    assert!(!success);
    assert!(output.contains("sse9") && output.contains("portable"), "{output}");
}
