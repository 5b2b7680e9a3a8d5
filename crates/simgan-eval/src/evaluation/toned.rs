use candle_core::Device;

use super::reading::Images;
use crate::{EvalError, LabelledImages};

/// The synthetic images with the refiner's tone.
pub(super) struct Toned {
    pub(super) synthetic: LabelledImages,
    pub(super) probe: LabelledImages,
}

impl Toned {
    /// Gives the images as read, training images and probe, the labels of the same without the tone; `None` if
    /// they were read without one.
    pub(super) fn new(
        read: [&Images; 2],
        known: &[LabelledImages; 2],
        device: &Device,
    ) -> Result<Option<Self>, EvalError> {
        let [synthetic, probe] = read.map(|images| images.toned_tensor(device));
        let (Some(synthetic), Some(probe)) = (synthetic?, probe?) else { return Ok(None) };
        let [synthetic, probe] = [known[0].with_images(synthetic)?, known[1].with_images(probe)?];
        Ok(Some(Self { synthetic, probe }))
    }
}
