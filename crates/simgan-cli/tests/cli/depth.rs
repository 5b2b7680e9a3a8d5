//! Depth in its own unit and photographs in colour, from inspection to refinement without an option but the
//! paths.

use std::fs;

use simgan_data::{Image, ImageFile, Pixels};

use crate::scene::{Scene, TINY, fails, succeeds, told};

/// Millimetres that a depth camera could have measured of a slope, with a gap and some noise.
fn depth(seed: usize) -> Image {
    let (width, height) = (24, 18);
    let value = |i: usize| {
        let (x, y) = (i % width, i / width);
        let is_gap = (x + 2 * y + seed).is_multiple_of(29);
        if is_gap { 0 } else { (1200 + 40 * y + 5 * x + (i * 37 + seed * 101) % 23) as u16 }
    };
    Image::new(1, height, width, Pixels::U16((0..width * height).map(value).collect()))
}

fn words(scene: &Scene, name: &str) -> Vec<u16> {
    let file = ImageFile::open(&scene.path(name)).unwrap();
    let Pixels::U16(values) = file.image().pixels().clone() else { panic!("{name}: 16 bits") };
    values
}

#[test]
fn millimetres_stay_millimetres() {
    let scene = Scene::new();
    scene.text("tiny.toml", &TINY.replace("[refiner]", "[optim.refiner]\nlr = 0.0001\n[refiner]"));
    (0..9).for_each(|seed| scene.image(&format!("synthetic/{seed}.png"), depth(seed)));
    (0..9).for_each(|seed| scene.image(&format!("real/{seed}.png"), depth(7 * seed + 3)));
    let seen = succeeds(scene.simgan("inspect synthetic"));
    assert!(seen.contains("9 of 24x18 gray 16 bit") && seen.contains("% without a measurement"), "{seen}");
    let (code, summary, stderr) = told(scene.train(""));
    assert_eq!(code, 0, "{stderr}");
    let config = fs::read_to_string(scene.path("run/config.toml")).unwrap();
    let line = config.lines().find(|line| line.starts_with("range = ")).unwrap();
    let range = line.trim_start_matches("range = ").trim_matches('"');
    let (min, max) = range.split_once("..").unwrap();
    let [min, max]: [f32; 2] = [min, max].map(|end| end.parse().unwrap());
    assert!((1100.0..1200.0).contains(&min) && (2015.0..2110.0).contains(&max), "{range}");
    assert!(stderr.contains(range) && summary.contains(&format!(" of {range}")), "{summary}");
    let refined = succeeds(scene.simgan("refine --model run --input synthetic --output out"));
    assert!(refined.contains(&format!(" of {range}")), "{refined}");
    let (mut sum, mut n_changed) = (0.0, 0.0);
    for seed in 0..9 {
        let (before, after) =
            (words(&scene, &format!("synthetic/{seed}.png")), words(&scene, &format!("out/{seed}.png")));
        assert_ne!(before, after);
        for (before, after) in before.into_iter().zip(after).filter(|pair| *pair != (0, 0)) {
            assert!(before > 0 && after > 0, "what was not measured is not painted: {before} {after}");
            assert!(f32::from(before.abs_diff(after)) < max - min, "{before} {after}");
            (sum, n_changed) = (sum + f64::from(before.abs_diff(after)), n_changed + 1.0);
        }
    }
    let (_, told) = refined.split_once("of the range [-1, 1], ").unwrap();
    let told: f64 = told.split(' ').next().unwrap().parse().unwrap();
    assert!((told - sum / n_changed).abs() < 2.0, "{told} mm, not {}", sum / n_changed);
    // The resolved configuration trains the same again.
    succeeds(scene.simgan("train --config run/config.toml --run again"));
    let weights = |run: &str| scene.bytes(&format!("{run}/checkpoints/step-00000010/refiner.safetensors"));
    assert!(weights("run") == weights("again"));
}

/// The recipe for depth: R takes pixels away, adds none, and leaves the rest about as it was.
#[test]
fn the_recipe_for_depth_learns_which_pixels_are_missing() {
    let scene = Scene::new();
    let whole = |seed: usize| {
        let Pixels::U16(values) = depth(seed).pixels().clone() else { unreachable!() };
        // The left third is background in both domains; only the sensor has gaps beside it.
        let values = values.into_iter().enumerate();
        let values = values.map(|(i, value)| if i % 24 < 8 { 0 } else { value.max(1200) });
        Image::new(1, 18, 24, Pixels::U16(values.collect()))
    };
    (0..9).for_each(|seed| scene.image(&format!("synthetic/{seed}.png"), whole(seed)));
    (0..9).for_each(|seed| scene.image(&format!("real/{seed}.png"), depth(7 * seed + 3)));
    let quick = "--set data.batch=4 --set refiner.features=4 --set schedule.pretrain_refiner=2 \
        --set schedule.pretrain_discriminator=3 --set loss.missing=0 --set optim.refiner.lr=0.01 --steps 12";
    let train = format!("train --recipe depth --synthetic synthetic --real real --run run {quick}");
    succeeds(scene.simgan(&train));
    let config = fs::read_to_string(scene.path("run/config.toml")).unwrap();
    assert!(
        ["\nholes = true", "\nrelief = 16", "\ngaps = 30"].iter().all(|line| config.contains(line)),
        "{config}"
    );
    let told = succeeds(scene.simgan("refine --model run --input synthetic --output out"));
    assert!(told.contains("missing"), "{told}");
    let mut n_missing = 0;
    for seed in 0..9 {
        let (before, after) =
            (words(&scene, &format!("synthetic/{seed}.png")), words(&scene, &format!("out/{seed}.png")));
        for (before, after) in before.into_iter().zip(after) {
            assert!(before > 0 || after == 0, "nothing is added: {after}");
            n_missing += usize::from(before > 0 && after == 0);
        }
    }
    assert!((1..9 * 18 * 16).contains(&n_missing), "{n_missing}");
    // Images without a range above 0 cannot say that a pixel is missing.
    scene.images("photographs", 9, 24, 18);
    let train =
        format!("train --recipe depth --synthetic photographs --real photographs --run other {quick}");
    fails(scene.simgan(&train), 1, &["refiner.holes", "data.range"]);
    assert!(!scene.path("other").exists());
}

#[test]
fn another_unit_is_told() {
    let scene = Scene::new();
    scene.model("model", 1);
    let text = fs::read_to_string(scene.path("model/refiner.toml")).unwrap();
    scene.text(
        "model/refiner.toml",
        &text.replacen("format_version = 1", "format_version = 1\nrange = [1.0, 4.0]", 1),
    );
    scene.image("in/a.png", depth(1));
    let (code, _, stderr) = told(scene.simgan("refine --model model --input in --output out"));
    assert!(code == 0 && stderr.contains("trained on values of 1..4, which contains 0 %"), "{stderr}");
    scene.model("full", 1);
    let (code, _, stderr) = told(scene.simgan("refine --model full --input in --output other"));
    assert!(code == 0 && stderr.contains("of 0..65535, 0 to "), "{stderr}");
}

#[test]
fn photographs_in_colour_of_any_size_train_in_colour() {
    let scene = Scene::new();
    scene.text("tiny.toml", TINY);
    let photograph = |width: usize, height: usize, seed: usize| {
        let value = |i: usize| ((i * 31 + seed * 77) % 253) as u8;
        Image::new(3, height, width, Pixels::U8((0..3 * width * height).map(value).collect()))
    };
    for (idx, (width, height)) in [(40, 30), (30, 40), (60, 20), (200, 150)].into_iter().enumerate() {
        scene.image(&format!("synthetic/{idx}.jpg"), photograph(width, height, idx));
        scene.image(&format!("real/{idx}.png"), photograph(height, width, idx + 9));
    }
    assert!(succeeds(scene.simgan("inspect real")).contains("1 of 30x40 RGB 8 bit"));
    let (code, _, stderr) = told(scene.train(""));
    assert!(
        code == 0 && stderr.contains("images differ in size, such as") && !stderr.contains("gray"),
        "{stderr}"
    );
    let config = fs::read_to_string(scene.path("run/config.toml")).unwrap();
    assert!(config.contains("channels = 3") && config.contains("range = \"full\""), "{config}");
    succeeds(scene.simgan("refine --model run --input synthetic --output out"));
    let refined = ImageFile::open(&scene.path("out/3.jpg")).unwrap();
    assert_eq!((refined.image().spec().channels, refined.image().spec().width), (3, 200));
}
