use serde_json::{Value, json};

use super::form::{Dtype, Form};
use super::{Annotation, Kind, Stale};
use crate::{Size, Transform};

/// A class for each pixel of the image; 0 means none.
///
/// A mask follows the pixels of an image of its own size; for an image of another size it is stale. Under
/// scaling, each new pixel takes the class under its centre, or 0 outside the image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mask {
    size: Size,
    classes: Vec<u8>,
}

/// Bytes: width and height as 32-bit integers, then one class per pixel, row by row; in JSON a list of rows.
pub(super) const FORM: Form = Form { tag: "mask", dtype: Dtype::U8, width: 1, unpack, parse };

fn unpack(row: &[u8]) -> Option<Annotation> {
    let (width, rest) = row.split_first_chunk()?;
    let (height, classes) = rest.split_first_chunk()?;
    let [width, height] = [width, height].map(|bytes| u32::from_le_bytes(*bytes) as usize);
    Mask::new(Size { width, height }, classes.to_vec()).map(Annotation::Mask)
}

fn parse(value: &Value) -> Option<Annotation> {
    let class = |value: &Value| u8::try_from(value.as_u64()?).ok();
    let row = |row: &Value| row.as_array()?.iter().map(class).collect::<Option<Vec<u8>>>();
    let rows: Vec<Vec<u8>> = value.as_array()?.iter().map(row).collect::<Option<_>>()?;
    let size = Size { width: rows.first()?.len(), height: rows.len() };
    let is_even = rows.iter().all(|row| row.len() == size.width);
    Mask::new(size, rows.concat()).filter(|_| is_even).map(Annotation::Mask)
}

impl Mask {
    /// Makes a mask from one class per pixel, row by row; `None` if their number is not that of `size`, or is
    /// zero.
    #[must_use]
    pub fn new(size: Size, classes: Vec<u8>) -> Option<Self> {
        let n_pixels = size.width.checked_mul(size.height);
        (n_pixels == Some(classes.len()) && !classes.is_empty()).then_some(Self { size, classes })
    }

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> Size {
        self.size
    }

    /// The classes, row by row.
    #[must_use]
    pub fn classes(&self) -> &[u8] {
        &self.classes
    }

    /// The class at a point, in pixels from the top left corner; 0 outside the mask.
    fn at(&self, [x, y]: [f32; 2]) -> u8 {
        let (column, row) = (x.floor(), y.floor());
        if column < 0.0 || row < 0.0 || column >= self.size.width as f32 || row >= self.size.height as f32 {
            return 0;
        }
        self.classes[row as usize * self.size.width + column as usize]
    }
}

impl Kind for Mask {
    fn form(&self) -> &'static Form {
        &FORM
    }

    fn transformed(&self, transform: &Transform) -> Result<Annotation, Stale> {
        if self.size != transform.from() {
            let reason = format!("it is a mask of {}, but the image is {}", self.size, transform.from());
            return Err(Stale { reason });
        }
        let size = transform.to();
        // Map each new pixel's centre back into the old mask: mapping forward would leave holes when
        // enlarging.
        let centers = (0..size.height)
            .flat_map(|row| (0..size.width).map(move |column| [column as f32 + 0.5, row as f32 + 0.5]));
        let classes = centers.map(|center| self.at(transform.source(center))).collect();
        Ok(Self { size, classes }.into())
    }

    fn pack(&self, row: &mut Vec<u8>) {
        row.extend((self.size.width as u32).to_le_bytes());
        row.extend((self.size.height as u32).to_le_bytes());
        row.extend(&self.classes);
    }

    fn to_json(&self) -> Value {
        self.classes.chunks(self.size.width).map(|row| json!(row)).collect()
    }
}

impl From<Mask> for Annotation {
    fn from(mask: Mask) -> Self {
        Self::Mask(mask)
    }
}

impl Annotation {
    /// The mask; `None` for another kind.
    #[must_use]
    pub fn as_mask(&self) -> Option<&Mask> {
        if let Self::Mask(mask) = self { Some(mask) } else { None }
    }
}
