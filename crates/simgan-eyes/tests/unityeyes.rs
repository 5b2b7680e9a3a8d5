//! Tests of UnityEyes as a source, skipped without its assets.
#![cfg(unix)]

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde_json::Value;
use simgan_data::{Pixels, Source, Want};
use simgan_eyes::{Assets, Domain, EyesError, Recorded, Simulator, SimulatorConfig, builtin, unityeyes};

/// Returns the folder of the assets, if there is test data.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn folder() -> Option<PathBuf> {
    let data = std::env::var_os("SIMGAN_TEST_DATA").map(PathBuf::from);
    if data.is_none() {
        println!("skipped: SIMGAN_TEST_DATA is not set");
    }
    data.map(|data| data.join("unityeyes2"))
}

/// Creates a folder that links to the real `Assets` and can be written to.
fn linked(folder: &Path) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a temporary folder");
    std::os::unix::fs::symlink(folder.join("Assets"), root.path().join("Assets")).expect("a link");
    root
}

/// Opens the assets with prepared textures. The pinned renders were made from the originals, so the two must
/// agree.
fn assets() -> Option<Arc<Assets>> {
    static ASSETS: OnceLock<Option<Arc<Assets>>> = OnceLock::new();
    let open = |folder: PathBuf| {
        let root = linked(&folder);
        Assets::prepare(root.path()).expect("the textures are whole");
        Arc::new(Assets::open(root.path()).expect("the assets are whole"))
    };
    ASSETS.get_or_init(|| folder().map(open)).clone()
}

fn simulator(config: SimulatorConfig) -> Option<Simulator> {
    assets().map(|assets| unityeyes(assets, config).expect("these settings can be rendered"))
}

#[test]
fn the_iris_lies_in_the_crop() {
    let Some(eyes) = simulator(SimulatorConfig::unityeyes_mpiigaze()) else { return };
    for index in 0..400 {
        let marks = eyes.label(index).landmarks;
        for [x, y, _] in [marks.iris_center, marks.pupil_center].iter().chain(&marks.pupil) {
            assert!(*x > 0.0 && *x < 60.0 && *y > 0.0 && *y < 36.0, "{index}: ({x}, {y})");
        }
    }
}

/// A record's text is enough to render its image again, whatever the simulator's settings.
#[test]
fn an_image_is_rendered_again_from_its_record() {
    let config =
        SimulatorConfig { width: 41, height: 23, crop_mm: 30.0, channels: 3, ..SimulatorConfig::unityeyes() };
    let Some(eyes) = simulator(config) else { return };
    let sample = eyes.sample(7, Want::Labels).unwrap();
    let text = sample.record.unwrap().to_string();
    let recorded = Recorded::from_json(&serde_json::from_str(&text).unwrap()).unwrap();
    assert_eq!(recorded.name.to_string(), "unityeyes");
    let again = unityeyes(assets().unwrap(), recorded.config).unwrap();
    assert_eq!(again.render_parameters(recorded.parameters.clone()).unwrap().image, sample.image);
    let other = builtin(Domain::Eyes, SimulatorConfig::default()).unwrap();
    assert!(matches!(
        other.render_parameters(recorded.parameters),
        Err(EyesError::Setting { setting: "subject", .. })
    ));
    for (from, to) in [
        ("\"skin\":", "\"skin\":9"),
        ("\"iris_size\":0", "\"iris_size\":1e39,\"x\":0"),
        ("\"format\":", "\"format\":1"),
    ] {
        let record: Value = serde_json::from_str(&text.replacen(from, to, 2)).unwrap();
        let parameters = Recorded::from_json(&record).map(|recorded| recorded.parameters);
        assert!(parameters.and_then(|parameters| again.render_parameters(parameters)).is_err(), "{to}");
    }
}

/// The record has all of UnityEyes' own fields, as text, like a record that UnityEyes wrote.
#[test]
fn records_have_the_fields_of_unityeyes() {
    let Some(eyes) = simulator(SimulatorConfig::unityeyes()) else { return };
    let path = folder().unwrap().with_file_name("unityeyes").join("sample.json");
    let theirs: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut ours = eyes.record(3);
    assert!(ours.as_object_mut().unwrap().remove("simgan").is_some());
    assert_eq!(fields(&theirs, ""), fields(&ours, ""));
}

/// Lists the paths of all leaves with their kind; numbers in text count as one kind.
fn fields(value: &Value, path: &str) -> Vec<String> {
    let mut found = match value {
        Value::Object(all) => {
            all.iter().flat_map(|(key, value)| fields(value, &format!("{path}/{key}"))).collect()
        }
        Value::Array(all) => {
            all.iter().enumerate().flat_map(|(idx, value)| fields(value, &format!("{path}/{idx}"))).collect()
        }
        Value::String(text) => {
            let n_numbers =
                text.trim_matches(['(', ')']).split(", ").filter(|word| word.parse::<f64>().is_ok()).count();
            vec![format!("{path}: text with {n_numbers} numbers, in brackets: {}", text.starts_with('('))]
        }
        _ => vec![format!("{path}: not text")],
    };
    found.sort();
    found
}

/// FNV-1a hashes of the first samples, identical on every machine and for original and prepared textures.
#[test]
fn pinned_renders() {
    let Some(eyes) = simulator(SimulatorConfig::unityeyes()) else { return };
    let hash = (0..8).fold(0xCBF2_9CE4_8422_2325_u64, |hash, index| {
        let rendered = eyes.render(index);
        let Pixels::U8(values) = rendered.image.pixels() else { panic!("renders have 8 bits") };
        values.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3))
    });
    assert_eq!(format!("{hash:016x}"), "7c9a3aabb2eb7be4");
}

/// An error names the damaged file, the damage and the remedy.
#[test]
fn damaged_assets_are_named() {
    let Some(folder) = folder() else { return };
    let assets = folder.join("Assets");
    let (shape, subdivision) = ("Resources/ShapePCA", "Resources/SubdivData");
    let text = |path: &str| std::fs::read_to_string(assets.join(path)).unwrap();
    let [mean, deviations] = ["mesh_mean", "transformed_std"].map(|name| format!("{shape}/{name}.txt"));
    let [idxs, weights, triangles] =
        ["v_idxs", "v_weights", "tris"].map(|name| format!("{subdivision}/new_{name}_eye_region.txt"));
    let eyeball = std::fs::read(assets.join("Eyeball/eyeball.3ds")).unwrap();
    let mask = "Skin Shading/margin_mask_color_2.png";
    let skin = "Resources/SkinTextures/f03_color.png";
    let png = std::fs::read(assets.join(skin)).unwrap();
    let cases: [(&str, Vec<u8>, &str); 9] = [
        (&mean, text(&mean)[..9000].into(), "numbers"),
        (&deviations, b"NaN\n".repeat(20), "not finite"),
        (&idxs, text(&idxs).replacen("14", "229", 1).into(), "control vertex 229"),
        (&weights, text(&weights).replacen("0.5", "0.9", 1).into(), "add up to 1"),
        (&triangles, text(&triangles).replacen('3', "872", 1).into(), "skin vertex"),
        ("Eyeball/eyeball.3ds", eyeball[..eyeball.len() / 2].into(), "bytes"),
        ("eye_region.3ds", eyeball.clone(), "626 vertices"),
        (mask, b"GIF89a".to_vec(), "margin_mask"),
        (skin, png[..png.len() / 2].into(), "f03_color"),
    ];
    for (path, bytes, expected) in cases {
        let root = damaged(&assets, path, &bytes);
        let error = Assets::open(root.path()).err().unwrap_or_else(|| panic!("{path} accepted"));
        let (hint, error) = (error.hint().expect("a hint").to_string(), error.to_string());
        assert!(error.contains(expected) && error.contains(path), "{path}: {error}");
        assert!(
            hint.contains("alexanderdsmith/UnityEyes2") && hint.contains("fetch the data set unityeyes2"),
            "{hint}"
        );
        std::fs::remove_file(root.path().join("Assets").join(path)).unwrap();
        let error = Assets::open(root.path()).err().unwrap_or_else(|| panic!("{path} missed")).to_string();
        assert!(error.contains(path), "{path}: {error}");
    }
}

/// Creates a folder of links to all assets but one file, which gets `bytes`.
fn damaged(assets: &Path, path: &str, bytes: &[u8]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a temporary folder");
    let link = |folder: &Path, into: &Path| {
        std::fs::create_dir_all(into).expect("a folder");
        for entry in std::fs::read_dir(folder).expect("the assets") {
            let entry = entry.expect("an entry");
            std::os::unix::fs::symlink(entry.path(), into.join(entry.file_name())).expect("a link");
        }
    };
    // Every folder on the way to the file becomes a real folder of links.
    let mut into = root.path().join("Assets");
    let mut from = assets.to_owned();
    link(&from, &into);
    let parts: Vec<&str> = path.split('/').collect();
    for part in &parts[..parts.len() - 1] {
        (into, from) = (into.join(part), from.join(part));
        std::fs::remove_file(&into).expect("a link");
        link(&from, &into);
    }
    let file = into.join(parts[parts.len() - 1]);
    std::fs::remove_file(&file).expect("a link");
    std::fs::write(&file, bytes).expect("a file");
    root
}

#[test]
fn missing_assets_say_how_to_get_them() {
    let error = Assets::open(Path::new("no/such/folder")).err().unwrap();
    let hint = error.hint().unwrap().to_string();
    assert!(error.to_string().contains("no/such/folder"), "{error}");
    assert!(hint.contains("unityeyes2") && hint.contains("alexanderdsmith/UnityEyes2"), "{hint}");
}
