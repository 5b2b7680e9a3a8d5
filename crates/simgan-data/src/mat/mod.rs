//! MATLAB files of level 5: the format of MATLAB 5 to 7.2, the default of later versions, Octave and SciPy.
//!
//! [`read`] returns all variables of a file as [`Array`]s. It reads both byte orders and compressed
//! variables; numbers of every class, logical and complex ones included; text, cells, structs, objects and
//! sparse matrices, nested in any way. Function handles and opaque objects have no documented content and
//! become [`Data::Opaque`]. Files of level 4 and of version 7.3 (HDF5) are recognised and rejected.
//!
//! Files are not trusted: sizes are checked before memory is allocated, [`Limits`] bound what a small file
//! may unpack to, and damage is a [`MatError`] with its position.
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

/// A variable in a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    /// The name; empty for the workspace that MATLAB stores along with function handles.
    pub name: String,
    /// The value.
    pub array: Array,
}

/// A MATLAB value; every value is an array.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// The dimensions, at least two. Elements are in column-major order: the first index runs fastest.
    pub dims: Vec<usize>,
    /// The elements.
    pub data: Data,
}

/// The elements of an [`Array`], in column-major order.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// Real numbers.
    Real(Numbers),
    /// Complex numbers: real and imaginary parts.
    Complex(Numbers, Numbers),
    /// Truth values.
    Logical(Vec<bool>),
    /// Characters, which MATLAB represents as UTF-16 code units.
    Text(Vec<u16>),
    /// A cell array of any arrays.
    Cell(Vec<Array>),
    /// Structs with common fields, or objects, which are structs with a class.
    Struct {
        /// The class; `None` for plain structs.
        class: Option<String>,
        /// Names of the fields.
        fields: Vec<String>,
        /// The values of all fields of the first element, then of the second, and so on.
        values: Vec<Array>,
    },
    /// A sparse matrix in compressed column form: the rows of column `c` are
    /// `rows[columns[c]..columns[c + 1]]`.
    Sparse {
        /// The row of each stored value.
        rows: Vec<usize>,
        /// The start of each column in `rows`, and the end of the last.
        columns: Vec<usize>,
        /// The stored values: real, complex or logical.
        values: Box<Data>,
    },
    /// Undocumented content, which is not read: `function` or `opaque`.
    Opaque(&'static str),
}

/// Limits on what a file may unpack to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory for all arrays together, and for each unpacked variable.
    pub bytes: usize,
    /// Number of arrays in a file, including nested ones.
    pub arrays: usize,
    /// Maximum nesting depth of cells and structs.
    pub depth: usize,
}

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{reason} at byte {offset}{}",
    .inflated.map_or(String::new(), |at| format!(", {at} bytes into its unpacked content"))
)]
pub struct MatError {
    /// Byte offset in the file.
    pub offset: usize,
    /// Byte offset in the unpacked content of the compressed variable that starts at `offset`.
    pub inflated: Option<usize>,
    /// What is wrong.
    pub reason: String,
}

impl Default for Limits {
    /// 1 GiB, a million arrays, 32 levels: an MPIIGaze file needs 5 MiB, a few thousand arrays and 3 levels.
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

    /// Whether the array has no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a field of a single struct; `None` if the array is something else or has no such field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Self> {
        match &self.data {
            Data::Struct { fields, values, .. } if self.len() == 1 => {
                values.get(fields.iter().position(|field| field == name)?)
            }
            _ => None,
        }
    }

    /// Converts real numbers of any class; `None` if the array is something else.
    #[must_use]
    pub fn to_f64(&self) -> Option<Vec<f64>> {
        match &self.data {
            Data::Real(numbers) => Some(numbers.to_f64()),
            _ => None,
        }
    }

    /// Returns the rows of two-dimensional text; `None` if the array is something else. Invalid UTF-16
    /// becomes `�`.
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
