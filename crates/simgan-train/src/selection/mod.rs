//! Ranks a run's checkpoints by realism among those that preserve labels. Labels of real images are never
//! used.

mod judge;

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use simgan_models::ModelError;
use simgan_models::run_folder::{BEST_FILE, BEST_VERSION, CHECKPOINTS_DIR, checkpoint_name, read_best};

pub use self::judge::RefinerJudge;
use crate::{Checkpoint, SelectionConfig, TrainError};

/// The verdict of a [`RefinerJudge`] on one refiner.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Judgement {
    /// Accuracy, in [0, 1], of a newly trained classifier on held-out real and refined images; 0.5 is ideal.
    pub accuracy: f64,
    /// Mean |R(x) − x|, of pixels in [−1, 1].
    pub change: f64,
    /// The movement of pupils, in pixels of a 55-pixel-wide eye; `None` if no synthetic image has iris
    /// landmarks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pupil: Option<ShiftJudgement>,
    /// The movement of other labelled points, in pixels of an image of 55×55 or as many pixels; `None` if
    /// pupils are measured, or no point can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<ShiftJudgement>,
}

/// A movement under refinement.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShiftJudgement {
    /// Mean distance.
    pub shift_px: f64,
    /// Mean signed change of x and y.
    pub drift_px: [f64; 2],
}

impl Judgement {
    /// Returns the largest ratio of a measured change to its limit; up to 1, labels count as preserved. Where
    /// pupils or other points are labelled, their mean shift and its larger signed drift are compared with
    /// `max_shift_px` and `max_drift_px`; elsewhere, the mean change of pixels with `max_change`.
    #[must_use]
    pub fn excess(&self, limits: &SelectionConfig) -> f64 {
        match self.shift() {
            Some(ShiftJudgement { shift_px, drift_px: [x, y] }) => {
                (shift_px / limits.max_shift_px).max(x.abs().max(y.abs()) / limits.max_drift_px)
            }
            None => self.change / limits.max_change,
        }
    }

    /// The movement of what is labelled, pupils or other points.
    fn shift(&self) -> Option<ShiftJudgement> {
        self.pupil.or(self.points)
    }

    /// Returns the figures with the names of their TensorBoard charts.
    pub(crate) fn scalars(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let pixels = [("selection/accuracy", self.accuracy), ("selection/change", self.change)];
        let shift = self.shift().map(|ShiftJudgement { shift_px, drift_px: [x, y] }| {
            [("selection/shift_px", shift_px), ("selection/drift_x_px", x), ("selection/drift_y_px", y)]
        });
        pixels.into_iter().chain(shift.into_iter().flatten())
    }

    /// Orders judgements from best to worst. Those that preserve labels come first, the most realistic
    /// leading; the others follow in order of their [`excess`](Self::excess).
    #[must_use]
    pub fn compare(&self, other: &Self, limits: &SelectionConfig) -> Ordering {
        let rank = |judgement: &Self| {
            let excess = judgement.excess(limits);
            [excess.max(1.0), (judgement.accuracy - 0.5).abs(), excess]
        };
        let pairs = rank(self).into_iter().zip(rank(other));
        pairs.map(|(own, other)| own.total_cmp(&other)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }
}

/// The best checkpoint so far, as stored in a run's `best.toml`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Best {
    /// [`BEST_VERSION`].
    pub version: u32,
    /// Steps done.
    pub step: u64,
    /// Relative to the run's folder.
    pub checkpoint: PathBuf,
    /// Its judgement.
    pub judgement: Judgement,
}

impl Best {
    pub(crate) fn new(step: u64, judgement: Judgement) -> Self {
        let checkpoint = Path::new(CHECKPOINTS_DIR).join(checkpoint_name(step));
        Self { version: BEST_VERSION, step, checkpoint, judgement }
    }

    /// Reads `best.toml` of the run at `run`; `None` if nothing has been selected yet.
    ///
    /// # Errors
    /// The file cannot be read or has another version.
    pub fn read(run: &Path) -> Result<Option<Self>, TrainError> {
        Ok(read_best(run)?)
    }

    pub(crate) fn write(&self, run: &Path) -> Result<(), TrainError> {
        let path = run.join(BEST_FILE);
        let text = toml::to_string(self)
            .map_err(|error| ModelError::Best { path: path.clone(), reason: error.to_string() })?;
        Ok(simgan_data::write_atomic(&path, text.as_bytes())?)
    }

    /// Opens the checkpoint of the run at `run` and verifies its files.
    ///
    /// # Errors
    /// A file of the checkpoint is missing or damaged.
    pub(crate) fn open(&self, run: &Path) -> Result<Checkpoint, TrainError> {
        // Not the path in the file, which may lead elsewhere.
        Checkpoint::open(&run.join(CHECKPOINTS_DIR).join(checkpoint_name(self.step)))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn judgement(accuracy: f64, pupil: Option<[f64; 3]>, change: f64) -> Judgement {
        let pupil = pupil.map(|[shift_px, x, y]| ShiftJudgement { shift_px, drift_px: [x, y] });
        Judgement { accuracy, change, pupil, points: None }
    }

    #[test]
    fn realism_decides_among_those_that_preserve() {
        let limits = SelectionConfig::default();
        // From best to worst.
        let order = [
            judgement(0.52, Some([0.9, 0.2, -0.4]), 0.9),
            judgement(0.47, Some([0.3, 0.0, 0.0]), 0.1),
            judgement(0.93, Some([0.2, 0.0, 0.0]), 0.1),
            judgement(0.93, Some([0.3, 0.0, 0.0]), 0.1),
            judgement(0.99, Some([1.0, 0.0, 0.0]), 0.1),
            judgement(0.50, Some([1.2, 0.0, 0.0]), 0.1), // 1.09 × the maximum shift
            judgement(0.50, Some([1.0, 0.1, -0.6]), 0.1), // 1.2 × the maximum drift
            judgement(0.50, Some([6.0, 0.0, 0.0]), 0.1),
        ];
        for (idx, best) in order.iter().enumerate() {
            assert_eq!(best.compare(best, &limits), Ordering::Equal);
            for (other_idx, other) in order.iter().enumerate() {
                assert_eq!(best.compare(other, &limits), idx.cmp(&other_idx), "{best:?} {other:?}");
            }
        }
        // Other points are judged as pupils are.
        for known in order {
            let moved = Judgement { pupil: None, points: known.pupil, ..known };
            assert_eq!(moved.compare(&known, &limits), Ordering::Equal);
            assert!(moved.scalars().eq(known.scalars()));
        }
        // Without landmarks, the change of pixels decides.
        assert!(judgement(0.7, None, 0.19).compare(&judgement(0.5, None, 0.21), &limits).is_lt());
    }

    #[test]
    fn the_file_is_read_as_it_was_written() {
        let run = tempfile::tempdir().unwrap();
        assert_eq!(Best::read(run.path()).unwrap(), None);
        let [bare, pupil] =
            [None, Some([0.1 + 0.2, -1e-9, 0.0])].map(|pupil| judgement(1.0 / 3.0, pupil, 0.1));
        for judgement in [bare, pupil, Judgement { pupil: None, points: pupil.pupil, ..pupil }] {
            let best = Best::new(7, judgement);
            best.write(run.path()).unwrap();
            assert_eq!(Best::read(run.path()).unwrap(), Some(best));
        }
        let path = run.path().join(BEST_FILE);
        let text = fs::read_to_string(&path).unwrap();
        for (text, expected) in
            [(text.replace("version = 1", "version = 2"), "version 2"), ("step".to_owned(), "best.toml")]
        {
            fs::write(&path, text).unwrap();
            let error = Best::read(run.path()).unwrap_err();
            assert!(error.to_string().contains(expected) && error.hint().is_some(), "{error}");
        }
    }
}
