//! Tests `simgan refine` on good and bad folders, interrupted and continued.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use simgan_data::{Image, ImageFile, Pixels};

use crate::scene::{Scene, fails, gray, succeeds, told};

const REFINE: &str = "refine --model model --input in --output out";

fn scene(n_images: usize) -> Scene {
    let scene = Scene::new();
    scene.model("model", 1);
    scene.images("in", n_images, 9, 7);
    scene
}

#[test]
fn a_folder_is_refined_and_told_about() {
    let scene = scene(3);
    scene.image("in/more/deep.tif", Image::new(3, 2, 3, Pixels::U16((0..18).map(|v| v * 3000).collect())));
    scene.text("in/labels.csv", "name,age\n");
    let told = succeeds(scene.simgan(REFINE));
    assert!(told.contains("4 images refined") && told.contains("4 label files"), "{told}");
    let mut expected = scene.files("in");
    expected.push(PathBuf::from("refined.jsonl"));
    expected.sort();
    assert_eq!(scene.files("out"), expected);
    let deep = |folder: &str| ImageFile::open(&scene.path(folder).join("more/deep.tif")).unwrap();
    assert_eq!(deep("in").image().spec(), deep("out").image().spec());
    let manifest = fs::read_to_string(scene.path("out/refined.jsonl")).unwrap();
    let header: Value = serde_json::from_str(manifest.lines().next().unwrap()).unwrap();
    assert_eq!((&header["format"], &header["format_version"]), (&"simgan-refine".into(), &2.into()));
}

#[test]
fn sizes_down_to_one_pixel_are_refined() {
    let scene = Scene::new();
    scene.model("model", 1);
    for (idx, (width, height)) in [(1, 1), (1, 40), (33, 2), (2, 2)].into_iter().enumerate() {
        scene.image(&format!("in/{idx}.png"), gray(width, height, idx));
    }
    assert!(succeeds(scene.simgan(REFINE)).contains("4 images refined"));
}

#[test]
fn a_crop_is_told() {
    let scene = scene(2);
    scene.image("in/square.png", gray(12, 12, 1));
    let told = succeeds(scene.simgan(&format!("{REFINE} --size 6x6 --labels copy")));
    assert!(told.contains("\n2 images were cropped at two sides to the shape of 6x6\n"), "{told}");
    let told = succeeds(scene.simgan("refine --model model --input in --output own"));
    assert!(!told.contains("cropped"), "{told}");
}

#[test]
fn a_refiner_that_only_pretrained_is_warned_of() {
    let scene = Scene::with_domains();
    succeeds(scene.train("--steps 0"));
    let (code, _, log) = told(scene.simgan("refine --model run --input synthetic --output out"));
    assert!(code == 0 && log.contains("not trained yet: 5 steps") && log.contains("step-00000005"), "{log}");
    scene.model("model", 1);
    let (_, _, log) = told(scene.simgan("refine --model model --input synthetic --output other"));
    assert!(!log.contains("not trained yet"), "{log}");
}

#[test]
fn a_simulator_writes_numbered_images_with_labels() {
    let scene = Scene::new();
    scene.model("model", 1);
    fails(scene.simgan("refine --model model --input builtin:eyes --output out"), 2, &["--count"]);
    assert!(!scene.path("out").exists());
    succeeds(scene.simgan("refine --model model --input builtin:eyes --output out --count 2"));
    let expected = ["0.json", "0.png", "1.json", "1.png", "refined.jsonl"].map(PathBuf::from);
    assert_eq!(scene.files("out"), expected);
    let label: Value = serde_json::from_slice(&fs::read(scene.path("out/1.json")).unwrap()).unwrap();
    assert!(label["eye_details"]["look_vec"].is_string(), "{label}");
}

#[test]
fn missing_and_empty_folders_are_named() {
    let scene = scene(1);
    fails(scene.simgan("refine --model nowhere --input in --output out"), 1, &["nowhere", "hint: "]);
    fails(
        scene.simgan("refine --model in --input in --output out"),
        1,
        &["in: neither a run nor a checkpoint"],
    );
    fails(scene.simgan("refine --model model --input nowhere --output out"), 1, &["nowhere", "hint: "]);
    fs::create_dir(scene.path("empty")).unwrap();
    fails(
        scene.simgan("refine --model model --input empty --output out"),
        1,
        &["empty: no images", "hint: "],
    );
    fails(
        scene.simgan("refine --model model --input builtin:ears --output out --count 1"),
        1,
        &["builtin:eyes"],
    );
    assert!(!scene.path("out").exists(), "nothing is made before the input is known to be good");
}

#[test]
fn a_damaged_image_is_named_or_skipped() {
    let scene = scene(3);
    let whole = fs::read(scene.path("in/001.png")).unwrap();
    for damaged in [&whole[..whole.len() / 2], &b"no image at all"[..], &[]] {
        fs::write(scene.path("in/001.png"), damaged).unwrap();
        fails(scene.simgan(REFINE), 1, &["in/001.png", "hint: "]);
    }
    let told = succeeds(scene.simgan("refine --model model --input in --output out --on-error skip"));
    assert!(told.contains("2 images refined") && told.contains("1 images skipped"), "{told}");
    assert!(!scene.path("out/001.png").exists());
    fs::write(scene.path("in/001.png"), whole).unwrap();
    assert!(succeeds(scene.simgan(REFINE)).contains("3 images refined"), "a mended image is caught up on");
}

#[test]
fn the_output_must_be_elsewhere_and_writable() {
    let scene = scene(1);
    let refine = |output: &str| scene.simgan(&format!("refine --model model --input in --output {output}"));
    fails(refine("in"), 1, &["overlap", "hint: "]);
    fails(refine("in/refined"), 1, &["overlap"]);
    fails(refine("."), 1, &["overlap"]);
    scene.text("file", "not a folder");
    fails(refine("file"), 1, &["file"]);
    fails(refine("file/deeper"), 1, &["file"]);
    #[cfg(target_os = "linux")]
    fails(refine("/proc/simgan"), 1, &["/proc/simgan"]);
    scene.text("full/notes.md", "mine");
    fails(refine("full"), 1, &["full: not empty", "hint: "]);
    assert_eq!(scene.files("in").len(), 2);
}

#[test]
fn damaged_models_are_named() {
    let scene = scene(1);
    let path = scene.path("model/refiner.safetensors");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 9]).unwrap();
    fails(scene.simgan(REFINE), 1, &["refiner.safetensors"]);
    fs::write(&path, &whole).unwrap();
    fs::write(scene.path("model/refiner.toml"), "format_version = 1\n[refiner]\nfeatures = 5").unwrap();
    fails(scene.simgan(REFINE), 1, &["model/refiner"]);
    assert!(!scene.path("out").exists());
}

#[test]
fn another_model_does_not_continue() {
    let scene = scene(2);
    succeeds(scene.simgan(REFINE));
    scene.model("other", 3);
    fails(scene.simgan("refine --model other --input in --output out"), 1, &["out/refined.jsonl", "hint: "]);
}

/// Waits until the output folder holds `n` images.
/// Whether this processor has bf16; says so if not.
#[expect(clippy::print_stderr, reason = "whoever tests should know what is not tested")]
pub(crate) fn has_bf16(scene: &Scene) -> bool {
    let (code, _, log) =
        told(scene.simgan("bench --precision bf16 --only refine --batch 1 --size 8x8 --reps 1"));
    if code != 0 {
        eprintln!("not tested: bf16: {log}");
    }
    code == 0
}

/// After a short training, as real refiners are used: untrained ones hardly change their input.
#[test]
fn in_bf16_images_differ_by_at_most_one_level() {
    let scene = Scene::new();
    if !has_bf16(&scene) {
        return;
    }
    let train = "train --synthetic builtin:eyes --real builtin:camera --run run --steps 6 --set data.batch=8 \
                 --set refiner.features=32 --set schedule.pretrain_refiner=20 --set schedule.pretrain_discriminator=5 \
                 --set history.capacity=16 --set data.size=55x35 --set loss.lambda=0.1 --set ema.decay=0";
    succeeds(scene.simgan(train));
    for precision in ["f32", "bf16"] {
        let refine = "refine --model run --input builtin:eyes --count 40 --size 55x35 --batch 16";
        succeeds(scene.simgan(&format!("{refine} --output {precision} --precision {precision}")));
    }
    let (mut most, mut n_different) = (0, 0);
    for idx in 0..40 {
        let of = |folder: &str| ImageFile::open(&scene.path(&format!("{folder}/{idx}.png"))).unwrap();
        let (single, half) = (of("f32"), of("bf16"));
        let (Pixels::U8(single), Pixels::U8(half)) = (single.image().pixels(), half.image().pixels()) else {
            panic!("8 bits become 8 bits")
        };
        let differences = single.iter().zip(half).map(|(&a, &b)| a.abs_diff(b));
        most = differences.clone().max().unwrap().max(most);
        n_different += differences.filter(|&difference| difference > 0).count();
    }
    assert!(most == 1 && n_different > 0, "{most} levels at most, {n_different} pixels");
}

#[test]
fn a_folder_begun_in_another_precision_is_not_continued() {
    let scene = scene(2);
    if has_bf16(&scene) {
        succeeds(scene.simgan(REFINE));
        let again = format!("{REFINE} --precision bf16");
        fails(scene.simgan(&again), 1, &["--precision f32", "--precision bf16", "hint: "]);
    }
}

#[test]
fn bf16_without_its_instructions_is_refused() {
    let scene = scene(1);
    let portable = |command: &str| {
        let mut command = scene.simgan(command);
        command.env("SIMGAN_KERNELS_ISA", "portable");
        command
    };
    for command in [
        REFINE,
        "bench",
        "train --run run",
        "estimate predict --model model in",
        "estimate train in --output out",
    ] {
        let hints = ["AVX512-BF16", "hint: ", "--precision f32"];
        fails(portable(&format!("{command} --precision bf16")), 2, &hints);
    }
    let set = portable("train --steps 1 --run run --set compute.precision=bf16");
    fails(set, 1, &["compute.precision", "AVX512-BF16", "hint: "]);
    assert!(!scene.path("out").exists() && !scene.path("run").exists());
    succeeds(portable(&format!("{REFINE} --precision auto")));
}

fn wait_for_images(folder: &Path, n: usize) {
    let images = || fs::read_dir(folder).map_or(0, Iterator::count);
    for _ in 0..2000 {
        if images() >= n {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("only {} files after 10 s", images());
}

/// Waits until some images are recorded, which follows when they are on the disk.
fn wait_for_records(manifest: &Path) {
    for _ in 0..2000 {
        if fs::read_to_string(manifest).is_ok_and(|text| text.lines().count() > 3) {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("nothing is recorded after 10 s");
}

#[test]
fn killed_and_run_again_it_continues() {
    let scene = scene(150);
    succeeds(scene.simgan("refine --model model --input in --output whole --batch 2"));
    let mut child = scene.simgan(&format!("{REFINE} --batch 2")).stderr(Stdio::null()).spawn().unwrap();
    wait_for_images(&scene.path("out"), 20);
    wait_for_records(&scene.path("out/refined.jsonl"));
    child.kill().unwrap();
    child.wait().unwrap();
    let before = scene.files("out").len();
    let told = succeeds(scene.simgan(REFINE));
    assert!(told.contains("150 images refined"), "{told}");
    assert!(before > 300 || told.contains("are from an earlier call"), "{told}");
    let (whole, continued) = (scene.files("whole"), scene.files("out"));
    assert_eq!(whole, continued, "and nothing half-written is left");
    for path in whole.iter().filter(|path| path.extension().is_some_and(|extension| extension != "jsonl")) {
        let content = |folder: &str| fs::read(scene.path(folder).join(path)).unwrap();
        assert_eq!(content("whole"), content("out"), "{path:?}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_stops_in_good_order() {
    let scene = scene(400);
    let child =
        scene.simgan(&format!("{REFINE} --batch 1 --threads 1")).stderr(Stdio::piped()).spawn().unwrap();
    wait_for_images(&scene.path("out"), 10);
    assert!(
        std::process::Command::new("kill")
            .args(["-INT", &child.id().to_string()])
            .status()
            .unwrap()
            .success()
    );
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("interrupted after") && stderr.contains("hint: run the same command again"),
        "{stderr}"
    );
    let (code, stdout, _) = told(scene.simgan(REFINE));
    assert_eq!(code, 0);
    assert!(stdout.contains("400 images refined"), "{stdout}");
}

#[test]
fn variants_need_a_refiner_with_noise_and_are_whole_folders() {
    let scene = scene(2);
    let variants = format!("{REFINE} --variants 2");
    fails(scene.simgan(&variants), 1, &["gives each image one refined image", "refiner.noise_channels"]);
    assert!(!scene.path("out").exists());
    scene.noisy_model("model");
    let told = succeeds(scene.simgan(&variants));
    assert!(told.contains("variant 2 of 2") && told.contains("2 images refined"), "{told}");
    let mut expected: Vec<_> =
        scene.files("in").into_iter().chain([PathBuf::from("refined.jsonl")]).collect();
    expected.sort();
    for variant in ["out/variant-1", "out/variant-2"] {
        assert_eq!(scene.files(variant), expected);
    }
    let image = |folder: &str| fs::read(scene.path(folder).join("000.png")).unwrap();
    assert_ne!(image("out/variant-1"), image("out/variant-2"));
    // The first variant is what a call without the option writes.
    succeeds(scene.simgan("refine --model model --input in --output one"));
    assert_eq!(image("one"), image("out/variant-1"));
    let told = succeeds(scene.simgan(&variants));
    assert!(told.contains("2 of the images are from an earlier call"), "{told}");
    fails(
        scene.simgan("refine --model model --input in --output one --variants 2"),
        1,
        &["none of the variants"],
    );
}

#[test]
fn films_are_rendered_and_refined_with_their_flicker_told() {
    let scene = Scene::new();
    scene.noisy_model("model");
    succeeds(scene.simgan("render --count 8 --frames 4 --size 23x15 --output films"));
    let frames = [0, 1].into_iter().flat_map(|film| (0..4).map(move |frame| format!("{film}/{frame}")));
    let mut expected: Vec<_> =
        frames.flat_map(|name| ["jpg", "json"].map(|end| PathBuf::from(format!("{name}.{end}")))).collect();
    expected.sort();
    assert_eq!(scene.files("films"), expected);
    let told = succeeds(scene.simgan("refine --model model --input films --output out --sequence"));
    assert!(told.contains("8 images refined") && told.contains("times the"), "{told}");
    assert!(told.contains("of the 8 frames before"), "{told}");
    scene.images("stills", 1, 9, 7);
    fails(scene.simgan("refine --model model --input stills --output no --sequence"), 1, &["no film"]);
}
