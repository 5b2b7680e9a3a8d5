//! Several refined images for each image, and films.

use simgan_models::NoiseSource;

use super::*;

/// A scene whose refiner takes noise.
fn scene() -> Scene {
    let scene = Scene::new();
    let config = RefinerConfig { features: 4, blocks: 1, noise_channels: 2, ..RefinerConfig::eye_gaze() };
    let parameters = Parameters::new(7, &Device::Cpu);
    Refiner::new(&config, 1, parameters.var_builder()).unwrap();
    save_refiner(&scene.path("model"), &config, 1, &parameters.tensors()).unwrap();
    scene
}

fn refine(scene: &Scene, output: &str, noise: NoiseSource) -> Result<RefineSummary, RefineError> {
    let model = RefineModel::open(&scene.path("model"), &Device::Cpu)?.with_noise(noise)?;
    let input = RefineInput::folder(&scene.path("in"))?;
    let output = scene.path(output);
    Refinement { model: &model, input: &input, output: &output, batch: 2, on_error: OnError::Fail }
        .run(&GOING, &mut |_| {})
}

#[test]
fn variants_differ_in_their_images_and_in_nothing_else() {
    let scene = scene();
    let first = NoiseSource::default();
    refine(&scene, "one", first).unwrap();
    refine(&scene, "two", NoiseSource { variant: 2, ..first }).unwrap();
    let (one, two) = (scene.files("one"), scene.files("two"));
    assert!(one.keys().eq(two.keys()), "{:?} {:?}", one.keys(), two.keys());
    for (path, bytes) in &one {
        let is_text = ["json", "txt", "csv"].iter().any(|end| path.extension().unwrap() == *end);
        // The single pixel of `f.tif` may happen to be the same.
        let may_differ = !is_text && path.extension().unwrap() != "tif";
        assert!(bytes != &two[path] || !may_differ, "{path:?}");
        assert!(bytes == &two[path] || !is_text, "{path:?}");
    }
}

/// An image's noise follows from its pixels: neither its name nor the images beside it matter.
#[test]
fn an_image_is_refined_alike_wherever_it_lies() {
    let scene = scene();
    refine(&scene, "one", NoiseSource::default()).unwrap();
    let image = fs::read(scene.path("in/b/c.png")).unwrap();
    fs::remove_dir_all(scene.path("in")).unwrap();
    fs::create_dir(scene.path("in")).unwrap();
    fs::write(scene.path("in/z.png"), image).unwrap();
    refine(&scene, "two", NoiseSource::default()).unwrap();
    assert_eq!(fs::read(scene.path("two/z.png")).unwrap(), fs::read(scene.path("one/b/c.png")).unwrap());
}

#[test]
fn other_noise_is_another_job() {
    let scene = scene();
    let first = NoiseSource::default();
    refine(&scene, "out", first).unwrap();
    assert_eq!(refine(&scene, "out", first).unwrap().already, 4);
    for other in [
        NoiseSource { variant: 2, ..first },
        NoiseSource { seed: 1, ..first },
        NoiseSource { is_shared: true, ..first },
    ] {
        let error = refine(&scene, "out", other).unwrap_err();
        assert!(error.to_string().contains("begun with noise of seed 0, variant 1"), "{error}");
    }
}

#[test]
fn a_refiner_without_noise_has_no_variants() {
    let scene = Scene::new();
    let error = refine(&scene, "out", NoiseSource::default()).unwrap_err();
    assert!(error.to_string().contains("model: this refiner gives each image one"), "{error}");
    assert!(error.hint().unwrap().to_string().contains("refiner.noise_channels"), "{error}");
    assert!(!scene.path("out").exists());
}

#[test]
fn folders_of_variants_hold_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let output = folder.path().join("out");
    check_variants(&output).unwrap();
    fs::create_dir_all(variant_folder(&output, 12)).unwrap();
    check_variants(&output).unwrap();
    fs::write(output.join("refined.jsonl"), "").unwrap();
    let error = check_variants(&output).unwrap_err();
    assert!(error.to_string().contains("refined.jsonl"), "{error}");
}

#[test]
fn a_films_frames_come_in_order_with_one_noise() {
    let scene = scene();
    fs::remove_dir_all(scene.path("in")).unwrap();
    // The same picture in each frame: what differs after refinement is noise.
    for name in ["a/1.png", "a/2.png", "a/10.png", "b/1.png"] {
        scene.image(name, gray(9, 7, 3), ImageFormat::Png);
    }
    let (model, input) = (
        RefineModel::open(&scene.path("model"), &Device::Cpu).unwrap(),
        RefineInput::folder(&scene.path("in")).unwrap(),
    );
    // In the order of indices, which is that of names as text: 1, 10, 2.
    assert_eq!(input.films(), [[0, 2, 1]]);
    scene.image("a/3.png", gray(9, 7, 4), ImageFormat::Png);
    let input = RefineInput::folder(&scene.path("in")).unwrap();
    assert_eq!((input.films(), input.first(2).films()), (vec![vec![0, 2, 3, 1]], vec![]));
    let input = RefineInput::folder(&scene.path("in")).unwrap();
    let frames = |shared: bool, output: &str| {
        let model = model.with_noise(NoiseSource { is_shared: shared, ..NoiseSource::default() }).unwrap();
        let output = scene.path(output);
        let refinement =
            Refinement { model: &model, input: &input, output: &output, batch: 2, on_error: OnError::Fail };
        refinement.run(&GOING, &mut |_| {}).unwrap();
        refinement.film_frames().collect::<Result<Vec<_>, _>>().unwrap()
    };
    let own = frames(false, "own");
    let shared = frames(true, "shared");
    assert_eq!(own.iter().map(|frame| frame.is_first).collect::<Vec<_>>(), [true, false, false, false]);
    // `3.png` alone is another picture.
    assert!(own[0].rendered == own[1].rendered && own[1].rendered != own[2].rendered);
    assert_eq!(own[3].rendered, own[0].rendered);
    let noise = |frames: &[FilmFrame]| {
        let pairs = frames[0].refined.iter().zip(&frames[0].rendered);
        pairs.map(|(refined, rendered)| refined - rendered).collect::<Vec<_>>()
    };
    assert_ne!(noise(&own), noise(&shared), "one noise for all frames is none of theirs");
}
