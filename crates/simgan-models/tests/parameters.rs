//! Initial values, storage and files of parameters.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::PathBuf;

use candle_core::{DType, Device, Tensor};
use candle_nn::init::{DEFAULT_KAIMING_UNIFORM, Init};
use simgan_models::{ModelError, Parameters, read_tensors, write_tensors};
use tempfile::TempDir;

const UNIFORM: Init = Init::Uniform { lo: -0.5, up: 0.25 };

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

fn drawn(seed: u64, names: &[&str], wanted: &str) -> Vec<f32> {
    let parameters = Parameters::new(seed, &Device::Cpu);
    let vb = parameters.var_builder();
    for name in names {
        vb.get_with_hints((4, 3), name, UNIFORM).unwrap();
    }
    let vars = parameters.vars();
    values(&vars.iter().find(|(name, _)| name == wanted).unwrap().1)
}

#[test]
fn a_value_depends_only_on_seed_and_name() {
    let alone = drawn(7, &["stem.weight"], "stem.weight");
    assert_eq!(drawn(7, &["head.weight", "stem.weight", "x"], "stem.weight"), alone);
    assert_ne!(drawn(8, &["stem.weight"], "stem.weight"), alone);
    assert_ne!(drawn(7, &["head.weight"], "head.weight"), alone);
}

/// Recorded once: any other value would change every seeded run.
#[test]
fn values_are_the_same_everywhere() {
    assert_eq!(drawn(7, &["stem.weight"], "stem.weight")[..3], [-0.206_386, -0.465_563_03, -0.213_787_56]);
}

#[test]
fn values_are_spread_over_their_range() {
    let parameters = Parameters::new(0, &Device::Cpu);
    let vb = parameters.var_builder();
    let uniform = values(&vb.get_with_hints((100, 100), "a", UNIFORM).unwrap());
    assert!(uniform.iter().all(|value| (-0.5..=0.25).contains(value)));
    let mean = uniform.iter().sum::<f32>() / 1e4;
    assert!((mean + 0.125).abs() < 0.01, "{mean}");
    let kaiming = values(&vb.get_with_hints((100, 4, 5, 5), "b", DEFAULT_KAIMING_UNIFORM).unwrap());
    let variance = kaiming.iter().map(|value| value * value).sum::<f32>() / 1e4;
    assert!((variance - 2.0 / 100.0).abs() < 1e-3, "{variance}");
}

#[test]
fn parameters_keep_their_order_and_are_shared_by_name() {
    let parameters = Parameters::new(0, &Device::Cpu);
    let vb = parameters.var_builder();
    for name in ["z", "a", "m", "a"] {
        vb.pp("net").get((2, 3), name).unwrap();
    }
    let names: Vec<_> = parameters.vars().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["net.z", "net.a", "net.m"]);
    assert_eq!(parameters.count(), 18);
    let error = vb.pp("net").get((3, 2), "a").unwrap_err().to_string();
    assert!(error.contains("`net.a`"), "{error}");
}

fn network() -> Parameters {
    let parameters = Parameters::new(3, &Device::Cpu);
    parameters.var_builder().get_with_hints((2, 3), "weight", UNIFORM).unwrap();
    parameters.var_builder().get_with_hints(2, "bias", UNIFORM).unwrap();
    parameters
}

fn all_values(parameters: &Parameters) -> Vec<f32> {
    parameters.tensors().iter().flat_map(|(_, tensor)| values(tensor)).collect()
}

#[test]
fn what_is_saved_is_loaded_bit_for_bit() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("weights.safetensors");
    network().save(&path).unwrap();
    let other = Parameters::new(99, &Device::Cpu);
    other.var_builder().get_with_hints((2, 3), "weight", UNIFORM).unwrap();
    other.var_builder().get_with_hints(2, "bias", UNIFORM).unwrap();
    assert_ne!(all_values(&other), all_values(&network()));
    other.load(&path).unwrap();
    assert_eq!(all_values(&other), all_values(&network()));
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "no temporary file is left");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let plain = folder.path().join("plain");
        fs::write(&plain, "").unwrap();
        assert_eq!(mode(&path), mode(&plain), "like any new file");
    }
}

/// Each error names file and parameter and leaves the network unchanged.
#[test]
fn loading_is_strict() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("weights.safetensors");
    let refusal = |tensors: &[(String, Tensor)]| {
        write_tensors(&path, tensors).unwrap();
        let network = network();
        let before = all_values(&network);
        let error = network.load(&path).unwrap_err();
        assert_eq!(all_values(&network), before);
        assert!(error.to_string().contains("weights.safetensors"), "{error}");
        error
    };
    let good = network().tensors();
    let with = |name: &str, tensor: Tensor| {
        let mut tensors = good.clone();
        tensors.retain(|(known, _)| known != name);
        tensors.push((name.to_owned(), tensor));
        tensors
    };
    let new = |values: &[f32]| Tensor::new(values, &Device::Cpu).unwrap();
    assert!(matches!(refusal(&good[..1]), ModelError::Missing { name, .. } if name == "bias"));
    assert!(matches!(refusal(&with("b", new(&[0.0]))), ModelError::Unknown { name, .. } if name == "b"));
    assert!(matches!(refusal(&with("bias", new(&[0.0]))), ModelError::Shape { name, .. } if name == "bias"));
    let double = new(&[0.0, 1.0]).to_dtype(DType::F64).unwrap();
    assert!(matches!(refusal(&with("bias", double)), ModelError::DType { name, .. } if name == "bias"));
    for bad in [f32::NAN, f32::INFINITY] {
        let error = refusal(&with("bias", new(&[0.0, bad])));
        assert!(matches!(error, ModelError::NotFinite { name, .. } if name == "bias"));
    }
}

/// A file cut anywhere, or with any byte of its header changed, gives an error or the same tensors, never a
/// panic.
#[test]
fn damaged_files_are_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("weights.safetensors");
    network().save(&path).unwrap();
    let bytes = fs::read(&path).unwrap();
    for len in 0..bytes.len() {
        fs::write(&path, &bytes[..len]).unwrap();
        let error = network().load(&path).unwrap_err();
        assert!(matches!(error, ModelError::Damaged { .. }), "{len}: {error}");
    }
    for position in 0..bytes.len() - 32 {
        let mut bytes = bytes.clone();
        bytes[position] ^= 0x15;
        fs::write(&path, &bytes).unwrap();
        let network = network();
        if network.load(&path).is_ok() {
            assert_eq!(all_values(&network).len(), 8);
        }
    }
    let missing = network().load(&folder.path().join("none")).unwrap_err();
    assert!(matches!(missing, ModelError::Io { .. }));
}

#[test]
fn tensors_of_every_kind_are_kept() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("state.safetensors");
    let tensors = [
        ("step".to_owned(), Tensor::new(12i64, &Device::Cpu).unwrap()),
        (
            "view".to_owned(),
            Tensor::arange(0f32, 12.0, &Device::Cpu).unwrap().reshape((3, 4)).unwrap().t().unwrap(),
        ),
        ("none".to_owned(), Tensor::zeros((0, 3), DType::F32, &Device::Cpu).unwrap()),
    ];
    write_tensors(&path, &tensors).unwrap();
    let read = read_tensors(&path, &Device::Cpu).unwrap();
    let names: Vec<_> = read.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["none", "step", "view"]);
    assert_eq!(read[0].1.dims(), [0, 3]);
    assert_eq!(read[1].1.to_scalar::<i64>().unwrap(), 12);
    assert_eq!(read[2].1.to_vec2::<f32>().unwrap()[1], [1.0, 5.0, 9.0]);

    let twice = [tensors[0].clone(), tensors[0].clone()];
    assert!(write_tensors(&path, &twice).unwrap_err().to_string().contains("`step`"));
    assert!(write_tensors(&folder.path().join("no/folder"), &tensors).is_err());
}
