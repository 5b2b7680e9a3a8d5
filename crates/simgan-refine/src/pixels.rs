//! Converts between images and the refiner's values.

use std::borrow::Cow;

use simgan_data::{BitDepth, Image, ImageSpec, Pixels, Tone, ValueRange};

use super::change::{Change, RangeUse};

/// An image converted to the refiner's channels and range, with its own values where these are needed to
/// convert back.
pub(super) struct Refinable {
    /// The image's own size, channels and depth.
    spec: ImageSpec,
    /// The stored values that −1 and 1 stand for.
    range: ValueRange,
    /// Planar values in [−1, 1], in the refiner's channels.
    pub(super) values: Vec<f32>,
    /// The image's own stored values, with the tone; `None` if the refiner's output replaces them.
    own: Option<Pixels>,
    range_use: RangeUse,
}

impl Refinable {
    /// Converts an image to `channels` (gray to RGB by repeating the plane, RGB to gray by the luma) and to
    /// `range`; `None` is the whole scale of its depth. A `tone` comes first, and what follows knows only the
    /// toned image.
    pub(super) fn new(
        image: &Image,
        channels: usize,
        range: Option<ValueRange>,
        tone: Option<&Tone>,
    ) -> Self {
        let spec = image.spec();
        let full = ValueRange::full(spec.depth);
        let range_use = RangeUse::of(image.pixels().iter(), range.unwrap_or(full));
        let is_scaled = range.is_some_and(|range| range != full) || spec.depth == BitDepth::Float;
        let range = range.unwrap_or(full);
        let scaled = is_scaled.then_some(range);
        if spec.channels == channels && !is_scaled {
            let values = seen(image, scaled, tone).to_unit();
            return Self { spec, range, values, own: None, range_use };
        }
        // As in training, the tone follows the channels and the range.
        let values = seen(&image.to_channels(channels), scaled, tone).to_unit();
        let own = match tone {
            Some(_) if is_scaled => in_unit(&seen(image, scaled, tone), image.pixels(), range),
            _ => seen(image, None, tone).pixels().clone(),
        };
        Self { spec, range, values, own: Some(own), range_use }
    }

    pub(super) fn spec(&self) -> ImageSpec {
        self.spec
    }

    /// Converts the refiner's output to an image of the original channels and depth. Also returns the mean of
    /// |R(x) − x| over the refiner's values.
    ///
    /// Where the channels or the range differ from the image's own, the *change* is transferred rather than the
    /// values. An RGB image thus keeps its colours: red, green and blue get the luma's change; a gray image
    /// gets the mean change of the three channels. A value beyond the range keeps its distance to it, and one
    /// without a measurement stays as it is. What R takes for not measured becomes 0.
    pub(super) fn with_refined(&self, refined: &[f32]) -> (Image, Change) {
        let Some(own) = &self.own else {
            let sum = self.values.iter().zip(refined).map(|(x, r)| f64::from((r - x).abs())).sum::<f64>();
            let change = Change { mean: sum / refined.len() as f64, range_use: self.range_use };
            return (Image::from_unit(self.spec, refined), change);
        };
        let n_pixels = self.spec.height * self.spec.width;
        let n_planes = refined.len() / n_pixels;
        let (mut sum, mut n_changed, mut n_holes) = (0.0, 0u64, 0u64);
        let half = self.range.width() / 2.0;
        let mut changed = Vec::with_capacity(own.len());
        for (idx, value) in own.iter().enumerate() {
            if !self.range.is_measured(value) {
                changed.push(value);
                continue;
            }
            // With as many channels as the refiner, each gets its own change, otherwise the mean of all.
            let planes =
                if n_planes == self.spec.channels { idx / n_pixels..idx / n_pixels + 1 } else { 0..n_planes };
            let places = planes.map(|plane| plane * n_pixels + idx % n_pixels);
            // A network sees what was not measured as −1, and so R says that it was not.
            let is_hole = |at: usize| refined[at] == -1.0 && self.values[at] > -1.0;
            if !self.range.is_measured(0.0) && places.clone().all(is_hole) {
                changed.push(0.0);
                n_holes += 1;
                continue;
            }
            let changes = places.map(|at| refined[at] - self.values[at]);
            changed.push(value + changes.clone().sum::<f32>() / changes.len() as f32 * half);
            for change in changes {
                sum += f64::from(change.abs());
                n_changed += 1;
            }
        }
        let mean = if n_changed == 0 { 0.0 } else { sum / n_changed as f64 };
        let ImageSpec { channels, height, width, depth } = self.spec;
        let image = Image::new(channels, height, width, Pixels::rounded(depth, &changed));
        (image, Change { mean, range_use: RangeUse { n_holes, ..self.range_use } })
    }
}

/// An image in a range, if there is one, then with a tone, if there is one.
fn seen<'a>(image: &'a Image, range: Option<ValueRange>, tone: Option<&Tone>) -> Cow<'a, Image> {
    let image = range.map_or(Cow::Borrowed(image), |range| Cow::Owned(image.in_range(range)));
    match tone {
        Some(tone) => Cow::Owned(tone.apply(&image)),
        None => image,
    }
}

/// Returns the values of an image in `range`, 0 to 1, in the unit of `stored`. What was not measured stays.
fn in_unit(image: &Image, stored: &Pixels, range: ValueRange) -> Pixels {
    let values = image.pixels().iter().zip(stored.iter());
    let value = |(share, stored)| {
        if range.is_measured(stored) { range.min + share * range.width() } else { stored }
    };
    Pixels::F32(values.map(value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rgb() -> Image {
        Image::new(3, 1, 2, Pixels::U8(vec![200, 10, 100, 20, 50, 30]))
    }

    #[test]
    fn a_refiner_that_changes_nothing_changes_no_byte() {
        for image in [rgb(), Image::new(1, 2, 1, Pixels::U16(vec![7, 65_000]))] {
            for channels in [1, 3] {
                for range in [None, ValueRange::new(5.0, 90.0), ValueRange::new(-9.0, 70_000.0)] {
                    let refinable = Refinable::new(&image, channels, range, None);
                    let (refined, change) = refinable.with_refined(&refinable.values.clone());
                    assert_eq!((refined, change.mean), (image.clone(), 0.0));
                }
            }
        }
    }

    /// Adds `change` to all that the network sees.
    fn brightened(image: &Image, range: Option<ValueRange>, change: f32) -> (Image, Change) {
        let refinable = Refinable::new(image, 1, range, None);
        let refined: Vec<f32> = refinable.values.iter().map(|value| value + change).collect();
        refinable.with_refined(&refined)
    }

    #[test]
    fn depth_keeps_its_unit() {
        let range = ValueRange::new(1000.0, 2000.0);
        // Not measured, below the range, inside twice, beyond it, at the end of the scale.
        let depth = Image::new(1, 1, 6, Pixels::U16(vec![0, 900, 1156, 2000, 2500, 65_535]));
        let (image, change) = brightened(&depth, range, 0.01);
        assert_eq!(image.pixels(), &Pixels::U16(vec![0, 905, 1161, 2005, 2505, 65_535]));
        assert!((change.mean - 0.01).abs() < 1e-6);
        let RangeUse { values, n_values, n_inside, .. } = change.range_use;
        assert_eq!((values, n_values, n_inside), (Some([900.0, 65_535.0]), 5, 2));
        assert!(change.range_use.is_beyond());
        let nothing = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0];
        let metres = Image::new(1, 1, 5, Pixels::F32([&nothing[..], &[1.25]].concat()));
        let (image, change) = brightened(&metres, ValueRange::new(1.0, 2.0), 0.5);
        assert_eq!(image.pixels(), &Pixels::F32([&nothing[..], &[1.5]].concat()));
        assert_eq!((change.mean, change.range_use.inside()), (0.5, 1.0));
        let (image, _) = brightened(&metres, None, 0.5);
        assert_eq!(
            image.pixels(),
            &Pixels::F32([&nothing[..3], &[0.25, 1.5]].concat()),
            "0 is a value in 0..1"
        );
    }

    #[test]
    fn what_the_refiner_does_not_measure_becomes_0() {
        let depth = Image::new(1, 1, 4, Pixels::U16(vec![0, 900, 1156, 1800]));
        let of = |range| {
            let refinable = Refinable::new(&depth, 1, ValueRange::new(range, 2000.0), None);
            let (image, change) = refinable.with_refined(&[-1.0; 4]);
            (image.pixels().clone(), change.range_use.n_holes)
        };
        // A value below the range, which R sees as −1 already, stays.
        assert_eq!(of(1000.0), (Pixels::U16(vec![0, 900, 0, 0]), 2));
        // In a range from 0 on, 0 is a value, and −1 the lowest one.
        assert_eq!(of(-2000.0), (Pixels::U16(vec![0; 4]), 0));
        let colours = Image::new(3, 1, 1, Pixels::U16(vec![1200, 1300, 1400]));
        let refinable = Refinable::new(&colours, 1, ValueRange::new(1000.0, 2000.0), None);
        assert_eq!(refinable.with_refined(&[-1.0]).0.pixels(), &Pixels::U16(vec![0; 3]));
    }

    #[test]
    fn a_tone_comes_before_the_refiner_in_any_unit() {
        // A refiner that changes nothing leaves the toned image, in the unit and depth of the file.
        let toned = |image: &Image, channels, range| {
            let refinable = Refinable::new(image, channels, range, Some(&Tone::Equalize));
            let (image, change) = refinable.with_refined(&refinable.values.clone());
            assert_eq!(change.mean, 0.0);
            image
        };
        let gray = Image::new(1, 1, 4, Pixels::U8(vec![40, 50, 50, 60]));
        for channels in [1, 3] {
            assert_eq!(toned(&gray, channels, None).pixels(), &Pixels::U8(vec![0, 170, 170, 255]));
        }
        let sixteen =
            Image::new(1, 1, 4, Pixels::U16(vec![40, 50, 50, 60].into_iter().map(|v| v * 257).collect()));
        assert_eq!(toned(&sixteen, 1, None).pixels(), &Pixels::U16(vec![0, 43_690, 43_690, 65_535]));
        let range = ValueRange::new(1000.0, 2000.0);
        // Not measured, then values at levels 51 and 204 of 255, then one beyond the range.
        let depth = Image::new(1, 1, 4, Pixels::U16(vec![0, 1200, 1800, 2500]));
        assert_eq!(toned(&depth, 1, range).pixels(), &Pixels::U16(vec![0, 1000, 1500, 2500]));
        let metres = Image::new(1, 1, 4, Pixels::F32(vec![f32::NAN, 1.2, 1.8, 2.0]));
        let Pixels::F32(found) = toned(&metres, 1, ValueRange::new(1.0, 2.0)).pixels().clone() else {
            panic!()
        };
        let near = |(found, expected): (&f32, f32)| {
            found.is_nan() && expected.is_nan() || (found - expected).abs() < 1e-5
        };
        assert!(found.iter().zip([f32::NAN, 1.0, 1.5, 2.0]).all(near), "{found:?}");
        // A gray refiner sees the toned luma, and colours keep their ratios.
        let colours = toned(&rgb(), 1, None);
        assert_eq!(
            colours.pixels().iter().skip(1).step_by(2).collect::<Vec<_>>(),
            [0.0; 3],
            "the darker pixel"
        );
        let bright: Vec<f32> = colours.pixels().iter().step_by(2).collect();
        assert!(bright[0] == 255.0 && (bright[1] / bright[2] - 2.0).abs() < 0.05, "{bright:?}");
    }

    #[test]
    fn three_channels_change_one_by_one_in_a_range() {
        let image = rgb();
        let refinable = Refinable::new(&image, 3, ValueRange::new(0.0, 200.0), None);
        let changes = [0.1, 0.0, 0.0, 0.2, 0.0, 0.0];
        let refined: Vec<f32> = refinable.values.iter().zip(changes).map(|(v, change)| v + change).collect();
        let (image, _) = refinable.with_refined(&refined);
        assert_eq!(image.pixels(), &Pixels::U8(vec![210, 10, 100, 40, 50, 30]));
    }

    #[test]
    fn a_gray_refiner_shifts_the_three_colours_alike() {
        let refinable = Refinable::new(&rgb(), 1, None, None);
        let brighter: Vec<f32> = refinable.values.iter().map(|v| v + 10.0 / 127.5).collect();
        let (image, change) = refinable.with_refined(&brighter);
        assert_eq!(image.pixels(), &Pixels::U8(vec![210, 20, 110, 30, 60, 40]));
        assert!((change.mean - 10.0 / 127.5).abs() < 1e-6);
    }

    #[test]
    fn a_colour_refiner_gives_a_gray_image_its_mean_change() {
        let gray = Image::new(1, 1, 2, Pixels::U8(vec![100, 50]));
        let refinable = Refinable::new(&gray, 3, None, None);
        let changes = [30.0, 0.0, 0.0, 9.0, 0.0, 0.0].map(|change| change / 127.5);
        let refined: Vec<f32> = refinable.values.iter().zip(changes).map(|(v, change)| v + change).collect();
        assert_eq!(refinable.with_refined(&refined).0.pixels(), &Pixels::U8(vec![110, 53]));
    }
}
