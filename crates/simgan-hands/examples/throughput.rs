//! Measures the images per second of one thread, for both domains at the default size and at 64×64.
//!
//! `cargo run -p simgan-hands --example throughput -- [SECONDS]` measures each figure for that long.

use std::time::Instant;

use simgan_data::{Source, Want};
use simgan_hands::{Domain, HandSimulator, HandsConfig};

#[expect(clippy::print_stdout, reason = "an example that reports")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let secs: f64 = std::env::args().nth(1).map_or(Ok(2.0), |text| text.parse())?;
    for domain in [Domain::Hands, Domain::Kinect] {
        for size in ["224x224", "64x64"] {
            let config = HandsConfig { size: size.parse()?, ..HandsConfig::default() };
            let source = HandSimulator::new(domain, config)?;
            for want in [Want::Image, Want::Labels] {
                let (start, mut count) = (Instant::now(), 0);
                while start.elapsed().as_secs_f64() < secs {
                    source.sample(count, want)?;
                    count += 1;
                }
                let rate = count as f64 / start.elapsed().as_secs_f64();
                println!("{domain} {size} {want:?}: {rate:.0} images/s");
            }
        }
    }
    Ok(())
}
