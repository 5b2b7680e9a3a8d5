//! Images as subjects get them: nothing but their pixels differs between kinds.

use candle_core::{Device, Module, Tensor};
use simgan_data::{BitDepth, Image, ImageSpec, Tone};
use simgan_refine::RefineModel;

use crate::turing::TuringError;

/// Number of images in one forward pass.
const BATCH: usize = 16;

/// Refines images of one size. They have the refiner's channels, and its range if it has one. What was not
/// measured stays so, as in refined files.
pub(super) fn refine(
    model: &RefineModel,
    images: &[&Image],
    device: &Device,
) -> Result<Vec<Vec<f32>>, TuringError> {
    let mut refined = Vec::with_capacity(images.len());
    for batch in images.chunks(BATCH) {
        refined.extend(refine_batch(model, batch, device)?);
    }
    for (image, values) in images.iter().zip(&mut refined) {
        let measured = image.pixels().iter().map(f32::is_finite);
        values
            .iter_mut()
            .zip(measured)
            .filter(|(_, is_measured)| !is_measured)
            .for_each(|(value, _)| *value = -1.0);
    }
    Ok(refined)
}

fn refine_batch(
    model: &RefineModel,
    images: &[&Image],
    device: &Device,
) -> Result<Vec<Vec<f32>>, candle_core::Error> {
    let Some(ImageSpec { channels, height, width, .. }) = images.first().map(|image| image.spec()) else {
        return Ok(Vec::new());
    };
    let toned =
        |image: &Image| model.tone().map_or(image.to_unit(), |tone: &Tone| tone.apply(image).to_unit());
    let values: Vec<Vec<f32>> = images.iter().copied().map(toned).collect();
    let synthetic = Tensor::from_vec(values.concat(), (images.len(), channels, height, width), device)?;
    let refined = model.refiner().forward(&synthetic)?;
    let refined = refined.flatten_all()?.to_vec1::<f32>()?;
    Ok(refined.chunks_exact(channels * height * width).map(<[f32]>::to_vec).collect())
}

/// Encodes values in [−1, 1] as a PNG of 8 bits, without filters, compression or metadata: all files of one
/// size are equally long, whatever they show.
pub(super) fn encode(spec: ImageSpec, values: &[f32]) -> Vec<u8> {
    let spec = ImageSpec { depth: BitDepth::Eight, ..spec };
    let image = Image::from_unit(spec, values);
    let n_pixels = spec.height * spec.width;
    let planes: Vec<u8> = image.pixels().iter().map(|value| value as u8).collect();
    let mut rows = Vec::with_capacity(spec.height * (1 + spec.channels * spec.width));
    for row in 0..spec.height {
        rows.push(0); // no filter
        for pixel in row * spec.width..(row + 1) * spec.width {
            rows.extend((0..spec.channels).map(|channel| planes[channel * n_pixels + pixel]));
        }
    }
    png(spec, &rows)
}

fn png(spec: ImageSpec, rows: &[u8]) -> Vec<u8> {
    let color = if spec.channels == 1 { 0 } else { 2 };
    let [width, height] = [spec.width, spec.height].map(|side| (side as u32).to_be_bytes());
    let header = [&width[..], &height, &[8, color, 0, 0, 0]].concat();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut file, *b"IHDR", &header);
    chunk(&mut file, *b"IDAT", &stored(rows));
    chunk(&mut file, *b"IEND", &[]);
    file
}

fn chunk(file: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    file.extend((data.len() as u32).to_be_bytes());
    let start = file.len();
    file.extend(name);
    file.extend(data);
    let sum = crc32(&file[start..]);
    file.extend(sum.to_be_bytes());
}

/// A zlib stream of stored blocks.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let blocks = bytes.chunks(usize::from(u16::MAX));
    let n_blocks = blocks.len();
    for (place, block) in blocks.enumerate() {
        let length = block.len() as u16;
        stream.push(u8::from(place + 1 == n_blocks));
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
    let adler = bytes.iter().fold((1u32, 0u32), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (a + b) % 65_521)
    });
    stream.extend((adler.1 << 16 | adler.0).to_be_bytes());
    stream
}

/// The checksum of PNG's chunks.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 1 { 0xEDB8_8320 ^ (crc >> 1) } else { crc >> 1 };
    !bytes.iter().fold(u32::MAX, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), step))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use simgan_data::{ImageFile, Pixels};

    use super::*;

    #[test]
    fn colour_images_of_several_blocks_are_read_back() {
        let values: Vec<u8> = (0..90_000u32).map(|at| (at * 7 % 253) as u8).collect();
        let image = Image::new(3, 200, 150, Pixels::U8(values));
        let file = encode(image.spec(), &image.to_unit());
        let read = ImageFile::decode(&file, Path::new("a.png")).unwrap().into_image();
        assert_eq!((read.spec(), read.pixels()), (image.spec(), image.pixels()));
    }
}
