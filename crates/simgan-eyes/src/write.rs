use std::ops::Range;
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};
use rayon::prelude::*;
use simgan_data::{Image, Pixels, Source, write_atomic};

use crate::{EyesError, Simulator};

/// UnityEyes writes Unity's default, 75, whose artefacts show on images as small as crops.
const JPEG_QUALITY: u8 = 95;

impl Simulator {
    /// Writes `N.jpg` and `N.json` for each index of `range` into `folder`, as UnityEyes does; films that end
    /// into a folder each, `FILM/FRAME.jpg`. Returns the number of images rendered.
    ///
    /// Files appear whole or not at all, the record last. An index that already has its image and an
    /// identical record is skipped, so that a second call continues an interrupted one; other files of these
    /// names are overwritten. Runs on rayon's current pool; the files do not depend on the number of threads.
    ///
    /// # Errors
    /// Fails if a file or folder cannot be written, and names it. Finished files stay.
    ///
    /// # Panics
    /// Panics if the range ends after the last sample.
    pub fn render_to(&self, folder: &Path, range: Range<usize>) -> Result<usize, EyesError> {
        assert!(range.end <= self.config().samples, "samples {range:?} of {}", self.config().samples);
        std::fs::create_dir_all(folder)
            .map_err(|source| EyesError::Folder { path: folder.to_owned(), source })?;
        let written: Vec<bool> =
            range.into_par_iter().map(|index| self.render_one(folder, index)).collect::<Result<_, _>>()?;
        Ok(written.into_iter().filter(|was_written| *was_written).count())
    }

    /// Returns the record on one line, as [`Simulator::render_to`] writes it.
    ///
    /// # Panics
    /// Panics if `index` is not less than the number of samples.
    #[must_use]
    pub fn record_text(&self, index: usize) -> String {
        format!("{}\n", self.record(index))
    }

    /// Writes one image and its record. Returns whether there was anything to write.
    fn render_one(&self, folder: &Path, index: usize) -> Result<bool, EyesError> {
        let name = Source::name(self, index)?;
        let image_path = folder.join(format!("{name}.jpg"));
        let record_path = folder.join(format!("{name}.json"));
        let film = image_path.parent().unwrap_or(folder);
        std::fs::create_dir_all(film)
            .map_err(|source| EyesError::Folder { path: film.to_owned(), source })?;
        let record = self.record_text(index);
        // The record is written last, so an identical one means a finished pair.
        let is_done = std::fs::read(&record_path).is_ok_and(|bytes| bytes == record.as_bytes());
        if is_done && image_path.is_file() {
            return Ok(false);
        }
        write_atomic(&image_path, &jpeg(&image_path, &self.render(index).image)?)?;
        write_atomic(&record_path, record.as_bytes())?;
        Ok(true)
    }
}

fn jpeg(path: &Path, image: &Image) -> Result<Vec<u8>, EyesError> {
    let spec = image.spec();
    let Pixels::U8(planar) = image.pixels() else { unreachable!("renders have 8 bits") };
    // `Image` is planar, the encoder takes interleaved channels.
    let plane = spec.width * spec.height;
    let interleaved: Vec<u8> = (0..plane)
        .flat_map(|idx| (0..spec.channels).map(move |channel| planar[channel * plane + idx]))
        .collect();
    let color = if spec.channels == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY)
        .write_image(&interleaved, spec.width as u32, spec.height as u32, color)
        .map_err(|source| EyesError::Encode { path: path.to_owned(), source })?;
    Ok(bytes)
}
