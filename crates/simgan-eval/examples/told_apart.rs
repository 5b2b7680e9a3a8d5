//! Measures how well a fresh classifier tells two sources of images apart: 0.5 is chance, 1 is perfect.
//!
//! `cargo run -p simgan-eval --example told_apart -- WIDTHxHEIGHT SOURCE SOURCE…` compares the first source
//! with each of the others, in gray, on equally many images of both. Half of the images are held out; results
//! are means over three seeds.

use std::sync::Arc;

use candle_core::{Device, Tensor};
use simgan_data::{Fitted, Registry, Size, Source, SourceRequest, Target, Want};
use simgan_metrics::{RealismTraining, realism};

type Failure = Box<dyn std::error::Error>;

const MOST_IMAGES: usize = 500;
const SEEDS: [u64; 3] = [0, 1, 2];

#[expect(clippy::print_stdout, reason = "an example that reports")]
fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [size, reference, others @ ..] = &args[..] else { return Err("which size, which sources?".into()) };
    let size: Size = size.parse()?;
    let reference = images(reference, size)?;
    for name in others {
        let other = images(name, size)?;
        let mut accuracies = Vec::new();
        for seed in SEEDS {
            let training = RealismTraining { seed, steps: 200, ..RealismTraining::default() };
            accuracies.push(realism(&reference, &other, &training)?.accuracy);
        }
        let mean = accuracies.iter().sum::<f64>() / accuracies.len() as f64;
        println!("{name}: told apart {mean:.3} ({accuracies:.3?})");
    }
    Ok(())
}

/// Reads evenly spread images of a source, `(N, 1, H, W)`.
fn images(name: &str, size: Size) -> Result<Tensor, Failure> {
    let registry = Registry::default().with(simgan_eyes::Simulators);
    let source = registry.open(&SourceRequest { size: Some(size), ..SourceRequest::new(name) })?;
    let target = Target { size: Some(size), channels: Some(1), ..Target::default() };
    let (source, mut values): (Arc<dyn Source>, _) = (Arc::new(Fitted::new(source, target)), Vec::new());
    let n_images = source.len().min(MOST_IMAGES);
    for idx in 0..n_images {
        values.extend(source.sample(idx * source.len() / n_images, Want::Image)?.image.to_unit());
    }
    Ok(Tensor::from_vec(values, (n_images, 1, size.height, size.width), &Device::Cpu)?)
}
