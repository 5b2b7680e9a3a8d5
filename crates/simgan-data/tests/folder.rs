//! Folders as users have them: nested, labelled, linked, mixed, damaged.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use simgan_data::{
    AnnotationsExt, Fitted, Folder, FolderOptions, Image, ImageFile, ImageFormat, Pixels, Sizes, Source,
    Statistics, Target, Want,
};

fn write_image(folder: &Path, name: &str, channels: usize, width: usize, height: usize) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let format = ImageFormat::from_path(&path).unwrap();
    let image = Image::new(channels, height, width, Pixels::U8(vec![100; channels * width * height]));
    ImageFile::new(image, format).save(&path).unwrap();
}

fn write_images(folder: &Path, names: &[&str]) {
    names.iter().for_each(|name| write_image(folder, name, 1, 4, 3));
}

fn open(folder: &Path) -> Result<Folder, simgan_data::DataError> {
    Folder::open(folder, &FolderOptions::default())
}

fn open_mixed(folder: &Path) -> Folder {
    Folder::open(folder, &FolderOptions { sizes: Sizes::Mixed, ..Default::default() }).unwrap()
}

fn names(folder: &Folder) -> Vec<String> {
    (0..folder.len()).map(|i| folder.name(i).unwrap()).collect()
}

/// Checks that the error names the path and suggests a remedy.
fn check_error(path: &Path, expected: &[&str]) {
    let error = open(path).err().unwrap();
    assert!(error.hint().is_some(), "{error}");
    let error = error.to_string();
    assert!(error.contains(&path.display().to_string()), "{error}");
    expected.iter().for_each(|part| assert!(error.contains(part), "{error}"));
}

#[test]
fn images_are_found_in_order_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    write_images(
        folder.path(),
        &["b.PNG", "a.jpg", "sub/deep/c.tiff", "sub/a.bmp", ".hidden.png", ".git/x.png", "sub-2/z.png"],
    );
    std::fs::write(folder.path().join("notes.md"), "").unwrap();
    let folder = open(folder.path()).unwrap();
    assert_eq!(names(&folder), ["a.jpg", "b.PNG", "sub/a.bmp", "sub/deep/c.tiff", "sub-2/z.png"]);
    for i in 0..folder.len() {
        assert_eq!(folder.sample(i, Want::Image).unwrap().name, folder.name(i).unwrap());
    }
}

#[test]
fn folders_that_are_none_are_named() {
    let folder = tempfile::tempdir().unwrap();
    check_error(&folder.path().join("none"), &["no such folder"]);
    check_error(folder.path(), &["no images"]);
    let file = folder.path().join("a.txt");
    std::fs::write(&file, "").unwrap();
    check_error(&file, &["not a folder"]);
    check_error(folder.path(), &["no images among its 1 other files"]);
}

#[test]
fn mixed_sizes_and_channels_are_named() {
    let folder = tempfile::tempdir().unwrap();
    write_images(folder.path(), &["1.png", "2.png"]);
    write_image(folder.path(), "s/3.png", 1, 5, 3);
    let error = open(folder.path()).err().unwrap();
    assert!(error.hint().unwrap().to_string().contains("data.size = 4x3"), "{error}");
    let error = error.to_string();
    for part in ["1.png", "s/3.png", "4×3", "5×3"] {
        assert!(error.contains(part), "{error}");
    }
    std::fs::remove_file(folder.path().join("s/3.png")).unwrap();
    write_image(folder.path(), "4.png", 3, 4, 3);
    let error = open(folder.path()).err().unwrap().to_string();
    assert!(error.contains("4.png is RGB"), "{error}");
}

#[test]
fn mixed_images_come_to_one_kind() {
    let folder = tempfile::tempdir().unwrap();
    write_image(folder.path(), "1.png", 1, 40, 30);
    write_image(folder.path(), "2.jpg", 3, 7, 50);
    write_image(folder.path(), "3.bmp", 3, 1, 1);
    let target = Target { size: Some("5x4".parse().unwrap()), channels: Some(1), ..Target::default() };
    let fitted = Fitted::new(Arc::new(open_mixed(folder.path())), target);
    for i in 0..3 {
        let image = fitted.sample(i, Want::Image).unwrap().image;
        assert_eq!(image.spec(), fitted.spec());
        assert!(image.to_unit().iter().all(|value| (value + 0.2157).abs() < 0.02), "{image:?}");
    }
}

#[test]
fn labels_belong_to_images_of_their_name() {
    let folder = tempfile::tempdir().unwrap();
    write_images(folder.path(), &["7.png", "7.b.png", "10.jpg", "s/7.png", "9.png", "9.jpg"]);
    let labels = [
        "7.json",
        "7.b.csv",
        "10.label.json",
        "10.jpg.txt",
        "s/7.txt",
        "9.json",
        "labels.csv",
        "s/index.json",
        "70.json",
        ".7.json",
    ];
    labels.iter().for_each(|name| std::fs::write(folder.path().join(name), "{}").unwrap());
    let folder = open(folder.path()).unwrap();
    let labels_of = |name: &str| {
        let index = names(&folder).iter().position(|other| other == name).unwrap();
        folder.labels_of(index).map(|path| path.to_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(labels_of("7.png"), ["7.json"]);
    assert_eq!(labels_of("7.b.png"), ["7.b.csv"]);
    assert_eq!(labels_of("10.jpg"), ["10.jpg.txt", "10.label.json"]);
    assert_eq!(labels_of("s/7.png"), ["s/7.txt"]);
    assert_eq!(labels_of("9.png"), ["9.json"]);
    assert_eq!(labels_of("9.jpg"), ["9.json"]);
    assert_eq!(folder.index_files(), ["70.json", "labels.csv", "s/index.json"].map(PathBuf::from));
}

#[test]
fn a_record_beside_an_image_is_its_label() {
    let folder = tempfile::tempdir().unwrap();
    write_images(folder.path(), &["1.jpg", "2.jpg", "3.jpg"]);
    let record = r#"{"eye_details": {"look_vec": "(0.6, 0.0, -0.8, 0.0)"}, "iris_2d": ["(1.5, 1.0, 9.0)"]}"#;
    std::fs::write(folder.path().join("1.json"), record).unwrap();
    std::fs::write(folder.path().join("3.json"), r#"{"eye_details": "#).unwrap();
    let folder = open(folder.path()).unwrap();
    let sample = folder.sample(0, Want::Labels).unwrap();
    assert_eq!(sample.annotations.gaze().unwrap().vector(), [0.6, 0.0, -0.8]);
    assert_eq!(sample.annotations.iris().unwrap(), [[1.5, 2.0]], "from the bottom of 3 rows");
    assert_eq!(sample.record.unwrap()["iris_2d"][0], "(1.5, 1.0, 9.0)");
    let bare = folder.sample(1, Want::Image).unwrap();
    assert_eq!(folder.sample(1, Want::Labels).unwrap(), bare);
    let error = folder.sample(2, Want::Labels).unwrap_err().to_string();
    assert!(error.contains("3.json") && error.contains("not JSON"), "{error}");
    let alone = folder.sample(2, Want::Image).unwrap();
    assert!(alone.annotations.is_empty() && folder.file(2).is_ok(), "the image alone can still be had");
}

#[test]
fn damaged_images_do_not_hinder_opening() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("0.png"), "").unwrap();
    write_images(folder.path(), &["1.png", "2.png"]);
    std::fs::write(folder.path().join("3.png"), "no image").unwrap();
    std::fs::rename(folder.path().join("2.png"), folder.path().join("2.jpg")).unwrap();
    let folder = open(folder.path()).unwrap();
    assert!(folder.sample(0, Want::Image).unwrap_err().to_string().contains("0.png"));
    assert_eq!(folder.file(2).unwrap().format(), ImageFormat::Png, "the content counts, not the name");
    let statistics = Statistics::of(&folder, 100);
    assert_eq!((statistics.n_images, statistics.errors.len(), statistics.kinds["4x3 gray 8 bit"]), (4, 2, 2));
}

#[test]
fn a_folder_of_nothing_readable_names_its_first_file() {
    let folder = tempfile::tempdir().unwrap();
    ["a.png", "b.png"].iter().for_each(|name| std::fs::write(folder.path().join(name), "?").unwrap());
    let error = open(folder.path()).err().unwrap().to_string();
    assert!(error.contains("a.png"), "{error}");
}

#[cfg(unix)]
#[test]
fn links_are_followed_and_loops_end() {
    use std::os::unix::fs::symlink;
    let outside = tempfile::tempdir().unwrap();
    write_images(outside.path(), &["far.png"]);
    let folder = tempfile::tempdir().unwrap();
    write_images(folder.path(), &["a/1.png"]);
    symlink(folder.path(), folder.path().join("a/loop")).unwrap();
    symlink(outside.path(), folder.path().join("there")).unwrap();
    symlink(outside.path(), folder.path().join("there-again")).unwrap();
    symlink("nowhere.png", folder.path().join("z.png")).unwrap();
    let folder = open(folder.path()).unwrap();
    assert_eq!(names(&folder), ["a/1.png", "there/far.png", "there-again/far.png", "z.png"]);
    assert!(folder.sample(3, Want::Image).unwrap_err().to_string().contains("z.png"));
}

#[cfg(target_os = "linux")]
#[test]
fn names_need_not_be_unicode() {
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    write_images(folder.path(), &["a.png"]);
    let odd = std::ffi::OsStr::from_bytes(b"\xff.png");
    std::fs::rename(folder.path().join("a.png"), folder.path().join(odd)).unwrap();
    let folder = open(folder.path()).unwrap();
    assert_eq!(folder.images(), [PathBuf::from(odd)]);
    assert!(folder.sample(0, Want::Image).is_ok());
}

#[test]
fn gray_and_colour_become_what_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    write_image(folder.path(), "1.png", 1, 4, 3);
    write_image(folder.path(), "2.jpg", 3, 4, 3);
    let error = open(folder.path()).err().unwrap();
    assert!(error.to_string().contains("2.jpg is RGB"), "{error}");
    assert!(error.hint().unwrap().to_string().contains("convert them all to gray"), "{error}");
    for channels in [1, 3] {
        let options = FolderOptions { channels: Some(channels), ..FolderOptions::default() };
        let both = Folder::open(folder.path(), &options).unwrap();
        for index in 0..2 {
            assert_eq!(both.sample(index, Want::Image).unwrap().image.spec(), both.spec());
        }
        assert_eq!(both.spec().channels, channels);
    }
}
