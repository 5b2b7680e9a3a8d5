//! The built-in hand simulator: labelled depth images of one human hand, without a download.
//!
//! A [`HandSimulator`] is a [`simgan_data::Source`] of depth images in millimetres with the hand's joints.
//! [`Domain::Hands`] (`builtin:hands`) is the clean synthetic domain. [`Domain::Kinect`] (`builtin:kinect`)
//! stands in for real images: it shows other people, measured by a structured-light sensor. A [`HandsConfig`]
//! sets the image's size, the framing and the view. [`HandSimulators`] lets a [`simgan_data::Registry`] open
//! both by name.
//!
//! ```
//! use simgan_data::{AnnotationsExt, Source, Want};
//! use simgan_hands::{Domain, HandSimulator, HandsConfig, JOINT_NAMES};
//!
//! let config = HandsConfig { seed: 7, size: "64x64".parse()?, ..HandsConfig::default() };
//! let hands = HandSimulator::new(Domain::Hands, config)?;
//! let sample = hands.sample(41, Want::Labels)?;
//! let joints = sample.annotations.joints().unwrap();
//! assert_eq!(joints.len(), JOINT_NAMES.len());
//! // Depth at the palm's middle, in mm; 0 would be "nothing measured".
//! let [x, y] = joints[13].map(|at| at as usize);
//! let depth = sample.image.pixels().iter().nth(y * 64 + x).unwrap();
//! assert!(depth > 400.0 && depth < 1000.0);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # From seed to image
//!
//! ```text
//! (seed, index) ──▶ Person, Pose ──▶ Skeleton ─┬▶ Solid ──▶ render ──▶ depths ─────────────▶ Image
//!                   one ChaCha8      joints    │  balls                 └──▶ Sensor (kinect) ──┘
//!                   stream each                └▶ points, visibility ──▶ annotation, record
//! ```
//!
//! An image is a pure function of (configuration, index), bit for bit on every machine: all elementary
//! functions come from `libm`, and no random generator is shared between images.

mod camera;
mod config;
mod error;
mod gesture;
mod joints;
mod layout;
mod math;
mod person;
mod pose;
mod record;
mod render;
mod sensor;
mod simulator;
mod skeleton;
mod solid;

pub use self::config::{Domain, HandsConfig, View};
pub use self::error::HandsError;
pub use self::joints::JOINT_NAMES;
pub use self::layout::HandSimulators;
pub use self::simulator::HandSimulator;
pub use simgan_data::simulation::Range;
