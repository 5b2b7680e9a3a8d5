use rusqlite::ToSql;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use serde::{Deserialize, Serialize};

/// Where an image comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A real image.
    Real,
    /// A synthetic image, refined.
    Refined,
    /// A synthetic image as it was rendered.
    Unrefined,
}

/// The part of a test that an image or a question belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Shown with its label before the questions.
    Example,
    /// Counts in the result.
    Main,
    /// Among the main questions, but easy: shows who pays attention. Scored apart.
    Check,
    /// Unrefined against real images, after the rest: what the subjects can tell at all. Scored apart.
    Baseline,
}

/// An image of a new test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewImage {
    /// Where it comes from.
    pub kind: Kind,
    /// Its part.
    pub part: Part,
    /// Its name in its source.
    pub name: String,
    /// The file that subjects get. All of a test have the same length.
    pub png: Vec<u8>,
}

/// An image of a test, without its pixels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ImageRole {
    /// Its number.
    pub id: i64,
    /// Where it comes from.
    pub kind: Kind,
    /// Its part.
    pub part: Part,
    /// Its name in its source.
    pub name: String,
}

/// Names in the database, by value.
macro_rules! named {
    ($type:ident { $($variant:ident = $name:literal),+ $(,)? }) => {
        impl $type {
            /// The name in files.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name),+
                }
            }
        }

        impl ToSql for $type {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(self.name().into())
            }
        }

        impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                match value.as_str()? {
                    $($name => Ok(Self::$variant),)+
                    _ => Err(FromSqlError::InvalidType),
                }
            }
        }
    };
}

named!(Kind { Real = "real", Refined = "refined", Unrefined = "unrefined" });
named!(Part { Example = "example", Main = "main", Check = "check", Baseline = "baseline" });
