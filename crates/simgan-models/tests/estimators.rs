//! Shapes, sizes, files and mistakes of the estimators. The workspace's tests compare their values with
//! PyTorch's.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use candle_core::{DType, Device, Tensor};
use simgan_models::{
    Estimator, EstimatorConfig, GazeEstimatorConfig, HourglassConfig, Layout, Parameters, PlainConfig,
    load_estimator, save_estimator,
};
use toml::Table;

fn images(shape: (usize, usize, usize, usize)) -> Tensor {
    let count = shape.0 * shape.1 * shape.2 * shape.3;
    let values: Vec<f32> = (0..count).map(|idx| ((idx * idx) as f32 * 0.37).sin()).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn tiny_hourglass() -> HourglassConfig {
    HourglassConfig { channels: 2, height: 16, width: 24, points: 3, stacks: 2, features: 8, depth: 1 }
}

fn tiny_plain() -> PlainConfig {
    PlainConfig { channels: 2, height: 9, width: 14, features: vec![4, 5], hidden: 6, outputs: 3, extra: 2 }
}

fn tiny_gaze() -> GazeEstimatorConfig {
    let (features, hidden) = ([3, 2, 5, 4, 6], vec![7]);
    GazeEstimatorConfig { channels: 2, height: 21, width: 26, features, hidden, outputs: 4, extra: 2 }
}

fn tiny() -> [EstimatorConfig; 3] {
    [
        EstimatorConfig::Gaze(tiny_gaze()),
        EstimatorConfig::Hourglass(tiny_hourglass()),
        EstimatorConfig::Plain(tiny_plain()),
    ]
}

/// Images and second input that fit a config.
fn inputs(config: &EstimatorConfig, n: usize) -> (Tensor, Option<Tensor>) {
    let [channels, height, width] = config.input();
    let extra = config.extra();
    let numbers = (extra > 0).then(|| images((1, 1, n, extra)).squeeze(0).unwrap().squeeze(0).unwrap());
    (images((n, channels, height, width)), numbers)
}

#[test]
fn the_hourglass_has_its_authors_number_of_parameters() {
    let count = |config: HourglassConfig| {
        let parameters = Parameters::new(0, &Device::Cpu);
        let config = EstimatorConfig::Hourglass(config);
        Estimator::new(&config, parameters.var_builder()).unwrap();
        parameters.count()
    };
    assert_eq!(count(HourglassConfig::paper()), 6_133_532);
    assert_eq!(count(HourglassConfig { channels: 3, points: 16, ..HourglassConfig::paper() }), 6_141_344);
}

#[test]
fn outputs_and_features_have_their_shapes() {
    let expected: [(&[usize], usize); 3] = [(&[2, 4], 7), (&[2, 2, 3, 4, 6], 8), (&[2, 3], 6)];
    for (config, (output, features)) in tiny().iter().zip(expected) {
        let parameters = Parameters::new(0, &Device::Cpu);
        let network = Estimator::new(config, parameters.var_builder()).unwrap();
        let (images, extra) = inputs(config, 2);
        for train in [true, false] {
            let found = network.forward_t(&images, extra.as_ref(), train).unwrap();
            assert_eq!(found.dims(), output);
        }
        assert_eq!(network.features(&images).unwrap().dims(), [2, features]);
    }
}

/// A single image may be judged, and judging changes nothing: both need the running statistics.
#[test]
fn running_statistics_are_saved_loaded_and_not_trained() {
    let folder = tempfile::tempdir().unwrap();
    for config in tiny() {
        let parameters = Parameters::new(1, &Device::Cpu);
        let network = Estimator::new(&config, parameters.var_builder()).unwrap();
        let (images, extra) = inputs(&config, 4);
        let judge = |network: &Estimator| values(&network.forward_t(&images, extra.as_ref(), false).unwrap());
        let before = judge(&network);
        assert_eq!(judge(&network), before);
        network.forward_t(&images, extra.as_ref(), true).unwrap();
        let has_norms = !matches!(config, EstimatorConfig::Gaze(_));
        assert_eq!(judge(&network) != before, has_norms, "{config:?}");
        assert!(parameters.vars().iter().all(|(name, _)| !name.contains("running")));
        assert_eq!(parameters.tensors().len() > parameters.vars().len(), has_norms);

        let path = folder.path().join("estimator.safetensors");
        parameters.save(&path).unwrap();
        let others = Parameters::new(2, &Device::Cpu);
        let loaded = Estimator::new(&config, others.var_builder()).unwrap();
        Layout::of(|vb| Estimator::new(&config, vb)).unwrap().check_file(&path).unwrap();
        others.load(&path).unwrap();
        assert_eq!(judge(&loaded), judge(&network), "{config:?}");
    }
}

#[test]
fn a_config_is_a_table_that_names_its_network() {
    for config in tiny() {
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<EstimatorConfig>(&text).unwrap(), config, "{text}");
        assert!(toml::from_str::<EstimatorConfig>(&format!("{text}\nother = 1\n")).is_err());
    }
    let short = toml::from_str::<EstimatorConfig>("network = \"hourglass\"\nstacks = 3").unwrap();
    let expected = HourglassConfig { stacks: 3, ..HourglassConfig::paper() };
    assert_eq!(short, EstimatorConfig::Hourglass(expected));
    assert!(toml::from_str::<EstimatorConfig>("network = \"other\"").is_err());
}

/// Files from before the length was recorded hold the checksum alone.
#[test]
fn an_estimator_that_records_a_checksum_alone_still_loads() {
    let folder = tempfile::tempdir().unwrap();
    let config = EstimatorConfig::Plain(tiny_plain());
    let parameters = Parameters::new(1, &Device::Cpu);
    Estimator::new(&config, parameters.var_builder()).unwrap();
    save_estimator(folder.path(), &config, &Table::new(), &parameters).unwrap();
    let path = folder.path().join("estimator.toml");
    let mut file: Table = std::fs::read_to_string(&path).unwrap().parse().unwrap();
    let mark = file.remove("weights").unwrap();
    let checksum = format!("{:08x}", mark["crc32c"].as_integer().unwrap());
    for (checksum, loads) in [(checksum.as_str(), true), ("01234567", false)] {
        file.insert("weights_crc32c".to_owned(), checksum.into());
        std::fs::write(&path, file.to_string()).unwrap();
        assert_eq!(load_estimator(folder.path(), &Device::Cpu).is_ok(), loads, "{checksum}");
    }
}

#[test]
fn a_gaze_config_from_before_the_second_input_still_reads() {
    let old = "channels = 1\nheight = 35\nwidth = 55\nfeatures = [32, 32, 64, 80, 192]\nhidden = [1000]\n";
    assert_eq!(toml::from_str::<GazeEstimatorConfig>(old).unwrap(), GazeEstimatorConfig::eye_gaze());
}

#[test]
fn impossible_configs_are_errors() {
    let hourglass = |config| EstimatorConfig::Hourglass(config);
    let plain = |config| EstimatorConfig::Plain(config);
    let gaze = |config| EstimatorConfig::Gaze(config);
    let (tiny, deep) = (tiny_hourglass(), usize::MAX);
    for config in [
        hourglass(HourglassConfig { height: 0, ..tiny.clone() }),
        hourglass(HourglassConfig { width: 0, ..tiny.clone() }),
        hourglass(HourglassConfig { depth: 0, ..tiny.clone() }),
        hourglass(HourglassConfig { depth: deep, ..tiny.clone() }),
        hourglass(HourglassConfig { features: 6, ..tiny.clone() }),
        hourglass(HourglassConfig { features: deep, ..tiny.clone() }),
        hourglass(HourglassConfig { points: 0, ..tiny.clone() }),
        hourglass(HourglassConfig { stacks: 9, ..tiny.clone() }),
        hourglass(HourglassConfig { channels: 0, ..tiny }),
        plain(PlainConfig { height: 3, ..tiny_plain() }),
        plain(PlainConfig { width: deep, ..tiny_plain() }),
        plain(PlainConfig { features: vec![], ..tiny_plain() }),
        plain(PlainConfig { features: vec![0], ..tiny_plain() }),
        plain(PlainConfig { features: vec![1; 100], ..tiny_plain() }),
        plain(PlainConfig { hidden: 0, ..tiny_plain() }),
        plain(PlainConfig { outputs: deep, ..tiny_plain() }),
        plain(PlainConfig { extra: deep, ..tiny_plain() }),
        plain(PlainConfig { channels: 65, ..tiny_plain() }),
        gaze(GazeEstimatorConfig { outputs: 0, ..tiny_gaze() }),
        gaze(GazeEstimatorConfig { extra: deep, ..tiny_gaze() }),
    ] {
        let parameters = Parameters::new(0, &Device::Cpu);
        assert!(Estimator::new(&config, parameters.var_builder()).is_err(), "{config:?}");
        assert_eq!(parameters.count(), 0, "{config:?}");
    }
}

#[test]
fn inputs_of_other_shapes_are_errors() {
    for config in tiny() {
        let parameters = Parameters::new(0, &Device::Cpu);
        let network = Estimator::new(&config, parameters.var_builder()).unwrap();
        let (images, extra) = inputs(&config, 2);
        let fails =
            |images: &Tensor, extra: Option<&Tensor>| network.forward_t(images, extra, false).is_err();
        assert!(!fails(&images, extra.as_ref()));
        assert!(fails(&images.t().unwrap(), extra.as_ref()), "{config:?}");
        assert!(fails(&images.narrow(1, 0, 1).unwrap(), extra.as_ref()), "{config:?}");
        assert!(fails(&images.get(0).unwrap(), extra.as_ref()));
        assert!(network.features(&images.t().unwrap()).is_err());
        match &extra {
            Some(extra) => {
                assert!(fails(&images, None), "{config:?}");
                assert!(fails(&images, Some(&extra.narrow(0, 0, 1).unwrap())), "{config:?}");
                assert!(fails(&images, Some(&extra.narrow(1, 0, 1).unwrap())), "{config:?}");
            }
            None => {
                let numbers = Tensor::zeros((2, 1), DType::F32, &Device::Cpu).unwrap();
                assert!(fails(&images, Some(&numbers)), "{config:?}");
            }
        }
    }
}
