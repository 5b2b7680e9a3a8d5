//! Images as D sees them, and which of their patches count.

use candle_core::Tensor;
use simgan_losses::{Target, accuracy, patch_weights};

use super::Trainer;
use super::noise::noisy;
use super::translation::translated;
use crate::{Patches, TrainError};

/// Images as D sees them.
pub(super) struct Seen {
    pub(super) images: Tensor,
    /// Weights of their patches, `(N, 1, h, w)`; `None` if all count the same.
    pub(super) weights: Option<Tensor>,
}

impl Trainer {
    /// Adds a plane that marks the content of `of`, the images of which `images` were made: 1 where a channel is
    /// not −1, which stands for black and for what was not measured. Without `discriminator.patches = "content"`
    /// the images stay as they are.
    ///
    /// # Shapes
    ///
    /// Twice `(N, C, H, W)` → `(N, C + 1, H, W)`
    pub(super) fn marked(&self, images: &Tensor, of: &Tensor) -> Result<Tensor, TrainError> {
        if self.config.discriminator.patches == Patches::All {
            return Ok(images.clone());
        }
        Ok(Tensor::cat(&[images, &shown(of)?], 1)?)
    }

    /// Returns this rank's images, [`Self::marked`], as D sees them: randomly shifted if
    /// `discriminator.translation` is set, and with noise if `discriminator.noise` is.
    pub(super) fn seen(&mut self, marked: &Tensor) -> Result<Seen, TrainError> {
        let reach = self.config.discriminator.translation;
        let deviation = self.config.discriminator.noise_after(self.moment().iteration);
        let shifted = translated(marked, reach, self.share, &mut self.translation_stream)?;
        let (images, marks) = match self.config.discriminator.patches {
            Patches::All => (shifted, None),
            Patches::Content => {
                let channels = shifted.dim(1)? - 1;
                (
                    shifted.narrow(1, 0, channels)?.contiguous()?,
                    Some(shifted.narrow(1, channels, 1)?.contiguous()?),
                )
            }
        };
        let images = noisy(&images, deviation, self.share, &mut self.noise_stream)?;
        let weights = marks.map(|marks| patch_weights(&self.discriminator.frozen.patches_with(&marks)?));
        Ok(Seen { images, weights: weights.transpose()? })
    }

    /// Returns D's accuracy on the refined images of the whole batch: on the first `n_fresh`, and on those from the
    /// history if there are any.
    pub(super) fn accuracies(
        &mut self,
        logits: &Tensor,
        weights: Option<&Tensor>,
        n_fresh: usize,
    ) -> Result<(f64, Option<f64>), TrainError> {
        let logits = self.whole(logits)?;
        let weights = weights.map(|weights| self.whole(weights)).transpose()?;
        let on = |first: usize, n: usize| {
            let weights = weights.as_ref().map(|weights| weights.narrow(0, first, n)).transpose()?;
            accuracy(&logits.narrow(0, first, n)?, Target::Refined, weights.as_ref())
        };
        let n_history = logits.dim(0)? - n_fresh;
        Ok((on(0, n_fresh)?, (n_history > 0).then(|| on(n_fresh, n_history)).transpose()?))
    }
}

/// Marks the pixels that show anything in a channel, `(N, C, H, W)` → `(N, 1, H, W)`: 1, and 0 where all are −1.
pub(super) fn shown(images: &Tensor) -> candle_core::Result<Tensor> {
    images.detach().max_keepdim(1)?.gt(-1.0)?.to_dtype(images.dtype())
}
