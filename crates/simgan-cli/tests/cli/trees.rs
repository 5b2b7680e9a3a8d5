//! Random folders are refined, and each of their files is accounted for: equal, refined, moved as the pixels
//! are, or named.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use simgan_data::{Image, ImageFile, Pixels};

use crate::scene::{Scene, fails, succeeds};

/// What a file of a tree is, and so what must become of it.
#[derive(Clone, Debug)]
enum Kind {
    /// Refined.
    Image,
    /// Copied; moved if it has an image's size.
    Mask(usize, usize),
    /// A box around an object, in pixels of the image of this size.
    Box(Form, [f64; 4], (usize, usize)),
    /// Boxes of several images in one file.
    Coco(Vec<([f64; 4], (usize, usize))>),
    /// Copied byte for byte.
    Other,
    /// Left out.
    Junk,
}

#[derive(Clone, Copy, Debug)]
enum Form {
    Record,
    Yolo,
    Voc,
}

type Tree = BTreeMap<String, Kind>;

const TARGET: (usize, usize) = (20, 16);

struct Planter<'a> {
    scene: &'a Scene,
    rng: ChaCha8Rng,
    tree: Tree,
}

impl Planter<'_> {
    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        *from.choose(&mut self.rng).unwrap()
    }

    fn file(&mut self, name: String, content: &str, kind: Kind) {
        self.scene.text(&format!("in/{name}"), content);
        self.tree.insert(name, kind);
    }

    /// Plants a folder of images with masks and labels, an index file now and then, and other files.
    fn folder(&mut self, folder: &str) {
        let mut in_coco = Vec::new();
        for idx in 0..self.rng.random_range(2..5) {
            let stem = format!("{folder}{}{idx}", self.pick(&["img", "ü ", "a.b-", "[x]", "%20"]));
            let size = (self.rng.random_range(9..40), self.rng.random_range(9..40));
            self.image(&stem, size);
            self.label(&stem, size, &mut in_coco);
        }
        self.coco(folder, in_coco);
        for _ in 0..self.rng.random_range(0..3) {
            let name = self.pick(&["notes.md", "camera.yaml", "x.bin", "run.log", "README", "data.bin"]);
            self.file(format!("{folder}{name}"), "neither image nor label\n", Kind::Other);
        }
        for name in ["@eaDir/t.png", ".DS_Store", "__MACOSX/._a.png", "Thumbs.db"] {
            if self.rng.random_ratio(1, 4) {
                self.file(format!("{folder}{name}"), "junk", Kind::Junk);
            }
        }
    }

    fn image(&mut self, stem: &str, (width, height): (usize, usize)) {
        let ending = self.pick(&["png", "PNG", "jpg", "jpeg", "bmp", "tif"]);
        let channels = self.pick(&[1, 3]);
        let n_values = channels * width * height;
        let seed = self.rng.random_range(0..250);
        let at = |i: usize| (i * 7 + i / width * 3 + seed) as u8;
        let image = Image::new(channels, height, width, Pixels::U8((0..n_values).map(at).collect()));
        let name = format!("{stem}.{ending}");
        self.scene.image(&format!("in/{name}"), image);
        self.tree.insert(name, Kind::Image);
        if self.rng.random_ratio(1, 3) {
            let mask = (0..width * height).map(|i| (i % width / 4 % 3) as u8).collect();
            let name = format!("{stem}_mask.png");
            self.scene.image(&format!("in/{name}"), Image::new(1, height, width, Pixels::U8(mask)));
            self.tree.insert(name, Kind::Mask(width, height));
        }
    }

    fn label(
        &mut self,
        stem: &str,
        size: (usize, usize),
        in_coco: &mut Vec<(String, [f64; 4], (usize, usize))>,
    ) {
        let (width, height) = (size.0 as f64, size.1 as f64);
        // In the middle, so that no crop cuts it off.
        let sides =
            [0.4 * width, 0.4 * height, 0.6 * width, 0.6 * height].map(|side| (side * 2.0).round() / 2.0);
        let [left, top, right, bottom] = sides;
        match self.rng.random_range(0..5) {
            0 => {
                let boxes =
                    json!({"annotations": {"cup": {"boxes": [[left, top, right, bottom, 3]]}}, "seed": 7});
                self.file(
                    format!("{stem}.json"),
                    &format!("{boxes:#}\n"),
                    Kind::Box(Form::Record, sides, size),
                );
            }
            1 => {
                let [x, y] = [(left + right) / 2.0 / width, (top + bottom) / 2.0 / height];
                let row = format!("3 {x} {y} {} {}\n", (right - left) / width, (bottom - top) / height);
                self.file(format!("{stem}.txt"), &row, Kind::Box(Form::Yolo, sides, size));
            }
            2 => {
                let [left, top, right, bottom] = sides.map(f64::round);
                let text = format!(
                    "<annotation><size><width>{}</width><height>{}</height></size><object><name>cup</name><bndbox>\
                     <xmin>{}</xmin><ymin>{}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object></annotation>",
                    size.0,
                    size.1,
                    left + 1.0,
                    top + 1.0
                );
                self.file(
                    format!("{stem}.xml"),
                    &text,
                    Kind::Box(Form::Voc, [left, top, right, bottom], size),
                );
            }
            3 => {
                let image = self.tree.keys().find(|name| is_image_of(name, stem)).unwrap().clone();
                in_coco.push((image, sides, size));
            }
            _ => {}
        }
    }

    fn coco(&mut self, folder: &str, entries: Vec<(String, [f64; 4], (usize, usize))>) {
        if entries.is_empty() {
            return;
        }
        let mut index = json!({"images": [], "annotations": [], "categories": [{"id": 1, "name": "cup"}]});
        for (id, (image, [left, top, right, bottom], (width, height))) in entries.iter().enumerate() {
            let name = image.strip_prefix(folder).unwrap();
            let list =
                |index: &mut Value, key: &str, value: Value| index[key].as_array_mut().unwrap().push(value);
            list(
                &mut index,
                "images",
                json!({"id": id, "file_name": name, "width": width, "height": height}),
            );
            let bbox = [*left, *top, right - left, bottom - top];
            list(
                &mut index,
                "annotations",
                json!({"id": id, "image_id": id, "category_id": 1, "bbox": bbox}),
            );
        }
        let boxes = entries.into_iter().map(|(_, sides, size)| (sides, size)).collect();
        self.file(format!("{folder}annotations.json"), &format!("{index}"), Kind::Coco(boxes));
    }
}

fn is_image_of(name: &str, stem: &str) -> bool {
    let ending = name.strip_prefix(stem).and_then(|rest| rest.strip_prefix('.'));
    ending.is_some_and(|ending| ["png", "jpg", "jpeg", "bmp", "tif"].contains(&&*ending.to_lowercase()))
}

fn plant(scene: &Scene, seed: u64) -> Tree {
    let mut planter = Planter { scene, rng: ChaCha8Rng::seed_from_u64(seed), tree: Tree::new() };
    for folder in ["", "left/", "left/deep er/", "right/"] {
        if planter.rng.random_ratio(2, 3) || folder.is_empty() {
            planter.folder(folder);
        }
    }
    planter.tree
}

fn open(path: &Path) -> Image {
    ImageFile::open(path).unwrap().into_image()
}

#[test]
fn nothing_is_lost_where_pixels_stay() {
    for seed in 0..12 {
        let scene = Scene::new();
        scene.model("model", 1);
        let tree = plant(&scene, seed);
        let told = succeeds(scene.simgan("refine --model model --input in --output out"));
        accounted(&scene, &tree, seed);
        for (name, kind) in &tree {
            let (before, after) = (scene.path("in").join(name), scene.path("out").join(name));
            match kind {
                Kind::Image => assert_eq!(open(&before).spec(), open(&after).spec(), "{seed}: {name}"),
                Kind::Junk => {}
                _ => assert!(fs::read(before).unwrap() == fs::read(after).unwrap(), "{seed}: {name}: {told}"),
            }
        }
    }
}

/// Exactly the files that are not junk are in the output.
#[track_caller]
fn accounted(scene: &Scene, tree: &Tree, seed: u64) {
    let mut expected: Vec<PathBuf> =
        tree.iter().filter(|(_, kind)| !matches!(kind, Kind::Junk)).map(|(name, _)| name.into()).collect();
    expected.push("refined.jsonl".into());
    expected.sort();
    assert_eq!(scene.files("out"), expected, "{seed}");
}

#[test]
fn labels_and_masks_move_with_the_pixels() {
    for seed in 100..112 {
        let scene = Scene::new();
        scene.model("model", 1);
        let tree = plant(&scene, seed);
        succeeds(scene.simgan("refine --model model --input in --output out --size 20x16"));
        accounted(&scene, &tree, seed);
        for (name, kind) in &tree {
            moved(&scene, name, kind, seed);
        }
    }
}

fn moved(scene: &Scene, name: &str, kind: &Kind, seed: u64) {
    let (before, after) = (scene.path("in").join(name), scene.path("out").join(name));
    match kind {
        Kind::Image => {
            assert_eq!((open(&after).spec().width, open(&after).spec().height), TARGET, "{seed}: {name}");
        }
        Kind::Mask(width, height) => {
            assert_eq!(open(&after), nearest(&open(&before), (*width, *height)), "{seed}: {name}");
        }
        Kind::Box(form, sides, size) => {
            let found = read_box(*form, &fs::read_to_string(after).unwrap());
            // The VOC form holds whole pixels.
            let tolerance = if matches!(form, Form::Voc) { 0.51 } else { 1e-3 };
            near(&found, &cover(*sides, *size), tolerance, &format!("{seed}: {name}"));
        }
        Kind::Coco(boxes) => {
            let index: Value = serde_json::from_slice(&fs::read(after).unwrap()).unwrap();
            for (id, (sides, size)) in boxes.iter().enumerate() {
                let bbox: [f64; 4] =
                    serde_json::from_value(index["annotations"][id]["bbox"].clone()).unwrap();
                let [left, top, width, height] = bbox;
                let found = [left, top, left + width, top + height];
                near(&found, &cover(*sides, *size), 1e-3, &format!("{seed}: {name}"));
                assert_eq!(index["images"][id]["width"], TARGET.0);
            }
        }
        Kind::Other => assert!(fs::read(before).unwrap() == fs::read(after).unwrap(), "{seed}: {name}"),
        Kind::Junk => {}
    }
}

#[track_caller]
fn near(found: &[f64; 4], expected: &[f64; 4], tolerance: f64, name: &str) {
    let is_near = found.iter().zip(expected).all(|(a, b)| (a - b).abs() <= tolerance);
    assert!(is_near, "{name}: {found:?}, expected {expected:?}");
}

/// Scale and offsets of "cover": the image fills the target, its middle stays.
fn covering((width, height): (usize, usize)) -> (f64, [f64; 2]) {
    let scale = f64::max(TARGET.0 as f64 / width as f64, TARGET.1 as f64 / height as f64);
    let over = [width as f64 * scale - TARGET.0 as f64, height as f64 * scale - TARGET.1 as f64];
    (scale, over.map(|over| over / 2.0))
}

fn cover(sides: [f64; 4], size: (usize, usize)) -> [f64; 4] {
    let (scale, [left, top]) = covering(size);
    let [a, b, c, d] = sides.map(|side| side * scale);
    let x = |x: f64| (x - left).clamp(0.0, TARGET.0 as f64);
    let y = |y: f64| (y - top).clamp(0.0, TARGET.1 as f64);
    [x(a), y(b), x(c), y(d)]
}

fn nearest(mask: &Image, size: (usize, usize)) -> Image {
    let (scale, [left, top]) = covering(size);
    let Pixels::U8(values) = mask.pixels() else { panic!("8 bits") };
    let at = |column: usize, row: usize| {
        let x = ((column as f64 + 0.5 + left) / scale).floor().clamp(0.0, size.0 as f64 - 1.0) as usize;
        let y = ((row as f64 + 0.5 + top) / scale).floor().clamp(0.0, size.1 as f64 - 1.0) as usize;
        values[y * size.0 + x]
    };
    let values = (0..TARGET.1).flat_map(|row| (0..TARGET.0).map(move |column| (column, row)));
    Image::new(1, TARGET.1, TARGET.0, Pixels::U8(values.map(|(column, row)| at(column, row)).collect()))
}

fn read_box(form: Form, text: &str) -> [f64; 4] {
    match form {
        Form::Record => {
            let record: Value = serde_json::from_str(text).unwrap();
            let [a, b, c, d, class]: [f64; 5] =
                serde_json::from_value(record["annotations"]["cup"]["boxes"][0].clone()).unwrap();
            assert_eq!((class, &record["seed"]), (3.0, &json!(7)));
            [a, b, c, d]
        }
        Form::Yolo => {
            let row: Vec<f64> = text.trim().split(' ').map(|number| number.parse().unwrap()).collect();
            let (width, height) = (TARGET.0 as f64, TARGET.1 as f64);
            let [x, y, w, h] = [row[1] * width, row[2] * height, row[3] * width / 2.0, row[4] * height / 2.0];
            [x - w, y - h, x + w, y + h]
        }
        Form::Voc => {
            let number = |tag: &str| -> f64 {
                let (_, rest) = text.split_once(&format!("<{tag}>")).unwrap();
                rest.split_once('<').unwrap().0.parse().unwrap()
            };
            assert_eq!((number("width"), number("height")), (20.0, 16.0));
            [number("xmin") - 1.0, number("ymin") - 1.0, number("xmax"), number("ymax")]
        }
    }
}

#[test]
fn labels_that_cannot_move_are_named() {
    let scene = Scene::new();
    scene.model("model", 1);
    scene.images("in", 2, 30, 20);
    scene.text("in/000.npy", "a label of unknown meaning");
    let refine = "refine --model model --input in --output out";
    fails(scene.simgan(&format!("{refine} --size 20x16")), 1, &["000.npy", "hint: ", "--labels copy"]);
    assert!(!scene.path("out/000.png").exists(), "refused before anything is written");
    succeeds(scene.simgan(&format!("{refine} --size 20x16 --labels copy")));
    assert_eq!(scene.bytes("in/000.npy"), scene.bytes("out/000.npy"));
}
