//! Which images a label is about, and when it is written again.

use simgan_data::Selection;

use super::*;

/// Resizes the images of a folder that `images` and `exclude` choose.
fn resized(path: &Path, exclude: &[&str]) -> RefineInput {
    let selection = Selection::new(&[] as &[&str], exclude).unwrap();
    let options = FolderOptions { sizes: Sizes::Mixed, selection, ..FolderOptions::default() };
    let resize = Resize {
        size: "22x14".parse().unwrap(),
        fit: simgan_data::Fit::Stretch,
        labels: LabelPolicy::Follow,
    };
    RefineInput::resized(Folder::open(path, &options).unwrap(), resize).unwrap()
}

/// A scene of photographs of 11×7 pixels and no labels.
fn photographs(names: &[&str]) -> Scene {
    let scene = Scene::new();
    fs::remove_dir_all(scene.path("in")).unwrap();
    names.iter().for_each(|name| scene.image(name, gray(11, 7, name.len()), ImageFormat::Png));
    scene
}

#[test]
fn rows_of_images_that_are_not_refined_stay() {
    let scene = photographs(&["a/1.png", "a/2.png", "b/1.png", "b/3.png"]);
    scene.text("in/labels.csv", "image,x,y\na/1.png,2,3\nb/1.png,2,3\nx/b/1.png,2,3\n2.png,2,3\n");
    let record = "{\"interior_margin_2d\": [[2, 3]]}";
    scene.text("in/b/3.json", record);
    scene.text("in/a/2.json", record);
    scene.run(&resized(&scene.path("in"), &["b"])).unwrap();
    assert_eq!(
        String::from_utf8(scene.bytes("out/labels.csv")).unwrap(),
        "image,x,y\na/1.png,4,6\nb/1.png,2,3\nx/b/1.png,2,3\n2.png,4,6\n"
    );
    assert_eq!(scene.bytes("out/b/3.json"), record.as_bytes(), "beside an image that is not refined");
    assert_ne!(scene.bytes("out/a/2.json"), record.as_bytes());
    assert_eq!(scene.bytes("out/b/1.png"), scene.bytes("in/b/1.png"));
}

#[test]
fn what_goes_with_one_image_comes_along() {
    let scene = photographs(&["a/1.png", "a/2.png"]);
    let files = ["a/1.xml", "a/1.npy", "a/labels.csv", "a/2.xml"];
    files.iter().for_each(|name| scene.text(&format!("in/{name}"), "image,x,y\n1.png,2,3\n"));
    scene.text("in/a/more.txt", "");
    let input = RefineInput::folder(&scene.path("in/a/1.*")).unwrap();
    let summary = scene.run(&input).unwrap();
    assert_eq!((summary.refined, summary.label_files, summary.copied), (1, 3, 0));
    let files: Vec<_> = scene.files("out").into_keys().collect();
    assert_eq!(files, ["1.npy", "1.png", "1.xml", "labels.csv", MANIFEST_FILE].map(PathBuf::from));
    assert_eq!(input.census().unwrap().unused_labels, ["more.txt"]);
    fs::remove_dir_all(scene.path("out")).unwrap();
    ["1.xml", "1.npy"].iter().for_each(|name| fs::remove_file(scene.path("in/a").join(name)).unwrap());
    scene.run(&resized(&scene.path("in/a/1.png"), &[])).unwrap();
    assert_eq!(scene.bytes("out/labels.csv"), b"image,x,y\n1.png,4,6\n");
}

#[test]
fn a_data_sets_label_that_changed_arrives() {
    let scene = photographs(&["1.png", "2.png"]);
    let gaze = |x: f64| format!("{{\"gaze\": [{x}, 0.0, -1.0]}}");
    scene.text("in/1.json", &gaze(0.0));
    scene.text("in/2.json", &gaze(0.5));
    let set = || {
        let options = FolderOptions { sizes: Sizes::Mixed, ..FolderOptions::default() };
        let folder = Folder::open(&scene.path("in"), &options).unwrap();
        scene.run(&RefineInput::data_set("set", Arc::new(folder)).unwrap()).unwrap()
    };
    set();
    let before = scene.files("out");
    scene.text("in/1.json", &gaze(0.25));
    let summary = set();
    assert_eq!((summary.already, summary.label_files, summary.mended), (2, 2, 0));
    let mut after = scene.files("out");
    let label = after.insert("1.json".into(), before[Path::new("1.json")].clone()).unwrap();
    assert_ne!(label, before[Path::new("1.json")]);
    after.remove(Path::new(MANIFEST_FILE));
    assert!(after.iter().all(|(name, bytes)| before[name] == *bytes), "nothing else changed");
    ["1.json", "2.json"].iter().for_each(|name| fs::remove_file(scene.path("in").join(name)).unwrap());
    assert_eq!((set().label_files, scene.path("out/1.json").exists()), (0, false));
    assert_eq!(set().already, 2);
}

/// Adds the orientation tag 6 to a PNG: a viewer turns the stored pixels clockwise.
fn turned(png: &[u8]) -> Vec<u8> {
    let exif = [&b"II*\0\x08\0\0\0"[..], &[1, 0], &[0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0], &[0; 4]].concat();
    let chunk = [&b"eXIf"[..], &exif].concat();
    let crc = chunk.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(
            crc ^ u32::from(*byte),
            |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 },
        )
    });
    let chunk = [&(exif.len() as u32).to_be_bytes()[..], &chunk, &(!crc).to_be_bytes()].concat();
    // After the signature and the header's chunk.
    [&png[..33], &chunk, &png[33..]].concat()
}

/// Labels are about what a viewer shows, and so are the refined pixels.
#[test]
fn labels_and_pixels_of_a_turned_photograph_agree() {
    let scene = photographs(&["1.png"]);
    let file = scene.path("in/1.png");
    fs::write(&file, turned(&fs::read(&file).unwrap())).unwrap();
    let record = "{\"interior_margin_2d\": [[2, 9]]}";
    scene.text("in/1.json", record);
    scene.run(&RefineInput::folder(&scene.path("in")).unwrap()).unwrap();
    let shown = |path: &Path| ImageFile::open(path).unwrap().image().spec().size().to_string();
    assert_eq!((shown(&file), shown(&scene.path("out/1.png"))), ("7x11".to_owned(), "7x11".to_owned()));
    assert_eq!(scene.bytes("out/1.json"), record.as_bytes());
    fs::remove_dir_all(scene.path("out")).unwrap();
    let resize = Resize {
        size: "14x22".parse().unwrap(),
        fit: simgan_data::Fit::Stretch,
        labels: LabelPolicy::Follow,
    };
    let options = FolderOptions { sizes: Sizes::Mixed, ..FolderOptions::default() };
    let folder = Folder::open(&scene.path("in"), &options).unwrap();
    scene.run(&RefineInput::resized(folder, resize).unwrap()).unwrap();
    assert_eq!(shown(&scene.path("out/1.png")), "14x22");
    let moved = String::from_utf8(scene.bytes("out/1.json")).unwrap();
    assert!(moved.contains("[4, 18]") || moved.contains("[4.0, 18.0]"), "{moved}");
}
