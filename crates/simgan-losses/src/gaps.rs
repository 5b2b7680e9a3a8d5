use candle_core::{Result, Tensor, bail};

use crate::known::with_gradient;

/// How far a pixel's neighbours may be, in pixels, across others that show nothing.
const REACH: usize = 2;
/// Shares of the steps between neighbours in real images that are flat, and that are flat or small.
const QUANTILES: [f64; 2] = [0.6, 0.92];
/// Steps of one dimension: none, where a side shows nothing; a great or a small one down, flat, and the same up.
const STEPS: usize = 6;
/// Steps across and down.
const KINDS: usize = STEPS * STEPS;
/// Added to a share that divides, so that kinds in which hardly any pixel is missing do not count most.
const LEAST: f64 = 0.02;

/// How often pixels of real images are missing, by the steps beside them: what [`Self::loss`] compares others with.
///
/// A depth sensor loses pixels where depths step, on one side more than on the other: in the shadow of its projector. A pixel's
/// kind are the differences of its right and left, and of its lower and upper neighbours, the next ones
/// that were measured, so that it does not depend on whether the pixel itself was. No label is needed.
#[derive(Clone, Debug)]
pub struct Gaps {
    /// Up to which a difference is flat, and small.
    limits: [f32; 2],
    /// Of each kind.
    shares: [f64; KINDS],
}

impl Gaps {
    /// Counts in real images.
    ///
    /// # Shapes
    ///
    /// `(N, C, H, W)`; a pixel is missing that is −1 in all channels, of which otherwise the greatest counts.
    ///
    /// # Errors
    ///
    /// If the images have another shape.
    pub fn of(images: &Tensor) -> Result<Self> {
        let planes = Planes::of(images)?;
        let mut sizes: Vec<f32> = planes.steps().flatten().flatten().map(f32::abs).collect();
        sizes.sort_unstable_by(f32::total_cmp);
        let limit =
            |quantile: f64| sizes.get((quantile * sizes.len() as f64) as usize).copied().unwrap_or(0.0);
        let limits = QUANTILES.map(limit);
        let shares = planes.counts(&planes.kinds(limits)).map(|[n, n_missing]| n_missing / n.max(1.0));
        Ok(Self { limits, shares })
    }

    /// Computes how unlike the real images' the gaps of refined ones are: ½ the mean over pixels of (f − r)² / (r + 0.02), where f
    /// and r are the shares of missing pixels among those of the same kind.
    ///
    /// A pixel that is missing although it can be shown, with all around it, is of the kind that it has among the values: a part
    /// that is missing as a whole counts too.
    ///
    /// # Shapes
    ///
    /// `values`, the images as if every pixel were measured, as in [`Self::of`]; `measured` `(N, 1, H, W)`, 1 where a pixel is
    /// measured and 0 where it is missing, of which alone the loss has a gradient, as if it were a number; and `shown`, 1 where it
    /// can be, and 0 elsewhere → a scalar.
    ///
    /// # Errors
    ///
    /// If a shape differs.
    pub fn loss(&self, values: &Tensor, measured: &Tensor, shown: &Tensor) -> Result<Tensor> {
        let whole = Planes::of(values)?;
        let expected = [values.dim(0)?, 1, whole.height, whole.width];
        if measured.dims() != expected || shown.dims() != expected {
            bail!("gaps: {:?} and {:?} for images {:?}", measured.dims(), shown.dims(), values.dims());
        }
        let planes = whole.without(&numbers(measured)?);
        let in_whole = whole.kinds(self.limits).into_iter().zip(numbers(shown)?);
        let kinds: Vec<_> = planes
            .kinds(self.limits)
            .into_iter()
            .zip(in_whole)
            .map(|(kind, (in_whole, shown))| kind.or(in_whole.filter(|_| shown > 0.0)))
            .collect();
        let (mut loss, mut slopes) = (0.0, [0.0; KINDS]);
        let n_pixels = kinds.len().max(1) as f64;
        for (kind, [n, n_missing]) in planes.counts(&kinds).into_iter().enumerate() {
            let excess = n_missing / n.max(1.0) - self.shares[kind];
            let relative = excess / (self.shares[kind] + LEAST);
            slopes[kind] = relative / n_pixels;
            loss += 0.5 * excess * relative * n / n_pixels;
        }
        let slopes: Vec<f32> =
            kinds.into_iter().map(|kind| kind.map_or(0.0, |kind| slopes[kind] as f32)).collect();
        let slopes = Tensor::from_vec(slopes, measured.shape(), measured.device())?;
        let loss = Tensor::new(loss as f32, measured.device())?;
        with_gradient(measured, &loss, &(slopes * shown.detach())?.neg()?)
    }
}

/// Images of one value for each pixel.
struct Planes {
    values: Vec<f32>,
    height: usize,
    width: usize,
}

impl Planes {
    fn of(images: &Tensor) -> Result<Self> {
        let (_, _, height, width) = images.dims4()?;
        Ok(Self { values: numbers(&images.max_keepdim(1)?)?, height, width })
    }

    /// Without the pixels that are not measured.
    fn without(&self, measured: &[f32]) -> Self {
        let values = self.values.iter().zip(measured);
        let values = values.map(|(value, measured)| if *measured > 0.5 { *value } else { -1.0 }).collect();
        Self { values, ..*self }
    }

    /// For each pixel its differences across and down; `None` where a side has no neighbour within reach.
    fn steps(&self) -> impl Iterator<Item = [Option<f32>; 2]> {
        let Self { height, width, .. } = *self;
        let plane = height * width;
        self.values.chunks_exact(plane.max(1)).flat_map(move |values| {
            (0..plane).map(move |at| {
                [step(values, at, at % width, width, 1), step(values, at, at / width, height, width)]
            })
        })
    }

    /// The kind of each pixel; `None` if it has no difference.
    fn kinds(&self, [flat, small]: [f32; 2]) -> Vec<Option<usize>> {
        let level = |step: Option<f32>| match step {
            None => 0,
            Some(step) if step < -small => 1,
            Some(step) if step < -flat => 2,
            Some(step) if step <= flat => 3,
            Some(step) if step <= small => 4,
            Some(_) => 5,
        };
        let kind = |[across, down]: [usize; 2]| (across + down > 0).then_some(across * STEPS + down);
        self.steps().map(|steps| kind(steps.map(level))).collect()
    }

    /// How many pixels are of each kind, and how many of these are missing.
    fn counts(&self, kinds: &[Option<usize>]) -> [[f64; 2]; KINDS] {
        let mut counts = [[0.0; 2]; KINDS];
        for (value, kind) in self.values.iter().zip(kinds) {
            if let Some(kind) = *kind {
                counts[kind][0] += 1.0;
                counts[kind][1] += f64::from(u8::from(*value <= -1.0));
            }
        }
        counts
    }
}

fn numbers(images: &Tensor) -> Result<Vec<f32>> {
    images.detach().flatten_all()?.to_vec1()
}

/// Of a pixel at `position` of `side`, whose neighbours are `stride` apart, the next one minus the one before.
fn step(values: &[f32], at: usize, position: usize, side: usize, stride: usize) -> Option<f32> {
    let shows = |value: &f32| *value > -1.0;
    let before = (1..=REACH.min(position)).map(|step| values[at - step * stride]).find(shows)?;
    let after = (1..=REACH.min(side - 1 - position)).map(|step| values[at + step * stride]).find(shows)?;
    Some(after - before)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    /// Rows of one image; '.' is missing, a digit a tenth.
    fn image(rows: &[&str]) -> Tensor {
        let value = |byte: u8| if byte == b'.' { -1.0 } else { f32::from(byte - b'0') / 10.0 };
        let values = rows.iter().flat_map(|row| row.bytes()).map(value).collect();
        Tensor::from_vec(values, (1, 1, rows.len(), rows[0].len()), &Device::Cpu).unwrap()
    }

    #[test]
    fn neighbours_are_looked_for_beyond_missing_pixels() {
        let steps: Vec<_> = Planes::of(&image(&["13.7...9", "13.7...9"])).unwrap().steps().collect();
        let across: Vec<_> =
            steps[..8].iter().map(|[across, _]| across.map(|step| (10.0 * step).round())).collect();
        let expected = [None, Some(6.0), Some(4.0), None, None, Some(2.0), None, None];
        assert_eq!(across, expected);
        assert!(steps.iter().all(|[_, down]| down.is_none()), "two rows have no row with both neighbours");
    }

    /// As many gaps of each kind give 0, and a gap in another place something else.
    #[test]
    fn equal_gaps_differ_by_nothing() {
        // A step up of 4 with every second pixel beside it missing, and a flat area without a gap.
        let real = image(&["1111555", "11.1555", "1111555", "11.1555", "1111555", "11.1555"]);
        let gaps = Gaps::of(&real).unwrap();
        let ones = real.ones_like().unwrap();
        let of = |rows: &[&str]| gaps.loss(&image(rows), &ones, &ones).unwrap().to_scalar::<f32>().unwrap();
        assert_eq!(of(&["1111555", "11.1555", "1111555", "11.1555", "1111555", "11.1555"]), 0.0);
        assert!(of(&["1111555", "1111555", "1111555", "1111555", "1111555", "1111555"]) > 1e-3);
        assert!(of(&["1111555", "11.15.5", "1111555", "11.1555", "1111555", "11.1555"]) > 1e-3);
    }

    #[test]
    fn the_gradient_says_where_gaps_are_too_few_and_too_many() {
        let real = image(&["1111555", "111.555", "1111555", "111.555", "1111555", "111.555"]);
        let gaps = Gaps::of(&real).unwrap();
        let refined = image(&["1111555", "1111555", "1111555", "1.11555", "1111555", "1111555"]);
        let measured = Var::ones((1, 1, 6, 7), candle_core::DType::F32, &Device::Cpu).unwrap();
        let shown =
            image(&["....111", "....111", "0000000", "0000000", "0000000", "0000000"]).ge(0.0).unwrap();
        let shown = shown.to_dtype(candle_core::DType::F32).unwrap();
        let loss = gaps.loss(&refined, &measured, &shown).unwrap();
        let gradient = loss.backward().unwrap().remove(&measured).unwrap();
        let gradient: Vec<Vec<f32>> = gradient.reshape((6, 7)).unwrap().to_vec2().unwrap();
        assert!(gradient[3][3] > 0.0, "less measured beside the step: {gradient:?}");
        assert!(gradient[3][1] < 0.0, "more measured on the flat: {gradient:?}");
        assert_eq!(gradient[1][3], 0.0, "where nothing is shown there is nothing to miss");
        let colours = Tensor::cat(&[&refined, &(refined.zeros_like().unwrap() - 1.0).unwrap()], 1).unwrap();
        let other = gaps.loss(&colours, &measured, &shown).unwrap().to_scalar::<f32>().unwrap();
        assert_eq!(other, loss.to_scalar::<f32>().unwrap(), "a pixel shows something in any channel");
        assert!(gaps.loss(&colours, &colours, &shown).is_err());
    }

    /// A pixel within a part that is missing has no neighbour that is measured.
    #[test]
    fn a_part_that_is_missing_as_a_whole_counts() {
        let gaps = Gaps::of(&image(&["5555555"; 7])).unwrap();
        let measured: Vec<f32> = (0..49).map(|at| f32::from(u8::from(at / 7 == 0))).collect();
        let measured =
            Var::from_tensor(&Tensor::from_vec(measured, (1, 1, 7, 7), &Device::Cpu).unwrap()).unwrap();
        let shown = image(&["5555555", "5555555", "5555555", "5555555", "5555555", "5555...", "5555555"]);
        let shown = shown.ge(0.0).unwrap().to_dtype(candle_core::DType::F32).unwrap();
        let loss = gaps.loss(&image(&["5555555"; 7]), &measured, &shown).unwrap();
        let gradient = loss.backward().unwrap().remove(&measured).unwrap();
        let gradient: Vec<Vec<f32>> = gradient.reshape((7, 7)).unwrap().to_vec2().unwrap();
        assert!(gradient[4][3] < 0.0, "more measured within the part: {gradient:?}");
        assert_eq!(gradient[5][5], 0.0, "where nothing is shown there is nothing to miss");
    }
}
