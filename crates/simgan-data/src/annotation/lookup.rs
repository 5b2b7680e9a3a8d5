use super::{Annotation, Annotations, Direction, Vector};

/// What this project's data sets and simulators call their annotations.
pub mod names {
    /// Where an eye looks: a direction.
    pub const GAZE: &str = "gaze";
    /// How the head is turned: a rotation vector in radians.
    pub const HEAD_POSE: &str = "head_pose";
    /// Along the lids' inner margin: inner corner, upper lid, outer corner, lower lid (UnityEyes: 16 points).
    pub const LID_MARGIN: &str = "lid_margin";
    /// Around the caruncle, the pink corner at the nose (UnityEyes: 7 points).
    pub const CARUNCLE: &str = "caruncle";
    /// Around the iris (UnityEyes: 32 points).
    pub const IRIS: &str = "iris";
    /// The joints of a hand (NYU: 36 points).
    pub const JOINTS: &str = "joints";
}

/// Typed look-ups. Each gives `None` where the name is absent or stands for another kind of annotation.
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
    /// The annotation that is called so.
    fn annotation(&self, name: &str) -> Option<&Annotation>;

    /// The direction that is called so.
    fn direction(&self, name: &str) -> Option<Direction> {
        self.annotation(name)?.as_direction()
    }

    /// The points that are called so.
    fn points(&self, name: &str) -> Option<&[[f32; 2]]> {
        self.annotation(name)?.as_points()
    }

    /// The class that is called so.
    fn class(&self, name: &str) -> Option<u32> {
        self.annotation(name)?.as_class()
    }

    /// The vector that is called so.
    fn vector(&self, name: &str) -> Option<&Vector> {
        self.annotation(name)?.as_vector()
    }

    /// Where the eye looks.
    fn gaze(&self) -> Option<Direction> {
        self.direction(names::GAZE)
    }

    /// How the head is turned: a rotation vector in radians.
    fn head_pose(&self) -> Option<[f32; 3]> {
        self.vector(names::HEAD_POSE)?.values().try_into().ok()
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
