//! What simulators share: seeded streams of random numbers ([`Stream`]), the ranges they draw from ([`Range`]), and
//! settings typed as `key=value` ([`changed`]).
//!
//! A simulator is a crate of its own that implements [`Source`](crate::Source); nothing here knows what it
//! shows.
//!
//! ```
//! use serde::{Deserialize, Serialize};
//! use simgan_data::simulation::{Stream, changed};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Config {
//!     radius_px: f32,
//! }
//!
//! let config = changed(&Config { radius_px: 3.0 }, "radius_px=5")?;
//! assert_eq!(config.radius_px, 5.0);
//! // Sample 41 is drawn without the ones before it.
//! let radius = |index| Stream::new(7, "discs/radius", index).uniform(1.0, config.radius_px);
//! assert_eq!(radius(41), radius(41));
//! # Ok::<(), simgan_data::simulation::SettingError>(())
//! ```

mod range;
mod settings;
mod stream;

pub use self::range::Range;
pub use self::settings::{SettingError, changed};
pub use self::stream::Stream;
