use serde_json::{Value, json};

use super::form::{self, Dtype, Form};
use super::{Annotation, Kind, Stale};
use crate::Transform;

/// A vector of numbers, with a kind that defines how rotating or mirroring the image changes them. Cropping
/// and scaling do not.
#[derive(Clone, Debug, PartialEq)]
pub struct Vector {
    values: Vec<f32>,
    kind: VectorKind,
}

/// What the numbers of a [`Vector`] mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VectorKind {
    /// A rotation in camera coordinates: its axis times its angle in radians. It rotates with the image; a
    /// mirror also reverses its sense.
    Rotation,
    /// Numbers that no rotation or mirroring changes, such as a person's age.
    Scalars,
    /// Unknown: the vector cannot follow an image that is rotated or mirrored.
    Unknown,
}

/// Three numbers; in JSON `[x, y, z]`.
pub(super) const ROTATION: Form = Form {
    tag: "rotation",
    dtype: Dtype::F32,
    width: 1,
    unpack: |row| rotation(unpacked(row)?),
    parse: |value| rotation(form::numbers(value)?),
};

/// Any number of numbers; in JSON `[a, b, …]`.
pub(super) const SCALARS: Form = Form {
    tag: "scalars",
    dtype: Dtype::F32,
    width: 1,
    unpack: |row| unpacked(row).map(|values| Vector::scalars(values).into()),
    parse: |value| form::numbers(value).map(|values| Vector::scalars(values).into()),
};

/// Any number of numbers; in JSON `[a, b, …]`.
pub(super) const UNKNOWN: Form = Form {
    tag: "vector",
    dtype: Dtype::F32,
    width: 1,
    unpack: |row| unpacked(row).map(|values| Vector::unknown(values).into()),
    parse: |value| form::numbers(value).map(|values| Vector::unknown(values).into()),
};

fn unpacked(row: &[u8]) -> Option<Vec<f32>> {
    form::items::<1>(row).map(Vec::into_flattened)
}

fn rotation(values: Vec<f32>) -> Option<Annotation> {
    values.try_into().ok().map(|values| Vector::rotation(values).into())
}

impl Vector {
    /// A rotation in camera coordinates: its axis times its angle in radians.
    #[must_use]
    pub fn rotation(vector: [f32; 3]) -> Self {
        Self { values: vector.to_vec(), kind: VectorKind::Rotation }
    }

    /// Numbers that no rotation or mirroring changes.
    #[must_use]
    pub fn scalars(values: Vec<f32>) -> Self {
        Self { values, kind: VectorKind::Scalars }
    }

    /// Numbers of unknown meaning.
    #[must_use]
    pub fn unknown(values: Vec<f32>) -> Self {
        Self { values, kind: VectorKind::Unknown }
    }

    /// The numbers.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// What the numbers mean.
    #[must_use]
    pub fn kind(&self) -> VectorKind {
        self.kind
    }
}

impl Kind for Vector {
    fn form(&self) -> &'static Form {
        match self.kind {
            VectorKind::Rotation => &ROTATION,
            VectorKind::Scalars => &SCALARS,
            VectorKind::Unknown => &UNKNOWN,
        }
    }

    fn transformed(&self, transform: &Transform) -> Result<Annotation, Stale> {
        let orientation = transform.orientation();
        match (self.kind, &self.values[..]) {
            (VectorKind::Rotation, &[x, y, z]) => {
                // A rotation vector is an axial vector: its sense follows the right-hand rule, which a mirror
                // reverses.
                let sign = if orientation.is_reflection() { -1.0 } else { 1.0 };
                Ok(Self::rotation(orientation.vector([x, y, z]).map(|value| sign * value)).into())
            }
            (VectorKind::Scalars, _) => Ok(self.clone().into()),
            _ if orientation == crate::Orientation::UPRIGHT => Ok(self.clone().into()),
            _ => Err(Stale {
                reason:
                    "it is a vector, and what its numbers mean in a turned or mirrored image is not known"
                        .to_owned(),
            }),
        }
    }

    fn pack(&self, row: &mut Vec<u8>) {
        form::extend(row, &self.values);
    }

    fn to_json(&self) -> Value {
        json!(self.values)
    }
}

impl From<Vector> for Annotation {
    fn from(vector: Vector) -> Self {
        Self::Vector(vector)
    }
}

impl Annotation {
    /// The vector; `None` for another kind.
    #[must_use]
    pub fn as_vector(&self) -> Option<&Vector> {
        if let Self::Vector(vector) = self { Some(vector) } else { None }
    }
}
