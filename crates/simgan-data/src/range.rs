use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{BitDepth, DataError, Extremes, Image, Pixels};

/// The stored values that stand for −1 and 1 before a network, in the images' own unit; written `MIN..MAX`
/// (`1000..2400`).
///
/// A value beyond the range is clamped to it. A value without a measurement ([`ValueRange::is_measured`])
/// becomes −1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ValueRange {
    /// The value that becomes −1.
    pub min: f32,
    /// The value that becomes 1; above `min`.
    pub max: f32,
}

/// A measured range is widened on both sides by this fraction of its width, since a sample misses extremes.
const MARGIN: f64 = 0.02;
/// Zero is isolated, hence no measurement, if all other values are above zero by more than this fraction of
/// their width.
const ISOLATION: f32 = 0.02;

impl ValueRange {
    /// Makes a range; `None` unless both ends are finite, and `min` is below `max`.
    #[must_use]
    pub fn new(min: f32, max: f32) -> Option<Self> {
        (min < max && (max - min).is_finite()).then_some(Self { min, max })
    }

    /// The whole scale of a bit depth: 0..255, 0..65535, or 0..1 in floating point.
    #[must_use]
    pub fn full(depth: BitDepth) -> Self {
        let max = match depth {
            BitDepth::Eight => 255.0,
            BitDepth::Sixteen => 65535.0,
            BitDepth::Float => 1.0,
        };
        Self { min: 0.0, max }
    }

    /// The range that sampled images of one depth use; `None` if it is the whole scale, as for 8 bits.
    ///
    /// It runs from the smallest to the largest measured value, widened by 2 % of its width on both sides and
    /// rounded outward. Zero counts as "no measurement" if it is isolated: if the smallest other value lies
    /// above it by more than 2 % of the width that the others span. Images that use half of the scale or more,
    /// without isolated zeros, are photographs rather than measurements and keep the whole scale, as do
    /// images of a single value.
    #[must_use]
    pub fn measured(extremes: &[Extremes], depth: BitDepth) -> Option<Self> {
        let known = || extremes.iter().flat_map(|image| image.others);
        let low = known().map(|range| range.min).fold(f32::INFINITY, f32::min);
        let high = known().map(|range| range.max).fold(f32::NEG_INFINITY, f32::max);
        let has_zero = extremes.iter().any(|image| image.has_zero);
        let is_isolated = has_zero && low > ISOLATION * (high - low);
        let (least, most) =
            if has_zero && !is_isolated { (low.min(0.0), high.max(0.0)) } else { (low, high) };
        let (full, width) = (Self::full(depth), most - least);
        let is_within = full.min <= least && most <= full.max;
        if depth == BitDepth::Eight {
            return None;
        }
        if !width.is_finite() || width <= 0.0 || (is_within && !is_isolated && width >= 0.5 * full.width()) {
            return None;
        }
        let [min, max] = widened(least, most, depth != BitDepth::Float);
        // With a minimum of zero or less, isolated zeros would be measurements.
        let min = if least > 0.0 { min.max(least / 2.0) } else { min };
        match depth {
            BitDepth::Float => Self::new(min, max),
            _ => Self::new(min.max(full.min), max.min(full.max)),
        }
    }

    /// `max − min`.
    #[must_use]
    pub fn width(&self) -> f32 {
        self.max - self.min
    }

    /// Whether a stored value is a measurement: it is finite, and not 0 if the range lies above 0.
    #[must_use]
    pub fn is_measured(&self, value: f32) -> bool {
        value.is_finite() && !(value == 0.0 && self.min > 0.0)
    }

    /// Whether the range contains a value.
    #[must_use]
    pub fn contains(&self, value: f32) -> bool {
        (self.min..=self.max).contains(&value)
    }
}

impl Image {
    /// Brings the range's ends to 0 and 1, in floating point, so that [`Image::to_unit`] gives what a network
    /// sees. Values beyond the range stay beyond; those without a measurement become NaN.
    #[must_use]
    pub fn in_range(&self, range: ValueRange) -> Self {
        let scaled = |value: f32| {
            if range.is_measured(value) { (value - range.min) / range.width() } else { f32::NAN }
        };
        let spec = self.spec();
        let pixels = Pixels::F32(self.pixels().iter().map(scaled).collect());
        Self::new(spec.channels, spec.height, spec.width, pixels)
    }
}

/// Widens a range by the margin and rounds outward to one or two significant digits of its width.
fn widened(least: f32, most: f32, is_whole: bool) -> [f32; 2] {
    let (least, most) = (f64::from(least), f64::from(most));
    let width = most - least;
    let step = 10f64.powf((width / 100.0).log10().floor());
    let step = if is_whole { step.max(1.0) } else { step };
    // A quotient that is whole up to rounding counts as whole.
    let nearly = 1e-9;
    let min = ((least - MARGIN * width) / step + nearly).floor() * step;
    let max = ((most + MARGIN * width) / step - nearly).ceil() * step;
    [min as f32, max as f32]
}

impl FromStr for ValueRange {
    type Err = DataError;

    /// Parses `MIN..MAX`.
    fn from_str(text: &str) -> Result<Self, DataError> {
        let range = text
            .split_once("..")
            .and_then(|(min, max)| Self::new(min.trim().parse().ok()?, max.trim().parse().ok()?));
        range.ok_or_else(|| DataError::Range { text: text.to_owned() })
    }
}

impl fmt::Display for ValueRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.min, self.max)
    }
}

impl TryFrom<String> for ValueRange {
    type Error = DataError;

    fn try_from(text: String) -> Result<Self, DataError> {
        text.parse()
    }
}

impl From<ValueRange> for String {
    fn from(range: ValueRange) -> Self {
        range.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(min: f32, max: f32) -> ValueRange {
        ValueRange { min, max }
    }

    #[test]
    fn ranges_are_read_and_written() {
        for (text, expected) in [("1000..2400", range(1000.0, 2400.0)), ("-0.5..1e3", range(-0.5, 1000.0))] {
            let read: ValueRange = text.parse().unwrap();
            assert_eq!(read, expected);
            assert_eq!(read.to_string().parse::<ValueRange>().unwrap(), read);
        }
        for text in ["", "..", "1", "2..1", "1..1", "0..inf", "nan..1", "-3e38..3e38", "a..b"] {
            let error = text.parse::<ValueRange>().unwrap_err().to_string();
            assert!(error.contains(&format!("\"{text}\" is not a range")), "{error}");
        }
    }

    fn measured(images: &[&[f32]], depth: BitDepth) -> Option<ValueRange> {
        let extremes: Vec<_> = images.iter().map(|values| Extremes::of("", values.iter().copied())).collect();
        ValueRange::measured(&extremes, depth)
    }

    #[test]
    fn a_range_follows_what_was_measured() {
        let sixteen = |images: &[&[f32]]| measured(images, BitDepth::Sixteen);
        assert_eq!(sixteen(&[&[0.0, 1156.0, 1800.0], &[1300.0, 2200.0]]), Some(range(1130.0, 2230.0)));
        assert_eq!(sixteen(&[&[0.0, 10.0, 2000.0]]), Some(range(0.0, 2040.0)), "0 is not isolated");
        assert_eq!(sixteen(&[&[3.0, 40_000.0]]), None, "a photograph");
        assert_eq!(sixteen(&[&[0.0, 20_000.0, 60_000.0]]), Some(range(19_200.0, 60_800.0)));
        assert_eq!(sixteen(&[&[500.0, 500.0]]), None, "one value");
        assert_eq!(sixteen(&[&[60_000.0, 65_535.0]]), Some(range(59_880.0, 65_535.0)), "at most the scale");
        let float = |images: &[&[f32]]| measured(images, BitDepth::Float);
        assert_eq!(float(&[&[f32::NAN, 0.5, 3.5, f32::INFINITY]]), Some(range(0.44, 3.56)));
        assert_eq!(float(&[&[0.0, 0.9]]), None);
        assert_eq!(float(&[&[f32::NAN]]), None, "nothing was measured");
        assert_eq!(measured(&[&[0.0, 9.0]], BitDepth::Eight), None);
        assert_eq!(float(&[]), None);
    }

    #[test]
    fn a_range_spans_the_networks_scale() {
        let image = Image::new(1, 1, 5, Pixels::U16(vec![0, 1000, 1350, 2400, 9000]));
        assert_eq!(image.in_range(range(1000.0, 2400.0)).to_unit(), [-1.0, -1.0, -0.5, 1.0, 1.0]);
        let from_zero = image.in_range(range(0.0, 1000.0));
        assert_eq!(from_zero.to_unit()[..2], [-1.0, 1.0], "0 is a value where the range has it");
        assert!(from_zero.pixels().iter().all(f32::is_finite));
    }
}
