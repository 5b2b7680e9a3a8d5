use super::{Annotation, Annotations, Direction, Vector, VectorKind};

/// Names of annotations in this project's data sets and simulators.
pub mod names {
    /// The gaze of an eye: a direction.
    pub const GAZE: &str = "gaze";
    /// The head's rotation: a rotation vector in radians.
    pub const HEAD_POSE: &str = "head_pose";
    /// Points along the lids' inner margin: inner corner, upper lid, outer corner, lower lid (UnityEyes: 16
    /// points).
    pub const LID_MARGIN: &str = "lid_margin";
    /// Points around the caruncle, the pink corner next to the nose (UnityEyes: 7 points).
    pub const CARUNCLE: &str = "caruncle";
    /// Points around the iris (UnityEyes: 32 points).
    pub const IRIS: &str = "iris";
    /// What the whole image shows: one of several classes (MNIST: the digit).
    pub const CLASS: &str = "class";
    /// The joints of a hand: the 14 points that Tompson et al. evaluate.
    pub const JOINTS: &str = "joints";
}

/// Typed look-ups. Each returns `None` if the name is absent or its annotation is of another kind.
///
/// ```
/// use simgan_data::{Annotations, AnnotationsExt, Class, Direction, names};
///
/// let mut known = Annotations::new();
/// known.insert(names::GAZE.into(), Direction::from_pitch_yaw(0.1, 0.0).into());
/// known.insert("person".into(), Class(3).into());
/// assert!(known.gaze().is_some() && known.iris().is_none());
/// assert_eq!(known.class("person"), Some(3));
/// ```
pub trait AnnotationsExt {
    /// The annotation of this name.
    fn annotation(&self, name: &str) -> Option<&Annotation>;

    /// The direction of this name.
    fn direction(&self, name: &str) -> Option<Direction> {
        self.annotation(name)?.as_direction()
    }

    /// The points of this name.
    fn points(&self, name: &str) -> Option<&[[f32; 2]]> {
        self.annotation(name)?.as_points()
    }

    /// The class of this name.
    fn class(&self, name: &str) -> Option<u32> {
        self.annotation(name)?.as_class()
    }

    /// The vector of this name.
    fn vector(&self, name: &str) -> Option<&Vector> {
        self.annotation(name)?.as_vector()
    }

    /// The gaze.
    fn gaze(&self) -> Option<Direction> {
        self.direction(names::GAZE)
    }

    /// The head's rotation: a rotation vector in radians.
    fn head_pose(&self) -> Option<[f32; 3]> {
        let pose = self.vector(names::HEAD_POSE).filter(|pose| pose.kind() == VectorKind::Rotation)?;
        pose.values().try_into().ok()
    }

    /// The points along the lids' inner margin.
    fn lid_margin(&self) -> Option<&[[f32; 2]]> {
        self.points(names::LID_MARGIN)
    }

    /// The points around the caruncle.
    fn caruncle(&self) -> Option<&[[f32; 2]]> {
        self.points(names::CARUNCLE)
    }

    /// The points around the iris.
    fn iris(&self) -> Option<&[[f32; 2]]> {
        self.points(names::IRIS)
    }

    /// The joints of a hand.
    fn joints(&self) -> Option<&[[f32; 2]]> {
        self.points(names::JOINTS)
    }
}

impl AnnotationsExt for Annotations {
    fn annotation(&self, name: &str) -> Option<&Annotation> {
        self.get(name)
    }
}
