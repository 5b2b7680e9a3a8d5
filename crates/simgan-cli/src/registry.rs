//! The layouts and simulators that this program knows. Only the binary decides which; no library names one.

use simgan_data::{PriorsLayout, Registry};

/// Returns every layout and simulator that a SOURCE can name.
pub(crate) fn registry() -> Registry {
    let registry = Registry::default()
        .with(simgan_eyes::Simulators)
        .with(simgan_hands::HandSimulators)
        .with(simgan_digits::DigitsLayout);
    registry.clone().with(PriorsLayout::new(registry))
}
