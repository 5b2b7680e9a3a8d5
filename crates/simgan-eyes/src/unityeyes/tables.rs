//! Numbers in text files.

/// All numbers of a text, separated by commas or white space; exactly `n_expected` finite ones.
///
/// # Errors
/// What is wrong with the text.
pub(super) fn numbers<T: std::str::FromStr + Copy + Into<f64>>(
    text: &str,
    n_expected: usize,
) -> Result<Vec<T>, String> {
    let mut values = Vec::with_capacity(n_expected);
    let words = text.split(|c: char| c == ',' || c.is_ascii_whitespace()).filter(|word| !word.is_empty());
    for word in words {
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
