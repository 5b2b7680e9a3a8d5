use candle_core::{Device, Result, Tensor};

/// How much more the pixels around labelled points count in the self-regularization.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Landmarks {
    /// Weight of a pixel near a point, where others have 1; finite and above 0.
    pub weight: f64,
    /// Greatest distance of such a pixel's centre from a point, in pixels.
    pub radius_px: f64,
}

impl Landmarks {
    /// Returns the weights of the pixels of images of `[height, width]`, for
    /// [`weighted_loss`](crate::SelfRegularization::weighted_loss).
    ///
    /// Each image's weights are divided by their mean, which is then 1. So λ means the same as without
    /// weights, however many points an image has; the pixels elsewhere then count a little less than 1.
    /// Points outside the image, or whose place is unknown (NaN), have no part; an image without any other
    /// has weight 1 everywhere. A pixel near several points counts once.
    ///
    /// # Shapes
    ///
    /// `points`: for each of the N images, `[x, y]` in pixels from the top left, the first pixel's centre at (0.5, 0.5)
    /// → `(N, 1, height, width)`.
    ///
    /// # Errors
    ///
    /// If the device is out of memory.
    pub fn weights(
        self,
        points: &[Vec<[f32; 2]>],
        [height, width]: [usize; 2],
        device: &Device,
    ) -> Result<Tensor> {
        let mut weights = Vec::with_capacity(points.len() * height * width);
        for points in points {
            let near = self.near(points, [height, width]);
            let n_near = near.iter().filter(|near| **near).count() as f64;
            let n_pixels = (height * width) as f64;
            let mean = (n_near * self.weight + (n_pixels - n_near)) / n_pixels;
            weights.extend(near.iter().map(|near| (if *near { self.weight } else { 1.0 } / mean) as f32));
        }
        Tensor::from_vec(weights, (points.len(), 1, height, width), device)
    }

    /// Marks the pixels near a point, row by row.
    fn near(self, points: &[[f32; 2]], [height, width]: [usize; 2]) -> Vec<bool> {
        let mut near = vec![false; height * width];
        // The pixels from `from` to `to` along an axis have their centres within the radius of `place`.
        let span = |place: f64, side: usize| {
            let from = (place - self.radius_px - 0.5).ceil().max(0.0) as usize;
            let to = (place + self.radius_px - 0.5).floor().min(side as f64 - 1.0);
            from..(to + 1.0).max(0.0) as usize
        };
        for [x, y] in points.iter().map(|point| point.map(f64::from)) {
            // NaN is in no range.
            if !(0.0..=width as f64).contains(&x) || !(0.0..=height as f64).contains(&y) {
                continue;
            }
            for row in span(y, height) {
                for column in span(x, width) {
                    let distance = (column as f64 + 0.5 - x).hypot(row as f64 + 0.5 - y);
                    near[row * width + column] |= distance <= self.radius_px;
                }
            }
        }
        near
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LANDMARKS: Landmarks = Landmarks { weight: 4.0, radius_px: 1.5 };

    fn weights(points: Vec<[f32; 2]>) -> Vec<Vec<f32>> {
        let weights = LANDMARKS.weights(&[points], [5, 7], &Device::Cpu).unwrap();
        assert_eq!(weights.dims(), [1, 1, 5, 7]);
        weights.squeeze(0).unwrap().squeeze(0).unwrap().to_vec2().unwrap()
    }

    /// Which pixels count more.
    fn drawn(points: Vec<[f32; 2]>) -> Vec<String> {
        let mark = |weight: &f32| if *weight > 1.0 { '#' } else { '.' };
        weights(points).iter().map(|row| row.iter().map(mark).collect()).collect()
    }

    #[test]
    fn pixels_around_points_count_more() {
        let around = drawn(vec![[2.5, 1.5]]);
        assert_eq!(around, [".###...", ".###...", ".###...", ".......", "......."]);
        // Between two pixels, and at the edge.
        let places = drawn(vec![[3.0, 5.0], [7.0, 0.0]]);
        assert_eq!(places, ["......#", ".......", ".......", ".......", "..##..."]);
    }

    #[test]
    fn what_is_not_in_view_has_no_part() {
        let nowhere = vec![[7.1, 2.0], [3.0, -0.1], [f32::NAN, 2.0], [3.0, f32::INFINITY]];
        assert!(weights(nowhere).iter().flatten().all(|weight| *weight == 1.0));
        assert!(weights(Vec::new()).iter().flatten().all(|weight| *weight == 1.0));
    }

    #[test]
    fn the_mean_is_1_and_the_ratio_the_weight() {
        for points in [vec![[2.5, 1.5]], vec![[2.5, 1.5], [2.5, 1.6], [6.5, 4.5]]] {
            let weights = weights(points);
            let all: Vec<f64> = weights.iter().flatten().map(|weight| f64::from(*weight)).collect();
            assert!((all.iter().sum::<f64>() / 35.0 - 1.0).abs() < 1e-6);
            let (most, least) =
                (all.iter().copied().fold(0.0, f64::max), all.iter().copied().fold(9.0, f64::min));
            assert!((most / least - 4.0).abs() < 1e-5);
        }
    }
}
