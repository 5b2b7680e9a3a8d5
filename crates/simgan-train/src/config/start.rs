use simgan_settings::{Range, settings};
use toml::Value;

use super::Section;

pub(super) const SECTION: Section = Section::new("start", StartConfig::DOC, &[StartConfig::SETTINGS]);

settings! {
    /// The trained refiner from which the run goes on, instead of from random weights.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct StartConfig {
        /// The folder of a checkpoint, or empty to start from random weights. The run takes over its weights
        /// of R, and those of D if they fit; optimizers and history begin anew.
        #[serde(default)]
        from: String = Range::Form("a folder, or empty", Value::is_str),
        /// Checksum (CRC-32C, hexadecimal) of that refiner, by which another one is noticed; empty accepts
        /// any.
        #[serde(default)]
        crc32c: String = Range::Form("eight hexadecimal digits, or empty", is_checksum),
    }
}

fn is_checksum(value: &Value) -> bool {
    let is_hex =
        |text: &str| text.is_empty() || text.len() == 8 && text.bytes().all(|b| b.is_ascii_hexdigit());
    value.as_str().is_some_and(is_hex)
}
