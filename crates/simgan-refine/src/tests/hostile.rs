//! Inputs and models made to do harm.

use super::*;

/// Finite weights of 3 × 10³⁸ overflow: infinity times zero is NaN, which a file would store as black.
#[test]
fn output_that_is_not_finite_is_an_error_and_no_black_image() {
    let scene = Scene::new();
    let config = RefinerConfig { features: 4, blocks: 1, ..RefinerConfig::eye_gaze() };
    let parameters = Parameters::new(1, &Device::Cpu);
    Refiner::new(&config, 1, parameters.var_builder()).unwrap();
    for (_, var) in parameters.vars() {
        var.set(&var.affine(3e38, 0.0).unwrap()).unwrap();
    }
    fs::create_dir_all(scene.path("wild")).unwrap();
    save_refiner(&scene.path("wild"), &config, 1, &parameters.tensors()).unwrap();
    let error = scene.refine_with("wild", "out", OnError::Skip, &GOING).unwrap_err();
    assert!(matches!(error, RefineError::NotFinite { .. }), "{error}");
    let told = error.to_string();
    assert!(told.contains(".png: the refined image is not finite") && told.contains("wild"), "{told}");
    assert!(error.hint().unwrap().to_string().contains("earlier checkpoint"));
    assert!(!scene.path("out/a.png").exists());
}

/// A packed data set may name one image like the folder of another.
#[test]
fn names_that_are_files_and_folders_are_refused_at_the_start() {
    let samples: Vec<_> =
        ["a", "a.png/b"].into_iter().map(|name| simgan_data::Sample::new(name, gray(5, 4, 1))).collect();
    let source: Arc<dyn Source> = Arc::new(simgan_data::MemorySource::new(samples).unwrap());
    let error = RefineInput::data_set("packed", source).err().unwrap().to_string();
    assert!(error.contains("a.png/b.png") && error.contains("the file a.png"), "{error}");
}
