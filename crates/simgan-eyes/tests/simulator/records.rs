//! Tests of the records written beside renders.

use proptest::prelude::*;
use serde_json::Value;
use simgan_data::{
    AnnotationsExt, Direction, Folder, FolderOptions, Source, Want, annotations_from_record, names,
};
use simgan_eyes::{Domain, Recorded, SimulatorConfig, builtin};

use super::{DOMAINS, bytes, simulator};

/// The record's `look_vec` (y up, four decimals) and its own exact vector both give the gaze.
#[test]
fn records_parse_back_to_the_same_gaze() {
    for domain in DOMAINS {
        let eyes = simulator(domain, 55, 35);
        for index in 0..100 {
            let sample = eyes.sample(index, Want::Labels).unwrap();
            let (gaze, record) = (sample.annotations.gaze().unwrap(), sample.record.unwrap());
            assert_eq!(record, eyes.record(index));
            let text = record["eye_details"]["look_vec"].as_str().unwrap();
            let look: Vec<f32> =
                text.trim_matches(['(', ')']).split(", ").map(|v| v.parse().unwrap()).collect();
            let read = Direction::from_vector([look[0], -look[1], look[2]]).unwrap();
            assert!((read.pitch() - gaze.pitch()).abs() < 2e-4 && (read.yaw() - gaze.yaw()).abs() < 2e-4);
            let own = &record["simgan"];
            let pitch = own["gaze_pitch_deg"].as_f64().unwrap() as f32;
            let yaw = own["gaze_yaw_deg"].as_f64().unwrap() as f32;
            assert!(
                (gaze.pitch().to_degrees() - pitch).abs() < 1e-3
                    && (gaze.yaw().to_degrees() - yaw).abs() < 1e-3
            );
            for (key, n_points) in [("interior_margin_2d", 16), ("caruncle_2d", 7), ("iris_2d", 32)] {
                assert_eq!(record[key].as_array().unwrap().len(), n_points);
            }
        }
    }
}

/// The head's pose, which the record tells as UnityEyes does, is read back as the simulator tells it.
#[test]
fn records_parse_back_to_the_same_head_pose() {
    for domain in DOMAINS {
        let eyes = simulator(domain, 55, 35);
        for index in 0..100 {
            let sample = eyes.sample(index, Want::Labels).unwrap();
            let read = annotations_from_record(&sample.record.unwrap(), 35).unwrap().head_pose().unwrap();
            let told = sample.annotations.head_pose().unwrap();
            assert!(
                read.iter().zip(told).all(|(a, b)| (a - b).abs() < 1e-4),
                "{index}: {read:?}, not {told:?}"
            );
        }
    }
}

/// The folder reader reads written renders with the same labels.
#[test]
fn a_folder_of_renders_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let eyes = simulator(Domain::Eyes, 60, 36);
    eyes.render_to(folder.path(), 0..6).unwrap();
    let read = Folder::open(folder.path(), &FolderOptions::default()).unwrap();
    assert_eq!((read.len(), read.spec()), (6, eyes.spec()));
    for index in 0..6 {
        let known = |source: &dyn Source| source.sample(index, Want::Labels).unwrap().annotations;
        let (written, read) = (known(&eyes), known(&read));
        let (gaze, again) = (written.gaze().unwrap().vector(), read.gaze().unwrap().vector());
        assert!(gaze.iter().zip(again).all(|(a, b)| (a - b).abs() < 1e-4));
        for (name, n) in [(names::LID_MARGIN, 16), (names::CARUNCLE, 7), (names::IRIS, 32)] {
            let (points, again) = (written.points(name).unwrap(), read.points(name).unwrap());
            assert_eq!((points.len(), again.len()), (n, n), "{name}");
            for (a, b) in points.iter().zip(again) {
                assert!((a[0] - b[0]).abs() < 1e-3 && (a[1] - b[1]).abs() < 1e-3);
            }
        }
    }
}

/// UnityEyes' fields count y from the bottom, the object `simgan` from the top.
#[test]
fn both_forms_of_a_landmark_agree() {
    let eyes = simulator(Domain::Eyes, 55, 35);
    let record = eyes.record(5);
    let text = record["iris_2d"][0].as_str().unwrap();
    let unity: Vec<f32> = text.trim_matches(['(', ')']).split(", ").map(|v| v.parse().unwrap()).collect();
    let own = &record["simgan"]["iris"][0];
    assert!((unity[0] - own[0].as_f64().unwrap() as f32).abs() < 1e-4);
    assert!((35.0 - unity[1] - own[1].as_f64().unwrap() as f32).abs() < 1e-4);
}

#[test]
fn an_image_is_rendered_again_from_its_record() {
    for domain in DOMAINS {
        let config = SimulatorConfig { width: 33, height: 50, supersample: 3, ..SimulatorConfig::default() };
        let eyes = builtin(domain, config).unwrap();
        let text = eyes.record(9).to_string();
        let recorded = Recorded::from_json(&serde_json::from_str(&text).unwrap()).unwrap();
        let again = recorded.name.open(recorded.config).unwrap();
        assert_eq!(again.render_parameters(recorded.parameters).unwrap().image, eyes.render(9).image);
    }
}

#[test]
fn files_are_written_whole_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let eyes = simulator(Domain::Eyes, 55, 35);
    assert_eq!(eyes.render_to(folder.path(), 0..3).unwrap(), 3);
    assert_eq!(eyes.render_to(folder.path(), 0..5).unwrap(), 2);
    std::fs::write(folder.path().join("1.json"), "{").unwrap();
    assert_eq!(eyes.render_to(folder.path(), 0..5).unwrap(), 1);
    let other = simulator(Domain::Camera, 55, 35);
    assert_eq!(other.render_to(folder.path(), 0..1).unwrap(), 1);
    let mut names: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["0.jpg", "0.json", "1.jpg", "1.json", "2.jpg", "2.json", "3.jpg", "3.json", "4.jpg", "4.json"]
    );
    let decoded = image::open(folder.path().join("3.jpg")).unwrap().into_luma8();
    let rendered = eyes.render(3);
    let off = decoded.iter().zip(bytes(&rendered.image)).map(|(a, b)| f32::from(a.abs_diff(*b))).sum::<f32>();
    assert!(off / 1925.0 < 6.0, "mean difference {}", off / 1925.0);
    let blocked = folder.path().join("3.jpg");
    assert!(eyes.render_to(&blocked, 0..1).unwrap_err().to_string().contains("3.jpg"));
}

fn collect_numbers<'a>(value: &'a mut Value, found: &mut Vec<&'a mut Value>) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(|value| collect_numbers(value, found)),
        Value::Array(values) => values.iter_mut().for_each(|value| collect_numbers(value, found)),
        Value::Number(_) => found.push(value),
        _ => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    /// A record with any number changed is either rendered or refused, without a panic.
    #[test]
    fn changed_records_never_panic(index in 0_usize..1000, place in 0_usize..400, value in any::<f32>(), camera: bool) {
        let config = SimulatorConfig { width: 16, height: 10, ..SimulatorConfig::default() };
        let mut record = builtin(DOMAINS[usize::from(camera)], config).unwrap().record(index);
        let mut numbers = Vec::new();
        collect_numbers(&mut record["simgan"]["parameters"], &mut numbers);
        let n_numbers = numbers.len();
        *numbers.swap_remove(place % n_numbers) = value.into();
        if let Ok(recorded) = Recorded::from_json(&record) {
            let _ = recorded.name.open(recorded.config).unwrap().render_parameters(recorded.parameters);
        }
    }
}
