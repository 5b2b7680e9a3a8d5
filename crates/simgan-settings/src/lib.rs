//! One definition of a setting: its name, type, range and help.
//!
//! [`settings!`] turns a list of settings into a struct that serde reads and writes, and into a table of
//! [`Setting`]s. The doc comment of a field is also its help; [`check`] enforces its [`Range`], and manuals
//! print it. The crate that owns a struct thus owns the whole definition of its fields, and the crates above
//! only collect the tables.
//!
//! ```
//! use simgan_settings::{Range, check, settings};
//!
//! settings! {
//!     /// How bread is baked.
//!     #[derive(Clone, Debug, PartialEq)]
//!     pub struct Baking {
//!         /// Minutes in the oven.
//!         minutes: u64 = Range::Whole(1, 240),
//!         /// Fraction of the flour that is rye.
//!         #[serde(default)]
//!         rye: f64 = Range::FRACTION,
//!     }
//! }
//!
//! let baking: Baking = toml::from_str("minutes = 500")?;
//! let error = check("baking", Baking::SETTINGS, &baking).unwrap_err();
//! assert_eq!(error.to_string(), "`baking.minutes` cannot be 500: a whole number from 1 to 240");
//! assert_eq!(Baking::SETTINGS[1].help(), "Fraction of the flour that is rye.");
//! # Ok::<(), toml::de::Error>(())
//! ```

mod macros;
mod range;
pub mod zero_is_off;

use serde::Serialize;
use toml::{Table, Value};

pub use self::range::{Limit, Range};

/// The name, help and range of one setting.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// The field's name, which is the key in a file.
    pub name: &'static str,
    /// The field's doc comment, with its line breaks.
    pub doc: &'static str,
    /// The allowed values.
    pub range: Range,
}

impl Setting {
    /// The field's doc comment on one line.
    #[must_use]
    pub fn help(&self) -> String {
        one_line(self.doc)
    }
}

/// Joins the lines of a doc comment into one.
#[must_use]
pub fn one_line(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A value outside the range of its setting.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` cannot be {value}: {allowed}")]
pub struct OutOfRange {
    /// `section.name`.
    pub key: String,
    /// The value as a file would spell it.
    pub value: String,
    /// The range, in words.
    pub allowed: String,
}

/// Checks the values of `section` against the ranges in `settings`; values without a row are not checked.
///
/// # Errors
///
/// The first value outside its range, or one that a file cannot hold: a whole number of 2⁶³ or more.
pub fn check(section: &str, settings: &[Setting], values: &impl Serialize) -> Result<(), OutOfRange> {
    // A range sees the values as a file would hold them, with `None` as 0 (off).
    let table = Table::try_from(values).map_err(|error| OutOfRange {
        key: section.to_owned(),
        value: "written to a file".to_owned(),
        allowed: error.to_string(),
    })?;
    for Setting { name, range, .. } in settings {
        if let Some(value) = table.get(*name).filter(|value| !range.contains(value)) {
            let dot = if section.is_empty() { "" } else { "." };
            let (key, value) = (format!("{section}{dot}{name}"), shown(value));
            return Err(OutOfRange { key, value, allowed: range.to_string() });
        }
    }
    Ok(())
}

/// A value in an error message: whole floats without `.0`, and NaN as it is usually spelled.
fn shown(value: &Value) -> String {
    match value {
        Value::Float(number) => number.to_string(),
        value => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    settings! {
        /// A part
        /// of the house.
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) struct Roof {
            /// Tiles,
            /// counted.
            tiles: u64 = Range::Whole(1, 5_000),
            /// Off, or how steep.
            #[serde(with = "zero_is_off")]
            slope_deg: Option<f64> = Range::Off(&Range::above(0.0)),
            .. {
                /// The chimney.
                #[serde(flatten)]
                chimney: Chimney,
            }
        }
    }

    settings! {
        /// What smokes.
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) struct Chimney {
            /// Sides.
            sides: usize = Range::Odd(3, 9),
        }
    }

    fn roof(text: &str) -> Result<Roof, toml::de::Error> {
        toml::from_str(text)
    }

    #[test]
    fn a_struct_and_its_table_come_from_one_list() {
        assert_eq!([Roof::DOC, Chimney::DOC].map(one_line), ["A part of the house.", "What smokes."]);
        let names: Vec<_> = Roof::SETTINGS.iter().map(|setting| (setting.name, setting.help())).collect();
        let expected = [("tiles", "Tiles, counted."), ("slope_deg", "Off, or how steep.")];
        assert_eq!(names, expected.map(|(name, help)| (name, help.to_owned())));
        let roof = roof("tiles = 7\nslope_deg = 0\nsides = 3").unwrap();
        assert_eq!(roof, Roof { tiles: 7, slope_deg: None, chimney: Chimney { sides: 3 } });
        assert_eq!(toml::to_string(&roof).unwrap(), "tiles = 7\nslope_deg = 0.0\nsides = 3\n");
    }

    #[test]
    fn unknown_and_missing_keys_are_errors() {
        let told = |text: &str| roof(text).unwrap_err().to_string();
        assert!(told("tiles = 7\nslope_deg = 0\nsides = 3\ncolour = 1").contains("colour"));
        assert!(told("tiles = 7\nsides = 3").contains("slope_deg"));
        assert!(told("tiles = 7\nslope_deg = 0").contains("sides"));
    }

    #[test]
    fn values_out_of_range_are_named() {
        let good = Roof { tiles: 7, slope_deg: Some(30.0), chimney: Chimney { sides: 3 } };
        assert_eq!(check("roof", Roof::SETTINGS, &good), Ok(()));
        let told = |roof: Roof| check("roof", Roof::SETTINGS, &roof).unwrap_err().to_string();
        let many = Roof { tiles: 5_001, ..good.clone() };
        assert_eq!(told(many), "`roof.tiles` cannot be 5001: a whole number from 1 to 5000");
        let bent = Roof { slope_deg: Some(-1.0), ..good.clone() };
        assert_eq!(told(bent), "`roof.slope_deg` cannot be -1: 0 (off), or a finite number above 0");
        assert!(told(Roof { tiles: u64::MAX, ..good }).contains("`roof` cannot be written"));
        let error = check("chimney", Chimney::SETTINGS, &Chimney { sides: 4 }).unwrap_err().to_string();
        assert_eq!(error, "`chimney.sides` cannot be 4: an odd number from 3 to 9");
    }
}
