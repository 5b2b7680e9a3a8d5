//! Images a second on one core, of each simulator; of UnityEyes too if its assets are there.
//!
//! `cargo run --release -p simgan-eyes --example throughput -- [WIDTHxHEIGHT] [COUNT] [UNITYEYES]`

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use simgan_data::Source;
use simgan_eyes::{Assets, Domain, SimulatorConfig, builtin, unityeyes};

#[expect(clippy::print_stdout, reason = "an example that reports")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (width, height) =
        args.first().map_or("55x35", String::as_str).split_once('x').ok_or("WIDTHxHEIGHT")?;
    let count: usize = args.get(1).map_or("1000", String::as_str).parse()?;
    let config =
        SimulatorConfig { width: width.parse()?, height: height.parse()?, ..SimulatorConfig::default() };
    let mut simulators =
        vec![builtin(Domain::Eyes, config.clone())?, builtin(Domain::Camera, config.clone())?];
    if let Some(folder) = args.get(2) {
        let start = Instant::now();
        let assets = Arc::new(Assets::open(Path::new(folder))?);
        println!("UnityEyes' assets read in {:.1} s", start.elapsed().as_secs_f64());
        simulators.push(unityeyes(assets, config)?);
    }
    for simulator in simulators {
        let start = Instant::now();
        for index in 0..count {
            std::hint::black_box(simulator.sample(index)?);
        }
        println!("{}: {:.0} images/s", simulator.name(), count as f64 / start.elapsed().as_secs_f64());
    }
    Ok(())
}
