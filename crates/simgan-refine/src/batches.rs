//! Groups images of one size into batches for the network.

use std::collections::BTreeMap;

/// Collects items by size until a batch is full. The number of pixels held is bounded.
pub(super) struct Batches<T> {
    by_size: BTreeMap<(usize, usize), Vec<T>>,
    batch: usize,
    n_pixels: usize,
}

/// Maximum number of pixels in one forward pass: a layer of 64 `f32` feature maps then takes 128 MiB.
pub(super) const MAX_BATCH_PIXELS: usize = 1 << 19;
/// Maximum number of pixels waiting for others of their size.
const MAX_WAITING_PIXELS: usize = 4 * MAX_BATCH_PIXELS;

impl<T> Batches<T> {
    /// Starts empty, for batches of at most `batch` items.
    pub(super) fn new(batch: usize) -> Self {
        Self { by_size: BTreeMap::new(), batch, n_pixels: 0 }
    }

    /// Adds an item of `height × width` pixels and returns the batches that are ready.
    pub(super) fn push(&mut self, height: usize, width: usize, item: T) -> Vec<Vec<T>> {
        let n_pixels = height * width;
        let size = (height, width);
        let waiting = self.by_size.entry(size).or_default();
        waiting.push(item);
        self.n_pixels += n_pixels;
        if waiting.len() >= self.batch || (waiting.len() + 1) * n_pixels > MAX_BATCH_PIXELS {
            let ready = self.by_size.remove(&size).unwrap_or_default();
            self.n_pixels -= ready.len() * n_pixels;
            return vec![ready];
        }
        // In a folder where nearly every size is unique no batch fills up, so the number of sizes is bounded
        // too.
        if self.n_pixels > MAX_WAITING_PIXELS || self.by_size.len() > self.batch {
            return self.flush();
        }
        Vec::new()
    }

    /// Returns every waiting item, one batch per size.
    pub(super) fn flush(&mut self) -> Vec<Vec<T>> {
        self.n_pixels = 0;
        std::mem::take(&mut self.by_size).into_values().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_has_one_size() {
        let mut batches = Batches::new(2);
        assert!(batches.push(3, 5, "a").is_empty());
        assert!(batches.push(5, 3, "b").is_empty());
        assert_eq!(batches.push(3, 5, "c"), [["a", "c"]]);
        assert_eq!(batches.flush(), [["b"]]);
        assert!(batches.flush().is_empty());
    }

    #[test]
    fn what_waits_is_bounded() {
        let mut batches = Batches::new(64);
        let (mut waiting, mut most) = (0, 0);
        for n in 0..3000 {
            let (height, width) = (300 + n % 47, 301 + n % 50);
            let ready = batches.push(height, width, height * width);
            waiting += height * width;
            waiting -= ready.iter().flatten().sum::<usize>();
            most = most.max(waiting);
        }
        assert!(most <= MAX_WAITING_PIXELS, "{most}");
        assert!(Batches::new(64).push(2000, 2000, ()).len() == 1, "a large image does not wait");
    }
}
