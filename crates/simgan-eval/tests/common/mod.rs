//! Images and refiners with known evaluation results.

use candle_core::{Device, Tensor};
use simgan_data::{Image, ImageSpec, MemorySource, Sample, Source, Want};
use simgan_eyes::{Domain, SimulatorConfig, builtin};
use simgan_models::{Parameters, Refiner, RefinerConfig};

/// Eyes at a tenth of their contrast, where a refiner's tanh is nearly linear.
pub(crate) fn eyes(domain: Domain, seed: u64, count: usize) -> MemorySource {
    let config =
        SimulatorConfig { seed, samples: count, width: 33, height: 21, ..SimulatorConfig::default() };
    let simulator = builtin(domain, config).unwrap();
    let faint = |idx: usize| {
        let sample = simulator.sample(idx, Want::Labels).unwrap();
        let spec = ImageSpec { depth: simgan_data::BitDepth::Sixteen, ..sample.image.spec() };
        let values: Vec<f32> = sample.image.to_unit().iter().map(|value| 0.1 * value).collect();
        Sample { image: Image::from_unit(spec, &values), ..sample }
    };
    MemorySource::new((0..count).map(faint).collect()).unwrap()
}

/// Returns a small refiner's configuration and parameters that make it compute tanh(`gain` · (x + `grain` · z)), where
/// z is a plane of noise, if it takes one: its first two features are the positive and the negative part of the sum.
pub(crate) fn scaling(gain: f32, grain: Option<f32>) -> (RefinerConfig, Parameters) {
    let grain_channels = usize::from(grain.is_some());
    let config = RefinerConfig { features: 2, blocks: 1, grain_channels, ..RefinerConfig::eye_gaze() };
    let parameters = Parameters::new(0, &Device::Cpu);
    Refiner::new(&config, 1, parameters.var_builder()).unwrap();
    for ((_, var), (name, value)) in parameters.vars().iter().zip(parameters.tensors()) {
        let mut values = vec![0f32; value.elem_count()];
        match (name.as_str(), grain) {
            // The centres of two 3×3 filters, of one plane or two.
            ("stem.weight", None) => [values[4], values[13]] = [1.0, -1.0],
            ("stem.weight", Some(grain)) => {
                [values[4], values[13], values[22], values[31]] = [1.0, grain, -1.0, -grain];
            }
            ("head.weight", _) => values.copy_from_slice(&[gain, -gain]),
            _ => {}
        }
        var.set(&Tensor::from_vec(values, value.shape(), &Device::Cpu).unwrap()).unwrap();
    }
    (config, parameters)
}
