//! Converts between images and the refiner's tensors.

use std::ops::Range;

use candle_core::{Device, Module, Result, Tensor};
use simgan_data::{Image, ImageSpec};
use simgan_models::{Refiner, RefinerConfig};

use super::batches::MAX_BATCH_PIXELS;

/// An image converted to the refiner's channels, with its own values where these are needed to convert back.
pub(super) struct Refinable {
    /// The image's own size, channels and depth.
    spec: ImageSpec,
    /// Planar values in [−1, 1], in the refiner's channels.
    values: Vec<f32>,
    /// The image's own planar values; `None` if it has as many channels as the refiner.
    own: Option<Vec<f32>>,
}

impl Refinable {
    /// Converts an image to `channels`: gray to RGB by repeating the plane, RGB to gray by the luma.
    pub(super) fn new(image: &Image, channels: usize) -> Self {
        let spec = image.spec();
        if spec.channels == channels {
            return Self { spec, values: image.to_unit(), own: None };
        }
        Self { spec, values: image.to_channels(channels).to_unit(), own: Some(image.to_unit()) }
    }

    pub(super) fn spec(&self) -> ImageSpec {
        self.spec
    }

    /// Converts the refiner's output to an image of the original channels and depth. Also returns the mean of
    /// |R(x) − x| over the refiner's values.
    ///
    /// Where the numbers of channels differ, the *change* is transferred rather than the values, so that an
    /// RGB image keeps its colours: red, green and blue get the luma's change; a gray image gets the mean
    /// change of the three channels.
    pub(super) fn with_refined(&self, refined: &[f32]) -> (Image, f64) {
        let change = self.values.iter().zip(refined).map(|(x, r)| f64::from((r - x).abs())).sum::<f64>();
        let change = change / refined.len() as f64;
        let Some(own) = &self.own else {
            return (Image::from_unit(self.spec, refined), change);
        };
        let n_pixels = self.spec.height * self.spec.width;
        let n_planes = (refined.len() / n_pixels) as f32;
        let change_at = |pixel: usize| -> f32 {
            let planes = (pixel..refined.len()).step_by(n_pixels);
            planes.map(|idx| refined[idx] - self.values[idx]).sum::<f32>() / n_planes
        };
        let changed: Vec<f32> =
            own.iter().enumerate().map(|(idx, v)| v + change_at(idx % n_pixels)).collect();
        (Image::from_unit(self.spec, &changed), change)
    }
}

/// Refines images of one size in one batch. Each result is planar, in the refiner's channels.
pub(super) fn refine_batch(
    refiner: &Refiner,
    images: &[&Refinable],
    device: &Device,
) -> Result<Vec<Vec<f32>>> {
    let Some(first) = images.first() else {
        return Ok(Vec::new());
    };
    let ImageSpec { height, width, .. } = first.spec;
    let channels = refiner.channels();
    let values: Vec<f32> = images.iter().flat_map(|image| image.values.iter().copied()).collect();
    let synthetic = Tensor::from_vec(values, (images.len(), channels, height, width), &Device::Cpu)?;
    // An image this large is alone in its batch (`Batches`).
    let refined = if height * width > MAX_BATCH_PIXELS {
        refine_tiled(refiner, &synthetic, TILE, device)?
    } else {
        refiner.forward(&synthetic.to_device(device)?)?
    };
    let refined = refined.flatten_all()?.to_vec1::<f32>()?;
    Ok(refined.chunks_exact(channels * height * width).map(<[f32]>::to_vec).collect())
}

/// Side in pixels of the tiles that images above [`MAX_BATCH_PIXELS`] are cut into.
const TILE: usize = 512;

/// Refines a tensor of shape `(N, C, H, W)` tile by tile, with the result of one pass over the whole image.
/// Each tile is padded by the reach of the refiner's receptive field, so memory depends on the tile's size
/// and not on the image's.
fn refine_tiled(refiner: &Refiner, synthetic: &Tensor, tile: usize, device: &Device) -> Result<Tensor> {
    let (_, _, height, width) = synthetic.dims4()?;
    let reach = reach(refiner.config());
    let mut rows = Vec::new();
    for (top, padded_rows) in tiles(height, tile, reach) {
        let mut columns = Vec::new();
        for (left, padded_columns) in tiles(width, tile, reach) {
            let padded = synthetic.narrow(2, padded_rows.start, padded_rows.len())?;
            let padded = padded.narrow(3, padded_columns.start, padded_columns.len())?.contiguous()?;
            // The tiles are joined on the CPU: the whole image need not fit on the device.
            let refined = refiner.forward(&padded.to_device(device)?)?.to_device(&Device::Cpu)?;
            let refined = refined.narrow(2, top.start - padded_rows.start, top.len())?;
            columns.push(refined.narrow(3, left.start - padded_columns.start, left.len())?);
        }
        rows.push(Tensor::cat(&columns, 3)?);
    }
    Tensor::cat(&rows, 2)
}

/// Returns the radius of the refiner's receptive field in pixels.
fn reach(config: &RefinerConfig) -> usize {
    // Two convolutions a block; the output layer is 1×1 and adds nothing.
    config.stem_kernel / 2 + 2 * config.blocks * (config.kernel / 2)
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
    use simgan_data::Pixels;
    use simgan_models::{Border, Parameters};

    use super::*;

    fn rgb() -> Image {
        Image::new(3, 1, 2, Pixels::U8(vec![200, 10, 100, 20, 50, 30]))
    }

    #[test]
    fn a_refiner_that_changes_nothing_changes_no_byte() {
        for image in [rgb(), Image::new(1, 2, 1, Pixels::U16(vec![7, 65_000]))] {
            for channels in [1, 3] {
                let refinable = Refinable::new(&image, channels);
                assert_eq!(refinable.with_refined(&refinable.values.clone()), (image.clone(), 0.0));
            }
        }
    }

    #[test]
    fn a_gray_refiner_shifts_the_three_colours_alike() {
        let refinable = Refinable::new(&rgb(), 1);
        let brighter: Vec<f32> = refinable.values.iter().map(|v| v + 10.0 / 127.5).collect();
        let (image, change) = refinable.with_refined(&brighter);
        assert_eq!(image.pixels(), &Pixels::U8(vec![210, 20, 110, 30, 60, 40]));
        assert!((change - 10.0 / 127.5).abs() < 1e-6);
    }

    #[test]
    fn a_colour_refiner_gives_a_gray_image_its_mean_change() {
        let gray = Image::new(1, 1, 2, Pixels::U8(vec![100, 50]));
        let refinable = Refinable::new(&gray, 3);
        let changes = [30.0, 0.0, 0.0, 9.0, 0.0, 0.0].map(|change| change / 127.5);
        let refined: Vec<f32> = refinable.values.iter().zip(changes).map(|(v, change)| v + change).collect();
        assert_eq!(refinable.with_refined(&refined).0.pixels(), &Pixels::U8(vec![110, 53]));
    }

    #[test]
    fn tiles_give_what_the_whole_image_gives() {
        for border in [Border::Replicate, Border::Zeros] {
            let config = RefinerConfig { features: 3, blocks: 2, kernel: 5, stem_kernel: 7, border };
            let refiner = Refiner::new(&config, 1, Parameters::new(3, &Device::Cpu).var_builder()).unwrap();
            let values: Vec<f32> =
                (0..2 * 37 * 53).map(|i| ((i * 7919) % 200) as f32 / 100.0 - 1.0).collect();
            let synthetic = Tensor::from_vec(values, (2, 1, 37, 53), &Device::Cpu).unwrap();
            let whole = refiner.forward(&synthetic).unwrap();
            for tile in [1, 16, 37, 100] {
                let tiled = refine_tiled(&refiner, &synthetic, tile, &Device::Cpu).unwrap();
                assert_eq!(tiled.dims(), whole.dims());
                let off = (&tiled - &whole).unwrap().abs().unwrap().max_all().unwrap();
                assert!(off.to_scalar::<f32>().unwrap() < 1e-6, "{border:?}, tile {tile}");
            }
        }
    }
}
