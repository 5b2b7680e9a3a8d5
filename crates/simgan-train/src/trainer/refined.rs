//! What R makes of a synthetic batch in its own update: one image for each, or two with different noise.

use candle_core::{Module, Tensor};
use simgan_losses::{diversity, film_difference};
use simgan_models::draw_noise;

use super::Trainer;
use crate::TrainError;

/// A synthetic batch after refinement.
pub(super) struct Refined {
    /// R(x); with noise R(x, z₁), then R(x, z₂): two images for each synthetic one, `(2 N, C, H, W)`.
    pub(super) all: Tensor,
    /// x for each of `all`.
    pub(super) rendered: Tensor,
    /// R(x), or the mean of R(x, z₁) and R(x, z₂): what the self-regularization keeps close to x.
    pub(super) mean: Tensor,
    /// [`diversity`] of the two; `None` without noise.
    pub(super) diversity: Option<Tensor>,
}

impl Trainer {
    /// Refines a batch, with gradients.
    pub(super) fn refined(&mut self, synthetic: &Tensor) -> Result<Refined, TrainError> {
        let Some(first) = self.drawn_noise(synthetic)? else {
            let refined = self.refiner.module.forward(synthetic)?;
            let (all, rendered) = (refined.clone(), synthetic.clone());
            return Ok(Refined { all, rendered, mean: refined, diversity: None });
        };
        let second = self.drawn_noise(synthetic)?.unwrap_or_else(|| first.clone());
        let noise = Tensor::cat(&[&first, &second], 0)?;
        let rendered = Tensor::cat(&[synthetic, synthetic], 0)?;
        let all = self.refiner.module.forward_with(&rendered, &noise)?;
        let [one, other] = halves(&all)?;
        let mean = ((&one + &other)? * 0.5)?;
        let bound = self.config.loss.diversity_bound;
        let diversity = Some(diversity([&one, &other], [&first, &second], bound)?);
        Ok(Refined { all, rendered, mean, diversity })
    }

    /// Refines a batch without gradients, for D.
    pub(super) fn refined_for_discriminator(&mut self, synthetic: &Tensor) -> Result<Tensor, TrainError> {
        let noise = self.drawn_noise(synthetic)?;
        let frozen = &self.refiner.frozen;
        Ok(noise.map_or_else(|| frozen.forward(synthetic), |noise| frozen.forward_with(synthetic, &noise))?)
    }

    /// Draws the noise of a batch; `None` if R takes none. The frames of a film share theirs.
    fn drawn_noise(&mut self, synthetic: &Tensor) -> Result<Option<Tensor>, TrainError> {
        let channels = self.config.refiner.noise_channels;
        if channels == 0 {
            return Ok(None);
        }
        let n_images = synthetic.dim(0)?;
        let mut draw = |n| draw_noise(n, channels, &mut self.latent_stream, synthetic.device());
        if self.config.loss.film == 0.0 {
            return Ok(Some(draw(n_images)?));
        }
        let noise = draw(n_images / 2)?;
        Ok(Some(Tensor::cat(&[&noise, &noise], 0)?))
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
