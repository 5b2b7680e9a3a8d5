use std::path::Path;

use simgan_data::{Image, ImageFile, ImageFormat, Pixels, Want};

use super::*;
use crate::{Channels, DataRange, Every, Recipe, ToneKind, TrainConfig};

fn config(set: &[&str]) -> TrainConfig {
    let set: Vec<String> = set.iter().map(ToString::to_string).collect();
    TrainConfig::resolve(Some(Recipe::Demo), None, &set).unwrap()
}

fn folder(sizes: &[(usize, usize)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (index, (width, height)) in sizes.iter().enumerate() {
        let image = Image::new(1, *height, *width, Pixels::U8(vec![100; width * height]));
        ImageFile::new(image, ImageFormat::Png).save(&dir.path().join(format!("{index}.png"))).unwrap();
    }
    dir
}

/// Writes one image more into a folder.
fn image(dir: &tempfile::TempDir, name: &str, image: Image) {
    ImageFile::new(image, ImageFormat::Png).save(&dir.path().join(name)).unwrap();
}

fn chosen(synthetic: &tempfile::TempDir, real: &tempfile::TempDir, set: &[&str]) -> Chosen {
    let mut config = config(set);
    (config.data.synthetic, config.data.real) = (vec![text(synthetic.path())], vec![text(real.path())]);
    let chosen = choose(&config, &registry()).unwrap();
    let again = choose(&chosen.config, &registry()).unwrap();
    assert_eq!(again.config, chosen.config, "nothing is left to choose");
    Sources::open(&chosen.config, &registry()).unwrap();
    chosen
}

fn rgb(value: u8) -> Image {
    Image::new(3, 8, 9, Pixels::U8((0..216).map(|i| (i % 100) as u8 + value).collect()))
}

#[test]
fn the_default_run_is_chosen() {
    let chosen = choose(&config(&[]), &registry()).unwrap();
    let data = &chosen.config.data;
    assert_eq!((data.size.to_string().as_str(), data.channels), ("55x35", Channels::Gray));
    assert_eq!((data.range, data.tone), (DataRange::Full, ToneKind::Equalize), "as the camera does");
    assert_eq!((chosen.notices.len(), chosen.warnings.len()), (1, 0), "{:?}", chosen.notices);
}

#[test]
fn checkpoints_are_judged_unasked_where_labels_have_places() {
    let every = |config: &TrainConfig| choose(config, &registry()).unwrap().config.selection.every;
    assert_eq!(every(&config(&["schedule.steps=2000"])), Every::Steps(500));
    assert_eq!(every(&config(&["schedule.steps=2000", "selection.every=0"])), Every::Never);
    assert_eq!(every(&config(&["selection.every=30"])), Every::Steps(30));
    let (few, sizes) = (folder(&[(9, 8)]), vec![(9, 8); 70]);
    let many = folder(&sizes);
    for (synthetic, real) in [(&many, &many), (&few, &many)] {
        assert_eq!(chosen(synthetic, real, &[]).config.selection.every, Every::Never, "no labels");
    }
    let mut few_real = config(&[]);
    few_real.data.real = vec![text(few.path())];
    assert_eq!(every(&few_real), Every::Never, "one real image");
    few_real.data.real = vec![text(many.path())];
    assert_eq!(every(&few_real), Every::Steps(400));
}

#[test]
fn channels_are_gray_only_if_all_images_are() {
    let (gray, colour) = (folder(&[(9, 8), (9, 8)]), folder(&[]));
    image(&colour, "a.png", rgb(7));
    let of = |synthetic, real, set: &[&str]| {
        let chosen = chosen(synthetic, real, set);
        let told = [chosen.notices, chosen.warnings].concat();
        let of_colour: Vec<_> = told.into_iter().filter(|told| told.contains("RGB")).collect();
        (chosen.config.data.channels, of_colour.join("\n"))
    };
    assert_eq!(of(&gray, &gray, &[]), (Channels::Gray, String::new()));
    assert_eq!(of(&colour, &colour, &[]), (Channels::Rgb, String::new()));
    let (channels, notice) = of(&gray, &colour, &[]);
    assert_eq!(channels, Channels::Rgb);
    assert!(
        notice.contains("0 of 2 synthetic and 1 of 1 real images") && notice.contains("alone"),
        "{notice}"
    );
    let (channels, notice) = of(&colour, &colour, &["data.channels=1"]);
    assert!(channels == Channels::Gray && notice.contains("data.channels = 3"), "{notice}");
    // A simulator renders what the other source has.
    let mut config = config(&[]);
    config.data.real = vec![text(colour.path())];
    let data = choose(&config, &registry()).unwrap().config.data;
    assert_eq!((data.channels, data.size.to_string().as_str()), (Channels::Rgb, "9x8"));
}

#[test]
fn a_size_is_chosen_by_what_can_be_trained() {
    let of = |synthetic: &[(usize, usize)], real: &[(usize, usize)], set: &[&str]| {
        let chosen = chosen(&folder(synthetic), &folder(real), set);
        (chosen.config.data.size.to_string(), chosen.notices.join("\n"))
    };
    assert_eq!(of(&[(100, 128)], &[(100, 128)], &[]), ("100x128".to_owned(), String::new()));
    let (size, notice) = of(&[(600, 300)], &[(600, 300)], &[]);
    assert_eq!(size, "91x45", "twice as wide as high, 64² pixels");
    assert!(
        notice.contains("images of 600x300 pixels are large") && notice.contains("data.size"),
        "{notice}"
    );
    let (size, notice) = of(&[(20, 10)], &[(30, 40), (30, 40), (900, 100)], &[]);
    assert!(size == "30x40" && notice.contains("differ in size, such as 20x10 and 900x100"), "{notice}");
    assert_eq!(of(&[(300, 2)], &[(300, 2)], &[]).0, "42x14", "no strip");
    assert_eq!(of(&[(600, 300)], &[(600, 300)], &["data.size=9x8"]), ("9x8".to_owned(), String::new()));
}

#[test]
fn a_range_is_measured_over_both_domains() {
    let depth = |values: &[u16]| Image::new(1, 1, values.len(), Pixels::U16(values.to_vec()));
    let (synthetic, real) = (folder(&[]), folder(&[]));
    image(&synthetic, "a.png", depth(&[0, 1200, 1500, 1800]));
    image(&synthetic, "flat.png", depth(&[0, 1300, 1310, 1320]));
    image(&real, "a.png", depth(&[0, 1300, 1700, 2200]));
    let found = chosen(&synthetic, &real, &[]);
    assert_eq!(found.config.data.range.to_string(), "1180..2220");
    assert!(found.notices[0].contains("1180..2220 (data.range)"), "{:?}", found.notices);
    let flat = "1 of 3 images that were looked at span less than 5 % of 1180..2220: flat.png";
    assert_eq!(found.warnings, [flat]);
    let sources = Sources::open(&found.config, &registry()).unwrap();
    let [unknown, low, _, high] = sources.synthetic.sample(0, Want::Image).unwrap().image.to_unit()[..]
    else {
        panic!("four values");
    };
    assert_eq!(unknown, -1.0);
    assert!(
        (low - (-1.0 + 2.0 * 20.0 / 1040.0)).abs() < 1e-6
            && (high - (-1.0 + 2.0 * 620.0 / 1040.0)).abs() < 1e-6
    );
    assert_eq!(chosen(&synthetic, &real, &["data.range=1..9000"]).config.data.range.to_string(), "1..9000");
    // Without a common unit there is no common range.
    image(&real, "b.png", Image::new(1, 1, 4, Pixels::U8(vec![0, 90, 180, 255])));
    let mixed = chosen(&synthetic, &real, &[]);
    assert_eq!(mixed.config.data.range, DataRange::Full);
    assert!(mixed.warnings[0].contains("(8 bit, 16 bit) share no unit"), "{:?}", mixed.warnings);
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn registry() -> Registry {
    Registry::default().with(simgan_eyes::Simulators)
}

fn refusal(spec: &str) -> String {
    let error = registry().open(&SourceRequest::new(spec)).err().unwrap();
    format!("{error}; {}", error.hint().map(|hint| hint.to_string()).unwrap_or_default())
}

/// The message and the hint.
fn told(error: &TrainError) -> String {
    format!("{error}; {}", error.hint().map(|hint| hint.to_string()).unwrap_or_default())
}

#[test]
fn the_built_in_domains_come_in_the_size_and_channels_that_are_wanted() {
    let config = config(&["data.size=31x23", "data.channels=3"]);
    let source = open_all(
        &["builtin:eyes".to_owned(), "builtin:camera".to_owned()],
        &config.data,
        Role::Real,
        3,
        &registry(),
    )
    .unwrap();
    let spec = source.sample(source.len() - 1, Want::Image).unwrap().image.spec();
    assert_eq!((spec.width, spec.height, spec.channels), (31, 23, 3));
    let other_seed =
        open_all(&["builtin:eyes".to_owned()], &config.data, Role::Real, 4, &registry()).unwrap();
    assert_ne!(
        source.sample(5, Want::Image).unwrap().image,
        other_seed.sample(5, Want::Image).unwrap().image
    );
}

#[test]
fn what_is_no_source_is_answered_with_what_is() {
    assert!(refusal("builtin:eye").contains("did you mean `builtin:eyes`?"));
    assert!(refusal("buildin:camera").contains("did you mean `builtin:camera`?"));
    assert!(refusal("unityeyes:mpigaze").contains("did you mean `unityeyes:mpiigaze`?"));
    assert!(refusal("/none/here").contains("no such folder or simulator; a source is a folder of"));
    let dir = folder(&[]);
    assert!(refusal(&text(dir.path())).contains("no images"));
    std::fs::write(dir.path().join("notes.txt"), "no image").unwrap();
    assert!(refusal(&text(&dir.path().join("notes.txt"))).contains("not a folder"));
}

#[test]
fn folders_are_joined_and_resized_or_must_agree() {
    let (small, large) = (folder(&[(20, 10), (20, 10)]), folder(&[(31, 17)]));
    let specs = [text(small.path()), text(large.path())];
    let error = told(&open_all(&specs, &config(&[]).data, Role::Real, 0, &registry()).err().unwrap());
    assert!(error.contains("20×10") && error.contains("31×17") && error.contains("data.size"), "{error}");
    let joined = open_all(&specs, &config(&["data.size=12x9"]).data, Role::Real, 0, &registry()).unwrap();
    assert_eq!(joined.len(), 3);
    assert_eq!(joined.sample(2, Want::Image).unwrap().image.spec().size().to_string(), "12x9");
    let mixed = folder(&[(20, 10), (31, 17)]);
    let error = open_all(&[text(mixed.path())], &config(&[]).data, Role::Real, 0, &registry())
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("0.png") && error.contains("1.png"), "{error}");
    assert_eq!(
        open_all(&[text(mixed.path())], &config(&["data.size=12x9"]).data, Role::Real, 0, &registry())
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn domains_of_different_sizes_are_refused() {
    let (synthetic, real) = (folder(&[(20, 10)]), folder(&[(31, 17)]));
    let mut config = config(&[]);
    (config.data.synthetic, config.data.real) = (vec![text(synthetic.path())], vec![text(real.path())]);
    let sources = Sources::open(&config, &registry()).unwrap();
    let error = told(&crate::Trainer::new(config, &sources, &candle_core::Device::Cpu).err().unwrap());
    assert!(
        error.contains("synthetic images are 20x10, real ones 31x17") && error.contains("data.size = 20x10"),
        "{error}"
    );
}

#[test]
fn a_tone_is_measured_on_the_real_images_before_they_are_cut() {
    let (synthetic, real) = (folder(&[]), folder(&[]));
    let ramp = |from: u8| Image::new(1, 8, 9, Pixels::U8((0..72).map(|i| from + i / 2).collect()));
    image(&synthetic, "a.png", ramp(20));
    image(&real, "b.png", ramp(180));
    let mut config = config(&["data.tone=match", "data.random_crop=3x2"]);
    (config.data.synthetic, config.data.real) = (vec![text(synthetic.path())], vec![text(real.path())]);
    let sources = Sources::open(&config, &registry()).unwrap();
    let [whole, part] = [&ramp(180), &sources.synthetic.sample(0, Want::Image).unwrap().image].map(|image| {
        let values: Vec<f32> = image.pixels().iter().collect();
        (values.len(), values[values.len() / 2])
    });
    assert_eq!((whole.0, part.0), (72, 6));
    assert!(
        (whole.1 - part.1).abs() < 6.0,
        "the middle part has the tones of the middle: {whole:?} {part:?}"
    );
    config.data.tone = ToneKind::None;
    let sources = Sources::open(&config, &registry()).unwrap();
    assert!(
        sources.tone.is_none()
            && sources
                .synthetic
                .sample(0, Want::Image)
                .unwrap()
                .image
                .pixels()
                .iter()
                .all(|value| value < 100.0)
    );
}

/// A folder of ramps over 24 levels and more.
fn ramps(from: u8) -> tempfile::TempDir {
    let dir = folder(&[]);
    for index in 0..4 {
        let values = (0..72).map(|i| from + i / 3 + index).collect();
        image(&dir, &format!("{index}.png"), Image::new(1, 8, 9, Pixels::U8(values)));
    }
    dir
}

#[test]
fn the_tone_follows_from_the_images_of_both_domains() {
    let whole = folder(&[]);
    let values = (0..72).map(|i| (i * 255 / 71) as u8).collect();
    image(&whole, "a.png", Image::new(1, 8, 9, Pixels::U8(values)));
    for (real, expected) in
        [(&ramps(22), ToneKind::None), (&ramps(120), ToneKind::Match), (&whole, ToneKind::Equalize)]
    {
        let of = |set: &[&str]| chosen(&ramps(20), real, set);
        let left_to_them = of(&[]);
        assert_eq!(left_to_them.config.data.tone, expected);
        let told = left_to_them.notices.iter().filter(|notice| notice.contains("data.tone")).count();
        assert_eq!(told, usize::from(expected != ToneKind::None), "{:?}", left_to_them.notices);
        assert_eq!(of(&["data.tone=none"]).config.data.tone, ToneKind::None, "as it says");
        assert_eq!(of(&["data.tone=match"]).config.data.tone, ToneKind::Match, "as it says");
        for without in ["data.range=0..200", "loss.film=5"] {
            assert_eq!(of(&[without]).config.data.tone, ToneKind::None, "{without}");
        }
    }
}

/// A folder of two images of 16 bits, in the second of which a pixel is `last`.
fn measurements(least: u16, last: u16) -> tempfile::TempDir {
    let dir = folder(&[]);
    for (index, last) in [least, last].into_iter().enumerate() {
        let values = (0..71).map(|i| least + i).chain([last]).collect();
        image(&dir, &format!("{index}.png"), Image::new(1, 8, 9, Pixels::U16(values)));
    }
    dir
}

#[test]
fn the_recipe_follows_from_depths_unless_one_is_named() {
    let of = |synthetic: &tempfile::TempDir, real: &tempfile::TempDir, recipe, file, set: &[&str]| {
        let mut set: Vec<String> = set.iter().map(ToString::to_string).collect();
        set.push(format!("data.synthetic=['{}']", text(synthetic.path())));
        set.push(format!("data.real=['{}']", text(real.path())));
        resolve(recipe, file, &set, &registry()).map(|(config, why)| (config.recipe, why.is_some()))
    };
    let (depths, with_holes, photographs) = (measurements(900, 900), measurements(900, 0), folder(&[(9, 8)]));
    assert_eq!(of(&depths, &with_holes, None, None, &[]).unwrap(), (Recipe::Depth, true));
    assert_eq!(of(&depths, &with_holes, None, Some("seed = 3"), &[]).unwrap(), (Recipe::Depth, true));
    assert_eq!(of(&depths, &with_holes, None, None, &["refiner.holes=true"]).unwrap().0, Recipe::Depth);
    let demo = (Recipe::Demo, false);
    assert_eq!(of(&with_holes, &depths, None, None, &[]).unwrap(), demo, "the sensor misses nothing");
    assert_eq!(
        of(&measurements(1, 1), &measurements(1, 0), None, None, &[]).unwrap(),
        demo,
        "zero is a value"
    );
    assert_eq!(of(&depths, &photographs, None, None, &[]).unwrap(), demo);
    assert_eq!(of(&photographs, &photographs, None, None, &[]).unwrap(), demo);
    assert_eq!(of(&depths, &with_holes, Some(Recipe::Demo), None, &[]).unwrap(), demo);
    assert_eq!(of(&depths, &with_holes, None, Some("recipe = \"demo\""), &[]).unwrap(), demo);
    assert_eq!(of(&depths, &with_holes, None, None, &["recipe=demo"]).unwrap(), demo);
    let error = of(&photographs, &photographs, None, None, &["loss.lamda=1"]).unwrap_err().to_string();
    assert!(error.contains("loss.lamda"), "{error}");
}
