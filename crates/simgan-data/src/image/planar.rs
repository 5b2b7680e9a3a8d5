//! From values pixel by pixel to planes, and back.

use image::DynamicImage;

use super::{BitDepth, Image, ImageSpec, Pixels};

/// Separates decoded values into planes of colour and, if present, alpha; `None` for other kinds of numbers.
pub(super) fn of_decoded(stored: DynamicImage) -> Option<(Image, Option<Pixels>)> {
    let (height, width) = (stored.height() as usize, stored.width() as usize);
    let n_stored = usize::from(stored.color().channel_count());
    let (colour, alpha) = match stored {
        DynamicImage::ImageLuma8(_)
        | DynamicImage::ImageLumaA8(_)
        | DynamicImage::ImageRgb8(_)
        | DynamicImage::ImageRgba8(_) => split_as(&stored.into_bytes(), n_stored, Pixels::U8),
        DynamicImage::ImageLuma16(buffer) => split_as(buffer.as_raw(), n_stored, Pixels::U16),
        DynamicImage::ImageLumaA16(buffer) => split_as(buffer.as_raw(), n_stored, Pixels::U16),
        DynamicImage::ImageRgb16(buffer) => split_as(buffer.as_raw(), n_stored, Pixels::U16),
        DynamicImage::ImageRgba16(buffer) => split_as(buffer.as_raw(), n_stored, Pixels::U16),
        _ => return None,
    };
    let channels = if n_stored < 3 { 1 } else { 3 };
    Some((Image::new(channels, height, width, colour), alpha))
}

/// Separates bytes, `n_stored` a pixel.
pub(super) fn of_bytes(spec: ImageSpec, n_stored: usize, values: &[u8]) -> (Image, Option<Pixels>) {
    let (colour, alpha) = split_as(values, n_stored, Pixels::U8);
    (Image::new(spec.channels, spec.height, spec.width, colour), alpha)
}

/// Separates values of 8 or 16 bits, `n_stored` a pixel.
pub(super) fn of_values(spec: ImageSpec, n_stored: usize, values: &[u16]) -> (Image, Option<Pixels>) {
    if spec.depth == BitDepth::Eight {
        let values: Vec<u8> = values.iter().map(|value| *value as u8).collect();
        return of_bytes(spec, n_stored, &values);
    }
    let (colour, alpha) = split_as(values, n_stored, Pixels::U16);
    (Image::new(spec.channels, spec.height, spec.width, colour), alpha)
}

fn split_as<T: Copy + Default>(
    interleaved: &[T],
    n_stored: usize,
    pixels: impl Fn(Vec<T>) -> Pixels,
) -> (Pixels, Option<Pixels>) {
    let (colour, alpha) = split(interleaved, n_stored);
    (pixels(colour), alpha.map(pixels))
}

/// Converts interleaved values to planes, with alpha in a plane of its own.
fn split<T: Copy + Default>(interleaved: &[T], n_stored: usize) -> (Vec<T>, Option<Vec<T>>) {
    match n_stored {
        1 => (interleaved.to_vec(), None),
        2 => with_alpha(planes::<T, 2>(interleaved), 2),
        3 => (planes::<T, 3>(interleaved), None),
        _ => with_alpha(planes::<T, 4>(interleaved), 4),
    }
}

/// Converts interleaved pixels of `N` values to consecutive planes, in one pass: twice as fast as one pass
/// per channel.
fn planes<T: Copy + Default, const N: usize>(interleaved: &[T]) -> Vec<T> {
    let pixels = interleaved.as_chunks::<N>().0;
    let mut values = vec![T::default(); pixels.len() * N];
    let mut planes = values.chunks_exact_mut(pixels.len().max(1));
    let mut planes: [&mut [T]; N] = std::array::from_fn(|_| planes.next().unwrap_or_default());
    for (i, pixel) in pixels.iter().enumerate() {
        for (plane, value) in planes.iter_mut().zip(pixel) {
            plane[i] = *value;
        }
    }
    values
}

/// Splits off the last of `n` planes.
fn with_alpha<T>(mut planes: Vec<T>, n: usize) -> (Vec<T>, Option<Vec<T>>) {
    let alpha = planes.split_off(planes.len() / n * (n - 1));
    (planes, Some(alpha))
}

/// The values pixel by pixel, alpha last, in native byte order, as encoders expect.
pub(super) fn interleaved(image: &Image, alpha: Option<&Pixels>) -> Vec<u8> {
    let n = image.height * image.width;
    match (&image.pixels, alpha) {
        (Pixels::U8(colour), Some(Pixels::U8(alpha))) => interleave(colour, alpha, n, |v| [v]),
        (Pixels::U8(colour), _) => interleave(colour, &[], n, |v| [v]),
        (Pixels::U16(colour), Some(Pixels::U16(alpha))) => interleave(colour, alpha, n, u16::to_ne_bytes),
        (Pixels::U16(colour), _) => interleave(colour, &[], n, u16::to_ne_bytes),
        (Pixels::F32(colour), Some(Pixels::F32(alpha))) => interleave(colour, alpha, n, f32::to_ne_bytes),
        (Pixels::F32(colour), _) => interleave(colour, &[], n, f32::to_ne_bytes),
    }
}

fn interleave<T: Copy, const N: usize>(
    colour: &[T],
    alpha: &[T],
    n_pixels: usize,
    bytes: impl Fn(T) -> [u8; N],
) -> Vec<u8> {
    let planes = || colour.chunks_exact(n_pixels).chain(alpha.chunks_exact(n_pixels));
    let mut values = Vec::with_capacity((colour.len() + alpha.len()) * N);
    for i in 0..n_pixels {
        planes().for_each(|plane| values.extend(bytes(plane[i])));
    }
    values
}
