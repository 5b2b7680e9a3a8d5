//! Images a second on one core, in both domains.
//!
//! `cargo run --release -p simgan-eyes --example throughput -- [WIDTHxHEIGHT] [COUNT]`

use std::time::Instant;

use simgan_data::Source;
use simgan_eyes::{Domain, SimulatorConfig, builtin};

#[expect(clippy::print_stdout, reason = "an example that reports")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (width, height) =
        args.first().map_or("55x35", String::as_str).split_once('x').ok_or("WIDTHxHEIGHT")?;
    let count: usize = args.get(1).map_or("1000", String::as_str).parse()?;
    let config =
        SimulatorConfig { width: width.parse()?, height: height.parse()?, ..SimulatorConfig::default() };
    for domain in [Domain::Eyes, Domain::Camera] {
        let simulator = builtin(domain, config.clone())?;
        let start = Instant::now();
        for index in 0..count {
            std::hint::black_box(simulator.sample(index)?);
        }
        println!("{domain}: {:.0} images/s", count as f64 / start.elapsed().as_secs_f64());
    }
    Ok(())
}
