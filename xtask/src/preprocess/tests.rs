use std::path::Path;

use clap::Parser;
use simgan_data::{AnnotationsExt, Image, ImageFile, ImageFormat, Packed, Pixels, Source, Want};

use super::{Arguments, make};
use crate::failure::text;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    arguments: Arguments,
}

fn arguments(line: &str) -> Arguments {
    Line::try_parse_from(std::iter::once("preprocess").chain(line.split_whitespace())).unwrap().arguments
}

/// Writes a UnityEyes pair of 64×48 pixels with the eye in the middle.
fn write_pair(folder: &Path, number: usize) {
    let values = (0..64 * 48).map(|i| (i * (number + 3)) as u8).collect();
    let image = Image::new(1, 48, 64, Pixels::U8(values));
    ImageFile::new(image, ImageFormat::Png).save(&folder.join(format!("{number}.png"))).unwrap();
    let margin = vec!["\"(32, 24, 9)\""; 16].join(", ");
    let record = format!(
        r#"{{"interior_margin_2d": [{margin}], "eye_details": {{"look_vec": "(0, 0.6, -0.8, 0)"}}}}"#
    );
    std::fs::write(folder.join(format!("{number}.json")), record).unwrap();
}

#[test]
fn pairs_are_packed_the_same_with_any_number_of_threads() {
    let root = tempfile::tempdir().unwrap();
    let raw = root.path().join("data/raw/unityeyes");
    std::fs::create_dir_all(&raw).unwrap();
    (1..=20).for_each(|number| write_pair(&raw, number));
    let mut files = Vec::new();
    for threads in [1, 3] {
        let arguments = arguments(&format!("unityeyes --threads {threads} --size 10x6"));
        let output = arguments.output(root.path());
        assert!(output.ends_with("data/packed/unityeyes.safetensors"));
        assert_eq!(make(root.path(), &arguments, &output).unwrap().n_packed, 20);
        files.push(std::fs::read(&output).unwrap());
    }
    assert!(files[0] == files[1]);
    let packed = Packed::open(&root.path().join("data/packed/unityeyes.safetensors")).unwrap();
    let sample = packed.sample(19, Want::Labels).unwrap();
    assert_eq!((sample.name.as_str(), packed.spec().size()), ("20.png", "10x6".parse().unwrap()));
    assert_eq!(sample.annotations.gaze().unwrap().vector(), [0.0, -0.6, -0.8]);
    assert!(packed.source().contains("crop=Fixed"), "{}", packed.source());
}

#[test]
fn a_bad_pair_stops_it_or_is_left_out() {
    let root = tempfile::tempdir().unwrap();
    (1..=4).for_each(|number| write_pair(root.path(), number));
    std::fs::write(root.path().join("3.json"), "{").unwrap();
    let output = root.path().join("out/a.safetensors");
    let from = root.path().display();
    let line = format!("unityeyes --from {from}");
    let error = text(&make(root.path(), &arguments(&line), &output).unwrap_err());
    assert!(error.contains("3.json") && !output.exists(), "{error}");
    assert!(error.ends_with("leave out all such files with --skip-errors"), "{error}");
    let report =
        make(root.path(), &arguments(&format!("unityeyes --from {from} --skip-errors")), &output).unwrap();
    assert_eq!((report.n_packed, report.skipped.len()), (3, 1));
}

#[test]
fn a_first_pair_that_is_bad_is_left_out() {
    let root = tempfile::tempdir().unwrap();
    (1..=3).for_each(|number| write_pair(root.path(), number));
    let image = std::fs::read(root.path().join("1.png")).unwrap();
    std::fs::write(root.path().join("1.png"), &image[..image.len() / 2]).unwrap();
    let output = root.path().join("out/a.safetensors");
    let from = root.path().display();
    let line = format!("unityeyes --from {from} --size source");
    let error = text(&make(root.path(), &arguments(&line), &output).unwrap_err());
    assert!(error.contains("1.png") && error.contains("--skip-errors"), "{error}");
    let report = make(root.path(), &arguments(&format!("{line} --skip-errors")), &output).unwrap();
    assert_eq!((report.n_packed, report.skipped.len()), (2, 1));
    assert!(report.skipped[0].contains("1.png"), "{report:?}");
}

/// Writes the synthetic MPIIGaze of simgan-data's tests: 12 eyes on three days.
fn write_mpiigaze(folder: &Path) {
    let case = "../crates/simgan-data/tests/golden/mpiigaze/case.safetensors";
    let bytes = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(case)).unwrap();
    let (length, bytes) = bytes.split_first_chunk().unwrap();
    let (header, data) = bytes.split_at(u64::from_le_bytes(*length) as usize);
    let header: serde_json::Map<_, _> = serde_json::from_slice(header).unwrap();
    for (name, tensor) in &header {
        let Some(name) = name.strip_prefix("files/") else { continue };
        let end = |i: usize| tensor["data_offsets"][i].as_u64().unwrap() as usize;
        std::fs::create_dir_all(folder.join(name).parent().unwrap()).unwrap();
        std::fs::write(folder.join(name), &data[end(0)..end(1)]).unwrap();
    }
}

#[test]
fn a_damaged_day_stops_it_or_is_left_out() {
    let root = tempfile::tempdir().unwrap();
    let raw = root.path().join("data/raw/mpiigaze");
    write_mpiigaze(&raw);
    let day = raw.join("Data/Normalized/p00/day01.mat");
    let whole = std::fs::read(&day).unwrap();
    std::fs::write(&day, &whole[..whole.len() / 2]).unwrap();
    let output = root.path().join("a.safetensors");
    let error = text(&make(root.path(), &arguments("mpiigaze"), &output).unwrap_err());
    assert!(error.contains("day01.mat") && error.ends_with("with --skip-errors"), "{error}");
    assert!(error.contains(" at byte ") && !error.contains("data.on_error"), "{error}");
    let report = make(root.path(), &arguments("mpiigaze --skip-errors"), &output).unwrap();
    assert!(report.n_packed > 0 && report.n_packed < 12 && report.skipped.len() == 1, "{report:?}");
    assert!(report.skipped[0].contains("day01.mat"), "{report:?}");
}

#[test]
fn a_folder_keeps_its_colours_and_its_depth() {
    let root = tempfile::tempdir().unwrap();
    let packed = |name: &str, images: &[(usize, Pixels)], more: &str| {
        let folder = root.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        for (idx, (channels, pixels)) in images.iter().enumerate() {
            let image = Image::new(*channels, 1, 2, pixels.clone());
            ImageFile::new(image, ImageFormat::Png).save(&folder.join(format!("{idx}.png"))).unwrap();
        }
        let output = root.path().join(format!("{name}.safetensors"));
        let line = format!("folder --from {} --size source {more}", folder.display());
        make(root.path(), &arguments(&line), &output).unwrap();
        let packed = Packed::open(&output).unwrap();
        (packed.sample(0, Want::Image).unwrap().image, packed.source().to_owned())
    };
    let gray = (1, Pixels::U8(vec![7, 9]));
    let (image, source) = packed("gray", std::slice::from_ref(&gray), "");
    assert_eq!(image.pixels(), &gray.1);
    assert!(source.contains("channels=1"), "{source}");
    let colour = (3, Pixels::U8(vec![1, 2, 3, 4, 5, 6]));
    let (image, source) = packed("mixed", &[gray.clone(), colour.clone()], "");
    assert!(image.spec().channels == 3 && source.contains("channels=3"), "{source}");
    assert_eq!(packed("asked", &[colour], "--channels 1").0.spec().channels, 1);
    let millimetres = Pixels::U16(vec![1200, 2399]);
    assert_eq!(packed("depth", &[(1, millimetres.clone())], "").0.pixels(), &millimetres);
}

#[test]
fn wrong_wishes_are_answered() {
    let root = tempfile::tempdir().unwrap();
    write_pair(root.path(), 1);
    let from = root.path().display();
    let refusal = |line: &str| {
        let output = root.path().join("a.safetensors");
        text(&make(root.path(), &arguments(line), &output).unwrap_err())
    };
    assert!(refusal(&format!("folder --from {from} --size 7")).contains("not a size"));
    assert!(refusal(&format!("folder --from {from} --channels 2")).contains("gray"));
    assert!(refusal(&format!("mpiigaze --from {from}")).contains("no MPIIGaze"));
    let absent = refusal("mpiigaze");
    assert!(
        absent.contains("no such folder") && absent.contains("cargo xtask fetch-data mpiigaze"),
        "{absent}"
    );
    assert!(refusal(&format!("folder --from {from}/1.png")).contains("not a folder"));
    let folder = make(root.path(), &arguments(&format!("folder --from {from}")), root.path());
    assert!(text(&folder.unwrap_err()).contains("--output names the file"));
    assert!(Line::try_parse_from(["preprocess", "folder", "--limit", "0"]).is_err());
    assert!(refusal(&format!("folder --from {from}/none")).contains("no such folder"));
}

#[test]
fn an_interrupted_job_goes_on_to_the_same_file() {
    let root = tempfile::tempdir().unwrap();
    let raw = root.path().join("data/raw/unityeyes");
    std::fs::create_dir_all(&raw).unwrap();
    (1..=300).for_each(|number| write_pair(&raw, number));
    let (whole, cut) = (root.path().join("whole"), root.path().join("cut"));
    make(root.path(), &arguments("unityeyes"), &whole).unwrap();
    // An error leaves the same files as a killed process.
    std::fs::rename(raw.join("280.png"), root.path().join("280.png")).unwrap();
    let error = make(root.path(), &arguments("unityeyes"), &cut).unwrap_err();
    let text = text(&error);
    assert!(text.contains("280.") && text.contains("missing") && text.contains("--skip-errors"), "{text}");
    let other = make(root.path(), &arguments("unityeyes --size 9x9"), &cut).unwrap_err();
    assert!(other.to_string().contains("another job"), "{other}");
    std::fs::rename(root.path().join("280.png"), raw.join("280.png")).unwrap();
    let report = make(root.path(), &arguments("unityeyes --threads 1"), &cut).unwrap();
    assert!(report.n_resumed > 0 && report.n_packed == 300, "{report:?}");
    assert!(std::fs::read(&whole).unwrap() == std::fs::read(&cut).unwrap());
    assert!(!root.path().join("cut.partial").exists());
}

#[test]
fn two_at_once_do_not_write_the_same_file() {
    let root = tempfile::tempdir().unwrap();
    (1..=3).for_each(|number| write_pair(root.path(), number));
    let (output, partial) = (root.path().join("a"), root.path().join("a.partial"));
    std::fs::create_dir(&partial).unwrap();
    let lock = std::fs::File::create(partial.join("lock")).unwrap();
    lock.lock().unwrap();
    let arguments = arguments(&format!("unityeyes --from {} --limit 2", root.path().display()));
    let error = make(root.path(), &arguments, &output).unwrap_err();
    assert!(error.to_string().contains("another process"), "{error}");
    drop(lock);
    assert_eq!(make(root.path(), &arguments, &output).unwrap().n_packed, 2);
    assert_eq!(Packed::open(&output).unwrap().len(), 2);
}

/// Reruns this test in a process that may write files of at most 50 kB, which simulates a full disk.
#[test]
fn a_full_disk_is_told() {
    const ROOT: &str = "SIMGAN_TEST_FULL_DISK";
    const NAME: &str = "preprocess::tests::a_full_disk_is_told";
    let pack = |root: &Path| make(root, &arguments("unityeyes --crop none --size source"), &root.join("a"));
    if let Some(root) = std::env::var_os(ROOT) {
        println!("told: {}", text(&pack(Path::new(&root)).unwrap_err()));
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let raw = root.path().join("data/raw/unityeyes");
    std::fs::create_dir_all(&raw).unwrap();
    (1..=300).for_each(|number| write_pair(&raw, number));
    let limited = r#"ulimit -f 100 && trap "" XFSZ && exec "$0" --exact "$1" --nocapture"#;
    let mut command = std::process::Command::new("sh");
    command.args(["-c", limited]).arg(std::env::current_exe().unwrap()).arg(NAME);
    let output = command.env(ROOT, root.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("a.partial: File too large") && text.contains("hint: make room"), "{text}");
    assert!(!root.path().join("a").exists(), "nothing half-written");
    assert_eq!(pack(root.path()).unwrap().n_packed, 300, "with room, it goes on");
    assert_eq!(
        Packed::open(&root.path().join("a")).unwrap().sample(299, Want::Image).unwrap().name,
        "300.png"
    );
    assert!(!root.path().join("a.partial").exists());
}

#[test]
fn files_that_may_not_be_read_are_named_or_left_out() {
    use std::os::unix::fs::PermissionsExt;
    let root = tempfile::tempdir().unwrap();
    let close = |path: &Path| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o000)).unwrap();
    let (eyes, gaze) = (root.path().join("data/raw/unityeyes"), root.path().join("data/raw/mpiigaze"));
    std::fs::create_dir_all(&eyes).unwrap();
    (1..=4).for_each(|number| write_pair(&eyes, number));
    write_mpiigaze(&gaze);
    close(&eyes.join("1.png"));
    close(&eyes.join("3.json"));
    close(&gaze.join("Data/Normalized/p00/day01.mat"));
    if std::fs::read(eyes.join("1.png")).is_ok() {
        println!("skipped: this user may read everything");
        return;
    }
    for (name, file, n_skipped) in [("unityeyes", "1.png", 2), ("mpiigaze", "day01.mat", 1)] {
        let output = root.path().join(name);
        let error = text(&make(root.path(), &arguments(name), &output).unwrap_err());
        assert!(error.contains(file) && error.contains("ermission denied"), "{error}");
        assert!(error.contains("--skip-errors"), "{error}");
        let report = make(root.path(), &arguments(&format!("{name} --skip-errors")), &output);
        assert_eq!(report.unwrap().skipped.len(), n_skipped);
    }
}
