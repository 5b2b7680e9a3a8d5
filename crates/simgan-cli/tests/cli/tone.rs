//! Tests the tone stage from training to refining, and the discriminator's field.

use std::fs;

use simgan_data::{Image, ImageFile, Pixels, Tone};

use crate::scene::{Scene, fails, succeeds};

#[test]
fn a_tone_goes_with_the_refiner() {
    let scene = Scene::with_domains();
    let dim = Image::new(1, 7, 9, Pixels::U8((0..63).map(|i| 20 + i / 2).collect()));
    scene.image("dim/a.png", dim.clone());
    scene.image("toned/a.png", Tone::Equalize.apply(&dim));
    for kind in ["match", "equalize"] {
        succeeds(scene.simgan(&format!("train --config tiny.toml --run {kind} --set data.tone={kind}")));
        assert!(succeeds(scene.simgan(&format!("inspect {kind}"))).contains(&format!("tone {kind}")));
        let again = format!("train --run {kind} --resume --set data.tone=none");
        fails(scene.simgan(&again), 2, &["data.tone", "none", kind]);
    }
    // The same refiner without its tone, on images that have it.
    fs::create_dir(scene.path("bare")).unwrap();
    let from = scene.path("equalize/checkpoints/step-00000010");
    fs::copy(from.join("refiner.safetensors"), scene.path("bare/refiner.safetensors")).unwrap();
    let text = fs::read_to_string(from.join("refiner.toml")).unwrap();
    let bare = text.replace("[tone]\nkind = \"equalize\"\n", "");
    assert_ne!(text, bare);
    scene.text("bare/refiner.toml", &bare);
    let refined = |model: &str, input: &str| {
        let output = format!("{model}-{input}");
        succeeds(scene.simgan(&format!("refine --model {model} --input {input} --output {output}")));
        ImageFile::open(&scene.path(&format!("{output}/a.png"))).unwrap().image().clone()
    };
    assert_eq!(refined("equalize", "dim"), refined("bare", "toned"));
    assert_ne!(refined("bare", "dim"), refined("bare", "toned"));
}

#[test]
fn a_field_replaces_the_layers_of_a_file() {
    let scene = Scene::with_domains();
    succeeds(scene.simgan("train --config tiny.toml --run texture --set discriminator.field=texture"));
    let config = fs::read_to_string(scene.path("texture/config.toml")).unwrap();
    assert!(config.contains("field = \"texture\"") && config.contains("features = 48"), "{config}");
    let layers = "--set discriminator.layers=[{conv={kernel=5,stride=1,features=4}}]";
    let both = format!("train --config tiny.toml --run both --set discriminator.field=texture {layers}");
    fails(scene.simgan(&both), 2, &["discriminator.field", "discriminator.layers"]);
    assert!(!scene.path("both").exists());
}
