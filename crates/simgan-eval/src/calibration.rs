use serde::{Deserialize, Serialize};
use simgan_data::Annotation;

use crate::{EvalError, Task, TaskKind, TestEye};

/// How many images the prior of the gains counts as: with few images a gain stays close to 1.
const PRIOR_IMAGES: f64 = 10.0;
/// Minimum number of images for gains: fewer are fitted exactly by any line.
const LEAST_FOR_GAINS: usize = 4;

/// A correction of an estimator's answers for one person or camera: along each axis `gain · answer + offset`.
///
/// The axes are pitch and yaw in degrees of a direction, x and y in pixels of points, and the numbers of a
/// vector. A direction's yaw is that of the camera: mirrored images negate it before and after.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Its form.
    pub form: CalibrationForm,
    /// Factor along each axis; 1 for [`CalibrationForm::Offset`].
    pub gain: Vec<f64>,
    /// Offset along each axis, in its unit.
    pub offset: Vec<f64>,
    /// Number of images that it was measured on.
    pub n_images: usize,
}

/// The form of a correction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalibrationForm {
    /// A constant offset: what differs between a person's optical and visual axes.
    Offset,
    /// An offset and a gain, which is drawn towards 1 the fewer images there are: what a network that never saw
    /// such images answers too timidly.
    Affine,
}

/// A calibration, with the errors that its choice rests on, in the unit of the task's first measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibrated {
    /// What was chosen: the form with the smallest error; `None` if no correction errs least.
    pub chosen: Option<Calibration>,
    /// Error of the answers as they are.
    pub error: f64,
    /// Error of each form on images that it was not fitted to, leaving out one image at a time. Absent for
    /// forms that need more images.
    pub left_out: Vec<(CalibrationForm, f64)>,
}

impl Calibration {
    /// Fits a correction to answers and truths and chooses its form; `eyes` says which images are mirrored.
    ///
    /// # Errors
    ///
    /// If there are fewer than two images, the numbers differ, or the task's labels are no numbers.
    pub fn choose(
        task: &dyn Task,
        answers: &[Annotation],
        truth: &[Annotation],
        eyes: &[TestEye],
    ) -> Result<Calibrated, EvalError> {
        let found = truth.len();
        if found < 2 {
            return Err(EvalError::TooFew { what: "a calibration", found, needed: 2 });
        }
        if answers.len() != found || eyes.len() != found {
            let reason = format!("{} answers and {} eyes for {found} images", answers.len(), eyes.len());
            return Err(EvalError::Mismatch(reason));
        }
        let error = error_of(task, answers, truth)?;
        let mut forms = vec![CalibrationForm::Offset];
        forms.extend((found >= LEAST_FOR_GAINS).then_some(CalibrationForm::Affine));
        let mut left_out = Vec::new();
        for form in forms {
            left_out.push((form, left_out_error(form, task, answers, truth, eyes)?));
        }
        let best = left_out.iter().min_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, least)| *least < error);
        let all: Vec<_> = (0..found).collect();
        let chosen = best.map(|(form, _)| Self::fit(*form, task, answers, truth, eyes, &all)).transpose()?;
        Ok(Calibrated { chosen, error, left_out })
    }

    /// Fits a correction of one form to the images at `indices`.
    fn fit(
        form: CalibrationForm,
        task: &dyn Task,
        answers: &[Annotation],
        truth: &[Annotation],
        eyes: &[TestEye],
        indices: &[usize],
    ) -> Result<Self, EvalError> {
        let mut pairs: Vec<Vec<[f64; 2]>> = Vec::new();
        for idx in indices {
            let (answer, truth) =
                (parts(task, &answers[*idx], eyes[*idx])?, parts(task, &truth[*idx], eyes[*idx])?);
            for (answer, truth) in answer.iter().zip(&truth) {
                pairs.resize(answer.len().max(pairs.len()), Vec::new());
                for (axis, pair) in answer.iter().zip(truth).enumerate() {
                    let pair = [*pair.0, near(task, *pair.1, *pair.0)];
                    if pair.iter().all(|value| value.is_finite()) {
                        pairs[axis].push(pair);
                    }
                }
            }
        }
        let lines = pairs.iter().map(|pairs| line(form, pairs, indices.len()));
        let (gain, offset) = lines.unzip();
        Ok(Self { form, gain, offset, n_images: indices.len() })
    }

    /// Says what is wrong with a correction that was read from a file.
    pub(crate) fn check(&self, task: &dyn Task) -> Result<(), String> {
        let n_axes = match task.spec().kind {
            TaskKind::Direction | TaskKind::Points => 2,
            TaskKind::Vector => task.spec().width,
            TaskKind::Class => return Err("classes have no calibration".to_owned()),
        };
        let is_sound =
            |values: &[f64]| values.len() == n_axes && values.iter().all(|value| value.is_finite());
        if is_sound(&self.gain) && is_sound(&self.offset) {
            return Ok(());
        }
        Err(format!("its calibration is not {n_axes} finite gains and offsets"))
    }

    /// Corrects an answer for an image of `eye`.
    ///
    /// # Errors
    ///
    /// If the answer does not suit the correction, or has no meaning after it.
    pub fn apply(&self, task: &dyn Task, answer: &Annotation, eye: TestEye) -> Result<Annotation, EvalError> {
        let mut parts = parts(task, answer, eye)?;
        for part in &mut parts {
            if part.len() != self.gain.len() || part.len() != self.offset.len() {
                let reason = format!("a calibration of {} axes for {}", self.gain.len(), part.len());
                return Err(EvalError::Mismatch(reason));
            }
            for (axis, value) in part.iter_mut().enumerate() {
                *value = self.gain[axis] * *value + self.offset[axis];
            }
        }
        mirror(task, &mut parts, eye);
        task.label_of(&parts).ok_or_else(|| EvalError::NoAnswer {
            answer: parts.concat().into_iter().map(|value| value as f32).collect(),
        })
    }
}

/// Fits gain and offset to pairs of an answer and its truth in some images; no pairs ask for no correction.
fn line(form: CalibrationForm, pairs: &[[f64; 2]], n_images: usize) -> (f64, f64) {
    if pairs.is_empty() {
        return (1.0, 0.0);
    }
    let n = pairs.len() as f64;
    let mean = |place: usize| pairs.iter().map(|pair| pair[place]).sum::<f64>() / n;
    let [answer, truth] = [mean(0), mean(1)];
    let gain = match form {
        CalibrationForm::Offset => 1.0,
        CalibrationForm::Affine => {
            let moment = |other: usize| {
                let centred = |pair: &[f64; 2]| (pair[0] - answer) * (pair[other] - [answer, truth][other]);
                pairs.iter().map(centred).sum::<f64>()
            };
            let (variance, covariance) = (moment(0), moment(1));
            let prior = PRIOR_IMAGES * variance / n_images as f64;
            // Equal answers say nothing about a gain.
            if variance > 0.0 { (covariance + prior) / (variance + prior) } else { 1.0 }
        }
    };
    (gain, truth - gain * answer)
}

/// The mean error of answers that were corrected by a fit to all other images.
fn left_out_error(
    form: CalibrationForm,
    task: &dyn Task,
    answers: &[Annotation],
    truth: &[Annotation],
    eyes: &[TestEye],
) -> Result<f64, EvalError> {
    let corrected = |left_out: usize| {
        let others: Vec<_> = (0..truth.len()).filter(|idx| *idx != left_out).collect();
        let fitted = Calibration::fit(form, task, answers, truth, eyes, &others)?;
        fitted.apply(task, &answers[left_out], eyes[left_out])
    };
    let corrected: Result<Vec<_>, EvalError> = (0..truth.len()).map(corrected).collect();
    error_of(task, &corrected?, truth)
}

/// The figure of the task's first measure.
fn error_of(task: &dyn Task, answers: &[Annotation], truth: &[Annotation]) -> Result<f64, EvalError> {
    let measures = task.measures();
    let errors = task.errors(answers, truth)?;
    let none = || EvalError::Mismatch("there is no error to compare".to_owned());
    measures.first().and_then(|error| errors.figure(&error.key)).ok_or_else(none)
}

/// The parts of a label in the camera's frame.
fn parts(task: &dyn Task, label: &Annotation, eye: TestEye) -> Result<Vec<Vec<f64>>, EvalError> {
    let none = || EvalError::Impossible {
        reason: format!("answers of {} have no offset to calibrate", task.spec()),
        hint: "directions, points and numbers can be calibrated",
    };
    let mut parts = task.parts(label).ok_or_else(none)?;
    mirror(task, &mut parts, eye);
    Ok(parts)
}

/// Brings an angle to within half a turn of another; other numbers stay.
fn near(task: &dyn Task, value: f64, other: f64) -> f64 {
    match task.spec().kind {
        TaskKind::Direction => value - 360.0 * ((value - other) / 360.0).round(),
        _ => value,
    }
}

/// Turns a mirrored direction's yaw into the camera's, or back.
fn mirror(task: &dyn Task, parts: &mut [Vec<f64>], eye: TestEye) {
    if task.spec().kind == TaskKind::Direction && eye.is_mirrored {
        parts.iter_mut().filter_map(|part| part.get_mut(1)).for_each(|yaw| *yaw = -*yaw);
    }
}

#[cfg(test)]
mod tests {
    use simgan_data::Direction;

    use super::*;
    use crate::TaskSpec;

    fn gazes(change: impl Fn(f32, f32) -> [f32; 2], count: usize) -> Vec<Annotation> {
        let gaze = |idx: usize| {
            let [pitch, yaw] = change((idx * 7 % 11) as f32 - 10.0, (idx * 5 % 13) as f32 * 2.0 - 12.0);
            Direction::from_pitch_yaw(pitch.to_radians(), yaw.to_radians()).into()
        };
        (0..count).map(gaze).collect()
    }

    #[test]
    fn an_offset_is_found_and_no_gain_is_made_up() {
        let task = TaskSpec::gaze().task();
        let (truth, eyes) = (gazes(|pitch, yaw| [pitch, yaw], 9), vec![TestEye::default(); 9]);
        let answers = gazes(|pitch, yaw| [pitch + 3.0, yaw - 2.0], 9);
        let found = Calibration::choose(&*task, &answers, &truth, &eyes).unwrap();
        let chosen = found.chosen.unwrap();
        assert_eq!(chosen.form, CalibrationForm::Offset, "{:?}", found.left_out);
        assert!((chosen.offset[0] + 3.0).abs() < 1e-3 && (chosen.offset[1] - 2.0).abs() < 1e-3, "{chosen:?}");
        let corrected: Vec<_> =
            answers.iter().map(|answer| chosen.apply(&*task, answer, TestEye::default()).unwrap()).collect();
        assert!(error_of(&*task, &corrected, &truth).unwrap() < 1e-2);
    }

    #[test]
    fn timid_answers_get_a_gain_and_right_ones_nothing() {
        let task = TaskSpec::gaze().task();
        let (truth, eyes) = (gazes(|pitch, yaw| [pitch, yaw], 30), vec![TestEye::default(); 30]);
        let timid = gazes(|pitch, yaw| [0.5 * pitch, 0.5 * yaw + 1.0], 30);
        let found = Calibration::choose(&*task, &timid, &truth, &eyes).unwrap();
        let chosen = found.chosen.unwrap();
        assert_eq!(chosen.form, CalibrationForm::Affine);
        // A perfect fit is 2; ten images' worth of prior draw it towards 1.
        assert!(chosen.gain.iter().all(|gain| (1.5..2.0).contains(gain)), "{chosen:?}");
        let scattered = gazes(|pitch, yaw| [pitch + (pitch * 37.0).sin(), yaw + (yaw * 53.0).cos()], 30);
        let found = Calibration::choose(&*task, &scattered, &truth, &eyes).unwrap();
        let least = found.left_out.iter().map(|(_, error)| *error).fold(f64::INFINITY, f64::min);
        assert!(found.chosen.is_some() == (least < found.error), "{found:?}");
    }

    #[test]
    fn mirrored_eyes_share_the_cameras_offset() {
        let task = TaskSpec::gaze().task();
        let truth = gazes(|pitch, yaw| [pitch, yaw], 12);
        let eyes: Vec<_> = (0..12).map(|idx| TestEye { person: 0, is_mirrored: idx % 2 == 1 }).collect();
        let off = |(idx, label): (usize, &Annotation)| {
            let gaze = label.as_direction().unwrap();
            let sign = if idx % 2 == 1 { -1.0 } else { 1.0 };
            Direction::from_pitch_yaw(gaze.pitch(), gaze.yaw() + sign * 0.1).into()
        };
        let answers: Vec<Annotation> = truth.iter().enumerate().map(off).collect();
        let chosen = Calibration::choose(&*task, &answers, &truth, &eyes).unwrap().chosen.unwrap();
        assert!((chosen.offset[1] + 0.1f64.to_degrees()).abs() < 1e-3, "{chosen:?}");
        let corrected: Vec<_> = answers
            .iter()
            .zip(&eyes)
            .map(|(answer, eye)| chosen.apply(&*task, answer, *eye).unwrap())
            .collect();
        assert!(error_of(&*task, &corrected, &truth).unwrap() < 1e-2);
    }

    #[test]
    fn what_cannot_be_calibrated_is_refused() {
        let task = TaskSpec::gaze().task();
        let one = gazes(|pitch, yaw| [pitch, yaw], 1);
        let error = Calibration::choose(&*task, &one, &one, &[TestEye::default()]).unwrap_err();
        assert!(matches!(error, EvalError::TooFew { .. }));
        let classes = TaskSpec::new("class", TaskKind::Class, 2).task();
        let labels: Vec<Annotation> = [0, 1, 1].map(|class| simgan_data::Class(class).into()).into();
        let error = Calibration::choose(&*classes, &labels, &labels, &[TestEye::default(); 3]).unwrap_err();
        assert!(error.to_string().contains("no offset to calibrate"), "{error}");
    }
}
