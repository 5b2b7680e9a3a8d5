//! The refiner with noise, and the losses of noise and film, against PyTorch.

use candle_core::{Result, Tensor};
use simgan_losses::{diversity, film_difference};
use simgan_models::{Noise, RefinerConfig};

use crate::devices::{devices, tolerance};
use crate::support::{Golden, assert_close, new_refiner, scalar, var};

#[test]
fn the_refiner_with_noise_equals_pytorch() {
    for device in devices() {
        let golden = Golden::open("noise", device);
        let config = RefinerConfig { features: 6, blocks: 2, noise_channels: 3, ..RefinerConfig::eye_gaze() };
        let (refiner, parameters) = new_refiner(0, &config, 2, device);
        golden.fill("parameter/", &parameters);
        let get = |name: &str| golden.get(&format!("refiner/{name}"));
        let refined = refiner
            .forward_with(get("synthetic"), &Noise { z: Some(get("noise").clone()), grain: None })
            .unwrap();
        assert_close("refined", &refined, get("refined"), 1e-5);
        let gradients = (refined * get("direction")).unwrap().sum_all().unwrap().backward().unwrap();
        for (name, parameter) in parameters.vars() {
            let expected = golden.get(&format!("gradient/{name}"));
            assert_close(&name, gradients.get(&parameter).unwrap(), expected, 2e-5);
        }
    }
}

#[test]
fn the_losses_of_noise_and_film_equal_pytorch() {
    for device in devices() {
        let golden = Golden::open("noise", device);
        let noises = golden.get("diversity/noises");
        let noises = [0, 1].map(|at| noises.get(at).unwrap());
        let second = golden.get("diversity/second");
        check(&golden, "diversity", golden.get("diversity/first"), |first| {
            diversity([first, second], noises.each_ref(), 0.2)
        });
        let frame = |at: usize| golden.get(&format!("film/{at}"));
        let rendered = [frame(2), frame(3)];
        check(&golden, "film", frame(0), |first| film_difference([first, frame(1)], rendered));
    }
}

fn check(golden: &Golden, case: &str, input: &Tensor, loss: impl Fn(&Tensor) -> Result<Tensor>) {
    let input = var(input);
    let value = loss(&input).unwrap();
    let expected = golden.scalar(&format!("{case}/value"));
    let tolerance = tolerance(input.device(), 1e-5);
    assert!((scalar(&value) - expected).abs() <= tolerance * expected, "{case}: {value} and {expected}");
    let gradients = value.backward().unwrap();
    assert_close(case, gradients.get(&input).unwrap(), golden.get(&format!("{case}/gradient")), 1e-5);
}
