//! Measures the server under load: a run of 100,000 steps that grows while 100 browsers follow it.
//!
//! `cargo run --example load` prints how long pages take and the memory of the server, which runs in
//! a process of its own.

#![expect(clippy::print_stdout, reason = "the figures are its result")]

use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use simgan_train::{
    DiscriminatorReport, Event, METRICS_VERSION, Phase, Recipe, RefinerReport, RunDir, StepReport,
    TrainConfig,
};
use simgan_web::{Server, ServerOptions};

const STEPS: u64 = 100_000;
const FOLLOWERS: usize = 100;
/// Time for which pages are asked for and the run grows.
const WATCHED: Duration = Duration::from_secs(20);
/// Time between two new steps.
const STEP_EVERY: Duration = Duration::from_millis(20);
/// Its first argument makes this program the server of the folder that follows.
const SERVE: &str = "serve";

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments.get(1..) {
        Some([what, folder]) if what == SERVE => serve(Path::new(folder)),
        _ => measure(),
    }
}

/// Serves a folder until standard input ends.
fn serve(folder: &Path) -> Result<()> {
    let options = ServerOptions { runs: vec![folder.to_owned()], ..ServerOptions::new("127.0.0.1:0") };
    let server = Server::bind(options)?;
    println!("{}", server.url());
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        asked.store(true, Ordering::Relaxed);
    });
    Ok(server.run(&stop)?)
}

fn measure() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let run = folder.path().join("long");
    write_run(&run)?;
    let mut server = Command::new(std::env::current_exe()?)
        .arg(SERVE)
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let measured = measure_server(&mut server, &run);
    drop(server.stdin.take());
    server.wait()?;
    measured
}

fn measure_server(server: &mut Child, run: &Path) -> Result<()> {
    let stdout = server.stdout.take().ok_or("no standard output")?;
    let url = BufReader::new(stdout).lines().next().ok_or("the server ended")??;
    let url = url.trim_end_matches('/');
    println!("memory at the start         {:>7.1} MB", resident_mb(server.id())?);
    let pages = ["/", "/runs/long", "/api/runs/long/curves"];
    for page in pages {
        println!("first {page:<22} {:>7.1} ms", get(&format!("{url}{page}"))?.as_secs_f64() * 1e3);
    }
    std::thread::sleep(Duration::from_secs(5)); // a long run is read in the background
    println!("memory, run read            {:>7.1} MB", resident_mb(server.id())?);
    let stop = Arc::new(AtomicBool::new(false));
    let followers: Vec<Follower> = (0..FOLLOWERS).map(|_| Follower::start(url)).collect::<Result<_>>()?;
    let growing = grow(run, &stop)?;
    let mut times = [const { Vec::new() }; 3];
    let begun = Instant::now();
    while begun.elapsed() < WATCHED {
        for (page, times) in pages.iter().zip(&mut times) {
            times.push(get(&format!("{url}{page}"))?);
        }
        std::thread::sleep(Duration::from_millis(100));
        if times[0].len() == 5 {
            println!("memory, {FOLLOWERS} followers       {:>7.1} MB", resident_mb(server.id())?);
        }
    }
    println!("memory, after {:>2.0} s          {:>7.1} MB", WATCHED.as_secs_f64(), resident_mb(server.id())?);
    stop.store(true, Ordering::Relaxed);
    growing.join().map_err(|_| "the run's thread panicked")??;
    std::thread::sleep(Duration::from_secs(2)); // the last news
    for (page, times) in pages.iter().zip(&mut times) {
        times.sort();
        let ms = |time: Option<&Duration>| time.map_or(f64::NAN, |time| time.as_secs_f64() * 1e3);
        let (median, most) = (ms(times.get(times.len() / 2)), ms(times.last()));
        println!("{page:<26} median {median:>6.1} ms, longest {most:>6.1} ms of {} times", times.len());
    }
    let received = followers.iter().map(|follower| follower.n_bytes.load(Ordering::Relaxed));
    let (least, most) = received.fold((u64::MAX, 0), |(least, most), n| (least.min(n), most.max(n)));
    println!("each follower got           {least} to {most} bytes of news");
    Ok(())
}

/// A browser that follows the run's news.
struct Follower {
    n_bytes: Arc<AtomicU64>,
}

impl Follower {
    /// Connects; a thread reads until the server ends.
    fn start(url: &str) -> Result<Self> {
        let host = url.trim_start_matches("http://");
        let mut stream = TcpStream::connect(host)?;
        write!(
            stream,
            "GET /api/runs/long/news HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\n\r\n"
        )?;
        let n_bytes = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&n_bytes);
        std::thread::Builder::new().stack_size(64 << 10).spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(n @ 1..) = stream.read(&mut buffer) {
                counted.fetch_add(n as u64, Ordering::Relaxed);
            }
        })?;
        Ok(Self { n_bytes })
    }
}

/// Appends steps as a trainer does.
fn grow(run: &Path, stop: &Arc<AtomicBool>) -> Result<JoinHandle<Result<()>>> {
    let mut metrics = File::options().append(true).open(run.join("metrics.jsonl"))?;
    let stop = Arc::clone(stop);
    Ok(std::thread::spawn(move || {
        for step in STEPS + 1.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            writeln!(metrics, "{}", serde_json::to_string(&step_event(step))?)?;
            std::thread::sleep(STEP_EVERY);
        }
        Ok(())
    }))
}

fn write_run(path: &Path) -> Result<()> {
    let config = TrainConfig::resolve(Some(Recipe::Demo), None, &[format!("schedule.steps={}", 2 * STEPS)])?;
    RunDir::create(path, &config)?;
    let start = Event::Start {
        version: METRICS_VERSION,
        step: 0,
        total_steps: 2 * STEPS + 150,
        phase: Phase::Adversarial,
        n_synthetic: 1000,
        n_real: 1000,
    };
    let events = std::iter::once(start).chain((1..=STEPS).map(step_event));
    let lines: Vec<String> =
        events.map(|event| serde_json::to_string(&event)).collect::<std::result::Result<_, _>>()?;
    Ok(fs::write(path.join("metrics.jsonl"), lines.join("\n") + "\n")?)
}

/// A step whose figures wander.
fn step_event(step: u64) -> Event {
    let t = step as f64 / 1000.0;
    let refiner = RefinerReport {
        loss: 1.0 + 0.2 * t.sin(),
        adversarial: Some(0.7 + 0.1 * t.cos()),
        self_regularization: 0.05,
        change: 0.04,
        gradient_norm: 1.0,
        ..RefinerReport::default()
    };
    let discriminator = DiscriminatorReport {
        loss: 1.3 + 0.1 * t.cos(),
        loss_real: 0.65,
        loss_refined: 0.65,
        accuracy_real: 0.6,
        accuracy_refined: 0.55,
        accuracy_history: Some(0.5),
        gradient_norm: 1.0,
    };
    Event::Step(StepReport {
        step,
        phase: Phase::Adversarial,
        phase_step: step,
        refiner: Some(refiner),
        discriminator: Some(discriminator),
        images_per_sec: 300.0,
        n_skipped: 0,
    })
}

/// Gets a page and returns how long it took.
fn get(address: &str) -> Result<Duration> {
    let begun = Instant::now();
    ureq::get(address).call()?.into_body().read_to_vec()?;
    Ok(begun.elapsed())
}

/// The memory that a process occupies, in MB; Linux tells it.
fn resident_mb(process: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kb: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kb / 1024.0)
}
