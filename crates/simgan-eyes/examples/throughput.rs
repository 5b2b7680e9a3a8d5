//! Measures the images per second of each simulator, for crops at 4×4 samples per pixel and for large images:
//! with labels on one thread and on two, images alone, and labels alone. Skips UnityEyes if its assets are
//! missing.
//!
//! `cargo run -p simgan-eyes --example throughput -- [SECONDS]` measures each figure for that long.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use simgan_data::{Source, Want};
use simgan_eyes::{Aim, EyesError, Preset, Simulator, SimulatorConfig, SimulatorName};

#[expect(clippy::print_stdout, reason = "an example that reports")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let secs: f64 = std::env::args().nth(1).map_or(Ok(2.0), |text| text.parse())?;
    for name in ["builtin:eyes:mpiigaze", "unityeyes:mpiigaze"] {
        let name: SimulatorName = name.parse()?;
        let crop = name.config();
        let plain = SimulatorName { preset: Preset::Wide, ..name }.config();
        let large = SimulatorConfig { width: 640, height: 480, crop_mm: 80.0, aim: Aim::Eyeball, ..plain };
        for (what, config) in [("60x36", crop), ("640x480", large)] {
            let simulator = match name.open(config) {
                Err(EyesError::NoAssets { .. }) => continue,
                simulator => simulator?,
            };
            let image = |index| drop(simulator.sample(index, Want::Labels));
            let label = |index| drop(simulator.label(index));
            let (one, two) = (rate(&simulator, 1, secs, &image), rate(&simulator, 2, secs, &image));
            let images = rate(&simulator, 1, secs, &|index| drop(simulator.sample(index, Want::Image)));
            let labels = rate(&simulator, 1, secs, &label);
            println!(
                "{name} {what}: {one:.0} images/s on one thread, {two:.0} on two ({:.2} times), without labels {images:.0}, {labels:.0} labels/s",
                two / one
            );
        }
    }
    Ok(())
}

/// Returns the images per second over about `secs` seconds; each thread takes the next index.
fn rate(simulator: &Simulator, n_threads: usize, secs: f64, work: &(impl Fn(usize) + Sync)) -> f64 {
    let next = AtomicUsize::new(0);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..n_threads {
            scope.spawn(|| {
                while start.elapsed().as_secs_f64() < secs {
                    work(next.fetch_add(1, Ordering::Relaxed) % simulator.len());
                }
            });
        }
    });
    next.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64()
}
