use candle_core::{Device, Module, Result, Tensor};
use simgan_losses::{FeatureTransform, SelfRegularization, Target, adversarial};
use simgan_models::{Border, Discriminator, Parameters, Refiner};
use simgan_optim::{Optimizer, Rule};

use crate::devices::{devices, tolerance};
use crate::support::{
    Golden, assert_close, eye_layers, new_discriminator, new_refiner, refiner_config, scalar,
};

const LAMBDA: f64 = 0.7;

/// The optimizers of the export script, each with the norm to which it clips gradients.
fn optimizers() -> [(&'static str, Rule, Option<f64>); 5] {
    let momentum = Rule::Sgd { momentum: 0.9 };
    let adam = Rule::adam([0.5, 0.99]);
    [
        ("sgd", Rule::Sgd { momentum: 0.0 }, None),
        ("sgd_momentum", momentum, None),
        ("sgd_momentum_clip", momentum, Some(0.05)),
        ("adam", adam, None),
        ("adam_clip", adam, Some(0.05)),
    ]
}

/// Enumerates each optimizer on each device.
fn on_devices() -> impl Iterator<Item = (&'static Device, (&'static str, Rule, Option<f64>))> {
    devices().iter().flat_map(|device| optimizers().map(|optimizer| (device, optimizer)))
}

/// Three updates of R by eq. 4. Fails if the adversarial term is missing.
#[test]
fn updates_of_the_refiner_equal_pytorch() {
    for (device, optimizer) in on_devices() {
        let pair = Pair::new(device);
        check("refiner", optimizer, &pair.refiner_parameters, || {
            let refined = pair.refiner.forward(&pair.synthetic)?;
            let realism = adversarial(&pair.discriminator.frozen().forward(&refined)?, Target::Real)?;
            let drift =
                SelfRegularization::new(FeatureTransform::Identity).loss(&refined, &pair.synthetic)?;
            realism + (drift * LAMBDA)?
        });
    }
}

/// Three updates of D by eq. 2.
#[test]
fn updates_of_the_discriminator_equal_pytorch() {
    for (device, optimizer) in on_devices() {
        let pair = Pair::new(device);
        check("discriminator", optimizer, &pair.discriminator_parameters, || {
            let refined = pair.refiner.frozen().forward(&pair.synthetic)?;
            adversarial(&pair.discriminator.forward(&refined)?, Target::Refined)?
                + adversarial(&pair.discriminator.forward(&pair.real)?, Target::Real)?
        });
    }
}

struct Pair {
    refiner: Refiner,
    refiner_parameters: Parameters,
    discriminator: Discriminator,
    discriminator_parameters: Parameters,
    synthetic: Tensor,
    real: Tensor,
}

impl Pair {
    fn new(device: &Device) -> Self {
        let golden = Golden::open("updates", device);
        let (refiner, refiner_parameters) = new_refiner(0, &refiner_config(3, Border::Replicate), 1, device);
        let (discriminator, discriminator_parameters) = new_discriminator(0, &eye_layers(), 1, device);
        golden.fill("refiner/", &refiner_parameters);
        golden.fill("discriminator/", &discriminator_parameters);
        let (synthetic, real) = (golden.get("synthetic").clone(), golden.get("real").clone());
        Self { refiner, refiner_parameters, discriminator, discriminator_parameters, synthetic, real }
    }
}

fn check(
    trained: &str,
    (kind, rule, clip_norm): (&str, Rule, Option<f64>),
    parameters: &Parameters,
    loss: impl Fn() -> Result<Tensor>,
) {
    let vars = parameters.vars();
    let device = vars[0].1.device();
    let golden = Golden::open("updates", device);
    let lr = if kind.starts_with("adam") { 0.003 } else { 0.1 };
    let mut optimizer = Optimizer::new(parameters.vars(), rule, clip_norm).unwrap();
    for step in 1..=3 {
        let prefix = format!("{trained}/{kind}/{step}");
        let value = loss().unwrap();
        let norm = optimizer.step(&value.backward().unwrap(), lr).unwrap();
        assert!(clip_norm.is_none_or(|clip_norm| norm > clip_norm), "{prefix}: nothing to clip");
        for (name, found) in [("loss", scalar(&value)), ("norm", norm)] {
            let expected = golden.scalar(&format!("{prefix}/{name}"));
            assert!(
                (found - expected).abs() < tolerance(device, 1e-4) * expected,
                "{prefix}/{name}: {found}, not {expected}"
            );
        }
        for (name, var) in parameters.vars().iter().filter(|_| step != 2) {
            assert_close(name, var, golden.get(&format!("{prefix}/{name}")), 1e-4);
        }
    }
}
