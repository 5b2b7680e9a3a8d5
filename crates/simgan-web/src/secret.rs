//! What must not be guessed: tokens and links.

use std::fmt::Write;
use std::io;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use subtle::ConstantTimeEq;

/// Returns 128 random bits of the system as 32 hexadecimal digits.
///
/// # Errors
/// The system has none.
pub(crate) fn random_id() -> io::Result<String> {
    let bytes: [u8; 16] = random_bytes()?;
    let mut text = String::with_capacity(32);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}"); // a string takes everything
    }
    Ok(text)
}

/// Returns a generator whose numbers nobody can foresee.
///
/// # Errors
/// The system has no random numbers.
pub(crate) fn generator() -> io::Result<ChaCha8Rng> {
    Ok(ChaCha8Rng::from_seed(random_bytes()?))
}

fn random_bytes<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
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
