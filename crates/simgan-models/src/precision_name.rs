use serde::{Deserialize, Serialize};
use simgan_kernels::Precision;

/// How configurations spell a [`Precision`], whose crate, simgan-kernels, does not depend on serde:
/// `#[serde(with = "PrecisionName")]`.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Precision", rename_all = "lowercase")]
#[expect(missing_docs, reason = "the variants of Precision")]
pub enum PrecisionName {
    F32,
    Bf16,
}
