//! MATLAB files of level 5: what MATLAB 5 to 7.2, its later versions by default, Octave and SciPy write.
//!
//! [`read`] gives all variables of a file as [`Array`]s. Both byte orders and compressed variables are read; numbers of
//! every class, logical and complex ones, text, cells, structs, objects and sparse matrices, nested. Function handles
//! and opaque objects have no documented content and become [`Data::Opaque`]. Files of level 4 and of version 7.3
//! (which are HDF5) are recognised and refused.
//!
//! A file is not trusted: sizes are checked before memory is taken, [`Limits`] bound what a small file may unpack to,
//! and damage is a [`MatError`] with its place.
//!
//! ```
//! use simgan_data::mat::{self, Limits};
//!
//! # fn main() -> Result<(), simgan_data::mat::MatError> {
//! # let mut file = vec![b' '; 124];
//! # file.extend([0, 1, b'I', b'M']);
//! # file.extend([14, 0, 0, 0, 48, 0, 0, 0, 6, 0, 0, 0, 8, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 8, 0, 0, 0]);
//! # file.extend([1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 4, 0, b'g', b'a', b'z', b'e', 2, 0, 2, 0, 3, 5, 0, 0]);
//! let variables = mat::read(&file, &Limits::default())?;
//! assert_eq!(variables[0].name, "gaze");
//! assert_eq!(variables[0].array.dims, [1, 2]);
//! assert_eq!(variables[0].array.to_f64(), Some(vec![3.0, 5.0]));
//! # Ok(())
//! # }
//! ```

mod array;
mod bytes;
mod file;
mod numbers;

pub(crate) use self::file::is_73_at;
pub use self::file::read;
pub use self::numbers::Numbers;

/// A variable of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// Its name; empty for the workspace that MATLAB stores beside function handles.
    pub name: String,
    /// Its value.
    pub array: Array,
}

/// A MATLAB value; all of them are arrays.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// At least two sizes. Elements are in column-major order: the first index runs fastest.
    pub dims: Vec<usize>,
    /// The elements.
    pub data: Data,
}

/// The elements of an [`Array`], in column-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Numbers.
    Real(Numbers),
    /// Real and imaginary parts.
    Complex(Numbers, Numbers),
    /// True and false.
    Logical(Vec<bool>),
    /// UTF-16 code units, MATLAB's characters.
    Text(Vec<u16>),
    /// Any arrays.
    Cell(Vec<Array>),
    /// Structs with the same fields, or objects, which are structs with a class.
    Struct {
        /// Class of an object.
        class: Option<String>,
        /// Names of the fields.
        fields: Vec<String>,
        /// All fields of the first element, then of the second, and so on.
        values: Vec<Array>,
    },
    /// A compressed sparse column matrix: the rows of column `c` are `rows[columns[c]..columns[c + 1]]`.
    Sparse {
        /// Row of each stored value.
        rows: Vec<usize>,
        /// Where each column starts, and the end of the last.
        columns: Vec<usize>,
        /// The stored values: real, complex or logical.
        values: Box<Data>,
    },
    /// Content without documentation, not read: `function` or `opaque`.
    Opaque(&'static str),
}

/// How much a file may unpack to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory for all arrays together, and for each unpacked variable.
    pub bytes: usize,
    /// Arrays in a file, nested ones included.
    pub arrays: usize,
    /// How deep cells and structs may nest.
    pub depth: usize,
}

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{reason} at byte {offset}{}",
    .inflated.map_or(String::new(), |at| format!(", {at} bytes into its unpacked content"))
)]
pub struct MatError {
    /// Where in the file.
    pub offset: usize,
    /// Where in the unpacked content of the compressed variable that starts at `offset`.
    pub inflated: Option<usize>,
    /// What is wrong.
    pub reason: String,
}

impl Default for Limits {
    /// 1 GiB, a million arrays, 32 deep: a MPIIGaze file needs 5 MiB, a few thousand arrays and 3.
    fn default() -> Self {
        Self { bytes: 1 << 30, arrays: 1_000_000, depth: 32 }
    }
}

impl Array {
    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.dims.iter().product()
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A field of a single struct; `None` if this is something else or has no such field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Self> {
        match &self.data {
            Data::Struct { fields, values, .. } if self.len() == 1 => {
                values.get(fields.iter().position(|field| field == name)?)
            }
            _ => None,
        }
    }

    /// Real numbers of any class; `None` if this is something else.
    #[must_use]
    pub fn to_f64(&self) -> Option<Vec<f64>> {
        match &self.data {
            Data::Real(numbers) => Some(numbers.to_f64()),
            _ => None,
        }
    }

    /// The rows of a two-dimensional text; `None` if this is something else. What is no Unicode becomes `�`.
    #[must_use]
    pub fn to_rows(&self) -> Option<Vec<String>> {
        match (&self.data, &self.dims[..]) {
            (Data::Text(units), &[n_rows, _]) => {
                let row = |row| units.iter().skip(row).step_by(n_rows).copied().collect::<Vec<u16>>();
                Some((0..n_rows).map(|i| String::from_utf16_lossy(&row(i))).collect())
            }
            _ => None,
        }
    }
}
