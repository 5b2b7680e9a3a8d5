use candle_core::{Device, Tensor};
use simgan_models::{
    Estimator, EstimatorConfig, GazeEstimatorConfig, HourglassConfig, Parameters, PlainConfig, write_tensors,
};
use simgan_optim::{Optimizer, Rule};

use crate::devices::{devices, tolerance};
use crate::support::{Golden, assert_close, norm, var};

#[test]
fn the_hourglass_and_its_update_equal_pytorch() {
    let config =
        HourglassConfig { channels: 2, height: 32, width: 48, points: 3, stacks: 2, features: 8, depth: 2 };
    check("hourglass", &EstimatorConfig::Hourglass(config));
}

#[test]
fn the_plain_network_and_its_update_equal_pytorch() {
    let features = vec![4, 5];
    let config = PlainConfig { channels: 2, height: 9, width: 14, features, hidden: 6, outputs: 3, extra: 2 };
    check("plain", &EstimatorConfig::Plain(config));
}

#[test]
fn the_gaze_network_with_a_second_input_and_its_update_equal_pytorch() {
    let (features, hidden) = ([4, 3, 5, 4, 6], vec![7]);
    let config =
        GazeEstimatorConfig { channels: 2, height: 23, width: 30, features, hidden, outputs: 4, extra: 2 };
    check("gaze", &EstimatorConfig::Gaze(config));
}

fn check(case: &str, config: &EstimatorConfig) {
    for device in devices() {
        Check { case, golden: Golden::open("estimators", device), device }.run(config);
    }
}

/// PyTorch's gradients below this norm are those of biases before a normalisation: 0 but for rounding.
const NO_GRADIENT: f64 = 1e-9;

struct Check<'a> {
    case: &'a str,
    golden: Golden,
    device: &'a Device,
}

impl Check<'_> {
    fn run(&self, config: &EstimatorConfig) {
        let parameters = Parameters::new(0, self.device);
        let network = Estimator::new(config, parameters.var_builder()).unwrap();
        self.load(&parameters);
        let images = var(self.get("images"));
        let extra = (config.extra() > 0).then(|| self.get("extra"));
        let output = network.forward_t(&images, extra, true).unwrap();
        assert_close("output", &output, self.get("output"), 1e-5);
        let loss = (output * self.get("probe")).unwrap().mean_all().unwrap();
        let gradients = loss.backward().unwrap();
        self.check_gradient("images", gradients.get(&images).unwrap());
        for (name, var) in parameters.vars() {
            let gradient = gradients.get(&var).unwrap_or_else(|| panic!("no gradient reached {name}"));
            self.check_gradient(&name, gradient);
        }
        // As `fit_adam` does.
        let mut optimizer = Optimizer::new(parameters.vars(), Rule::adam([0.9, 0.999]), Some(1.0)).unwrap();
        optimizer.step(&gradients, 0.003).unwrap();
        for (name, value) in parameters.tensors() {
            let trained = parameters.vars().iter().any(|(known, _)| *known == name);
            if !trained || norm(self.get(&format!("gradient.{name}"))) > NO_GRADIENT {
                assert_close(&name, &value, self.get(&format!("after.{name}")), 1e-4);
            }
        }
    }

    fn check_gradient(&self, name: &str, found: &Tensor) {
        let expected = self.get(&format!("gradient.{name}"));
        if norm(expected) > NO_GRADIENT {
            assert_close(name, found, expected, 1e-4);
        } else {
            assert!(norm(found) < tolerance(self.device, 1e-6), "{name} has the gradient {}", norm(found));
        }
    }

    fn get(&self, name: &str) -> &Tensor {
        self.golden.get(&format!("{}/{name}", self.case))
    }

    /// Sets all parameters and running statistics; the file must have exactly those of the network.
    fn load(&self, parameters: &Parameters) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("before.safetensors");
        write_tensors(&path, &self.golden.part(&format!("{}/before.", self.case))).unwrap();
        parameters.load(&path).unwrap();
    }
}
