//! Converts between images and the refiner's tensors.

use std::borrow::Cow;
use std::ops::Range;

use candle_core::{Device, Module, Result, Tensor};
use simgan_data::{BitDepth, Image, ImageSpec, Pixels, Tone, ValueRange};
use simgan_models::{NoiseSource, Refiner, RefinerConfig};

use super::batches::MAX_BATCH_PIXELS;
use super::change::{Change, RangeUse};

/// An image converted to the refiner's channels and range, with its own values where these are needed to
/// convert back.
pub(super) struct Refinable {
    /// The image's own size, channels and depth.
    spec: ImageSpec,
    /// The stored values that −1 and 1 stand for.
    range: ValueRange,
    /// Planar values in [−1, 1], in the refiner's channels.
    values: Vec<f32>,
    /// The image's own stored values, with the tone; `None` if the refiner's output replaces them.
    own: Option<Pixels>,
    range_use: RangeUse,
}

impl Refinable {
    /// Converts an image to `channels` (gray to RGB by repeating the plane, RGB to gray by the luma) and to
    /// `range`; `None` is the whole scale of its depth. A `tone` comes first, and what follows knows only the
    /// toned image.
    pub(super) fn new(
        image: &Image,
        channels: usize,
        range: Option<ValueRange>,
        tone: Option<&Tone>,
    ) -> Self {
        let spec = image.spec();
        let full = ValueRange::full(spec.depth);
        let range_use = RangeUse::of(image.pixels().iter(), range.unwrap_or(full));
        let is_scaled = range.is_some_and(|range| range != full) || spec.depth == BitDepth::Float;
        let range = range.unwrap_or(full);
        let scaled = is_scaled.then_some(range);
        if spec.channels == channels && !is_scaled {
            let values = seen(image, scaled, tone).to_unit();
            return Self { spec, range, values, own: None, range_use };
        }
        // As in training, the tone follows the channels and the range.
        let values = seen(&image.to_channels(channels), scaled, tone).to_unit();
        let own = match tone {
            Some(_) if is_scaled => in_unit(&seen(image, scaled, tone), image.pixels(), range),
            _ => seen(image, None, tone).pixels().clone(),
        };
        Self { spec, range, values, own: Some(own), range_use }
    }

    pub(super) fn spec(&self) -> ImageSpec {
        self.spec
    }

    /// Converts the refiner's output to an image of the original channels and depth. Also returns the mean of
    /// |R(x) − x| over the refiner's values.
    ///
    /// Where the channels or the range differ from the image's own, the *change* is transferred rather than the
    /// values. An RGB image thus keeps its colours: red, green and blue get the luma's change; a gray image
    /// gets the mean change of the three channels. A value beyond the range keeps its distance to it, and one
    /// without a measurement stays as it is.
    pub(super) fn with_refined(&self, refined: &[f32]) -> (Image, Change) {
        let Some(own) = &self.own else {
            let sum = self.values.iter().zip(refined).map(|(x, r)| f64::from((r - x).abs())).sum::<f64>();
            let change = Change { mean: sum / refined.len() as f64, range_use: self.range_use };
            return (Image::from_unit(self.spec, refined), change);
        };
        let n_pixels = self.spec.height * self.spec.width;
        let n_planes = refined.len() / n_pixels;
        let change_in = |plane: usize, pixel: usize| {
            refined[plane * n_pixels + pixel] - self.values[plane * n_pixels + pixel]
        };
        // With as many channels as the refiner, each gets its own change, otherwise the mean of all.
        let change_at = |idx: usize| match n_planes == self.spec.channels {
            true => change_in(idx / n_pixels, idx % n_pixels),
            false => {
                (0..n_planes).map(|plane| change_in(plane, idx % n_pixels)).sum::<f32>() / n_planes as f32
            }
        };
        let (mut sum, mut n_changed) = (0.0, 0u64);
        let half = self.range.width() / 2.0;
        let mut changed = Vec::with_capacity(own.len());
        for (idx, value) in own.iter().enumerate() {
            if !self.range.is_measured(value) {
                changed.push(value);
                continue;
            }
            changed.push(value + change_at(idx) * half);
            let planes =
                if n_planes == self.spec.channels { idx / n_pixels..idx / n_pixels + 1 } else { 0..n_planes };
            for plane in planes {
                sum += f64::from(change_in(plane, idx % n_pixels).abs());
                n_changed += 1;
            }
        }
        let mean = if n_changed == 0 { 0.0 } else { sum / n_changed as f64 };
        let ImageSpec { channels, height, width, depth } = self.spec;
        let image = Image::new(channels, height, width, Pixels::rounded(depth, &changed));
        (image, Change { mean, range_use: self.range_use })
    }
}

/// An image in a range, if there is one, then with a tone, if there is one.
fn seen<'a>(image: &'a Image, range: Option<ValueRange>, tone: Option<&Tone>) -> Cow<'a, Image> {
    let image = range.map_or(Cow::Borrowed(image), |range| Cow::Owned(image.in_range(range)));
    match tone {
        Some(tone) => Cow::Owned(tone.apply(&image)),
        None => image,
    }
}

/// Returns the values of an image in `range`, 0 to 1, in the unit of `stored`. What was not measured stays.
fn in_unit(image: &Image, stored: &Pixels, range: ValueRange) -> Pixels {
    let values = image.pixels().iter().zip(stored.iter());
    let value = |(share, stored)| {
        if range.is_measured(stored) { range.min + share * range.width() } else { stored }
    };
    Pixels::F32(values.map(value).collect())
}

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
    let ImageSpec { height, width, .. } = first.spec;
    let channels = refiner.channels();
    // An image this large is alone in its batch (`Batches`).
    if height * width > MAX_BATCH_PIXELS {
        let shape = [channels, height, width];
        return images
            .iter()
            .map(|image| {
                let drawn = noise.draw(&image.values, refiner.noise_channels());
                refine_tiled(refiner, &image.values, shape, &drawn, TILE, device)
            })
            .collect();
    }
    let values: Vec<f32> = images.iter().flat_map(|image| image.values.iter().copied()).collect();
    let synthetic = Tensor::from_vec(values, (images.len(), channels, height, width), device)?;
    let drawn = images.iter().flat_map(|image| noise.draw(&image.values, refiner.noise_channels()));
    let refined = refine(refiner, &synthetic, drawn.collect())?.flatten_all()?.to_vec1::<f32>()?;
    Ok(refined.chunks_exact(channels * height * width).map(<[f32]>::to_vec).collect())
}

/// Refines `(N, C, H, W)` with the noise of each image, one after another.
fn refine(refiner: &Refiner, synthetic: &Tensor, noise: Vec<f32>) -> Result<Tensor> {
    match refiner.noise_channels() {
        0 => refiner.forward(synthetic),
        channels => {
            let noise = Tensor::from_vec(noise, (synthetic.dim(0)?, channels), synthetic.device())?;
            refiner.forward_with(synthetic, &noise)
        }
    }
}

/// Side in pixels of the tiles that images above [`MAX_BATCH_PIXELS`] are cut into.
const TILE: usize = 512;

/// Refines planar values of shape `[C, H, W]` tile by tile, with the result of one pass over the whole image.
/// Each tile is padded by the reach of the refiner's receptive field. Besides the result, memory depends on the
/// tile's size and not on the image's.
fn refine_tiled(
    refiner: &Refiner,
    values: &[f32],
    [channels, height, width]: [usize; 3],
    noise: &[f32],
    tile: usize,
    device: &Device,
) -> Result<Vec<f32>> {
    let reach = reach(refiner.config());
    // Each row of a part of the image, as a range of `values`.
    let lines = |rows: Range<usize>, columns: Range<usize>| {
        (0..channels)
            .flat_map(move |c| rows.clone().map(move |row| (c * height + row) * width))
            .map(move |start| start + columns.start..start + columns.end)
    };
    let mut refined = vec![0.0; values.len()];
    for (rows, padded_rows) in tiles(height, tile, reach) {
        for (columns, padded_columns) in tiles(width, tile, reach) {
            let shape = (1, channels, padded_rows.len(), padded_columns.len());
            let padded = lines(padded_rows.clone(), padded_columns.clone());
            let padded = padded.flat_map(|line| values[line].iter().copied()).collect();
            let done = refine(refiner, &Tensor::from_vec(padded, shape, device)?, noise.to_vec())?;
            let done = done.narrow(2, rows.start - padded_rows.start, rows.len())?;
            let done = done.narrow(3, columns.start - padded_columns.start, columns.len())?;
            let done = done.flatten_all()?.to_vec1::<f32>()?;
            for (line, done) in lines(rows.clone(), columns.clone()).zip(done.chunks_exact(columns.len())) {
                refined[line].copy_from_slice(done);
            }
        }
    }
    Ok(refined)
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
mod tests;
