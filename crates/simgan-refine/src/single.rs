//! Refines one image in memory.

use simgan_data::ImageFile;

use super::forward::refine_batch;
use super::pixels::Refinable;
use super::{RefineError, RefineModel};

/// An image that was refined on its own.
#[derive(Clone, Debug)]
pub struct RefinedImage {
    /// The refined image in the format, depth and channels of the original, with its alpha and metadata.
    pub file: ImageFile,
    /// Mean |R(x) − x| over what the refiner sees, of pixels in [−1, 1].
    pub change: f64,
}

impl RefineModel {
    /// Refines one decoded file as a [`Refinement`](crate::Refinement) refines those of a folder; `name` appears in
    /// errors only. It needs about 20 bytes for each value, and the caller bounds the size.
    ///
    /// # Errors
    /// The network fails, or its output is not finite.
    pub fn refine_image(&self, file: ImageFile, name: &str) -> Result<RefinedImage, RefineError> {
        let Self { refiner, range, tone, noise, folder, device, .. } = self;
        let refinable = Refinable::new(file.image(), refiner.channels(), *range, tone.as_ref());
        let refined = refine_batch(refiner, &[&refinable], *noise, device)?.concat();
        let (image, change) = refinable.with_refined(&refined);
        if !change.mean.is_finite() {
            return Err(RefineError::NotFinite { image: name.to_owned(), model: folder.clone() });
        }
        Ok(RefinedImage { file: file.with_image(image), change: change.mean })
    }
}
