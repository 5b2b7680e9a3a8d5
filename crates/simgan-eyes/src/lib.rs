//! The built-in eye simulator: labelled renders without a download.

mod compression;
mod config;
mod error;
mod landmarks;
mod math;
mod parameters;
mod procedural;
mod random;
mod record;
mod render;
mod sensor;
mod simulator;

pub use self::config::{Domain, Range, SimulatorConfig};
pub use self::error::EyesError;
pub use self::landmarks::Landmarks;
pub use self::parameters::Parameters;
pub use self::simulator::{Rendered, Simulator, builtin};
