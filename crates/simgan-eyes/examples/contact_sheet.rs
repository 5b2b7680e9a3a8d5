//! Writes a contact sheet of the simulators as PNG, to be looked at beside real images: rows of `builtin:eyes`, of `builtin:camera`, and
//! with UnityEyes' assets of its own ranges and of the preset for MPIIGaze.
//!
//! `cargo run -p simgan-eyes --example contact_sheet -- OUT.png [WIDTHxHEIGHT] [ROWS] [SEED] [UNITYEYES] [CROP_MM]`

use std::path::Path;
use std::sync::Arc;

use image::{GrayImage, imageops};
use simgan_data::Pixels;
use simgan_eyes::{Assets, Domain, Simulator, SimulatorConfig, builtin, unityeyes};

const COLUMNS: u32 = 8;
const GAP: u32 = 3;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let path = args
        .first()
        .ok_or("usage: contact_sheet OUT.png [WIDTHxHEIGHT] [ROWS] [SEED] [UNITYEYES] [CROP_MM]")?;
    let (width, height) =
        args.get(1).map_or("55x35", String::as_str).split_once('x').ok_or("WIDTHxHEIGHT")?;
    let (width, height) = (width.parse()?, height.parse()?);
    let rows: u32 = args.get(2).map_or("4", String::as_str).parse()?;
    let seed = args.get(3).map_or("0", String::as_str).parse()?;
    let crop_mm = args.get(5).map_or("37.5", String::as_str).parse()?;
    let sized = |config| SimulatorConfig { seed, width, height, crop_mm, ..config };
    let mut simulators = vec![
        builtin(Domain::Eyes, sized(SimulatorConfig::default()))?,
        builtin(Domain::Camera, sized(SimulatorConfig::default()))?,
    ];
    if let Some(folder) = args.get(4) {
        let assets = Arc::new(Assets::open(Path::new(folder))?);
        simulators.push(unityeyes(Arc::clone(&assets), sized(SimulatorConfig::unityeyes()))?);
        simulators.push(unityeyes(assets, sized(SimulatorConfig::unityeyes_mpiigaze()))?);
    }
    sheet(&simulators, rows).save(path)?;
    Ok(())
}

fn sheet(simulators: &[Simulator], rows: u32) -> GrayImage {
    let config = simulators[0].config();
    let zoom = (220 / config.width as u32).max(1);
    let (cell_width, cell_height) = (config.width as u32 * zoom + GAP, config.height as u32 * zoom + GAP);
    let mut sheet = GrayImage::new(COLUMNS * cell_width, simulators.len() as u32 * rows * cell_height);
    for (part, simulator) in simulators.iter().enumerate() {
        for cell in 0..rows * COLUMNS {
            let row = part as u32 * rows + cell / COLUMNS;
            let (left, top) = (cell % COLUMNS * cell_width, row * cell_height);
            imageops::replace(
                &mut sheet,
                &tile(simulator, cell as usize, zoom),
                i64::from(left),
                i64::from(top),
            );
        }
    }
    sheet
}

fn tile(simulator: &Simulator, index: usize, zoom: u32) -> GrayImage {
    let config = simulator.config();
    let (width, height) = (config.width as u32, config.height as u32);
    let rendered = simulator.render(index);
    let Pixels::U8(values) = rendered.image.pixels() else { unreachable!("renders have 8 bits") };
    let image = GrayImage::from_fn(width, height, |x, y| image::Luma([values[(y * width + x) as usize]]));
    imageops::resize(&image, width * zoom, height * zoom, imageops::FilterType::CatmullRom)
}
