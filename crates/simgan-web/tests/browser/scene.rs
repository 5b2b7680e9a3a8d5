//! Runs to show, really trained on small images of eyes, and a server that shows them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::JoinHandle;

use candle_core::Device;
use simgan_data::Registry;
use simgan_train::{Event, Recipe, RunDir, Sources, TrainConfig, Trainer, run};
use simgan_web::{Server, ServerOptions, WebError};

/// One browser test at a time: several would starve each other on few cores.
static TURN: Mutex<()> = Mutex::new(());

/// Takes the turn of a test; `None`, and a word on standard error, where no browser is to be driven.
pub(crate) fn turn() -> Option<MutexGuard<'static, ()>> {
    if std::env::var_os("SIMGAN_TEST_BROWSER").is_none() {
        // Not by `eprintln!`, which is only shown of tests that fail.
        let _ = writeln!(std::io::stderr(), "skipped: SIMGAN_TEST_BROWSER is not set");
        return None;
    }
    Some(TURN.lock().unwrap_or_else(PoisonError::into_inner))
}

/// The built-in eyes.
pub(crate) fn registry() -> Registry {
    Registry::default().with(simgan_eyes::Simulators)
}

/// A run in the making. It is asked to stop when dropped.
pub(crate) struct Training {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Training {
    /// Starts a small run at `path`, as the demo does, with other settings.
    pub(crate) fn start(path: &Path, steps: u64, more: &[&str]) -> Self {
        let small = ["data.batch=4", "refiner.features=8", "refiner.blocks=1", "history.capacity=16"];
        let output = ["output.log_every=1", "output.sample_every=10", "output.checkpoint_every=20"];
        let short = ["schedule.pretrain_refiner=20", "schedule.pretrain_discriminator=10"];
        let set = [&small[..], &output, &short, more].concat();
        let mut set: Vec<String> = set.into_iter().map(str::to_owned).collect();
        set.push(format!("schedule.steps={steps}"));
        let config = TrainConfig::resolve(Some(Recipe::Demo), None, &set).unwrap();
        let sources = Sources::open(&config, &registry()).unwrap();
        let folder = RunDir::create(path, &config).unwrap();
        let mut trainer = Trainer::new(config, &sources, &Device::Cpu).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let train = move || {
            run(&mut trainer, &folder, &mut |_: &Event| {}, &asked).unwrap();
        };
        Self { stop, thread: Some(std::thread::spawn(train)) }
    }

    /// Waits until the run ends by itself.
    pub(crate) fn end(mut self) {
        self.thread.take().unwrap().join().unwrap();
    }
}

impl Drop for Training {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// A folder with two finished runs, `first` and `second`, trained once for all tests.
pub(crate) fn runs() -> &'static Path {
    static RUNS: OnceLock<PathBuf> = OnceLock::new();
    RUNS.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("browser-runs");
        let _ = std::fs::remove_dir_all(&folder);
        Training::start(&folder.join("first"), 60, &["selection.every=40"]).end();
        Training::start(&folder.join("second"), 40, &["loss.lambda=2"]).end();
        folder
    })
}

/// A server on a free port, until it is dropped.
pub(crate) struct Served {
    url: String,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<(), WebError>>>,
}

impl Served {
    pub(crate) fn start(runs: &[&Path], tests: &[&Path]) -> Self {
        let owned = |paths: &[&Path]| paths.iter().map(|path| path.to_path_buf()).collect();
        let options =
            ServerOptions { runs: owned(runs), tests: owned(tests), ..ServerOptions::new("127.0.0.1:0") };
        let server = Server::bind(options).unwrap();
        let (url, stop) = (server.url(), Arc::new(AtomicBool::new(false)));
        let asked = Arc::clone(&stop);
        Self { url, stop, thread: Some(std::thread::spawn(move || server.run(&asked))) }
    }

    /// The address of a page, whose path begins with a slash.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url.trim_end_matches('/'))
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let ended = self.thread.take().map(JoinHandle::join);
        if !std::thread::panicking() {
            ended.unwrap().unwrap().unwrap();
        }
    }
}
