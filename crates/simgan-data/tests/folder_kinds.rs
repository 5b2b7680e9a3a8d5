//! What else is in folders: junk, masks, files of other kinds, links, and globs that choose images.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use simgan_data::{
    DataError, Folder, FolderOptions, Image, ImageFile, ImageFormat, Kept, Pixels, Selection, Sizes, Source,
    Want,
};

fn save(folder: &Path, name: &str, image: Image) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    ImageFile::new(image, ImageFormat::from_path(&path).unwrap()).save(&path).unwrap();
}

/// An image with many values.
fn photograph(folder: &Path, name: &str) {
    save(folder, name, Image::new(1, 12, 16, Pixels::U8((0..192).collect())));
}

/// An image with three values.
fn mask(folder: &Path, name: &str) {
    save(folder, name, Image::new(1, 12, 16, Pixels::U8((0..192).map(|i| i % 3).collect())));
}

fn text(folder: &Path, name: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "x").unwrap();
}

fn open_with(folder: &Path, images: &[&str], exclude: &[&str]) -> Result<Folder, DataError> {
    let selection = Selection::new(images, exclude)?;
    Folder::open(folder, &FolderOptions { sizes: Sizes::Mixed, selection, ..Default::default() })
}

fn open(folder: &Path) -> Folder {
    open_with(folder, &[], &[]).unwrap()
}

fn images(folder: &Folder) -> Vec<String> {
    (0..folder.len()).map(|i| folder.name(i).unwrap()).collect()
}

fn kept(folder: &Folder) -> Vec<String> {
    folder.kept().iter().map(|image| image.path.display().to_string()).collect()
}

#[test]
fn junk_is_neither_counted_nor_read() {
    let folder = tempfile::tempdir().unwrap();
    photograph(folder.path(), "a.jpg");
    for junk in [
        "@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg",
        "$RECYCLE.BIN/S-1/$RABC.png",
        "lost+found/x.png",
        ".ipynb_checkpoints/a-checkpoint.jpg",
        "__MACOSX/._a.jpg",
        "System Volume Information/x.png",
        "._a.jpg",
        "Thumbs.db",
        "desktop.ini",
        ".DS_Store",
    ] {
        text(folder.path(), junk);
    }
    text(folder.path(), ".hidden.png");
    text(folder.path(), ".git/config");
    let folder = open(folder.path());
    assert_eq!(images(&folder), ["a.jpg"]);
    let census = folder.census();
    assert_eq!((census.n_copied(), census.labels, census.hidden), (0, 0, 2));
    assert_eq!(census.left_out(), ["2 hidden files and folders"]);
}

#[test]
fn what_is_not_read_is_counted_by_kind() {
    let folder = tempfile::tempdir().unwrap();
    photograph(folder.path(), "0.png");
    for name in ["0.heic", "1.heic", "0.avif", "0.xml", "0.npy", "data.yaml", "README", "a/notes.md"] {
        text(folder.path(), name);
    }
    let folder = open(folder.path());
    let census = folder.census();
    assert_eq!((census.unread["heic"], census.unread["avif"], census.labels), (2, 1, 3));
    assert_eq!((census.others[""], census.others["md"]), (1, 1));
    assert_eq!(
        census.lines(),
        ["3 of formats that are not read: 2 .heic, 1 .avif", "2 other files: 1 without extension, 1 .md"]
    );
    assert_eq!(
        folder.labels_of(0).map(|path| path.display().to_string()).collect::<Vec<_>>(),
        ["0.npy", "0.xml"]
    );
    assert_eq!(folder.n_label_files(), 3);
}

#[test]
fn masks_are_kept_apart_from_images() {
    let folder = tempfile::tempdir().unwrap();
    for frame in ["0000", "0001"] {
        photograph(folder.path(), &format!("rgb_{frame}.png"));
        photograph(folder.path(), &format!("semantic_segmentation_{frame}.png"));
        photograph(folder.path(), &format!("depth/{frame}.png"));
    }
    let opened = open(folder.path());
    assert_eq!(images(&opened), ["rgb_0000.png", "rgb_0001.png"]);
    assert_eq!(opened.census().lines(), ["2 depth images", "2 masks"]);
    assert_eq!(opened.sample(1, Want::Image).unwrap().name, "rgb_0001.png");
    let depth = open(&folder.path().join("depth"));
    assert_eq!(images(&depth), ["0000.png", "0001.png"], "a folder of depth is a data set of depth");
    let named = open_with(folder.path(), &["depth/*", "rgb_0001.png"], &[]).unwrap();
    assert_eq!(images(&named), ["depth/0000.png", "depth/0001.png", "rgb_0001.png"]);
    assert_eq!(named.census().lines(), ["3 images not chosen"]);
}

#[test]
fn images_of_few_values_among_photographs_are_kept_apart() {
    let folder = tempfile::tempdir().unwrap();
    for i in 0..4 {
        photograph(folder.path(), &format!("img/{i}.png"));
        mask(folder.path(), &format!("gt/{i}.png"));
        photograph(folder.path(), &format!("more/{i}.jpg"));
    }
    let opened = open(folder.path());
    assert_eq!(opened.len(), 8);
    assert_eq!(kept(&opened), ["gt/0.png", "gt/1.png", "gt/2.png", "gt/3.png"]);
    assert!(opened.kept().iter().all(|image| image.why == Kept::FewValues));
    let named = open_with(folder.path(), &["*.png"], &[]).unwrap();
    assert_eq!(named.len(), 8, "named images are taken whatever they look like");
    let drawings = open(&folder.path().join("gt"));
    assert_eq!((drawings.len(), drawings.kept().len()), (4, 0), "a data set of drawings");
}

#[test]
fn one_mask_among_photographs_is_doubtful() {
    let folder = tempfile::tempdir().unwrap();
    (0..5).for_each(|i| photograph(folder.path(), &format!("{i}.png")));
    mask(folder.path(), "5.png");
    let opened = open(folder.path());
    let doubtful = |index: usize| {
        let bytes = fs::read(folder.path().join(&opened.images()[index])).unwrap();
        opened.is_doubtful(&bytes, opened.file(index).unwrap().image())
    };
    assert_eq!((0..6).map(doubtful).collect::<Vec<_>>(), [false, false, false, false, false, true]);
}

#[test]
fn globs_that_choose_nothing_are_named() {
    let folder = tempfile::tempdir().unwrap();
    photograph(folder.path(), "a.png");
    for (images, exclude, part) in [(&["b*"][..], &[][..], "b*"), (&[], &["*.png"], "excluded")] {
        let error = open_with(folder.path(), images, exclude).err().unwrap();
        assert!(error.to_string().contains(part) && error.hint().is_some(), "{error}");
    }
    assert!(matches!(open_with(folder.path(), &["a["], &[]), Err(DataError::Glob { .. })));
}

#[test]
fn labels_are_found_in_folders_of_their_own() {
    let folder = tempfile::tempdir().unwrap();
    for image in ["images/train/7.png", "JPEGImages/8.jpg", "image_2/9.png", "images/other.png"] {
        photograph(folder.path(), image);
    }
    for label in ["labels/train/7.txt", "Annotations/8.xml", "label_2/9.txt", "labels/val/7.txt"] {
        text(folder.path(), label);
    }
    let folder = open(folder.path());
    let labels =
        |index: usize| folder.labels_of(index).map(|path| path.display().to_string()).collect::<Vec<_>>();
    assert_eq!(
        images(&folder),
        ["JPEGImages/8.jpg", "image_2/9.png", "images/other.png", "images/train/7.png"]
    );
    assert_eq!((labels(0), labels(1)), (vec!["Annotations/8.xml".into()], vec!["label_2/9.txt".into()]));
    assert_eq!((labels(2), labels(3)), (vec![], vec!["labels/train/7.txt".into()]));
    assert_eq!(folder.index_files(), [Path::new("labels/val/7.txt")]);
    assert_eq!(folder.owners_of(Path::new("label_2/9.txt")), [1]);
}

#[cfg(unix)]
#[test]
fn links_are_followed_under_each_name_and_pipes_are_not() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    photograph(folder.path(), "b/x.png");
    symlink("b", folder.path().join("a")).unwrap();
    symlink("..", folder.path().join("b/up")).unwrap();
    symlink("nowhere", folder.path().join("lost")).unwrap();
    let pipe = folder.path().join("pipe.png");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let folder = open(folder.path());
    assert_eq!(images(&folder), ["a/x.png", "b/x.png"]);
    let census = folder.census();
    assert_eq!(
        (&census.special[..], &census.loops[..]),
        (&["lost".to_owned(), "pipe.png".to_owned()][..], &["a/up".to_owned(), "b/up".to_owned()][..])
    );
    assert_eq!(folder.links().len(), 4);
}

#[cfg(unix)]
#[test]
fn links_to_links_unfold_to_a_bounded_number_of_names() {
    use std::os::unix::fs::symlink;
    let folder = tempfile::tempdir().unwrap();
    for here in 0..12 {
        photograph(folder.path(), &format!("{here}/x.png"));
        for there in 0..12 {
            symlink(format!("../{there}"), folder.path().join(format!("{here}/to{there}"))).unwrap();
        }
    }
    let folder = open(folder.path());
    assert!((12..=12 * 9).contains(&folder.len()), "{}", folder.len());
    assert!(!folder.census().loops.is_empty());
}
