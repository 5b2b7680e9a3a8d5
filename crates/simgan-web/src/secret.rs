//! What must not be guessed: tokens and links.

use std::fmt::Write;
use std::io;

use subtle::ConstantTimeEq;

/// Returns 128 random bits of the system as 32 hexadecimal digits.
///
/// # Errors
/// The system has none.
pub(crate) fn random_id() -> io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    let mut text = String::with_capacity(32);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}"); // a string takes everything
    }
    Ok(text)
}

/// Whether two secrets are equal, in a time that does not tell where they differ.
pub(crate) fn is_equal(given: &str, secret: &str) -> bool {
    given.as_bytes().ct_eq(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_long_and_differ() {
        let (first, second) = (random_id().unwrap(), random_id().unwrap());
        assert!(first.len() == 32 && first.bytes().all(|byte| byte.is_ascii_hexdigit()), "{first}");
        assert!(!is_equal(&first, &second) && is_equal(&first, &first.clone()) && !is_equal("", &first));
    }
}
