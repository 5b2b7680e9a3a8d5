//! Measures the images per second of one core, for both domains at the default size and at 64×64.
//!
//! `cargo run -p simgan-hands --example hands_throughput -- [IMAGES]` renders that many for each figure. Where the
//! system tells it, the time is the thread's own processor time, so that other programs do not count.

use std::time::{Duration, Instant};

use simgan_data::{Source, Want};
use simgan_hands::{Domain, HandSimulator, HandsConfig};

#[expect(clippy::print_stdout, reason = "an example that reports")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let count: usize = std::env::args().nth(1).map_or(Ok(500), |text| text.parse())?;
    let begun = Instant::now();
    let now = || processor_time().unwrap_or_else(|| begun.elapsed());
    for domain in [Domain::Hands, Domain::Kinect] {
        for size in ["224x224", "64x64"] {
            let config = HandsConfig { size: size.parse()?, ..HandsConfig::default() };
            let source = HandSimulator::new(domain, config)?;
            for want in [Want::Image, Want::Labels] {
                let start = now();
                for index in 0..count {
                    source.sample(index, want)?;
                }
                let rate = count as f64 / (now() - start).as_secs_f64();
                println!("{domain} {size} {want:?}: {rate:.0} images/s");
            }
        }
    }
    Ok(())
}

/// The processor time of this thread, which Linux tells.
fn processor_time() -> Option<Duration> {
    let told = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    Some(Duration::from_nanos(told.split_whitespace().next()?.parse().ok()?))
}
