use super::*;
use crate::{Image, ImageFile, ImageFormat, Layout, Listing, Match, Pixels, Size, names};
use serde_json::json;

/// A record of an eye with corners at (280, 240) and (360, 240) of 640×480, from the top left.
fn record(look: &str) -> Value {
    let mut margin = vec!["(320, 230, 9)"; 16];
    (margin[0], margin[8]) = ("(280, 240, 9)", "(360, 240, 9)");
    json!({"interior_margin_2d": margin, "caruncle_2d": ["(276, 240, 9)", "(284, 240, 9)"], "eye_details": {"look_vec": look}})
}

fn write(folder: &Path, stem: &str, record: Option<&Value>) {
    let values = (0..640 * 480).map(|i| if i == 240 * 640 + 280 { 255 } else { 0 }).collect();
    let image = Image::new(1, 480, 640, Pixels::U8(values));
    ImageFile::new(image, ImageFormat::Png).save(&folder.join(stem).with_extension("png")).unwrap();
    if let Some(record) = record {
        std::fs::write(folder.join(stem).with_extension("json"), record.to_string()).unwrap();
    }
}

fn lid_margin(points: Vec<[f32; 2]>) -> Annotations {
    Annotations::from([(names::LID_MARGIN.into(), points.into())])
}

fn is_recognised(folder: &Path) -> bool {
    UnityEyesLayout.recognise(&Listing::of(folder)) == Match::Specific
}

#[test]
fn pairs_come_by_number_with_labels() {
    let folder = tempfile::tempdir().unwrap();
    for stem in ["10", "2", "1"] {
        write(folder.path(), stem, Some(&record("(0.0, 0.6, -0.8, 0.0)")));
    }
    assert!(is_recognised(folder.path()));
    let eyes = UnityEyes::open(folder.path(), UnityEyesOptions { crop: Crop::None, channels: None }).unwrap();
    let names: Vec<String> = (0..eyes.len()).map(|i| eyes.sample(i, Want::Image).unwrap().name).collect();
    assert_eq!(names, ["1.png", "2.png", "10.png"]);
    let label = eyes.sample(0, Want::Labels).unwrap().annotations;
    assert_eq!(label.gaze().unwrap().vector(), [0.0, -0.6, -0.8]);
    assert_eq!(label.lid_margin().unwrap()[0], [280.0, 240.0]);
}

#[test]
fn crops_are_cut_around_the_eye_and_move_its_landmarks() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "1", Some(&record("(0, 0, -1, 0)")));
    for (crop, size) in [(Crop::Fixed, "140x84"), (Crop::EyeWidth, "120x72")] {
        let eyes = UnityEyes::open(folder.path(), UnityEyesOptions { crop, channels: None }).unwrap();
        assert_eq!(eyes.spec().size(), size.parse().unwrap());
        let sample = eyes.sample(0, Want::Labels).unwrap();
        let [x, y] = sample.annotations.lid_margin().unwrap()[0];
        let (values, width) = (sample.image.to_unit(), eyes.spec().width);
        assert_eq!(values[y as usize * width + x as usize], 1.0, "{crop:?}: the dot is at the corner");
        assert_eq!(x, width as f32 / 2.0 - 40.0, "{crop:?}");
    }
}

#[test]
fn whole_renders_are_cropped_unless_the_eye_fills_them() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "1", None);
    write(folder.path(), "2", Some(&record("(0, 0, -1, 0)")));
    assert_eq!(UnityEyes::open(folder.path(), UnityEyesOptions::default()).unwrap().crop(), Crop::Fixed);
    let margin = vec!["(10, 20, 9)"; 15];
    let near = json!({"interior_margin_2d": margin, "eye_details": {"look_vec": "(0, 0, -1, 0)"}});
    write(folder.path(), "1", Some(&near));
    assert_eq!(UnityEyes::open(folder.path(), UnityEyesOptions::default()).unwrap().crop(), Crop::Fixed);
    std::fs::remove_file(folder.path().join("2.json")).unwrap();
    assert_eq!(UnityEyes::open(folder.path(), UnityEyesOptions::default()).unwrap().crop(), Crop::None);
    let landmarks = |width: f32| {
        let mut margin = vec![[5.0, 5.0]; 16];
        margin[8][0] += width;
        lid_margin(margin)
    };
    let image = Size { width: 60, height: 36 };
    assert_eq!(Crop::detected(image, &landmarks(21.0)), Some(Crop::None));
    assert_eq!(Crop::detected(image, &landmarks(-19.0)), Some(Crop::Fixed));
}

#[test]
fn what_is_missing_or_damaged_is_named() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "1", Some(&record("(0, 0, -1, 0)")));
    write(folder.path(), "2", None);
    std::fs::write(folder.path().join("3.json"), record("(0, 0, -1, 0)").to_string()).unwrap();
    write(folder.path(), "4", Some(&json!({"eye_details": {}})));
    write(folder.path(), "5", Some(&json!({"eye_details": {"look_vec": "(0, 0, -1, 0)"}})));
    let eyes =
        UnityEyes::open(folder.path(), UnityEyesOptions { crop: Crop::Fixed, channels: None }).unwrap();
    assert!(eyes.sample(0, Want::Labels).is_ok());
    for (index, words) in [(1, "2.json"), (2, "3.jpg"), (3, "look_vec"), (4, "interior_margin_2d")] {
        // The crop needs the record even if labels are not wanted.
        for want in [Want::Image, Want::Labels] {
            let error = eyes.sample(index, want).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
    let whole =
        UnityEyes::open(folder.path(), UnityEyesOptions { crop: Crop::None, channels: None }).unwrap();
    for (index, is_image, is_label) in
        [(0, true, true), (1, true, false), (2, false, false), (3, true, false)]
    {
        assert_eq!(whole.sample(index, Want::Image).is_ok(), is_image, "{index}");
        assert_eq!(whole.sample(index, Want::Labels).is_ok(), is_label, "{index}");
    }
}

#[test]
fn an_eye_at_the_edge_is_an_error() {
    let landmarks = lid_margin(vec![[10.0, 10.0]; 16]);
    let image = Size { width: 640, height: 480 };
    let error = Crop::Fixed.window(image, &landmarks).unwrap_err();
    assert!(error.contains("140x84") && error.contains("640x480"), "{error}");
    assert!(Crop::EyeWidth.window(image, &landmarks).is_err(), "an eye without width");
}

#[test]
fn other_folders_are_told() {
    let folder = tempfile::tempdir().unwrap();
    assert!(!is_recognised(folder.path()));
    let error = UnityEyes::open(folder.path(), UnityEyesOptions { crop: Crop::None, channels: None })
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("no UnityEyes renders"), "{error}");
}
