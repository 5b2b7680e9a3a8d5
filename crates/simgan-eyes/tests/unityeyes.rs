//! UnityEyes' assets as a source; skipped without them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use simgan_data::{Pixels, Source};
use simgan_eyes::{Assets, Domain, EyesError, Parameters, Simulator, SimulatorConfig, builtin, unityeyes};

/// The folder of the assets, if there is test data.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn folder() -> Option<PathBuf> {
    let data = std::env::var_os("SIMGAN_TEST_DATA").map(PathBuf::from);
    if data.is_none() {
        println!("skipped: SIMGAN_TEST_DATA is not set");
    }
    data.map(|data| data.join("unityeyes2"))
}

fn assets() -> Option<Arc<Assets>> {
    static ASSETS: OnceLock<Option<Arc<Assets>>> = OnceLock::new();
    ASSETS
        .get_or_init(|| folder().map(|folder| Arc::new(Assets::open(&folder).expect("the assets are whole"))))
        .clone()
}

fn simulator(config: SimulatorConfig) -> Option<Simulator> {
    assets().map(|assets| unityeyes(assets, config).expect("these settings can be rendered"))
}

#[test]
fn labels_agree_with_the_gaze_and_lie_in_the_image() {
    let Some(eyes) = simulator(SimulatorConfig::unityeyes_mpiigaze()) else { return };
    for index in 0..400 {
        let rendered = eyes.render(index);
        let marks = &rendered.landmarks;
        for [x, y, _] in [marks.iris_center, marks.pupil_center].iter().chain(&marks.pupil) {
            assert!(*x > 0.0 && *x < 60.0 && *y > 0.0 && *y < 36.0, "{index}: ({x}, {y})");
        }
        // A wide eye's upper lid may just leave the crop.
        for [x, y, _] in marks.iris.iter().chain(&marks.upper_lid).chain(&marks.lower_lid) {
            assert!(*x > 0.0 && *x < 60.0 && *y > -5.0 && *y < 41.0, "{index}: ({x}, {y})");
        }
        let gaze = rendered.gaze.vector();
        let off = |axis: usize| marks.iris_center[axis] - marks.eye_center[axis] - gaze[axis] * 10.752 * 1.6;
        assert!(off(0).abs() < 2e-3 && off(1).abs() < 2e-3, "{index}");
        let crossing =
            marks.upper_lid.iter().zip(&marks.lower_lid).any(|(upper, lower)| upper[1] > lower[1] + 0.3);
        assert!(!crossing, "{index}: the lids cross");
    }
}

#[test]
fn crops_hold_no_background() {
    let Some(eyes) = simulator(SimulatorConfig::unityeyes()) else { return };
    for index in 0..300 {
        let rendered = eyes.render(index);
        let Pixels::U8(values) = rendered.image.pixels() else { panic!("renders have 8 bits") };
        let border = (0..55).chain(34 * 55..35 * 55).chain((0..35).flat_map(|row| [row * 55, row * 55 + 54]));
        assert!(border.into_iter().all(|idx| values[idx] > 0), "{index}: background");
    }
}

#[test]
fn an_image_is_rendered_again_from_its_record() {
    let Some(eyes) = simulator(SimulatorConfig::unityeyes()) else { return };
    let sample = eyes.sample(7).unwrap();
    let record = sample.label.record.unwrap();
    assert_eq!(record["eye_region_details"]["pca_shape_coeffs"].as_array().unwrap().len(), 20);
    let text = record["simgan"]["parameters"].to_string();
    let parameters: Parameters = serde_json::from_str(&text).unwrap();
    assert_eq!(eyes.render_parameters(parameters.clone()).unwrap().image, sample.image);
    let other = builtin(Domain::Eyes, SimulatorConfig::default()).unwrap();
    assert!(matches!(
        other.render_parameters(parameters),
        Err(EyesError::Setting { setting: "subject", .. })
    ));
    let wrong: Parameters = serde_json::from_str(&text.replacen("\"skin\":", "\"skin\":9", 1)).unwrap();
    assert!(eyes.render_parameters(wrong).is_err());
}

/// FNV-1a over the first samples: the same on every machine, from originals and from prepared textures.
#[test]
fn pinned_renders() {
    let Some(eyes) = simulator(SimulatorConfig::unityeyes()) else { return };
    let hash = (0..8).fold(0xCBF2_9CE4_8422_2325_u64, |hash, index| {
        let rendered = eyes.render(index);
        let Pixels::U8(values) = rendered.image.pixels() else { panic!("renders have 8 bits") };
        values.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3))
    });
    assert_eq!(format!("{hash:016x}"), "fe9baa9cb902bee7");
}

#[test]
fn missing_assets_say_how_to_get_them() {
    let error = Assets::open(Path::new("no/such/folder")).err().unwrap().to_string();
    assert!(error.contains("no/such/folder") && error.contains("fetch-data unityeyes2"), "{error}");
}
