//! What R makes of a synthetic batch in its own update: one image for each, or two with different noise.

use candle_core::Tensor;
use simgan_losses::{diversity, film_difference};
use simgan_models::{Noise, RefinerOutput};

use super::Trainer;
use super::seen::shown;
use crate::TrainError;

/// A synthetic batch after refinement.
pub(super) struct Refined {
    /// R(x); with a z R(x, z₁), then R(x, z₂): two images for each synthetic one, `(2 N, C, H, W)`.
    pub(super) all: Tensor,
    /// x for each of `all`.
    pub(super) rendered: Tensor,
    /// R(x), or the mean of R(x, z₁) and R(x, z₂): what the self-regularization keeps close to x, as if R measured
    /// every pixel.
    pub(super) mean: Tensor,
    /// As if R measured every pixel of `all`.
    pub(super) values: Tensor,
    /// Which pixels of `all` R measures; `None` without holes.
    pub(super) holes: Option<Holes>,
    /// [`diversity`] of the two; `None` without z.
    pub(super) diversity: Option<Tensor>,
}

/// Which pixels R takes for not measured.
pub(super) struct Holes {
    /// [`RefinerOutput::measured`].
    pub(super) measured: Tensor,
    /// [`shown`] of the renders: where they show nothing there is nothing to miss.
    pub(super) shown: Tensor,
}

impl Holes {
    fn of(measured: Option<Tensor>, rendered: &Tensor) -> candle_core::Result<Option<Self>> {
        measured.map(|measured| Ok(Self { measured, shown: shown(rendered)? })).transpose()
    }

    /// The share of the pixels that the renders show and R does not measure.
    pub(super) fn share(&self) -> Result<f64, TrainError> {
        let n_missing = ((1.0 - self.measured.detach())? * &self.shown)?.sum_all()?.to_scalar::<f32>()?;
        Ok(f64::from(n_missing / self.shown.sum_all()?.to_scalar::<f32>()?.max(1.0)))
    }
}

impl Trainer {
    /// Refines a batch, with gradients.
    pub(super) fn refined(&mut self, synthetic: &Tensor) -> Result<Refined, TrainError> {
        let first = self.drawn_noise(synthetic)?;
        let Some(first_z) = &first.z else {
            let RefinerOutput { images: all, values, measured } =
                self.refiner.module.output(synthetic, &first)?;
            let (rendered, mean) = (synthetic.clone(), values.clone());
            let holes = Holes::of(measured, &rendered)?;
            return Ok(Refined { all, rendered, mean, values, holes, diversity: None });
        };
        let second = self.drawn_noise(synthetic)?;
        let noise = Noise::cat(&[&first, &second])?;
        let rendered = Tensor::cat(&[synthetic, synthetic], 0)?;
        let RefinerOutput { images: all, values, measured } =
            self.refiner.module.output(&rendered, &noise)?;
        let [one, other] = halves(&values)?;
        let mean = ((&one + &other)? * 0.5)?;
        let bound = self.config.loss.diversity_bound;
        let second_z = second.z.as_ref().unwrap_or(first_z);
        let diversity = Some(diversity([&one, &other], [first_z, second_z], bound)?);
        let holes = Holes::of(measured, &rendered)?;
        Ok(Refined { all, rendered, mean, values, holes, diversity })
    }

    /// Computes how far refined images are from the synthetic ones, over the pixels that R measures; any other
    /// counts `loss.missing`, whatever its value. `weights` are those of the synthetic images' pixels.
    pub(super) fn distance(
        &self,
        refined: &Refined,
        synthetic: &Tensor,
        weights: Option<Tensor>,
    ) -> Result<Tensor, TrainError> {
        let Some(Holes { measured, shown }) = &refined.holes else {
            return Ok(self.self_regularization.weighted_loss(&refined.mean, synthetic, weights.as_ref())?);
        };
        // The share of the draws in which a pixel is measured.
        let (n_images, _, height, width) = synthetic.dims4()?;
        let of_pixels = measured.detach().reshape(((), n_images, 1, height, width))?.mean(0)?;
        let weights = match weights {
            Some(weights) => (weights * of_pixels)?,
            None => of_pixels,
        };
        let distance = self.self_regularization.weighted_loss(&refined.mean, synthetic, Some(&weights))?;
        let missing = ((1.0 - measured)? * shown)?.mean_all()?;
        Ok((distance + (missing * self.config.loss.missing)?)?)
    }

    /// Computes how unlike the real images' the gaps of refined ones are; `None` without `loss.gaps`.
    pub(super) fn gap_loss(&self, refined: &Refined) -> Result<Option<Tensor>, TrainError> {
        let (Some(gaps), Some(Holes { measured, shown })) = (&self.gaps, &refined.holes) else {
            return Ok(None);
        };
        Ok(Some(gaps.loss(&refined.values, measured, shown)?))
    }

    /// Refines a batch without gradients, for D.
    pub(super) fn refined_for_discriminator(&mut self, synthetic: &Tensor) -> Result<Tensor, TrainError> {
        let noise = self.drawn_noise(synthetic)?;
        Ok(self.refiner.frozen.forward_with(synthetic, &noise)?)
    }

    /// Draws the noise of a batch, none if R takes none. The frames of a film share theirs.
    fn drawn_noise(&mut self, synthetic: &Tensor) -> Result<Noise, TrainError> {
        let (n_images, _, height, width) = synthetic.dims4()?;
        let (config, device) = (&self.config.refiner, synthetic.device());
        let mut draw = |n| Noise::draw(config, n, [height, width], &mut self.latent_stream, device);
        if self.config.loss.film == 0.0 {
            return Ok(draw(n_images)?);
        }
        let noise = draw(n_images / 2)?;
        Ok(Noise::cat(&[&noise, &noise])?)
    }

    /// Computes [`film_difference`] for each draw of noise; the second half of a batch holds the next
    /// frames of its first. `None` without films.
    pub(super) fn film_loss(
        &self,
        refined: &Tensor,
        rendered: &Tensor,
    ) -> Result<Option<Tensor>, TrainError> {
        if self.config.loss.film == 0.0 {
            return Ok(None);
        }
        let draws = refined.dim(0)? / self.config.data.batch;
        let frames = |images: &Tensor| {
            let frames = images.reshape((draws, 2, ()))?;
            Ok::<_, TrainError>([frames.narrow(1, 0, 1)?, frames.narrow(1, 1, 1)?])
        };
        Ok(Some(film_difference(frames(refined)?.each_ref(), frames(rendered)?.each_ref())?))
    }
}

/// The first and the second half of a batch.
fn halves(images: &Tensor) -> candle_core::Result<[Tensor; 2]> {
    let n = images.dim(0)? / 2;
    Ok([images.narrow(0, 0, n)?, images.narrow(0, n, n)?])
}
