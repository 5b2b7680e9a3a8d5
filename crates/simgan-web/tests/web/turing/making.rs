//! Makes tests of small images, and tries what makes none.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use candle_core::Device;
use simgan_data::{Image, ImageFile, MemorySource, Pixels, Sample, Source};
use simgan_models::{Parameters, Refiner, RefinerConfig, save_refiner};
use simgan_refine::RefineModel;
use simgan_web::turing::design::{Kind, NewImage, Part, TestDesign, TestOptions, TestSources, prepare};
use simgan_web::turing::statistics::Design;
use simgan_web::turing::{TestFile, TuringError};

/// A domain of images that all differ: flat ones, which compress well, or noisy ones.
pub(super) fn domain(n: usize, name: &str, is_flat: bool) -> MemorySource {
    let image = |index: usize| {
        let value = |place: usize| (if is_flat { index } else { place * (37 + index) } % 251) as u8;
        Image::new(1, 6, 9, Pixels::U8((0..54).map(value).collect()))
    };
    MemorySource::new((0..n).map(|index| Sample::new(format!("{name}-{index}"), image(index))).collect())
        .unwrap()
}

/// A refiner of a few parameters.
pub(super) fn model(folder: &Path) -> RefineModel {
    let path = folder.join("model");
    std::fs::create_dir(&path).unwrap();
    let parameters = Parameters::new(3, &Device::Cpu);
    let config = RefinerConfig { features: 4, blocks: 1, ..RefinerConfig::eye_gaze() };
    Refiner::new(&config, 1, parameters.var_builder()).unwrap();
    save_refiner(&path, &config, 1, &parameters.tensors()).unwrap();
    RefineModel::open(&path, &Device::Cpu).unwrap()
}

pub(super) fn prepared(
    options: &TestOptions,
    real: &dyn Source,
    synthetic: &dyn Source,
) -> Result<(TestDesign, Vec<NewImage>), TuringError> {
    let folder = tempfile::tempdir().unwrap();
    let sources = TestSources {
        model: &model(folder.path()),
        device: &Device::Cpu,
        real,
        synthetic,
        real_name: "photographs".to_owned(),
        synthetic_name: "renders".to_owned(),
    };
    prepare(options, &sources, 7)
}

pub(super) const SMALL: TestOptions =
    TestOptions { design: Design::YesNo, per_class: 5, examples: 2, baseline: 2, seed: 3, show_score: true };

/// Writes a test of `options`.
pub(super) fn test_file(folder: &Path, options: &TestOptions) -> PathBuf {
    let (design, images) =
        prepared(options, &domain(20, "photo", false), &domain(20, "render", true)).unwrap();
    let path = folder.join("test.turing");
    TestFile::create(&path, &design, &images).unwrap();
    path
}

#[test]
fn images_of_all_kinds_look_alike_as_files() {
    let (design, images) =
        prepared(&SMALL, &domain(20, "photo", false), &domain(20, "render", true)).unwrap();
    let n = |kind, part| images.iter().filter(|image| image.kind == kind && image.part == part).count();
    assert_eq!(n(Kind::Real, Part::Example) + n(Kind::Refined, Part::Example), 4);
    assert_eq!([n(Kind::Real, Part::Main), n(Kind::Refined, Part::Main)], [5, 5]);
    assert_eq!([n(Kind::Unrefined, Part::Check), n(Kind::Unrefined, Part::Baseline)], [1, 2]);
    assert_eq!((design.checks, design.n_questions()), (1, 15));
    let names: BTreeSet<&str> = images.iter().map(|image| image.name.as_str()).collect();
    assert_eq!(names.len(), images.len(), "no image occurs twice, refined or not");
    let header = |image: &NewImage| (image.png.len(), image.png[..33].to_vec(), image.png[37..48].to_vec());
    assert!(images.iter().all(|image| header(image) == header(&images[0])), "length, header and block sizes");
}

#[test]
fn files_hold_the_pixels() {
    let (_, images) = prepared(&SMALL, &domain(20, "photo", false), &domain(20, "render", true)).unwrap();
    for image in images.iter().filter(|image| image.kind != Kind::Refined) {
        let decoded = ImageFile::decode(&image.png, Path::new("a.png")).unwrap().into_image();
        let (name, index) = image.name.split_once('-').unwrap();
        let source = domain(20, name, name == "render");
        let original = source.sample(index.parse().unwrap(), Default::default()).unwrap().image;
        assert_eq!(
            (decoded.spec(), decoded.pixels()),
            (original.spec(), original.pixels()),
            "{}",
            image.name
        );
    }
}

#[test]
fn too_few_or_unequal_images_are_refused() {
    let (photos, renders) = (domain(20, "photo", false), domain(20, "render", true));
    let error = prepared(&SMALL, &domain(8, "photo", false), &renders).unwrap_err();
    assert_eq!(
        error.to_string(),
        "9 real images are needed (2 example, 5 main, 2 baseline), and the source has 8"
    );
    let error = prepared(&SMALL, &photos, &domain(9, "render", true)).unwrap_err().to_string();
    assert!(error.contains("10 synthetic images are needed"), "{error}");
    let large = Image::new(1, 7, 9, Pixels::U8(vec![0; 63]));
    let large = (0..20).map(|index| Sample::new(format!("large-{index}"), large.clone())).collect();
    let error = prepared(&SMALL, &photos, &MemorySource::new(large).unwrap()).unwrap_err();
    assert!(matches!(error, TuringError::SizesDiffer { .. }), "{error}");
    let none = TestOptions { per_class: 0, ..SMALL };
    assert!(matches!(prepared(&none, &photos, &renders), Err(TuringError::Design(_))));
}

#[test]
fn a_test_is_never_overwritten_and_other_files_are_no_tests() {
    let folder = tempfile::tempdir().unwrap();
    let path = test_file(folder.path(), &SMALL);
    let test = TestFile::open(&path).unwrap();
    let again = TestFile::create(&path, test.design(), &[]).unwrap_err();
    assert!(matches!(again, TuringError::Exists { .. }), "{again}");
    let no_folder = folder.path().join("none/test.turing");
    assert!(TestFile::create(&no_folder, test.design(), &[]).is_err());
    let left: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["test.turing"]);
    let text = folder.path().join("text");
    std::fs::write(&text, "not a database, by far not, and long enough to look like one").unwrap();
    let other = folder.path().join("other.sqlite");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE a (b)").unwrap();
    for path in [&text, &other, &folder.path().join("missing"), &folder.path().to_owned()] {
        let error = TestFile::open(path).err().unwrap();
        assert!(matches!(error, TuringError::NotATest { .. }), "{error}");
    }
    let huge = "UPDATE design SET json = json_set(json, '$.per_class', 99999999999)";
    rusqlite::Connection::open(&path).unwrap().execute_batch(huge).unwrap();
    assert!(TestFile::open(&path).err().unwrap().to_string().contains("out of range"));
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 9).unwrap();
    assert!(matches!(TestFile::open(&path), Err(TuringError::Newer { version: 9, .. })));
}
