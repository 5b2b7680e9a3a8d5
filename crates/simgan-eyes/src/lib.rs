//! The built-in eye simulator: labelled renders of one human eye, without a download.
//!
//! A [`Simulator`] is a [`simgan_data::Source`] of rendered eye patches with exact labels. [`Domain::Eyes`]
//! (`builtin:eyes`) is the clean synthetic domain. [`Domain::Camera`] (`builtin:camera`) stands in for real
//! images: it shows other people, photographed by a cheap camera. A [`SimulatorConfig`] sets the image's
//! size, the framing and the ranges of gaze and head pose. [`Simulators`] lets a [`simgan_data::Registry`]
//! open simulators by name.
//!
//! ```
//! use simgan_data::{AnnotationsExt, Source, Want};
//! use simgan_eyes::{Domain, SimulatorConfig, builtin};
//!
//! let config = SimulatorConfig { seed: 7, ..SimulatorConfig::default() };
//! let eyes = builtin(Domain::Eyes, config)?;
//! let sample = eyes.sample(41, Want::Labels)?;
//! assert_eq!((sample.image.spec().width, sample.image.spec().height), (55, 35));
//! assert!(sample.annotations.gaze().is_some());
//! // The same image, with everything known about it.
//! let rendered = eyes.render(41);
//! assert_eq!(rendered.image, sample.image);
//! let [x, y, _] = rendered.landmarks.iris_center;
//! assert!(x > 0.0 && x < 55.0 && y > 0.0 && y < 35.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # From seed to image
//!
//! ```text
//! (seed, index) ──▶ Parameters ──▶ procedural::scene ─┬▶ Scene ─┬▶ render(Scene, Light, Camera) ──▶ sensor ──▶ Image
//!                   one ChaCha8    unityeyes::scene ──┘         │                                 (camera only)
//!                   stream each    geometry, textures           └▶ Landmarks, gaze ──▶ record (UnityEyes' JSON)
//! ```
//!
//! The renderer core (camera, light, shadow map, rasteriser, two-sphere eyeball with refraction, hairs,
//! labels) does not depend on the provider of a scene. Two modules provide geometry and textures:
//! `procedural` needs no file; `unityeyes` reads the [`Assets`] of UnityEyes (Wood et al., ETRA 2016) and
//! reproduces its landmarks (see [`unityeyes()`]).
//!
//! An image is a pure function of (configuration, index), bit for bit on every machine: all elementary
//! functions come from `libm`, and no random generator is shared between images.

mod compression;
mod config;
mod error;
#[cfg(test)]
mod invariants;
mod landmarks;
mod layout;
mod math;
mod name;
mod parameters;
mod prior;
mod procedural;
mod random;
mod ranges;
mod record;
mod render;
mod sensor;
mod sequence;
mod settings;
mod simulator;
mod unityeyes;
mod write;

pub use self::config::{Aim, Domain, Finishing, GazeFrame, SimulatorConfig};
pub use self::error::EyesError;
pub use self::landmarks::Landmarks;
pub use self::layout::Simulators;
pub use self::name::{Model, Preset, SimulatorName};
pub use self::parameters::Parameters;
pub use self::prior::PosePrior;
pub use self::ranges::{FaceRanges, LightRanges};
pub use self::record::Recorded;
pub use self::render::Visibility;
pub use self::simulator::{Labelled, Rendered, Simulator, builtin, unityeyes};
pub use self::unityeyes::Assets;
pub use simgan_data::simulation::Range;
