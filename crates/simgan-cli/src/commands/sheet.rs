//! `simgan inspect --sheet`: shows images of several sources on one page.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Result, bail};
use simgan_data::{
    BitDepth, Extremes, Fitted, ImageFile, ImageFormat, Sheet, SheetLayout, Size, Source, Target, ValueRange,
    Want,
};

use crate::arguments::InspectArguments;
use crate::commands::open_source;
use crate::console::print;
use crate::failure::usage;
use crate::registry::registry;

/// Images per row.
const COLUMNS: usize = 10;
/// Minimum width in pixels; narrower images are magnified by a whole number.
const MIN_WIDTH: usize = 110;
/// Pixels between images and between blocks.
const GAPS: [usize; 2] = [3, 12];

/// Writes the sheet and prints what it shows.
pub(crate) fn write(path: &Path, arguments: &InspectArguments) -> Result<()> {
    if ImageFormat::from_path(path) != Some(ImageFormat::Png) {
        bail!(usage(format!("{}: a sheet is a PNG", path.display())).hint("give a name that ends in .png"));
    }
    let registry = registry();
    let is_within = |source: &String| {
        let path = path.canonicalize().ok()?; // first: a new file replaces nothing, and finding a source walks it
        Some(path.starts_with(registry.find(source).ok()?.path()?.canonicalize().ok()?))
    };
    if let Some(source) = arguments.what.iter().find(|source| is_within(source) == Some(true)) {
        bail!(
            usage(format!("{}: would replace a file of {source}", path.display())).hint("write it elsewhere")
        );
    }
    let sources = arguments.what.iter().map(|name| open_source(name)).collect::<Result<Vec<_>>>()?;
    let mut sheet = Sheet::new(layout(arguments.size, arguments.rows, sources.len()));
    let range = range(&sources);
    for (block, source) in sources.into_iter().enumerate() {
        fill(&mut sheet, block, source, range, arguments.size, arguments.rows)?;
    }
    ImageFile::new(sheet.into_image(), ImageFormat::Png).save(path)?;
    print(&format!(
        "{}: from top to bottom {} images each of {}\n",
        path.display(),
        arguments.rows * COLUMNS,
        arguments.what.join(", ")
    ))
}

/// Lays out a gray page with one block of `rows` rows per source, from top to bottom.
fn layout(size: Size, rows: usize, blocks: usize) -> SheetLayout {
    let [gap, block_gap] = GAPS;
    SheetLayout {
        size,
        channels: 1,
        least_width: MIN_WIDTH,
        columns: COLUMNS,
        rows,
        blocks,
        gap,
        block_gap,
        margin: 0,
    }
}

/// Maximum number of images per source whose values are looked at.
const MOST_READ: usize = 32;

/// The range of values that sources of more than 8 bits use together, such as depths; `None` for 8 bits, and for
/// sources of different depths.
fn range(sources: &[Arc<dyn Source>]) -> Option<ValueRange> {
    let depth = sources.first()?.spec().depth;
    let is_meant = depth != BitDepth::Eight && sources.iter().all(|source| source.spec().depth == depth);
    let extremes = || sources.iter().flat_map(|source| Extremes::of_source(&**source, MOST_READ));
    is_meant.then(|| ValueRange::measured(&extremes().collect::<Vec<_>>(), depth)).flatten()
}

/// Fills a block with evenly spread images of a source, or with all of them if there are too few.
fn fill(
    sheet: &mut Sheet,
    block: usize,
    source: Arc<dyn Source>,
    range: Option<ValueRange>,
    size: Size,
    rows: usize,
) -> Result<()> {
    let target = Target { size: Some(size), channels: Some(1), range, ..Target::default() };
    let source = Fitted::new(source, target);
    let n_images = (rows * COLUMNS).min(source.len());
    for place in 0..n_images {
        let image = source.sample(place * source.len() / n_images, Want::Image)?.image;
        sheet.paste(block * rows + place / COLUMNS, place % COLUMNS, &image.to_unit());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use simgan_data::{Image, MemorySource, Pixels, Sample};

    use super::*;

    #[test]
    fn blocks_lie_under_each_other() {
        let source = |level: u8| -> Arc<dyn Source> {
            let image = Image::new(1, 5, 60, Pixels::U8(vec![level; 300]));
            let sample = Sample::new("x", image);
            Arc::new(MemorySource::new(vec![sample; 13]).unwrap())
        };
        let size = "60x5".parse().unwrap();
        let mut sheet = Sheet::new(layout(size, 2, 2));
        fill(&mut sheet, 0, source(10), None, size, 2).unwrap();
        fill(&mut sheet, 1, source(20), None, size, 2).unwrap();
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
