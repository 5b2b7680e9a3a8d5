//! Reads numbers from text files.

/// Parses a text of exactly `n_expected` finite numbers, separated by commas or white space.
///
/// # Errors
/// Returns what is wrong with the text.
pub(super) fn numbers<T: std::str::FromStr + Copy + Into<f64>>(
    text: &str,
    n_expected: usize,
) -> Result<Vec<T>, String> {
    let mut values = Vec::with_capacity(n_expected);
    let words = text.split(|c: char| c == ',' || c.is_ascii_whitespace()).filter(|word| !word.is_empty());
    for word in words {
        // A damaged file may hold one word of megabytes.
        let shown: String = word.chars().take(24).collect();
        let value: T = word.parse().map_err(|_| format!("\"{shown}\" is not a number"))?;
        if !value.into().is_finite() {
            return Err(format!("\"{shown}\" is not finite"));
        }
        if values.len() == n_expected {
            return Err(format!("holds more than {n_expected} numbers"));
        }
        values.push(value);
    }
    if values.len() == n_expected {
        Ok(values)
    } else {
        Err(format!("holds {} numbers, {n_expected} are expected", values.len()))
    }
}
