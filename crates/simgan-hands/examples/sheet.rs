//! Draws a contact sheet of both domains for people to look at, near depths light: the clean hands first.
//!
//! `cargo run -p simgan-hands --example sheet -- FILE.png [COUNT [SETTING…]]`

use std::path::Path;

use simgan_data::{Image, ImageFile, ImageFormat, Pixels, Source, Want};
use simgan_hands::{Domain, HandSimulator, HandsConfig};

const COLUMNS: usize = 8;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().unwrap_or_else(|| "hands.png".to_owned());
    let count: usize = arguments.next().map_or(Ok(24), |text| text.parse())?;
    let mut config = HandsConfig::default();
    arguments.try_for_each(|setting| config.set(&setting))?;
    let (size, rows) = (config.size, count.div_ceil(COLUMNS));
    let mut sheet = vec![0; 2 * rows * size.height * COLUMNS * size.width];
    for (half, domain) in [Domain::Hands, Domain::Kinect].into_iter().enumerate() {
        let source = HandSimulator::new(domain, config.clone())?;
        for index in 0..count {
            let image = source.sample(index, Want::Image)?.image;
            let top = (half * rows + index / COLUMNS) * size.height;
            for (row, line) in gray(&image).chunks(size.width).enumerate() {
                let at = ((top + row) * COLUMNS + index % COLUMNS) * size.width;
                sheet[at..at + size.width].copy_from_slice(line);
            }
        }
    }
    let sheet = Image::new(1, 2 * rows * size.height, COLUMNS * size.width, Pixels::U8(sheet));
    ImageFile::new(sheet, ImageFormat::Png).save(Path::new(&path))?;
    Ok(())
}

/// Stretches an image's depths over the gray scale, from the nearest to the farthest.
fn gray(image: &Image) -> Vec<u8> {
    let depths: Vec<f32> = image.pixels().iter().collect();
    let measured = || depths.iter().copied().filter(|depth| *depth > 0.0);
    let (near, far) = (measured().fold(f32::INFINITY, f32::min), measured().fold(0.0, f32::max));
    let shade = |depth: f32| 250.0 - 200.0 * (depth - near) / (far - near).max(1.0);
    depths.iter().map(|depth| if *depth > 0.0 { shade(*depth) as u8 } else { 0 }).collect()
}
