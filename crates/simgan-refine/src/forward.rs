//! Refines batches of converted images, large ones tile by tile.

use std::ops::Range;

use candle_core::{Device, Result, Tensor};
use simgan_data::ImageSpec;
use simgan_models::{DrawnNoise, Noise, NoiseSource, Refiner, RefinerConfig, relief_reach};

use super::batches::MAX_BATCH_PIXELS;
use super::pixels::Refinable;

/// Refines images of one size in one batch. Each result is planar, in the refiner's channels.
pub(super) fn refine_batch(
    refiner: &Refiner,
    images: &[&Refinable],
    noise: NoiseSource,
    device: &Device,
) -> Result<Vec<Vec<f32>>> {
    let Some(first) = images.first() else {
        return Ok(Vec::new());
    };
    let ImageSpec { height, width, .. } = first.spec();
    let channels = refiner.channels();
    // An image this large is alone in its batch (`Batches`).
    if height * width > MAX_BATCH_PIXELS {
        let shape = [channels, height, width];
        return images
            .iter()
            .map(|image| {
                let drawn = noise.draw(&image.values, height * width, refiner.config());
                refine_tiled(refiner, &image.values, shape, &drawn, TILE, device)
            })
            .collect();
    }
    let values: Vec<f32> = images.iter().flat_map(|image| image.values.iter().copied()).collect();
    let synthetic = Tensor::from_vec(values, (images.len(), channels, height, width), device)?;
    let drawn = images.iter().map(|image| noise.draw(&image.values, height * width, refiner.config()));
    let refined = refine(refiner, &synthetic, &drawn.collect::<Vec<_>>())?.flatten_all()?.to_vec1::<f32>()?;
    Ok(refined.chunks_exact(channels * height * width).map(<[f32]>::to_vec).collect())
}

/// Refines `(N, C, H, W)` with the noise of each image, one after another.
fn refine(refiner: &Refiner, synthetic: &Tensor, drawn: &[DrawnNoise]) -> Result<Tensor> {
    let (_, _, height, width) = synthetic.dims4()?;
    let noise = Noise::of_images(refiner.config(), drawn, [height, width], synthetic.device())?;
    refiner.forward_with(synthetic, &noise)
}

/// Side in pixels of the tiles that images above [`MAX_BATCH_PIXELS`] are cut into.
const TILE: usize = 512;

/// Refines planar values of shape `[C, H, W]` tile by tile, with the result of one pass over the whole image.
/// Each tile is padded by the reach of the refiner's receptive field. Besides the result, memory depends on the
/// tile's size, and not on the image's unless the refiner takes grain.
fn refine_tiled(
    refiner: &Refiner,
    values: &[f32],
    [channels, height, width]: [usize; 3],
    noise: &DrawnNoise,
    tile: usize,
    device: &Device,
) -> Result<Vec<f32>> {
    let reach = reach(refiner.config());
    // Each row of a part of the image's channels, as a range of `values`.
    let lines = |channels: usize, rows: Range<usize>, columns: Range<usize>| {
        (0..channels)
            .flat_map(move |c| rows.clone().map(move |row| (c * height + row) * width))
            .map(move |start| start + columns.start..start + columns.end)
    };
    let mut refined = vec![0.0; values.len()];
    for (rows, padded_rows) in tiles(height, tile, reach) {
        for (columns, padded_columns) in tiles(width, tile, reach) {
            let shape = (1, channels, padded_rows.len(), padded_columns.len());
            let part = |values: &[f32], channels: usize| -> Vec<f32> {
                let lines = lines(channels, padded_rows.clone(), padded_columns.clone());
                lines.flat_map(|line| values[line].iter().copied()).collect()
            };
            let grain = part(&noise.grain, refiner.config().grain_channels);
            let padded = Tensor::from_vec(part(values, channels), shape, device)?;
            let done = refine(refiner, &padded, &[DrawnNoise { z: noise.z.clone(), grain }])?;
            let done = done.narrow(2, rows.start - padded_rows.start, rows.len())?;
            let done = done.narrow(3, columns.start - padded_columns.start, columns.len())?;
            let done = done.flatten_all()?.to_vec1::<f32>()?;
            for (line, done) in
                lines(channels, rows.clone(), columns.clone()).zip(done.chunks_exact(columns.len()))
            {
                refined[line].copy_from_slice(done);
            }
        }
    }
    Ok(refined)
}

/// Returns the radius of the refiner's receptive field in pixels.
fn reach(config: &RefinerConfig) -> usize {
    // Two convolutions a block; the output layer is 1×1 and adds nothing.
    relief_reach(config.relief) + config.stem_kernel / 2 + 2 * config.blocks * (config.kernel / 2)
}

/// Cuts `length` into ranges of `tile` and pairs each with its padded range, clipped to the image: at the
/// image's own edge the refiner's border rule must apply, as it does in a pass over the whole image.
fn tiles(length: usize, tile: usize, reach: usize) -> impl Iterator<Item = (Range<usize>, Range<usize>)> {
    (0..length).step_by(tile).map(move |start| {
        let end = (start + tile).min(length);
        (start..end, start.saturating_sub(reach)..(end + reach).min(length))
    })
}

#[cfg(test)]
mod tests {
    use candle_core::Module;
    use simgan_models::{Border, Parameters};

    use super::*;

    #[test]
    fn tiles_give_what_the_whole_image_gives() {
        for border in [Border::Replicate, Border::Zeros] {
            let config = RefinerConfig {
                features: 3,
                blocks: 2,
                kernel: 5,
                stem_kernel: 7,
                border,
                noise_channels: 2,
                grain_channels: 3,
                holes: false,
                skip: true,
                relief: 3,
            };
            let refiner = Refiner::new(&config, 3, Parameters::new(3, &Device::Cpu).var_builder()).unwrap();
            let values: Vec<f32> =
                (0..3 * 37 * 53).map(|i| ((i * 7919) % 200) as f32 / 100.0 - 1.0).collect();
            let synthetic = Tensor::from_vec(values.clone(), (1, 3, 37, 53), &Device::Cpu).unwrap();
            let noise = NoiseSource::default().draw(&values, 37 * 53, &config);
            let whole = refiner.forward(&synthetic).unwrap().flatten_all().unwrap();
            let whole = whole.to_vec1::<f32>().unwrap();
            for tile in [1, 16, 37, 100] {
                let tiled = refine_tiled(&refiner, &values, [3, 37, 53], &noise, tile, &Device::Cpu).unwrap();
                let is_near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
                assert!(
                    whole.len() == tiled.len() && whole.iter().zip(&tiled).all(is_near),
                    "{border:?}, {tile}"
                );
            }
        }
    }
}
