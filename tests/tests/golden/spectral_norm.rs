use candle_core::Module;
use simgan_losses::{Target, adversarial};
use simgan_models::DiscriminatorConfig;
use simgan_optim::{Optimizer, Rule};

use crate::devices::{devices, tolerance};
use crate::support::{Golden, assert_close, eye_layers, new_discriminator, scalar, var};

/// Three updates of D with PyTorch's `parametrizations.spectral_norm`: logits, gradients, weights, u and v.
#[test]
fn a_discriminator_with_spectral_norms_learns_as_in_pytorch() {
    for device in devices() {
        let golden = Golden::open("spectral_norm", device);
        let config = DiscriminatorConfig { spectral_norm: true, ..eye_layers() };
        let (discriminator, parameters) = new_discriminator(0, &config, 1, device);
        set(&parameters.tensors(), &golden);
        let images = var(golden.get("images"));
        let rule = Rule::Sgd { momentum: 0.0 };
        let mut optimizer = Optimizer::new(parameters.vars(), rule, None).unwrap();
        for step in 1..=3 {
            discriminator.iterate_norms(1).unwrap();
            let logits = discriminator.forward(&images).unwrap();
            assert_close("logits", &logits, golden.get(&format!("{step}/logits")), 1e-5);
            // R's update takes the frozen copy, which shares weights and norms.
            assert_close("frozen", &discriminator.frozen().forward(&images).unwrap(), &logits, 1e-6);
            let loss = adversarial(&logits, Target::Refined).unwrap();
            let expected = golden.scalar(&format!("{step}/loss"));
            assert!(
                (scalar(&loss) - expected).abs() < tolerance(device, 1e-5) * expected,
                "{loss} {expected}"
            );
            let gradients = loss.backward().unwrap();
            for (name, var) in parameters.vars().iter().chain([&("images".to_owned(), images.clone())]) {
                let expected = golden.get(&format!("{step}/gradient/{name}"));
                assert_close(&format!("{step}/{name}"), gradients.get(var).unwrap(), expected, 1e-4);
            }
            optimizer.step(&gradients, 0.1).unwrap();
            for (name, tensor) in parameters.tensors() {
                assert_close(&name, &tensor, golden.get(&format!("{step}/after/{name}")), 1e-4);
            }
        }
    }
}

/// Sets weights and buffers, which share their memory with the network, to PyTorch's.
fn set(tensors: &[(String, candle_core::Tensor)], golden: &Golden) {
    assert_eq!(tensors.len(), golden.part("before/").len());
    for (name, tensor) in tensors {
        tensor.slice_set(golden.get(&format!("before/{name}")), 0, 0).unwrap();
    }
}
