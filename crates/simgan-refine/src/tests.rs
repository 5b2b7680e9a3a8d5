mod files;
mod hostile;
mod labels;
mod model;
mod single;
mod variants;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use candle_core::{Device, Tensor};
use simgan_data::{
    AnnotationsExt, DataError, Fitted, Folder, FolderOptions, Image, ImageFile, ImageFormat, PackOptions,
    Pixels, Registry, Sizes, Source, SourceRequest, Target, Want, pack,
};
use simgan_models::{Parameters, Refiner, RefinerConfig, save_refiner};
use tempfile::TempDir;

use super::*;

static GOING: AtomicBool = AtomicBool::new(false);

/// Saves a small refiner with random weights as a checkpoint.
fn checkpoint(folder: &Path, seed: u64, channels: usize) {
    let config = RefinerConfig { features: 4, blocks: 1, ..RefinerConfig::eye_gaze() };
    let parameters = Parameters::new(seed, &Device::Cpu);
    Refiner::new(&config, channels, parameters.var_builder()).unwrap();
    fs::create_dir_all(folder).unwrap();
    save_refiner(folder, &config, channels, &parameters.tensors()).unwrap();
}

/// A folder of images of mixed formats and sizes with sidecar labels and an index file, and a refiner.
struct Scene {
    folder: TempDir,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { folder: tempfile::tempdir().unwrap() };
        checkpoint(&scene.path("model"), 7, 1);
        for (idx, (name, format, width, height)) in [
            ("a.png", ImageFormat::Png, 11, 7),
            ("b/c.png", ImageFormat::Png, 11, 7),
            ("b/d.bmp", ImageFormat::Bmp, 7, 11),
            ("b/e/f.tif", ImageFormat::Tiff, 1, 1),
        ]
        .into_iter()
        .enumerate()
        {
            scene.image(name, gray(width, height, idx), format);
        }
        scene.text("in/a.json", "{ \"gaze\":   [0, 0, -1] }");
        scene.text("in/b/c.txt", "3 4\n");
        scene.text("in/labels.csv", "name,pitch\na.png,0.1\n");
        scene
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str, content: &str) {
        fs::create_dir_all(self.path(name).parent().unwrap()).unwrap();
        fs::write(self.path(name), content).unwrap();
    }

    fn image(&self, name: &str, image: Image, format: ImageFormat) {
        let path = self.path("in").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        ImageFile::new(image, format).save(&path).unwrap();
    }

    fn refine(&self, output: &str, stop: &AtomicBool) -> Result<RefineSummary, RefineError> {
        self.refine_with("model", output, OnError::Fail, stop)
    }

    fn refine_with(
        &self,
        model: &str,
        output: &str,
        on_error: OnError,
        stop: &AtomicBool,
    ) -> Result<RefineSummary, RefineError> {
        let model = RefineModel::open(&self.path(model), &Device::Cpu)?;
        let input = RefineInput::folder(&self.path("in"))?;
        let output = self.path(output);
        Refinement { model: &model, input: &input, output: &output, batch: 2, on_error }
            .run(stop, &mut |_| {})
    }

    /// Reads every file below a folder.
    fn files(&self, folder: &str) -> BTreeMap<PathBuf, Vec<u8>> {
        let root = self.path(folder);
        let (mut files, mut folders) = (BTreeMap::new(), vec![root.clone()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.insert(path.strip_prefix(&root).unwrap().to_owned(), fs::read(&path).unwrap());
                }
            }
        }
        files
    }
}

fn gray(width: usize, height: usize, seed: usize) -> Image {
    let values = (0..width * height).map(|i| ((i * 37 + seed * 101) % 251) as u8).collect();
    Image::new(1, height, width, Pixels::U8(values))
}

#[test]
fn a_folder_keeps_its_names_formats_and_labels() {
    let scene = Scene::new();
    scene.image(
        "deep.png",
        Image::new(1, 3, 5, Pixels::U16((0..15).map(|v| v * 4000).collect())),
        ImageFormat::Png,
    );
    scene.image("rgb.jpg", Image::new(3, 8, 9, Pixels::U8((0..216).collect())), ImageFormat::Jpeg);
    let summary = scene.refine("out", &GOING).unwrap();
    assert_eq!((summary.refined, summary.skipped, summary.label_files), (6, 0, 3));
    assert!(summary.change > 0.0 && !summary.interrupted);

    let (before, mut after) = (scene.files("in"), scene.files("out"));
    let manifest = String::from_utf8(after.remove(Path::new(MANIFEST_FILE)).unwrap()).unwrap();
    assert_eq!(manifest.lines().count(), 8, "header, six images, end");
    assert!(before.keys().eq(after.keys()));
    for (path, content) in &before {
        if matches!(path.extension().unwrap().to_str().unwrap(), "json" | "txt" | "csv") {
            assert_eq!(content, &after[path], "{path:?}");
            continue;
        }
        let (input, output) = (
            ImageFile::open(&scene.path("in").join(path)).unwrap(),
            ImageFile::open(&scene.path("out").join(path)).unwrap(),
        );
        assert_eq!(input.format(), output.format());
        assert_eq!(input.image().spec(), output.image().spec());
        assert_ne!(content, &after[path], "{path:?} is refined");
    }
}

#[test]
fn an_image_is_what_the_refiner_makes_of_it_alone() {
    let scene = Scene::new();
    scene.refine("out", &GOING).unwrap();
    let model = RefineModel::open(&scene.path("model"), &Device::Cpu).unwrap();
    for name in ["a.png", "b/c.png", "b/d.bmp"] {
        let input = ImageFile::open(&scene.path("in").join(name)).unwrap();
        let spec = input.image().spec();
        let synthetic =
            Tensor::from_vec(input.image().to_unit(), (1, 1, spec.height, spec.width), &Device::Cpu).unwrap();
        let refined = candle_core::Module::forward(&model.refiner, &synthetic).unwrap();
        let expected = Image::from_unit(spec, &refined.flatten_all().unwrap().to_vec1().unwrap());
        assert_eq!(ImageFile::open(&scene.path("out").join(name)).unwrap().image(), &expected, "{name}");
    }
}

#[test]
fn an_interrupted_job_is_continued() {
    let scene = Scene::new();
    scene.refine("whole", &GOING).unwrap();
    let summary = scene.refine("out", &AtomicBool::new(true)).unwrap();
    assert!(summary.interrupted && summary.refined == 0, "{summary:?}");

    scene.image("z.png", Image::new(1, 1, 1, Pixels::U8(vec![9])), ImageFormat::Png);
    fs::write(scene.path("in/z.png"), "damaged").unwrap();
    let error = scene.refine("out", &GOING).unwrap_err();
    assert!(error.to_string().contains("z.png"), "{error}");
    // The state after a kill in the middle of a manifest line: the last image is not in the manifest yet.
    let manifest = fs::read_to_string(scene.path("out").join(MANIFEST_FILE)).unwrap();
    fs::write(scene.path("out").join(MANIFEST_FILE), manifest + "{\"refined\":{\"ima").unwrap();
    fs::remove_file(scene.path("in/z.png")).unwrap();
    scene.text("out/b/.simgan-x1.tmp", "half");
    let summary = scene.refine("out", &GOING).unwrap();
    assert_eq!(summary.refined, 4);

    let (mut whole, mut continued) = (scene.files("whole"), scene.files("out"));
    whole.remove(Path::new(MANIFEST_FILE));
    continued.remove(Path::new(MANIFEST_FILE));
    assert_eq!(whole, continued);
    let again = scene.refine("out", &GOING).unwrap();
    assert_eq!((again.already, again.refined, again.label_files), (4, 4, 3), "nothing left to do");
    // The first job summed the changes in order of batches, the continued one in order of names; the sums
    // must be equal.
    assert_eq!(again.change, summary.change);
}

#[test]
fn what_an_earlier_program_refined_is_continued() {
    let scene = Scene::new();
    let summary = scene.refine("out", &GOING).unwrap();
    let path = scene.path("out").join(MANIFEST_FILE);
    let manifest = fs::read_to_string(&path).unwrap();
    assert!(
        manifest.contains("\"drift\":") && !manifest.contains("\"change\""),
        "version 1's word: {manifest}"
    );
    assert!(manifest.lines().next().unwrap().contains("\"channels\":1"), "as in the first version's header");
    let again = scene.refine("out", &GOING).unwrap();
    assert_eq!((again.already, again.change), (4, summary.change));
}

#[test]
fn a_label_file_of_two_images_is_counted_once() {
    let scene = Scene::new();
    scene.image("a.bmp", gray(11, 7, 3), ImageFormat::Bmp);
    let summary = scene.refine("out", &GOING).unwrap();
    assert_eq!((summary.refined, summary.label_files), (5, 3));
    assert!(scene.path("out/a.json").exists());
}

#[test]
fn another_data_set_becomes_png_files_with_labels() {
    let scene = Scene::new();
    let folder =
        Folder::open(&scene.path("in"), &FolderOptions { sizes: Sizes::Mixed, ..FolderOptions::default() })
            .unwrap();
    let target = Target { size: Some("8x6".parse().unwrap()), ..Target::default() };
    let packed = scene.path("packed.safetensors");
    pack(&Fitted::new(Arc::new(folder), target), &packed, &PackOptions::default(), &mut |_, _| {}).unwrap();
    let refine = || {
        let model = RefineModel::open(&scene.path("model"), &Device::Cpu)?;
        let source = Registry::default().open(&SourceRequest::new(packed.to_str().unwrap()))?;
        let (input, output) = (RefineInput::data_set("packed", source)?, scene.path("out"));
        Refinement { model: &model, input: &input, output: &output, batch: 3, on_error: OnError::Fail }
            .run(&GOING, &mut |_| {})
    };
    let summary = refine().unwrap();
    assert_eq!((summary.refined, summary.label_files), (4, 1));
    let files = scene.files("out");
    let names: Vec<&str> = files.keys().map(|path| path.to_str().unwrap()).collect();
    assert_eq!(names, ["a.json", "a.png", "b/c.png", "b/d.png", "b/e/f.png", MANIFEST_FILE]);
    let refined = Folder::open(&scene.path("out"), &FolderOptions::default()).unwrap();
    assert_eq!(
        refined.sample(0, Want::Labels).unwrap().annotations.gaze().unwrap().vector(),
        [0.0, 0.0, -1.0]
    );
    let nothing_new = RefineSummary { already: 4, range_use: RangeUse::default(), n_beyond: 0, ..summary };
    assert_eq!(refine().unwrap(), nothing_new);

    // Replace the data set under its name.
    let other = Folder::open(&scene.path("out"), &FolderOptions::default()).unwrap();
    fs::remove_file(&packed).unwrap();
    pack(&other, &packed, &PackOptions::default(), &mut |_, _| {}).unwrap();
    let error = refine().unwrap_err();
    assert!(matches!(error, RefineError::ChangedImage { .. }), "{error}");
}

#[test]
fn another_job_is_not_mixed_in() {
    let scene = Scene::new();
    scene.refine("out", &GOING).unwrap();
    checkpoint(&scene.path("other"), 8, 1);
    let error = scene.refine_with("other", "out", OnError::Fail, &GOING).unwrap_err();
    assert!(matches!(error, RefineError::Changed { .. }), "{error}");

    scene.image("a.png", gray(11, 7, 99), ImageFormat::Png);
    let error = scene.refine("out", &GOING).unwrap_err();
    assert!(matches!(error, RefineError::ChangedImage { .. }), "{error}");

    scene.text("full/notes.md", "mine");
    let error = scene.refine("full", &GOING).unwrap_err();
    assert!(matches!(error, RefineError::Occupied { .. }), "{error}");
    assert_eq!(scene.files("full").len(), 1, "nothing is written into a stranger's folder");
}

#[test]
fn output_and_input_must_not_lie_in_each_other() {
    let scene = Scene::new();
    let before = scene.files("");
    for output in ["in", "in/b", "in/new/deep", "", "in/../in/x", "nowhere/../in"] {
        let error = scene.refine(output, &GOING).unwrap_err();
        assert!(matches!(error, RefineError::Overlap { .. }), "{output}: {error}");
    }
    assert_eq!(scene.files(""), before);
    assert!(scene.refine("in2", &GOING).is_ok(), "a common beginning of names is no overlap");
}

#[test]
fn unreadable_images_are_named_or_skipped() {
    let scene = Scene::new();
    fs::write(scene.path("in/b/c.png"), &fs::read(scene.path("in/a.png")).unwrap()[..40]).unwrap();
    let error = scene.refine("out", &GOING).unwrap_err();
    assert!(matches!(error, RefineError::Data(DataError::Image { .. })), "{error}");
    assert!(error.to_string().contains("c.png"), "{error}");
    let summary = scene.refine_with("model", "out", OnError::Skip, &GOING).unwrap();
    assert_eq!((summary.refined, summary.skipped), (3, 1));
    assert!(!scene.path("out/b/c.png").exists());
}

#[test]
fn two_jobs_do_not_write_into_one_folder() {
    let scene = Scene::new();
    scene.refine("out", &GOING).unwrap();
    let manifest = fs::File::open(scene.path("out").join(MANIFEST_FILE)).unwrap();
    manifest.lock().unwrap();
    let error = scene.refine("out", &GOING).unwrap_err();
    assert!(matches!(error, RefineError::Data(DataError::InUse { .. })), "{error}");
}
