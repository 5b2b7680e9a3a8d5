//! Which images fool subjects, and which give themselves away.

use serde::Serialize;
use simgan_metrics::share_interval;

/// How often an image was taken for real.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ImageFigures {
    /// The image's number.
    #[serde(skip)]
    pub image: usize,
    /// Number of answers to it.
    pub n: u64,
    /// Number of answers that took it for real.
    pub n_real: u64,
    /// Wilson's 95 % interval of the share.
    pub interval: [f64; 2],
}

impl ImageFigures {
    /// Computes the figures of an image.
    #[must_use]
    pub fn new(image: usize, n_real: u64, n: u64) -> Self {
        Self { image, n, n_real, interval: share_interval(n_real, n) }
    }

    /// Share of answers that took it for real; `None` without answers.
    #[must_use]
    pub fn share(&self) -> Option<f64> {
        (self.n > 0).then(|| self.n_real as f64 / self.n as f64)
    }
}

/// Sorts images by how surely they were taken for real, the surest first: by the lower end of the interval,
/// so that nine of ten answers come before one of one.
#[must_use]
pub fn most_real(mut images: Vec<ImageFigures>) -> Vec<ImageFigures> {
    images.sort_by(|a, b| b.interval[0].total_cmp(&a.interval[0]).then(a.image.cmp(&b.image)));
    images
}

/// Sorts images by how surely they were not taken for real, the surest first: by the upper end.
#[must_use]
pub fn least_real(mut images: Vec<ImageFigures>) -> Vec<ImageFigures> {
    images.sort_by(|a, b| a.interval[1].total_cmp(&b.interval[1]).then(a.image.cmp(&b.image)));
    images
}
