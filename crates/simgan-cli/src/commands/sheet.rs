//! `simgan inspect --sheet`: images of several sources on one page.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use simgan_data::{Fitted, Image, ImageFile, ImageFormat, Pixels, Size, Source, Target, Want};

use crate::arguments::InspectArguments;
use crate::commands::open_source;
use crate::console::print;
use crate::failure::usage;

/// Images in a row.
const COLUMNS: usize = 10;
/// Images narrower than this are shown larger, by a whole number.
const MIN_WIDTH: usize = 110;
/// Pixels between images, and between the blocks of two sources.
const GAPS: [usize; 2] = [3, 12];

/// Writes the sheet and says what it shows.
pub(crate) fn write(path: &Path, arguments: &InspectArguments) -> Result<()> {
    if ImageFormat::from_path(path) != Some(ImageFormat::Png) {
        bail!(usage(format!("{}: a sheet is a PNG", path.display())).hint("give a name that ends in .png"));
    }
    let sources = arguments.what.iter().map(|name| open_source(name)).collect::<Result<Vec<_>>>()?;
    let mut sheet = Sheet::new(arguments.size, arguments.rows, sources.len());
    for (block, source) in sources.into_iter().enumerate() {
        sheet.fill(block, source)?;
    }
    ImageFile::new(sheet.into_image(), ImageFormat::Png).save(path)?;
    print(&format!(
        "{}: from top to bottom {} images each of {}\n",
        path.display(),
        arguments.rows * COLUMNS,
        arguments.what.join(", ")
    ))
}

/// A gray page; blocks one under the other, each of some rows.
struct Sheet {
    size: Size,
    scale: usize,
    rows: usize,
    width: usize,
    pixels: Vec<u8>,
}

impl Sheet {
    fn new(size: Size, rows: usize, n_blocks: usize) -> Self {
        let scale = MIN_WIDTH.div_ceil(size.width);
        let width = COLUMNS * (size.width * scale + GAPS[0]);
        let height = n_blocks * (rows * (size.height * scale + GAPS[0]) + GAPS[1]);
        Self { size, scale, rows, width, pixels: vec![255; width * height] }
    }

    /// Shows images of a source, evenly spread over it; fewer if it has fewer.
    fn fill(&mut self, block: usize, source: Arc<dyn Source>) -> Result<()> {
        let target = Target { size: Some(self.size), channels: Some(1), ..Target::default() };
        let source = Fitted::new(source, target);
        let n_images = (self.rows * COLUMNS).min(source.len());
        let [tile_width, tile_height] =
            [self.size.width, self.size.height].map(|side| side * self.scale + GAPS[0]);
        for place in 0..n_images {
            let image = source.sample(place * source.len() / n_images, Want::Image)?.image;
            let top = block * (self.rows * tile_height + GAPS[1]) + place / COLUMNS * tile_height;
            self.paste(&image, place % COLUMNS * tile_width, top);
        }
        Ok(())
    }

    fn paste(&mut self, image: &Image, left: usize, top: usize) {
        let values = image.to_unit();
        for row in 0..self.size.height * self.scale {
            let line = &values[row / self.scale * self.size.width..][..self.size.width];
            let start = (top + row) * self.width + left;
            let shown = &mut self.pixels[start..start + self.size.width * self.scale];
            for (col, pixel) in shown.iter_mut().enumerate() {
                *pixel = ((line[col / self.scale] + 1.0) * 127.5).round() as u8;
            }
        }
    }

    fn into_image(self) -> Image {
        Image::new(1, self.pixels.len() / self.width, self.width, Pixels::U8(self.pixels))
    }
}

#[cfg(test)]
mod tests {
    use simgan_data::{MemorySource, Sample};

    use super::*;

    #[test]
    fn blocks_lie_under_each_other() {
        let source = |level: u8| -> Arc<dyn Source> {
            let image = Image::new(1, 5, 60, Pixels::U8(vec![level; 300]));
            let sample = Sample::new("x", image);
            Arc::new(MemorySource::new(vec![sample; 13]).unwrap())
        };
        let mut sheet = Sheet::new("60x5".parse().unwrap(), 2, 2);
        sheet.fill(0, source(10)).unwrap();
        sheet.fill(1, source(20)).unwrap();
        let image = sheet.into_image();
        let spec = image.spec();
        assert_eq!((spec.width, spec.height), (10 * 123, 2 * (2 * 13 + 12)));
        let Pixels::U8(pixels) = image.pixels() else { panic!("8 bits") };
        let at = |x: usize, y: usize| pixels[y * spec.width + x];
        assert_eq!([at(0, 0), at(119, 9), at(120, 0), at(0, 10)], [10, 10, 255, 255]);
        // The second row has three images.
        assert_eq!([at(2 * 123, 13), at(3 * 123, 13), at(0, 38), at(9 * 123, 38)], [10, 255, 20, 20]);
    }
}
