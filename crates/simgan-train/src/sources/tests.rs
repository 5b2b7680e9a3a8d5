use std::path::Path;

use simgan_data::{Image, ImageFile, ImageFormat, Pixels, Want};

use super::*;
use crate::{Recipe, TrainConfig};

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
