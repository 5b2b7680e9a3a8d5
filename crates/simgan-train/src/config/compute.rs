use simgan_models::{Precision, PrecisionName};
use simgan_settings::{Range, settings};

use super::Section;

pub(super) const SECTION: Section = Section::new("compute", ComputeConfig::DOC, &[ComputeConfig::SETTINGS]);

settings! {
    /// How the networks are computed.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct ComputeConfig {
        /// Precision of the numbers that convolutions multiply. bf16, 16 bits with 8 of precision, needs a CPU
        /// with AVX512-BF16 or a GPU with cuDNN and is faster, on Intel's CPUs only with AMX; weights, sums and
        /// the optimizers' state stay f32, and so do gradients on the CPU.
        #[serde(default, with = "PrecisionName")]
        precision: Precision = Range::OneOf(&["f32", "bf16"]),
    }
}
