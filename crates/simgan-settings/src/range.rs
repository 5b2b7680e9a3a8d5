use std::fmt;

use toml::Value;

/// The allowed values of a setting, as a file spells them.
///
/// `Display` writes the phrase that error messages and manuals use.
#[derive(Clone, Copy, Debug)]
pub enum Range {
    /// A whole number, both ends included.
    Whole(u64, u64),
    /// An odd number, both ends included.
    Odd(u64, u64),
    /// A finite number between two limits.
    Number(Limit, Limit),
    /// 0, which turns the setting off, or a value of the inner range.
    Off(&'static Range),
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// Any other value: a phrase that describes the allowed ones, and their test.
    Form(&'static str, fn(&Value) -> bool),
}

/// One end of a range of numbers.
#[derive(Clone, Copy, Debug)]
pub enum Limit {
    /// The limit itself is allowed.
    Including(f64),
    /// The limit itself is not allowed.
    Excluding(f64),
    /// No limit: every finite number.
    None,
}

impl Range {
    /// At least 0 and less than 1.
    pub const FRACTION: Self = Self::Number(Limit::Including(0.0), Limit::Excluding(1.0));

    /// Every finite number above `limit`.
    #[must_use]
    pub const fn above(limit: f64) -> Self {
        Self::Number(Limit::Excluding(limit), Limit::None)
    }

    /// Whether the range contains `value`.
    #[must_use]
    pub fn contains(&self, value: &Value) -> bool {
        match self {
            Self::Whole(least, most) => whole(value).is_some_and(|n| (*least..=*most).contains(&n)),
            Self::Odd(least, most) => {
                whole(value).is_some_and(|n| n % 2 == 1 && (*least..=*most).contains(&n))
            }
            Self::Number(least, most) => number(value).is_some_and(|n| {
                // A TOML file can say `inf` or `nan`.
                n.is_finite() && least.is_kept(n, f64::ge, f64::gt) && most.is_kept(n, f64::le, f64::lt)
            }),
            Self::Off(inner) => number(value) == Some(0.0) || inner.contains(value),
            Self::OneOf(words) => value.as_str().is_some_and(|word| words.contains(&word)),
            Self::Flag => value.is_bool(),
            Self::Form(_, is_good) => is_good(value),
        }
    }
}

impl Limit {
    fn is_kept(self, n: f64, including: fn(&f64, &f64) -> bool, excluding: fn(&f64, &f64) -> bool) -> bool {
        match self {
            Self::Including(limit) => including(&n, &limit),
            Self::Excluding(limit) => excluding(&n, &limit),
            Self::None => true,
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(least, most) => write!(f, "a whole number from {least} to {most}"),
            Self::Odd(least, most) => write!(f, "an odd number from {least} to {most}"),
            Self::Number(Limit::Including(least), Limit::Including(most)) => {
                write!(f, "a number from {least} to {most}")
            }
            Self::Number(least, most) => write_open(f, *least, *most),
            Self::Off(inner) => write!(f, "0 (off), or {inner}"),
            Self::OneOf(words) => f.write_str(&alternatives(words)),
            Self::Flag => f.write_str("true or false"),
            Self::Form(phrase, _) => f.write_str(phrase),
        }
    }
}

fn write_open(f: &mut fmt::Formatter<'_>, least: Limit, most: Limit) -> fmt::Result {
    let limits = [
        match least {
            Limit::Including(least) => Some(format!("at least {least}")),
            Limit::Excluding(least) => Some(format!("above {least}")),
            Limit::None => None,
        },
        match most {
            Limit::Including(most) => Some(format!("at most {most}")),
            Limit::Excluding(most) => Some(format!("less than {most}")),
            Limit::None => None,
        },
    ];
    let limits: Vec<_> = limits.into_iter().flatten().collect();
    write!(f, "a finite number {}", limits.join(" and "))
}

/// `"a", "b" or "c"`.
fn alternatives(words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match words.as_slice() {
        [] => String::new(),
        [word] => word.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

fn whole(value: &Value) -> Option<u64> {
    value.as_integer().and_then(|n| u64::try_from(n).ok())
}

/// TOML tells `1` from `1.0`; a setting of numbers takes both.
fn number(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|n| n as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Value {
        format!("v = {text}").parse::<toml::Table>().unwrap().remove("v").unwrap()
    }

    #[test]
    fn ends_belong_to_a_range_as_it_says() {
        for (range, phrase, inside, outside) in [
            (Range::Whole(1, 9), "a whole number from 1 to 9", "1 9", "0 10 -1 2.0 true"),
            (Range::Odd(1, 9), "an odd number from 1 to 9", "1 9", "2 11 -1"),
            (
                Range::Number(Limit::Including(0.0), Limit::Including(2.0)),
                "a number from 0 to 2",
                "0 0.0 2.0",
                "-0.1 2.1 nan inf",
            ),
            (Range::FRACTION, "a finite number at least 0 and less than 1", "0 0.999", "1.0 -0.1 nan"),
            (Range::above(0.0), "a finite number above 0", "1e-300 1e300", "0.0 -1.0 inf nan"),
            (Range::Off(&Range::Whole(4, 9)), "0 (off), or a whole number from 4 to 9", "0 4", "3 10"),
            (Range::OneOf(&["a", "b", "c"]), "\"a\", \"b\" or \"c\"", "\"a\" \"c\"", "\"d\" 1"),
            (Range::Flag, "true or false", "true false", "1 \"true\""),
            (Range::Form("a list", Value::is_array), "a list", "[] [1]", "1"),
        ] {
            assert_eq!(range.to_string(), phrase);
            assert!(inside.split(' ').all(|text| range.contains(&value(text))), "{phrase}: {inside}");
            assert!(!outside.split(' ').any(|text| range.contains(&value(text))), "{phrase}: {outside}");
        }
    }
}
