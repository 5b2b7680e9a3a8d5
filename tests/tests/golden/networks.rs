use candle_core::{Device, Module};
use simgan_models::{
    Border, DiscriminatorConfig, GazeEstimator, GazeEstimatorConfig, Parameters, RefinerConfig,
};

use crate::devices::devices;
use crate::support::{
    Golden, assert_close, eye_layers, hand_layers, new_discriminator, new_refiner, refiner_config, var,
};

#[test]
fn a_refiner_with_replicated_borders_equals_pytorch() {
    check_refiner(["networks", "refiner_replicate"], &refiner_config(3, Border::Replicate), 1);
}

#[test]
fn a_colour_refiner_with_zero_borders_and_a_larger_stem_equals_pytorch() {
    check_refiner(["networks", "refiner_zeros"], &refiner_config(7, Border::Zeros), 3);
}

#[test]
fn the_discriminator_of_eyes_equals_pytorch() {
    check_discriminator(["networks", "discriminator_eye"], &eye_layers(), 1);
}

#[test]
fn the_discriminator_of_hands_equals_pytorch() {
    check_discriminator(["networks", "discriminator_hand"], &hand_layers(), 3);
}

#[test]
fn the_global_discriminator_equals_pytorch() {
    check_discriminator(
        ["networks", "discriminator_global"],
        &DiscriminatorConfig { local: false, ..eye_layers() },
        1,
    );
}

/// Where two fifths of the pixels are not measured.
#[test]
fn networks_that_see_the_relief_equal_pytorch() {
    let config = |relief| RefinerConfig { skip: true, relief, ..refiner_config(3, Border::Replicate) };
    check_refiner(["relief", "refiner"], &config(3), 1);
    check_refiner(["relief", "refiner_colour"], &config(2), 3);
    let config = DiscriminatorConfig { relief: 4, ..eye_layers() };
    check_discriminator(["relief", "discriminator"], &config, 1);
}

/// The two readings of the paper differ in the number of hidden layers; this test has one.
#[test]
fn the_gaze_network_equals_pytorch() {
    let config = GazeEstimatorConfig {
        channels: 1,
        height: 23,
        width: 30,
        features: [4, 3, 5, 4, 6],
        hidden: vec![7],
        ..GazeEstimatorConfig::eye_gaze()
    };
    for device in devices() {
        let parameters = Parameters::new(0, device);
        let network = GazeEstimator::new(&config, parameters.var_builder()).unwrap();
        check("networks", "gaze", &network, &parameters, device);
    }
}

fn check_refiner([folder, case]: [&str; 2], config: &RefinerConfig, channels: usize) {
    for device in devices() {
        let (refiner, parameters) = new_refiner(0, config, channels, device);
        check(folder, case, &refiner, &parameters, device);
    }
}

fn check_discriminator([folder, case]: [&str; 2], config: &DiscriminatorConfig, channels: usize) {
    for device in devices() {
        let (discriminator, parameters) = new_discriminator(0, config, channels, device);
        check(folder, case, &discriminator, &parameters, device);
    }
}

/// Compares the output and the gradients of all parameters and of the images. It fails, for example, if a
/// convolution lacks its activation or the logits have one.
fn check(folder: &str, case: &str, network: &dyn Module, parameters: &Parameters, device: &Device) {
    let golden = Golden::open(folder, device);
    golden.fill(&format!("{case}/parameter."), parameters);
    let images = var(golden.get(&format!("{case}/images")));
    let output = network.forward(&images).unwrap();
    assert_close("output", &output, golden.get(&format!("{case}/output")), 1e-5);
    let probe = golden.get(&format!("{case}/probe"));
    let gradients = (output * probe).unwrap().sum_all().unwrap().backward().unwrap();
    for (name, var) in parameters.vars().into_iter().chain([("images".into(), images)]) {
        let gradient = gradients.get(&var).unwrap_or_else(|| panic!("no gradient reached {name}"));
        assert_close(&name, gradient, golden.get(&format!("{case}/gradient.{name}")), 1e-4);
    }
}
