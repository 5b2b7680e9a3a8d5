//! What becomes of sums of products before they are written.

use crate::simd::{Simd, padded};

/// What is added to the sums of some pixels, and what they pass through.
#[derive(Clone, Copy, Default)]
pub(super) struct Ending<'a> {
    /// Added to each channel: padded.
    pub(super) bias: Option<&'a [f32]>,
    /// Added to each element.
    pub(super) residual: Option<&'a [f32]>,
    /// Whether to add the previous contents instead.
    pub(super) accumulate: bool,
    pub(super) relu: bool,
    /// Where this is not above zero, the result becomes zero.
    pub(super) mask: Option<&'a [f32]>,
}

impl Ending<'_> {
    /// Writes pixels of `channels` channels; the channels of `sums` are padded.
    #[inline(always)]
    pub(super) fn write<S: Simd>(self, simd: S, sums: &[f32], channels: usize, out: &mut [f32]) {
        let wide = padded(channels);
        let fits = |other: Option<&[f32]>| other.is_none_or(|other| other.len() == out.len());
        assert!(sums.len() / wide * channels >= out.len() && fits(self.residual) && fits(self.mask));
        assert!(self.bias.is_none_or(|bias| bias.len() == wide));
        if channels < wide {
            return self.write_part(sums, channels, out);
        }
        let out_at = out.as_mut_ptr();
        for pixel in (0..out.len()).step_by(wide) {
            for channel in (0..wide).step_by(S::LANES) {
                let at = pixel + channel;
                // SAFETY: pixels are whole vectors, and so the lengths that were checked above.
                unsafe {
                    let mut value = simd.load(sums.as_ptr().add(at));
                    if let Some(bias) = self.bias {
                        value = simd.add(value, simd.load(bias.as_ptr().add(channel)));
                    }
                    if let Some(residual) = self.residual {
                        value = simd.add(value, simd.load(residual.as_ptr().add(at)));
                    } else if self.accumulate {
                        value = simd.add(value, simd.load(out_at.add(at)));
                    }
                    if self.relu {
                        value = simd.relu(value);
                    }
                    if let Some(mask) = self.mask {
                        value = simd.keep_positive(simd.load(mask.as_ptr().add(at)), value);
                    }
                    simd.store(out_at.add(at), value);
                }
            }
        }
    }

    /// The same, for channels that do not fill whole vectors.
    #[inline(always)]
    fn write_part(self, sums: &[f32], channels: usize, out: &mut [f32]) {
        let pixels = out.chunks_exact_mut(channels).zip(sums.chunks_exact(padded(channels)));
        for (pixel, (out, sums)) in pixels.enumerate() {
            for (channel, (out, &sum)) in out.iter_mut().zip(sums).enumerate() {
                let at = pixel * channels + channel;
                let mut value = sum + self.bias.map_or(0.0, |bias| bias[channel]);
                value +=
                    self.residual.map_or(if self.accumulate { *out } else { 0.0 }, |residual| residual[at]);
                let stops = self.relu && value <= 0.0 || self.mask.is_some_and(|mask| mask[at] <= 0.0);
                *out = if stops { 0.0 } else { value };
            }
        }
    }
}
