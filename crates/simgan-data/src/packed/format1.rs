use super::header::{Header, Tensor};
use crate::annotation::names;
use crate::{Annotation, Annotations, DataError, Direction, Vector};

/// The labels in files of version 1, which has three kinds. A row of NaN means a missing label.
pub(super) struct Format1 {
    gaze: Option<Tensor>,
    head_pose: Option<Tensor>,
    landmarks: Option<Tensor>,
}

/// The consecutive parts of a row of landmarks, each with its number of points.
const LANDMARKS: [(&str, usize); 3] = [(names::LID_MARGIN, 16), (names::CARUNCLE, 7), (names::IRIS, 32)];

impl Format1 {
    pub(super) fn new(header: &Header, n: usize) -> Result<Self, String> {
        let n_points = LANDMARKS.iter().map(|(_, n)| n).sum();
        Ok(Self {
            gaze: header.tensor("gaze", "F32", &[n, 3])?,
            head_pose: header.tensor("head_pose", "F32", &[n, 3])?,
            landmarks: header.tensor("landmarks", "F32", &[n, n_points, 2])?,
        })
    }

    /// Reads the annotations of a sample; `row` reads its row of a tensor.
    pub(super) fn annotations(
        &self,
        row: &dyn Fn(Tensor) -> Result<Vec<u8>, DataError>,
    ) -> Result<Annotations, DataError> {
        let floats = |tensor: Option<Tensor>| {
            let floats = tensor.map(row).transpose()?.map(|row| floats(&row)).unwrap_or_default();
            Ok::<_, DataError>(Some(floats).filter(|floats| floats.iter().all(|value| value.is_finite())))
        };
        let vector = |floats: Vec<f32>| <[f32; 3]>::try_from(floats).ok();
        let gaze = floats(self.gaze)?.and_then(vector).and_then(Direction::from_unit_vector);
        let head_pose = floats(self.head_pose)?.and_then(vector).map(Vector::rotation);
        let mut annotations = Annotations::new();
        let mut add = |name: &'static str, known: Annotation| annotations.insert(name.into(), known);
        gaze.and_then(|gaze| add(names::GAZE, gaze.into()));
        head_pose.and_then(|pose| add(names::HEAD_POSE, pose.into()));
        let landmarks = floats(self.landmarks)?.unwrap_or_default();
        let mut points = landmarks.as_chunks::<2>().0;
        for (name, n) in LANDMARKS {
            let Some((part, rest)) = points.split_at_checked(n) else { break };
            add(name, part.to_vec().into());
            points = rest;
        }
        Ok(annotations)
    }
}

fn floats(row: &[u8]) -> Vec<f32> {
    row.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
}
