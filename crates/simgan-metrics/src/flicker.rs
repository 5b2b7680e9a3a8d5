use crate::MetricsError;

/// Measures how a film flickers before and after refinement, frame by frame, so that a film need not be in
/// memory.
///
/// Flicker is the mean over pixels and frames of the second difference |xₜ₊₁ − 2 xₜ + xₜ₋₁|: 0 for what stays,
/// brightens or fades evenly; 4 times its amplitude for what alternates from frame to frame. What moves adds to
/// it, so that refined films are compared with their renders.
///
/// ```
/// use simgan_metrics::Flicker;
///
/// let mut flicker = Flicker::default();
/// for (frame, grain) in [0.05, -0.05, 0.05, -0.05].into_iter().enumerate() {
///     let rendered = [0.1 * frame as f32; 6];
///     flicker.add(&rendered, &rendered.map(|pixel| pixel + grain))?;
/// }
/// let figures = flicker.figures().expect("three frames or more");
/// assert!(figures.rendered < 1e-6 && (figures.refined - 0.2).abs() < 1e-6);
/// assert!((figures.added - 1.0).abs() < 1e-6); // each step gained as much as the render has
/// # Ok::<(), simgan_metrics::MetricsError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Flicker {
    /// The last two frames, rendered and refined.
    last: Vec<[Vec<f32>; 2]>,
    /// Sums over pixels of |second differences|, rendered and refined.
    second: [f64; 2],
    n_second: u64,
    /// Sums of |xₜ₊₁ − xₜ| of the render, and of how far the refined difference is from it.
    step: f64,
    added: f64,
    n_frames: u64,
}

/// How a film flickers. Values are of pixels in [−1, 1].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FlickerFigures {
    /// Flicker of the rendered film.
    pub rendered: f64,
    /// Flicker of the refined film.
    pub refined: f64,
    /// Mean |(R(xₜ₊₁) − R(xₜ)) − (xₜ₊₁ − xₜ)| as a multiple of mean |xₜ₊₁ − xₜ|: how much of the change from
    /// frame to frame is R's own.
    pub added: f64,
    /// Frames measured.
    pub n_frames: u64,
}

impl FlickerFigures {
    /// Flicker of the refined film as a multiple of the render's.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        self.refined / self.rendered
    }
}

impl Flicker {
    /// Ends the film: the next frame is another one's first.
    pub fn cut(&mut self) {
        self.last.clear();
    }

    /// Adds the next frame, as rendered and as refined, in [−1, 1].
    ///
    /// # Errors
    ///
    /// The two, or this frame and the one before, differ in their number of pixels.
    pub fn add(&mut self, rendered: &[f32], refined: &[f32]) -> Result<(), MetricsError> {
        let expected = self.last.last().map_or(rendered.len(), |[frame, _]| frame.len());
        if let Some(found) = [rendered.len(), refined.len()].into_iter().find(|found| *found != expected) {
            return Err(MetricsError::FrameSizes { found, expected });
        }
        let frame = [rendered.to_vec(), refined.to_vec()];
        if let [before, last] = &self.last[..] {
            for side in 0..2 {
                let pixels = before[side].iter().zip(&last[side]).zip(&frame[side]);
                self.second[side] +=
                    pixels.map(|((a, b), c)| f64::from((c - b) - (b - a)).abs()).sum::<f64>();
            }
            self.n_second += expected as u64;
        }
        if let Some(last) = self.last.last() {
            for at in 0..expected {
                let [step, refined] = [0, 1].map(|side: usize| f64::from(frame[side][at] - last[side][at]));
                self.step += step.abs();
                self.added += (refined - step).abs();
            }
        }
        if self.last.len() == 2 {
            self.last.remove(0);
        }
        self.last.push(frame);
        self.n_frames += 1;
        Ok(())
    }

    /// Returns the figures; `None` if no film has three frames.
    #[must_use]
    pub fn figures(&self) -> Option<FlickerFigures> {
        let [rendered, refined] = self.second.map(|sum| sum / self.n_second as f64);
        let figures =
            FlickerFigures { rendered, refined, added: self.added / self.step, n_frames: self.n_frames };
        (self.n_second > 0).then_some(figures)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adds frames of three pixels, of which the last stays black.
    fn film(flicker: &mut Flicker, rendered: &[f32], refined: &[f32]) {
        for (a, b) in rendered.iter().zip(refined) {
            flicker.add(&[*a, -a, -1.0], &[*b, -b, -1.0]).unwrap();
        }
    }

    #[test]
    fn known_films_have_known_figures() {
        let mut flicker = Flicker::default();
        film(&mut flicker, &[0.0, 0.1, 0.3, 0.3], &[0.0, 0.2, 0.6, 0.6]);
        let figures = flicker.figures().unwrap();
        // Second differences 0.1 and −0.2 in two of three pixels; all doubled by refinement.
        assert!((figures.rendered - 0.1).abs() < 1e-6 && (figures.ratio() - 2.0).abs() < 1e-5);
        assert!((figures.added - 1.0).abs() < 1e-5);
        assert_eq!(figures.n_frames, 4);
    }

    #[test]
    fn a_cut_is_no_flicker() {
        let mut flicker = Flicker::default();
        film(&mut flicker, &[0.0, 0.1, 0.2], &[0.0, 0.1, 0.2]);
        flicker.cut();
        film(&mut flicker, &[0.9, 0.8, 0.7], &[0.9, 0.8, 0.7]);
        let figures = flicker.figures().unwrap();
        assert!(figures.rendered < 1e-6 && figures.refined < 1e-6 && figures.added < 1e-6, "{figures:?}");
    }

    #[test]
    fn two_frames_are_too_few_and_sizes_must_agree() {
        let mut flicker = Flicker::default();
        film(&mut flicker, &[0.0, 0.1], &[0.0, 0.1]);
        assert_eq!(flicker.figures(), None);
        let error = flicker.add(&[0.0], &[0.0]).unwrap_err().to_string();
        assert!(error.contains('1') && error.contains('3'), "{error}");
    }
}
