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
    /// Where these numbers, in words, are not above zero, the result becomes zero: only for whole vectors of channels.
    pub(super) mask: Option<&'a [f32]>,
}

impl Ending<'_> {
    /// Writes pixels of `channels` channels; the channels of `sums` are padded.
    #[inline(always)]
    pub(super) fn write<S: Simd>(self, simd: S, sums: &[f32], channels: usize, out: &mut [f32]) {
        let wide = padded(channels);
        assert!(sums.len() / wide * channels >= out.len());
        assert!(self.residual.is_none_or(|residual| residual.len() == out.len()));
        assert!(self.bias.is_none_or(|bias| bias.len() == wide));
        if channels < wide {
            return self.write_part(sums, channels, out);
        }
        assert!(self.mask.is_none_or(|mask| 2 * mask.len() == out.len()));
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
                        value = simd.keep_positive(simd.load_words(mask.as_ptr().add(at / 2)), value);
                    }
                    simd.store(out_at.add(at), value);
                }
            }
        }
    }

    /// The same, for channels that do not fill whole vectors.
    #[inline(always)]
    fn write_part(self, sums: &[f32], channels: usize, out: &mut [f32]) {
        assert!(self.mask.is_none());
        let pixels = out.chunks_exact_mut(channels).zip(sums.chunks_exact(padded(channels)));
        for (pixel, (out, sums)) in pixels.enumerate() {
            for (channel, (out, &sum)) in out.iter_mut().zip(sums).enumerate() {
                let at = pixel * channels + channel;
                let mut value = sum + self.bias.map_or(0.0, |bias| bias[channel]);
                value +=
                    self.residual.map_or(if self.accumulate { *out } else { 0.0 }, |residual| residual[at]);
                *out = if self.relu && value <= 0.0 { 0.0 } else { value };
            }
        }
    }
}

/// Writes `relu(sums + bias + stream)` of some pixels in words; the stream, if there is one, becomes the same in `f32`.
/// Channels fill whole vectors.
#[inline(always)]
pub(super) fn write_words<S: Simd>(
    simd: S,
    sums: &[f32],
    bias: &[f32],
    mut stream: Option<&mut [f32]>,
    out: &mut [f32],
) {
    let wide = bias.len();
    assert!(S::PAIRS && wide.is_multiple_of(S::LANES) && sums.len().is_multiple_of(wide));
    assert_eq!(2 * out.len(), sums.len());
    assert!(stream.as_ref().is_none_or(|stream| stream.len() == sums.len()));
    for pixel in (0..sums.len()).step_by(wide) {
        for channel in (0..wide).step_by(2 * S::LANES) {
            let (at, next) = (pixel + channel, channel + S::LANES);
            // SAFETY: vectors begin in sums, stream and bias at these places, and there is half a word for each sum, by
            // the assertions.
            unsafe {
                let first = with_stream(simd, sums, bias, stream.as_deref_mut(), [at, channel]);
                let to = out.as_mut_ptr().add(at / 2);
                if next < wide {
                    let place = [pixel + next, next];
                    let second = with_stream(simd, sums, bias, stream.as_deref_mut(), place);
                    simd.store_two_in_words(to, first, second);
                } else {
                    simd.store_words(to, first);
                }
            }
        }
    }
}

/// A vector of [`write_words`].
///
/// # Safety
/// A vector begins at `at` in the sums, and in the stream, and at `channel` in the bias.
#[inline(always)]
unsafe fn with_stream<S: Simd>(
    simd: S,
    sums: &[f32],
    bias: &[f32],
    stream: Option<&mut [f32]>,
    [at, channel]: [usize; 2],
) -> S::Vector {
    // SAFETY: the caller's promise.
    unsafe {
        let value = simd.add(simd.load(sums.as_ptr().add(at)), simd.load(bias.as_ptr().add(channel)));
        match stream {
            None => simd.relu(value),
            Some(stream) => {
                let place = stream.as_mut_ptr().add(at);
                let value = simd.relu(simd.add(value, simd.load(place)));
                simd.store(place, value);
                value
            }
        }
    }
}
