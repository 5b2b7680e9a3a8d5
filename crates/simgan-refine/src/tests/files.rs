//! Whatever else stands in the input and output folders.

use proptest::prelude::*;
use simgan_data::Selection;

use super::*;

impl Scene {
    /// An image of three values, as masks have.
    fn mask(&self, name: &str) {
        let values = (0..77).map(|i| (i % 3) as u8).collect();
        self.image(name, Image::new(1, 7, 11, Pixels::U8(values)), ImageFormat::Png);
    }

    fn photograph(&self, name: &str) {
        self.image(name, gray(11, 7, name.len()), ImageFormat::Png);
    }

    pub(super) fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(super) fn run(&self, input: &RefineInput) -> Result<RefineSummary, RefineError> {
        let model = RefineModel::open(&self.path("model"), &Device::Cpu)?;
        let output = self.path("out");
        Refinement { model: &model, input, output: &output, batch: 2, on_error: OnError::Fail }
            .run(&GOING, &mut |_| {})
    }

    /// Checks that the job is refused and names `part`, and that the output folder stays as it is.
    #[track_caller]
    fn refused(&self, part: &str) {
        let before = fs::read_dir(self.path("out")).unwrap().count();
        let error = self.refine("out", &GOING).unwrap_err();
        assert!(error.to_string().contains(part) && error.hint().is_some(), "{error}");
        assert_eq!(fs::read_dir(self.path("out")).unwrap().count(), before);
    }
}

#[test]
fn every_other_file_is_copied() {
    let scene = Scene::new();
    for name in ["a.xml", "b/c.npy", "data.yaml", "x.heic", "notes", "labels.jsonl", "refined.jsonl"] {
        scene.text(&format!("in/{name}"), name);
    }
    scene.text("in/.DS_Store", "junk");
    scene.text("in/@eaDir/a.png", "junk");
    scene.mask("mask/a.png");
    let summary = scene.refine("out", &GOING).unwrap();
    assert_eq!((summary.refined, summary.copied, summary.doubtful), (4, 3, 0), "{summary:?}");
    for name in ["a.xml", "b/c.npy", "data.yaml", "x.heic", "notes", "labels.jsonl", "mask/a.png"] {
        assert_eq!(scene.bytes(&format!("in/{name}")), scene.bytes(&format!("out/{name}")), "{name}");
    }
    assert!(!scene.path("out/.DS_Store").exists() && !scene.path("out/@eaDir").exists());
    assert!(
        scene.bytes("out/refined.jsonl").starts_with(b"{\"format\":\"simgan-refine\""),
        "ours, not the copy"
    );
}

#[test]
fn a_mask_among_photographs_is_copied_unless_it_is_named() {
    let scene = Scene::new();
    (1..4).for_each(|i| scene.photograph(&format!("{i}.png")));
    scene.mask("9.png");
    scene.text("in/9.txt", "its label");
    let summary = scene.refine("out", &GOING).unwrap();
    assert_eq!((summary.refined, summary.doubtful), (7, 1));
    assert_eq!(summary.first_doubtful, ["9.png"]);
    assert_eq!(scene.bytes("in/9.png"), scene.bytes("out/9.png"));
    assert_eq!(scene.bytes("out/9.txt"), b"its label");
    let again = scene.refine("out", &GOING).unwrap();
    assert_eq!((again.already, again.doubtful, again.done()), (7, 1, 8));

    fs::remove_dir_all(scene.path("out")).unwrap();
    let selection = Selection::new(&["9.png"], &[] as &[&str]).unwrap();
    let options = FolderOptions { sizes: Sizes::Mixed, selection, ..FolderOptions::default() };
    let named = RefineInput::of_folder(Folder::open(&scene.path("in"), &options).unwrap()).unwrap();
    let summary = scene.run(&named).unwrap();
    assert_eq!((summary.refined, summary.copied), (1, 7), "the others are copied");
    assert_ne!(scene.bytes("in/9.png"), scene.bytes("out/9.png"));
    assert_eq!(scene.bytes("in/1.png"), scene.bytes("out/1.png"));
}

#[test]
fn labels_that_changed_or_came_arrive() {
    let scene = Scene::new();
    scene.refine("out", &GOING).unwrap();
    scene.text("in/a.json", "{ \"gaze\":   [0, 1, -1] }"); // of equal length
    scene.text("in/b/c.xml", "new");
    scene.text("in/labels.csv", "name,pitch\na.png,0.2\n");
    fs::remove_file(scene.path("out/b/c.txt")).unwrap();
    let summary = scene.refine("out", &GOING).unwrap();
    assert_eq!((summary.already, summary.refined, summary.label_files), (4, 4, 4));
    for name in ["a.json", "b/c.xml", "b/c.txt", "labels.csv"] {
        assert_eq!(scene.bytes(&format!("in/{name}")), scene.bytes(&format!("out/{name}")), "{name}");
    }
}

#[test]
fn outputs_that_are_damaged_are_refined_again() {
    let scene = Scene::new();
    scene.refine("out", &GOING).unwrap();
    let whole = scene.files("out");
    let image = scene.bytes("out/a.png");
    let mut flipped = image.clone();
    flipped[image.len() / 2] ^= 1;
    for damaged in [&[][..], &image[..image.len() - 3], &flipped] {
        fs::write(scene.path("out/a.png"), damaged).unwrap();
        fs::write(scene.path("out/a.json"), "").unwrap();
        let summary = scene.refine("out", &GOING).unwrap();
        assert_eq!((summary.already, summary.refined, summary.mended), (3, 4, 1));
        let mut mended = scene.files("out");
        mended.insert(MANIFEST_FILE.into(), whole[Path::new(MANIFEST_FILE)].clone());
        assert_eq!(mended, whole);
    }
}

#[test]
fn a_data_sets_missing_label_is_made_again() {
    let scene = Scene::new();
    let options = FolderOptions { sizes: Sizes::Mixed, ..FolderOptions::default() };
    let folder = Arc::new(Folder::open(&scene.path("in"), &options).unwrap());
    let input = RefineInput::data_set("set", folder).unwrap();
    scene.run(&input).unwrap();
    let label = scene.bytes("out/a.json");
    fs::remove_file(scene.path("out/a.json")).unwrap();
    assert_eq!(scene.run(&input).unwrap().mended, 1);
    assert_eq!(scene.bytes("out/a.json"), label);
}

#[test]
fn the_first_versions_manifest_is_continued() {
    let scene = Scene::new();
    scene.refine("out", &GOING).unwrap();
    let path = scene.path("out").join(MANIFEST_FILE);
    let strip = |line: &str| {
        let mut line: Value = serde_json::from_str(line).unwrap();
        if let Some(entry) = line.get_mut("refined").and_then(Value::as_object_mut) {
            entry.retain(|key, _| !key.starts_with("output_"));
        } else if line.get("format").is_some() {
            line["format_version"] = 1.into();
        }
        format!("{line}\n")
    };
    let first: String = fs::read_to_string(&path).unwrap().lines().map(strip).collect();
    assert!(!first.contains("output_") && first.contains("\"format_version\":1"));
    fs::write(&path, first).unwrap();
    fs::write(scene.path("out/a.png"), "").unwrap();
    let summary = scene.refine("out", &GOING).unwrap();
    assert_eq!((summary.already, summary.refined, summary.mended), (3, 4, 1));
}

#[test]
fn what_is_no_manifest_of_ours_is_refused_as_it_is() {
    let scene = Scene::new();
    let header = |scene: &Scene| {
        scene.bytes("good/refined.jsonl").split_inclusive(|b| *b == b'\n').next().unwrap().to_vec()
    };
    scene.refine("good", &GOING).unwrap();
    let huge = r#"{"refined":{"image":"a.png","width":11,"height":7,"channels":1,"bits":8,"drift":0.1,"label_files":18446744073709551615}}"#;
    let wild = r#"{"refined":{"image":"a.png","width":11,"height":7,"channels":1,"bits":8,"drift":1e308,"label_files":1}}"#;
    let long = vec![b' '; (1 << 20) + 1];
    for (rest, part) in [(huge.as_bytes(), "label_files"), (wild.as_bytes(), "drift"), (&long, "longer")] {
        let manifest = [&header(&scene), rest, b"\n"].concat();
        fs::create_dir_all(scene.path("out")).unwrap();
        fs::write(scene.path("out/refined.jsonl"), &manifest).unwrap();
        scene.refused(part);
        assert_eq!(scene.bytes("out/refined.jsonl"), manifest);
    }
    for foreign in ["precious, without a line's end", "{\"mine\": 1}\n"] {
        scene.text("out/refined.jsonl", foreign);
        scene.refused("refined.jsonl");
        assert_eq!(scene.bytes("out/refined.jsonl"), foreign.as_bytes());
    }
}

#[cfg(unix)]
#[test]
fn links_and_pipes_in_the_output_are_refused() {
    use std::os::unix::fs::symlink;
    let scene = Scene::new();
    scene.text("precious.txt", "mine");
    fs::create_dir(scene.path("out")).unwrap();
    let place = scene.path("out/refined.jsonl");
    symlink("../precious.txt", &place).unwrap();
    scene.refused("a link");
    fs::remove_file(&place).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&place).status().unwrap().success());
    scene.refused("a pipe");
    fs::remove_file(&place).unwrap();

    scene.refine("out", &GOING).unwrap();
    fs::remove_dir_all(scene.path("out/b")).unwrap();
    fs::create_dir(scene.path("elsewhere")).unwrap();
    symlink("../elsewhere", scene.path("out/b")).unwrap();
    scene.refused("out/b");
    assert!(scene.files("elsewhere").is_empty());
    fs::remove_file(scene.path("out/b")).unwrap();
    fs::remove_file(scene.path("out/a.png")).unwrap();
    symlink("../precious.txt", scene.path("out/a.png")).unwrap();
    scene.refused("a.png");
    assert_eq!(scene.bytes("precious.txt"), b"mine");
}

#[cfg(unix)]
#[test]
fn links_in_the_input_must_not_lead_to_the_output() {
    use std::os::unix::fs::symlink;
    let scene = Scene::new();
    symlink("../out", scene.path("in/sub")).unwrap();
    let error = scene.refine("out", &GOING).unwrap_err();
    assert!(matches!(error, RefineError::Overlap { .. }), "before the output exists: {error}");
    assert!(!scene.path("out").exists());
    scene.text("out/kept.txt", "");
    assert!(matches!(scene.refine("out", &GOING), Err(RefineError::Overlap { .. })));
    fs::remove_file(scene.path("in/sub")).unwrap();
    symlink("b", scene.path("in/again")).unwrap();
    let summary = scene.refine("new", &GOING).unwrap();
    assert_eq!(summary.refined, 7, "a linked folder's images under both names");
    assert!(scene.path("new/again/e/f.tif").is_file() && scene.path("new/b/e/f.tif").is_file());
}

#[test]
fn junk_leaves_the_output_folder_empty() {
    let scene = Scene::new();
    scene.text("out/.DS_Store", "");
    scene.text("out/lost+found/.keep", "");
    assert_eq!(scene.refine("out", &GOING).unwrap().refined, 4);
}

fn resized(scene: &Scene, labels: LabelPolicy) -> Result<RefineInput, RefineError> {
    let options = FolderOptions { sizes: Sizes::Mixed, ..FolderOptions::default() };
    let folder = Folder::open(&scene.path("in"), &options)?;
    let size = "6x4".parse().unwrap();
    RefineInput::resized(folder, Resize { size, fit: simgan_data::Fit::Stretch, labels })
}

#[test]
fn resized_images_keep_names_and_formats_and_masks_their_values() {
    let scene = Scene::new();
    ["a.json", "b/c.txt", "labels.csv"]
        .iter()
        .for_each(|name| fs::remove_file(scene.path("in").join(name)).unwrap());
    scene.mask("mask/a.png");
    scene.text("in/notes.md", "mine");
    let input = resized(&scene, LabelPolicy::Follow).unwrap();
    let summary = scene.run(&input).unwrap();
    assert_eq!((summary.refined, summary.copied), (4, 2));
    for name in ["a.png", "b/d.bmp", "b/e/f.tif", "mask/a.png"] {
        let [before, after] =
            ["in", "out"].map(|folder| ImageFile::open(&scene.path(folder).join(name)).unwrap());
        assert_eq!(after.image().spec().size().to_string(), "6x4", "{name}");
        assert_eq!(before.format(), after.format(), "{name}");
    }
    let mask = ImageFile::open(&scene.path("out/mask/a.png")).unwrap();
    assert!(mask.image().to_unit().iter().all(|value| ((value + 1.0) * 127.5).round() <= 2.0));
    assert_eq!(scene.bytes("out/notes.md"), b"mine");
    let before = scene.files("out");
    assert_eq!(scene.run(&input).unwrap().already, 4);
    assert_eq!(scene.files("out"), before, "nothing is left to do");
    let error = scene.refine("out", &GOING).unwrap_err();
    assert!(matches!(error, RefineError::Changed { .. }), "another size is another job: {error}");
}

#[test]
fn labels_that_cannot_follow_are_refused_before_anything_is_written() {
    let scene = Scene::new();
    scene.text("in/a.npy", "\u{1}binary");
    let error = scene.run(&resized(&scene, LabelPolicy::Follow).unwrap()).unwrap_err();
    assert!(matches!(error, RefineError::LabelStays { .. }) && error.hint().is_some(), "{error}");
    assert!(!scene.path("out").exists());
    scene.run(&resized(&scene, LabelPolicy::Copy).unwrap()).unwrap();
    for name in ["a.npy", "a.json", "b/c.txt", "labels.csv"] {
        assert_eq!(scene.bytes(&format!("in/{name}")), scene.bytes(&format!("out/{name}")), "{name}");
    }
}

/// A file of a random tree: its folder, stem and kind.
fn entry() -> impl Strategy<Value = (usize, usize, usize)> {
    (0usize..5, 0usize..4, 0usize..14)
}

const FOLDERS: [&str; 5] = ["", "b", "b/deep er", "masks", "@eaDir"];
const STEMS: [&str; 4] = ["a", "a.b", "rgb_0001", "semantic_segmentation_0001"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn every_file_is_equal_refined_or_named(entries in proptest::collection::vec(entry(), 1..25)) {
        let scene = Scene::new();
        for (folder, stem, kind) in entries {
            let name = Path::new(FOLDERS[folder]).join(STEMS[stem]).display().to_string();
            match kind {
                0..3 => scene.photograph(&format!("{name}.png")),
                3 => scene.image(&format!("{name}.bmp"), gray(11, 7, stem), ImageFormat::Bmp),
                4 => scene.mask(&format!("{name}.png")),
                _ => {
                    let extension = ["json", "txt", "xml", "npy", "heic", "dat", "png.json", "csv", "yaml"][kind - 5];
                    scene.text(&format!("in/{name}.{extension}"), &name);
                }
            }
        }
        let summary = scene.refine("out", &GOING).unwrap();
        let (before, after) = (scene.files("in"), scene.files("out"));
        let mut n_refined = 0;
        for (path, bytes) in &before {
            if path.starts_with("@eaDir") {
                prop_assert!(!after.contains_key(path), "{path:?}");
                continue;
            }
            let Some(output) = after.get(path) else { panic!("{path:?} is missing") };
            if bytes != output {
                prop_assert!(ImageFormat::from_path(path).is_some(), "{path:?} has changed");
                n_refined += 1;
            }
        }
        prop_assert!(n_refined <= summary.refined);
        prop_assert_eq!(after.len() as u64, summary.refined + summary.doubtful + summary.copied + summary.label_files + 1);
        let again = scene.refine("out", &GOING).unwrap();
        prop_assert_eq!((again.already, again.mended), (summary.refined, 0));
        prop_assert_eq!((again.copied, again.label_files), (summary.copied, summary.label_files));
        prop_assert_eq!(scene.files("out"), after);
    }
}
