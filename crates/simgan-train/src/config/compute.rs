use serde::{Deserialize, Serialize};
use simgan_models::Precision;
use simgan_settings::{Range, settings};

use super::{Recipe, Section};

pub(super) const SECTION: Section = Section::new("compute", ComputeConfig::DOC, &[ComputeConfig::SETTINGS]);

settings! {
    /// How the networks are computed.
    #[derive(Clone, Debug, PartialEq)]
    pub struct ComputeConfig {
        /// Precision of the numbers that convolutions multiply. bf16, 16 bits with 8 of precision, needs a CPU
        /// with AVX512-BF16 and is faster; weights, sums, gradients and the optimizers' state stay f32.
        #[serde(default, with = "PrecisionName")]
        precision: Precision = Range::OneOf(&["f32", "bf16"]),
    }
}

impl ComputeConfig {
    pub(super) fn of(_: Recipe) -> Self {
        Self::default()
    }
}

impl Default for ComputeConfig {
    /// What runs from before the setting did.
    fn default() -> Self {
        Self { precision: Precision::F32 }
    }
}

/// How a configuration spells [`Precision`], whose crate, simgan-kernels, does not depend on serde.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Precision", rename_all = "lowercase")]
enum PrecisionName {
    F32,
    Bf16,
}
