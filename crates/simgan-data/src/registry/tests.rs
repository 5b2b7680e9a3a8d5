use std::fs;
use std::path::{Path, PathBuf};

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde_json::json;

use super::*;
use crate::unityeyes::Evidence;
use crate::{AnnotationsExt, Crop, Image, ImageFile, ImageFormat, Pixels, Role, Sizes, Want, names};

fn layout_of(path: &Path) -> String {
    Registry::default().find(path.to_str().unwrap()).unwrap().layout().name().to_owned()
}

/// What is said of a source that cannot be opened, with its hint.
fn refusal(registry: &Registry, spec: &str) -> String {
    let error = registry.open(&SourceRequest::new(spec)).err().unwrap();
    error.hint().map_or_else(|| error.to_string(), |hint| format!("{error} ({hint})"))
}

/// A record of an eye near the middle of a 64×48 render.
fn record(look: &str) -> String {
    let mut margin = vec!["(32, 23, 9)"; 16];
    (margin[0], margin[8]) = ("(28, 24, 9)", "(36, 24, 9)");
    json!({"interior_margin_2d": margin, "eye_details": {"look_vec": look}}).to_string()
}

/// Writes a file with the content its name promises: an image, a UnityEyes record, or nothing.
fn write(root: &Path, name: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    if let Some(format) = ImageFormat::from_path(&path) {
        let level = name.bytes().map(usize::from).sum::<usize>();
        let values = (0..3 * 64 * 48).map(|i| (i + level) as u8).collect();
        ImageFile::new(Image::new(3, 48, 64, Pixels::U8(values)), format).save(&path).unwrap();
    } else if name.to_ascii_lowercase().ends_with(".json") {
        fs::write(&path, record("(0, 0, -1, 0)")).unwrap();
    } else {
        fs::write(&path, "").unwrap();
    }
}

#[test]
fn layouts_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let registry = Registry::default();
    let refusal = |name: &str| refusal(&registry, path.join(name).to_str().unwrap());
    assert_eq!(layout_of(path), "folder");
    write(path, "7.json");
    assert_eq!(layout_of(path), "unityeyes");
    assert!(refusal("7.json").contains("not a folder"));
    fs::remove_file(path.join("7.json")).unwrap();
    fs::create_dir_all(path.join("Data/Normalized/p00")).unwrap();
    assert_eq!(layout_of(path), "mpiigaze");
    let person = path.join("Data/Normalized/p00");
    assert_eq!(layout_of(&person), "folder");
    assert_eq!(layout_of(&path.join("Data/Normalized")), "folder", "p00 alone says little");
    fs::write(person.join("day01.mat"), "no MATLAB file").unwrap();
    for part in ["Data", "Data/Normalized", "Data/Normalized/p00", "Data/Normalized/p00/day01.mat"] {
        assert_eq!(layout_of(&path.join(part)), "mpiigaze", "{part}");
        assert!(refusal(part).contains("day01.mat"), "{part}");
    }
    fs::write(path.join("7.SafeTensors"), "cut").unwrap();
    assert_eq!(layout_of(&path.join("7.SafeTensors")), "packed");
    assert!(refusal("7.SafeTensors").contains("no packed data set"));
    fs::write(path.join("7.h5"), "no HDF5").unwrap();
    assert_eq!(layout_of(&path.join("7.h5")), "hdf5");
    let word = if cfg!(feature = "hdf5") { "fetch it again" } else { "does not read HDF5" };
    assert!(refusal("7.h5").contains(word), "{}", refusal("7.h5"));
    assert!(refusal("none").contains("no such folder or simulator; a source is a folder of"));
}

/// The expected layout of each folder, and its files.
const FOLDERS: [(&str, &[&str]); 13] = [
    ("folder", &["a.png", "b.jpg", "s/1.png", "labels.csv"]),
    ("folder", &["renders/1.jpg", "renders/1.json", "photographs/1.jpg", "photographs/2.jpg"]),
    ("folder", &["renders/1.jpg", "renders/1.json", "renders/preview.png"]),
    ("unityeyes", &["1.jpg", "1.json", "2.jpg", "2.json", "10.jpg", "10.json", "preview.png"]),
    (
        "unityeyes",
        &["UnityEyes/imgs/1.jpg", "UnityEyes/imgs/1.json", "more/7.jpg", "more/7.json", "readme.txt"],
    ),
    (
        "unityeyes",
        &["1.JPG", "1.json", "2.jpg", "2.JSON", "3.Jpg", "3.Json", "4.JPEG", "4.jSON", "5.PNG", "5.json"],
    ),
    ("mpiigaze", &["p00/day01.mat", "p00/day02.MAT", "p01/day01.mat"]),
    ("mpiigaze", &["day01.mat", "day02.mat", "day10.mat"]),
    ("blenderproc", &["0.hdf5", "1.hdf5", "10.hdf5", "log.txt"]),
    ("folder", &["0.hdf5", "coco_data/images/000000.jpg", "coco_data/coco_annotations.json"]),
    ("idx", &["raw/train-images-idx3-ubyte.gz", "raw/train-labels-idx1-ubyte.gz", "readme.txt"]),
    ("folder", &["train-images-idx3-ubyte.gz", "preview/0.png", "preview/1.png"]),
    ("nyu", &["joint_data.mat", "depth_1_0000001.png", "synthdepth_1_0000001.png"]),
];

/// A folder where creating many small files is fast, and whose listing order depends on that of creation.
fn folder_in_memory() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// The layout of a path, and the names and images of its samples.
fn opened(path: &Path) -> (String, Vec<(String, Image)>) {
    let request = SourceRequest { sizes: Sizes::Mixed, ..SourceRequest::new(path.to_str().unwrap()) };
    let samples = match Registry::default().open(&request) {
        Ok(source) => (0..source.len()).map(|index| source.sample(index, Want::Labels).unwrap()).collect(),
        Err(_) => Vec::new(),
    };
    (layout_of(path), samples.into_iter().map(|sample| (sample.name, sample.image)).collect())
}

#[test]
fn the_order_in_which_files_are_made_plays_no_part() {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for (layout, files) in FOLDERS {
        let mut expected = None;
        for order in 0..4 {
            let folder = folder_in_memory();
            let mut files = files.to_vec();
            match order {
                0 => {}
                1 => files.reverse(),
                _ => files.shuffle(&mut rng),
            }
            files.iter().for_each(|file| write(folder.path(), file));
            let found = opened(folder.path());
            assert_eq!(found.0, layout, "{files:?}");
            assert_eq!(&found, expected.get_or_insert(found.clone()), "{files:?}");
            if layout == "unityeyes" {
                assert!(found.1.iter().all(|(_, image)| image.spec().width == 14), "140 of 640: {files:?}");
                assert!(found.1.iter().all(|(name, _)| !name.contains("preview")));
            }
        }
    }
}

#[test]
fn the_order_of_a_listing_plays_no_part() {
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    for (layout, files) in FOLDERS {
        let folder = folder_in_memory();
        files.iter().for_each(|file| write(folder.path(), file));
        let registry = Registry::default();
        for _ in 0..50 {
            let mut files: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
            files.shuffle(&mut rng);
            let listing = Listing::in_order(folder.path(), files.clone());
            let fits = registry.layouts.iter().filter(|known| known.recognise(&listing) == Match::Specific);
            let fits: Vec<&str> = fits.map(|known| known.name()).collect();
            let expected = if layout == "folder" { vec![] } else { vec![layout] };
            assert_eq!(fits, expected, "{files:?}");
        }
    }
}

/// Creates 1,500 records before 1,500 images, and the other way round; the first records are damaged or of
/// another kind.
#[test]
fn large_folders_are_judged_as_a_whole() {
    for images_first in [true, false] {
        let folder = folder_in_memory();
        let image = || {
            for n in 0..1500 {
                let from = folder.path().join("0.jpg");
                if n == 0 {
                    write(folder.path(), "0.jpg");
                } else {
                    fs::copy(from, folder.path().join(format!("{n}.jpg"))).map(drop).unwrap();
                }
            }
        };
        if images_first {
            image();
        }
        for n in 0..1500 {
            let text = match n {
                0 => "{cut".to_owned(),
                1 => "[1, 2]".to_owned(),
                2 => "{}".to_owned(),
                _ => record("(0, 0, -1, 0)"),
            };
            fs::write(folder.path().join(format!("{n}.json")), text).unwrap();
        }
        if !images_first {
            image();
        }
        let source = Registry::default().open(&SourceRequest::new(folder.path().to_str().unwrap())).unwrap();
        assert_eq!((source.len(), source.spec().width), (1500, 14), "{images_first}");
        assert_eq!(source.name(1499).unwrap(), "1499.jpg");
        assert!(source.sample(0, Want::Labels).unwrap_err().to_string().contains("0.json"));
    }
}

#[test]
fn each_cameras_image_is_a_sample_with_its_points() {
    let folder = tempfile::tempdir().unwrap();
    let images = ["1_cam0.jpg", "1_cam1.jpg", "2_cam0.JPG", "2_cam1.jpg"];
    images.iter().for_each(|file| write(folder.path(), file));
    let margin = |x: usize| {
        let mut margin = vec![format!("({x}, 23, 9)"); 16];
        (margin[0], margin[8]) = (format!("({}, 24, 9)", x - 4), format!("({}, 24, 9)", x + 4));
        json!({"head_pose": "(0, 180, 0)", "interior_margin_2d": margin})
    };
    let record = json!({"eye_details": {"look_vec": "(0, 0.6, -0.8, 0)"}, "cameras": {"cam0": margin(30), "cam1": margin(40)}});
    for file in ["1.json", "2.json"] {
        fs::write(folder.path().join(file), record.to_string()).unwrap();
    }
    for (crop, width) in [(Crop::Auto, 14), (Crop::Fixed, 14), (Crop::None, 64)] {
        let spec = folder.path().to_str().unwrap();
        let source = Registry::default().open(&SourceRequest { crop, ..SourceRequest::new(spec) }).unwrap();
        let samples: Vec<_> =
            (0..source.len()).map(|index| source.sample(index, Want::Labels).unwrap()).collect();
        let names: Vec<&str> = samples.iter().map(|sample| &*sample.name).collect();
        assert_eq!(names, ["1_cam0.jpg", "1_cam1.jpg", "2_cam0.JPG", "2_cam1.jpg"]);
        for (sample, x) in samples.iter().zip([30.0, 40.0, 30.0, 40.0]) {
            assert_eq!(sample.image.spec().width, width, "{crop:?}");
            assert_eq!(sample.annotations.gaze().unwrap().vector(), [0.0, -0.6, -0.8]);
            let corner = sample.annotations.points(names::LID_MARGIN).unwrap()[0];
            let expected = if width == 64 { x - 4.0 } else { 3.0 };
            assert_eq!(corner[0], expected, "{crop:?}");
        }
    }
}

#[test]
fn a_crop_without_records_says_what_is_missing() {
    for (files, words) in [
        (&["a.png", "b.png"][..], "no records N.json"),
        (&["r/1.jpg", "r/1.json", "r/a.png"], "r/a.png is in no pair"),
        (&["1.png", "1.json"], "its records, 1.json the first, have no \"eye_details\""),
    ] {
        let folder = tempfile::tempdir().unwrap();
        files.iter().for_each(|file| write(folder.path(), file));
        if words.contains("1.json") {
            fs::write(folder.path().join("1.json"), r#"{"gaze": [0, 0, -1]}"#).unwrap();
        }
        for crop in [Crop::Fixed, Crop::EyeWidth] {
            let request = SourceRequest { crop, ..SourceRequest::new(folder.path().to_str().unwrap()) };
            let error = Registry::default().open(&request).err().unwrap().to_string();
            assert!(error.contains("nothing to crop by") && error.contains(words), "{error}");
            let real = SourceRequest { role: Role::Real, ..request };
            assert!(Registry::default().open(&real).is_ok(), "photographs have no records");
        }
    }
}

#[test]
fn matlab_files_that_are_hdf5_are_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.mat"), "other").unwrap();
    fs::write(folder.path().join("p00.mat"), "MATLAB 7.3 MAT-file, Platform: GLNXA64 HDF5 schema 1.00 .")
        .unwrap();
    let error = refusal(&Registry::default(), folder.path().to_str().unwrap());
    assert!(error.contains("p00.mat: a MATLAB 7.3 file") && error.contains("-v7"), "{error}");
}

#[test]
fn two_layouts_that_fit_are_named_and_a_prefix_chooses() {
    let folder = tempfile::tempdir().unwrap();
    ["joint_data.mat", "1.jpg", "1.json"].iter().for_each(|file| write(folder.path(), file));
    let (registry, path) = (Registry::default(), folder.path().to_str().unwrap());
    let error = refusal(&registry, path);
    for reading in [format!("`nyu:{path}`"), format!("`unityeyes:{path}`")] {
        assert!(error.contains(&reading), "{error}");
    }
    assert!(!error.contains("folder:"), "a plain folder fits everything, and is no rival: {error}");
    for (layout, n) in [("unityeyes", 1), ("folder", 1)] {
        let source = registry.open(&SourceRequest::new(format!("{layout}:{path}"))).unwrap();
        let width = if layout == "folder" { 64 } else { 14 };
        assert_eq!((source.len(), source.spec().width), (n, width), "{layout}");
    }
    assert!(refusal(&registry, &format!("nyu:{path}")).contains("no NYU hands"));
    assert!(refusal(&registry, &format!("hdf5:{path}")).contains(path));
    assert_eq!(registry.absolute(&format!("nyu:{path}/none")).unwrap(), format!("nyu:{path}/none"));
    assert!(refusal(&registry, &format!("nyu:{path}/none")).contains("no such folder"));
    assert_eq!(registry.absolute(&format!("folder:{path}")).unwrap(), format!("folder:{path}"));
    assert_eq!(registry.absolute(path).unwrap(), path);
    assert!(matches!(Evidence::at(&Listing::of(folder.path())), Evidence::Pairs));
}

#[test]
fn some_images_of_a_folder_are_a_source() {
    let folder = tempfile::tempdir().unwrap();
    let files = ["a/1.png", "a/2.png", "a/2.json", "b/3.png", "joint_data.mat", "depth_1_0000001.png"];
    files.iter().for_each(|file| write(folder.path(), file));
    let registry = Registry::default();
    let spec = |pattern: &str| folder.path().join(pattern).display().to_string();
    let names = |pattern: &str| {
        let source =
            registry.open(&SourceRequest { crop: Crop::None, ..SourceRequest::new(spec(pattern)) }).unwrap();
        (0..source.len()).map(|index| source.name(index).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(names("a/*.png"), ["1.png", "2.png"]);
    assert_eq!(names("*/[23].png"), ["a/2.png", "b/3.png"]);
    assert_eq!(names("b/3.png"), ["3.png"]);
    assert_eq!(names("depth*.png"), ["depth_1_0000001.png"], "a part of a data set that is read as a whole");
    assert_eq!(registry.absolute(&spec("a/*.png")).unwrap(), spec("a/*.png"));
    assert!(refusal(&registry, &spec("a/*.jpg")).contains("no image fits this pattern"));
    let labelled = registry.find(&spec("a/?.png")).unwrap().open_folder(&FolderOptions::default()).unwrap();
    assert_eq!(labelled.labels_of(1).collect::<Vec<_>>(), [Path::new("2.json")]);
}
