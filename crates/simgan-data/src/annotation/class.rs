use serde_json::{Value, json};

use super::form::{Dtype, Form};
use super::{Annotation, Kind, Stale};
use crate::Transform;

/// The index, from 0, of the class of the whole image. No transform changes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Class(pub u32);

/// One number, also in JSON.
pub(super) const FORM: Form = Form {
    tag: "class",
    dtype: Dtype::U32,
    width: 1,
    unpack: |row| row.try_into().ok().map(|bytes| Class(u32::from_le_bytes(bytes)).into()),
    parse: |value| u32::try_from(value.as_u64()?).ok().map(|index| Class(index).into()),
};

impl Kind for Class {
    fn form(&self) -> &'static Form {
        &FORM
    }

    fn transformed(&self, _: &Transform) -> Result<Annotation, Stale> {
        Ok((*self).into())
    }

    fn pack(&self, row: &mut Vec<u8>) {
        row.extend(self.0.to_le_bytes());
    }

    fn to_json(&self) -> Value {
        json!(self.0)
    }
}

impl From<Class> for Annotation {
    fn from(class: Class) -> Self {
        Self::Class(class)
    }
}

impl Annotation {
    /// The class index; `None` for another kind.
    #[must_use]
    pub fn as_class(&self) -> Option<u32> {
        if let Self::Class(class) = self { Some(class.0) } else { None }
    }
}
