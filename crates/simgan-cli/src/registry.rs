//! The layouts and simulators that this program knows. Only the binary decides which; no library names one.

use simgan_data::Registry;

/// Returns every layout and simulator that a SOURCE can name.
pub(crate) fn registry() -> Registry {
    Registry::default()
        .with(simgan_eyes::Simulators)
        .with(simgan_hands::HandSimulators)
        .with(simgan_digits::DigitsLayout)
}
