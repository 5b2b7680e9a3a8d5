//! Writes a contact sheet of both built-in domains as PNG, to be looked at beside real images.
//!
//! `cargo run -p simgan-eyes --example contact_sheet -- OUT.png [WIDTHxHEIGHT] [ROWS] [SEED]`

use image::{GrayImage, imageops};
use simgan_data::Pixels;
use simgan_eyes::{Domain, Simulator, SimulatorConfig, builtin};

const COLUMNS: u32 = 8;
const GAP: u32 = 3;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let path = args.first().ok_or("usage: contact_sheet OUT.png [WIDTHxHEIGHT] [ROWS] [SEED]")?;
    let (width, height) =
        args.get(1).map_or("55x35", String::as_str).split_once('x').ok_or("WIDTHxHEIGHT")?;
    let rows: u32 = args.get(2).map_or("4", String::as_str).parse()?;
    let config = SimulatorConfig {
        width: width.parse()?,
        height: height.parse()?,
        seed: args.get(3).map_or("0", String::as_str).parse()?,
        ..SimulatorConfig::default()
    };
    let zoom = (220 / config.width as u32).max(1);
    let (cell_width, cell_height) = (config.width as u32 * zoom + GAP, config.height as u32 * zoom + GAP);
    let mut sheet = GrayImage::new(COLUMNS * cell_width, 2 * rows * cell_height);
    for (half, domain) in [Domain::Eyes, Domain::Camera].into_iter().enumerate() {
        let simulator = builtin(domain, config.clone())?;
        for cell in 0..rows * COLUMNS {
            let tile = tile(&simulator, cell as usize, zoom);
            let row = half as u32 * rows + cell / COLUMNS;
            imageops::replace(
                &mut sheet,
                &tile,
                i64::from(cell % COLUMNS * cell_width),
                i64::from(row * cell_height),
            );
        }
    }
    sheet.save(path)?;
    Ok(())
}

fn tile(simulator: &Simulator, index: usize, zoom: u32) -> GrayImage {
    let config = simulator.config();
    let (width, height) = (config.width as u32, config.height as u32);
    let rendered = simulator.render(index);
    let Pixels::U8(values) = rendered.image.pixels() else { unreachable!("renders have 8 bits") };
    let image = GrayImage::from_fn(width, height, |x, y| image::Luma([values[(y * width + x) as usize]]));
    imageops::resize(&image, width * zoom, height * zoom, imageops::FilterType::CatmullRom)
}
