//! A temporary folder with images and models, and the program that runs in it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use candle_core::Device;
use simgan_data::{Image, ImageFile, ImageFormat, Pixels};
use simgan_models::{Parameters, Refiner, RefinerConfig, save_refiner};
use tempfile::TempDir;

pub(crate) struct Scene {
    folder: TempDir,
}

impl Scene {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a text file and creates its folder.
    pub(crate) fn text(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Writes an image in the format of its extension.
    pub(crate) fn image(&self, name: &str, image: Image) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        ImageFile::new(image, ImageFormat::from_path(&path).unwrap()).save(&path).unwrap();
    }

    /// Writes `n` gray images `000.png`… with a label beside each.
    pub(crate) fn images(&self, folder: &str, n: usize, width: usize, height: usize) {
        for idx in 0..n {
            self.image(&format!("{folder}/{idx:03}.png"), gray(width, height, idx));
            self.text(&format!("{folder}/{idx:03}.json"), "{\"gaze\": [0.0, 0.6, -0.8]}");
        }
    }

    /// Writes a checkpoint of a small, untrained refiner.
    pub(crate) fn model(&self, name: &str, channels: usize) {
        self.model_of(name, channels, 0);
    }

    /// The same for gray images, with noise.
    pub(crate) fn noisy_model(&self, name: &str) {
        self.model_of(name, 1, 2);
    }

    fn model_of(&self, name: &str, channels: usize, noise_channels: usize) {
        let config = RefinerConfig { features: 4, blocks: 1, noise_channels, ..RefinerConfig::eye_gaze() };
        let parameters = Parameters::new(5, &Device::Cpu);
        Refiner::new(&config, channels, parameters.var_builder()).unwrap();
        fs::create_dir_all(self.path(name)).unwrap();
        save_refiner(&self.path(name), &config, channels, &parameters.tensors()).unwrap();
    }

    /// Lists every file below a folder, sorted.
    pub(crate) fn files(&self, folder: &str) -> Vec<PathBuf> {
        let (root, mut files) = (self.path(folder), Vec::new());
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path.strip_prefix(&root).unwrap().to_owned());
                }
            }
        }
        files.sort();
        files
    }

    /// Returns the program, set to run in this folder, with arguments separated by spaces.
    pub(crate) fn simgan(&self, arguments: &str) -> Command {
        let mut command = simgan(arguments);
        command.current_dir(self.folder.path());
        command
    }
}

/// Returns the program with arguments separated by spaces and without the caller's environment settings.
pub(crate) fn simgan(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_simgan"));
    command
        .args(arguments.split_whitespace())
        .env_remove("CARGO") // as if cargo had not started it
        .env_remove("CANDLE_NUM_THREADS")
        .env_remove("RUST_LOG")
        .env_remove("NO_COLOR")
        .env_remove("SIMGAN_UNITYEYES2");
    command
}

pub(crate) fn gray(width: usize, height: usize, seed: usize) -> Image {
    let values = (0..width * height).map(|i| ((i * 37 + seed * 101) % 251) as u8).collect();
    Image::new(1, height, width, Pixels::U8(values))
}

/// Runs a command; returns exit status, standard output and standard error.
pub(crate) fn told(mut command: Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

/// Runs a command that must fail with `status`, print `parts` to standard error, and nothing to standard
/// output.
#[track_caller]
pub(crate) fn fails(command: Command, status: i32, parts: &[&str]) {
    let (code, stdout, stderr) = told(command);
    assert_eq!(code, status, "{stderr}");
    assert_eq!(stdout, "", "results only go to standard output");
    for part in parts {
        assert!(stderr.contains(part), "`{part}` is not told:\n{stderr}");
    }
    assert!(!stderr.contains("panicked"), "{stderr}");
}

/// Runs a command that must succeed; returns its standard output.
#[track_caller]
pub(crate) fn succeeds(command: Command) -> String {
    let (code, stdout, stderr) = told(command);
    assert_eq!(code, 0, "{stderr}");
    stdout
}

impl Scene {
    /// Writes two domains of a few small images, and a configuration that trains on them in milliseconds per
    /// step.
    pub(crate) fn with_domains() -> Self {
        let scene = Self::new();
        scene.images("synthetic", 10, 9, 7);
        scene.images("real", 7, 9, 7);
        scene.text("tiny.toml", TINY);
        scene
    }

    /// Returns `simgan train` on the two domains, in the folder `run`.
    pub(crate) fn train(&self, more: &str) -> Command {
        self.simgan(&format!("train --config tiny.toml --run run {more}"))
    }

    /// Returns `simgan train --resume` for the folder `run`.
    pub(crate) fn resume(&self, more: &str) -> Command {
        self.simgan(&format!("train --run run --resume {more}"))
    }

    /// Reads the bytes of a file.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }
}

pub(crate) const TINY: &str = "
recipe = \"demo\"
[data]
synthetic = [\"synthetic\"]
real = [\"real\"]
tone = \"none\"
batch = 4
workers = 1
[refiner]
features = 4
blocks = 1
[discriminator]
layers = [{ conv = { kernel = 3, stride = 2, features = 6 } }]
[history]
capacity = 6
[schedule]
pretrain_refiner = 3
pretrain_discriminator = 2
steps = 5
[output]
log_every = 1
sample_every = 4
checkpoint_every = 3
";
