use candle_core::{Result, Tensor, bail};
use rand::Rng;

/// The history of refined images (§2.3), which keeps the discriminator from forgetting the refiner's earlier
/// artefacts.
///
/// In each batch of b refined images, images drawn from the history without repetition replace the last
/// ⌊b/2⌋. The replaced ones then take the place of ⌊b/2⌋ random images in the history. (The paper does not
/// say which of the new images to keep; these have not been shown yet.) A history that is not full fills
/// first: it appends images, and gives as many as it has; the rest of the batch stays fresh.
///
/// The buffer owns copies in one block of memory, sized for `capacity` images when the first batch arrives.
#[derive(Debug)]
pub struct HistoryBuffer {
    capacity: usize,
    len: usize,
    /// `(capacity, C, H, W)`, the first `len` images in use.
    slots: Option<Tensor>,
}

impl HistoryBuffer {
    /// Creates an empty history of at most `capacity` images (B in the paper); 0 turns it off.
    #[must_use]
    pub const fn new(capacity: usize) -> Self {
        Self { capacity, len: 0, slots: None }
    }

    /// Returns the images that the discriminator sees in place of `fresh`: fresh ones first, then those of
    /// the history.
    ///
    /// # Shapes
    ///
    /// `(b, C, H, W)` → `(b, C, H, W)`, without a gradient.
    ///
    /// # Errors
    ///
    /// If the images do not have the size, type or device of earlier ones.
    pub fn mix(&mut self, fresh: &Tensor, rng: &mut impl Rng) -> Result<Tensor> {
        // `slice_set` takes only contiguous tensors.
        let fresh = fresh.detach().contiguous()?;
        let (batch, ..) = fresh.dims4()?;
        let n_kept = (batch / 2).min(self.capacity);
        if n_kept == 0 {
            return Ok(fresh);
        }
        let n_old = n_kept.min(self.len);
        // Drawn before `keep` adds to the history, so that no image is in the batch twice.
        let shown = match &self.slots {
            Some(slots) if n_old > 0 => {
                let drawn = Tensor::new(distinct(self.len, n_old, rng), fresh.device())?;
                Tensor::cat(&[&fresh.narrow(0, 0, batch - n_old)?, &slots.index_select(&drawn, 0)?], 0)?
            }
            _ => fresh.clone(),
        };
        self.keep(&fresh.narrow(0, batch - n_kept, n_kept)?, rng)?;
        Ok(shown)
    }

    /// Number of images in the history.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether the history has no image yet.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Copies the images in the order of their slots, `(len, C, H, W)`, for a checkpoint; `None` while there
    /// are none.
    ///
    /// # Errors
    ///
    /// If the copy fails.
    pub fn images(&self) -> Result<Option<Tensor>> {
        // Forced: `contiguous` would return a view, which later batches change.
        match &self.slots {
            Some(slots) if self.len > 0 => slots.narrow(0, 0, self.len)?.force_contiguous().map(Some),
            _ => Ok(None),
        }
    }

    /// Restores the images of [`Self::images`]. With the same random stream, the history then continues
    /// exactly like the saved one.
    ///
    /// # Errors
    ///
    /// If they are not `(len, C, H, W)` or more than the capacity.
    pub fn restore(&mut self, images: &Tensor) -> Result<()> {
        let (len, ..) = images.dims4()?;
        if len > self.capacity {
            bail!(
                "a history of {len} images does not fit the capacity of {} (history.capacity)",
                self.capacity
            );
        }
        (self.len, self.slots) = (0, None);
        self.append(&images.detach().contiguous()?)
    }

    /// Appends images while there is room; the others replace random old ones.
    fn keep(&mut self, images: &Tensor, rng: &mut impl Rng) -> Result<()> {
        let n_images = images.dim(0)?;
        let n_appended = n_images.min(self.capacity - self.len);
        // Chosen before `append`, so that only older images are replaced.
        let replaced = distinct(self.len, n_images - n_appended, rng);
        self.append(&images.narrow(0, 0, n_appended)?)?;
        let Some(slots) = &self.slots else { return Ok(()) };
        for (image_idx, slot_idx) in (n_appended..n_images).zip(replaced) {
            slots.slice_set(&images.narrow(0, image_idx, 1)?, 0, slot_idx as usize)?;
        }
        Ok(())
    }

    fn append(&mut self, images: &Tensor) -> Result<()> {
        let (n_images, channels, height, width) = images.dims4()?;
        if self.slots.is_none() {
            let shape = (self.capacity, channels, height, width);
            self.slots = Some(Tensor::zeros(shape, images.dtype(), images.device())?);
        }
        if let Some(slots) = self.slots.as_ref().filter(|_| n_images > 0) {
            slots.slice_set(images, 0, self.len)?;
        }
        self.len += n_images;
        Ok(())
    }
}

/// Draws `amount` different numbers below `n`, every set equally likely (Floyd's algorithm).
///
/// `amount` is at most `n`.
fn distinct(n: usize, amount: usize, rng: &mut impl Rng) -> Vec<u32> {
    let mut chosen: Vec<u32> = Vec::with_capacity(amount);
    for last in (n - amount) as u32..n as u32 {
        let candidate = rng.random_range(0..=last);
        chosen.push(if chosen.contains(&candidate) { last } else { candidate });
    }
    chosen
}
