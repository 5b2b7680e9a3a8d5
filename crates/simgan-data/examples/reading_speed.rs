//! Measures how fast data sets are read with one thread: the Rust half of `reading_speed.py`, which runs both
//! halves in turn.
//!
//! `reading_speed mat FILE…`, `reading_speed unityeyes FOLDER` and `reading_speed packed FILE` print seconds
//! per item: per file, per pair decoded, cropped and resized to 55×35, and per image in batches of 512.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use simgan_data::mat::{self, Limits};
use simgan_data::{
    Crop, Fitted, Loader, LoaderOptions, Packed, Sampler, Source, Target, UnityEyes, UnityEyesOptions, Want,
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let secs = match arguments.split_first() {
        Some((kind, files)) if kind == "mat" => mat_files(files)?,
        Some((kind, [folder])) if kind == "unityeyes" => unityeyes(folder)?,
        Some((kind, [file])) if kind == "packed" => packed(file)?,
        _ => return Err("mat FILE…, unityeyes FOLDER or packed FILE".into()),
    };
    #[expect(clippy::print_stdout, reason = "the program exists to print this")]
    {
        println!("{secs}");
    }
    Ok(())
}

/// Times the second run, because all but the first of Python's rounds are warm too.
fn second_time(mut work: impl FnMut() -> Result<(), Box<dyn Error>>) -> Result<f64, Box<dyn Error>> {
    work()?;
    let started = Instant::now();
    work()?;
    Ok(started.elapsed().as_secs_f64())
}

fn mat_files(paths: &[String]) -> Result<f64, Box<dyn Error>> {
    let read_all = || -> Result<(), Box<dyn Error>> {
        for path in paths {
            mat::read(&std::fs::read(path)?, &Limits::default())?;
        }
        Ok(())
    };
    Ok(second_time(read_all)? / paths.len() as f64)
}

fn unityeyes(folder: &str) -> Result<f64, Box<dyn Error>> {
    let options = UnityEyesOptions { crop: Crop::Fixed, channels: Some(1) };
    let eyes = UnityEyes::open(Path::new(folder), options)?;
    let target = Target { size: Some("55x35".parse()?), channels: Some(1), ..Target::default() };
    let eyes = Fitted::new(Arc::new(eyes), target);
    let n = eyes.len();
    Ok(second_time(|| Ok((0..n).try_for_each(|index| eyes.sample(index, Want::Labels).map(drop))?))?
        / n as f64)
}

fn packed(file: &str) -> Result<f64, Box<dyn Error>> {
    let source = Arc::new(Packed::open(Path::new(file))?);
    let (batch, n_batches) = (512, 100);
    let options = LoaderOptions { batch, workers: 1, ..LoaderOptions::default() };
    let mut loader = Loader::new(Arc::clone(&source) as _, Sampler::new(source.len(), 1), options)?;
    let read = || Ok((0..n_batches).try_for_each(|_| loader.next_batch().map(drop))?);
    Ok(second_time(read)? / (batch * n_batches) as f64)
}
