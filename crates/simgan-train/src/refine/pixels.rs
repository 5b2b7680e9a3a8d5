//! Between images and the refiner's tensors.

use candle_core::{Device, Module, Result, Tensor};
use simgan_data::{Image, ImageSpec};
use simgan_models::Refiner;

/// An image in the channels of the refiner, and what is needed to give the change back to the image.
pub(super) struct Refinable {
    spec: ImageSpec,
    /// Planar, [−1, 1], in the refiner's channels.
    values: Vec<f32>,
    /// The image's own values where its channels differ from the refiner's.
    own: Option<Vec<f32>>,
}

impl Refinable {
    /// Gray images become RGB by repeating them, RGB images gray by their luma.
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

    /// The refined image in the image's own channels and depth, and the mean of |R(x) − x| over the refiner's values.
    ///
    /// Where the channels differ the *change* is carried over, so that an RGB image keeps its colours: the change of the
    /// luma is added to red, green and blue; a gray image gets the mean change of the three.
    pub(super) fn with_refined(&self, refined: &[f32]) -> (Image, f64) {
        let drift = self.values.iter().zip(refined).map(|(x, r)| f64::from((r - x).abs())).sum::<f64>();
        let drift = drift / refined.len() as f64;
        let Some(own) = &self.own else {
            return (Image::from_unit(self.spec, refined), drift);
        };
        let n_pixels = self.spec.height * self.spec.width;
        let n_planes = (refined.len() / n_pixels) as f32;
        let change_at = |pixel: usize| -> f32 {
            let planes = (pixel..refined.len()).step_by(n_pixels);
            planes.map(|idx| refined[idx] - self.values[idx]).sum::<f32>() / n_planes
        };
        let changed: Vec<f32> =
            own.iter().enumerate().map(|(idx, v)| v + change_at(idx % n_pixels)).collect();
        (Image::from_unit(self.spec, &changed), drift)
    }
}

/// Refines images of one size together; the result of each is planar, in the refiner's channels.
pub(super) fn refine_batch(
    refiner: &Refiner,
    channels: usize,
    images: &[&Refinable],
    device: &Device,
) -> Result<Vec<Vec<f32>>> {
    let Some(first) = images.first() else {
        return Ok(Vec::new());
    };
    let ImageSpec { height, width, .. } = first.spec;
    let values: Vec<f32> = images.iter().flat_map(|image| image.values.iter().copied()).collect();
    let synthetic = Tensor::from_vec(values, (images.len(), channels, height, width), device)?;
    let refined = refiner.forward(&synthetic)?.flatten_all()?.to_vec1::<f32>()?;
    Ok(refined.chunks_exact(channels * height * width).map(<[f32]>::to_vec).collect())
}

#[cfg(test)]
mod tests {
    use simgan_data::Pixels;

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
        let (image, drift) = refinable.with_refined(&brighter);
        assert_eq!(image.pixels(), &Pixels::U8(vec![210, 20, 110, 30, 60, 40]));
        assert!((drift - 10.0 / 127.5).abs() < 1e-6);
    }

    #[test]
    fn a_colour_refiner_gives_a_gray_image_its_mean_change() {
        let gray = Image::new(1, 1, 2, Pixels::U8(vec![100, 50]));
        let refinable = Refinable::new(&gray, 3);
        let changes = [30.0, 0.0, 0.0, 9.0, 0.0, 0.0].map(|change| change / 127.5);
        let refined: Vec<f32> = refinable.values.iter().zip(changes).map(|(v, change)| v + change).collect();
        assert_eq!(refinable.with_refined(&refined).0.pixels(), &Pixels::U8(vec![110, 53]));
    }
}
