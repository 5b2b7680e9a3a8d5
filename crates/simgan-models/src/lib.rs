//! The networks of SimGAN (Shrivastava et al., CVPR 2017) and the store of their parameters.
//!
//! [`Refiner`] turns synthetic images into refined ones of the same shape; [`Discriminator`] tells real
//! images from refined ones, patch by patch. Both are built from a config and a `VarBuilder` of
//! [`Parameters`], which creates each parameter from a seed and the parameter's name, keeps them in order of
//! creation, and saves and loads them strictly. [`save_refiner`] and [`load_refiner`] store a refiner with
//! its config in a folder, which is all that inference needs; [`run_folder`] finds that folder in a run.
//! An [`Estimator`] measures whether refined images are better training data: [`GazeEstimator`] and
//! [`Hourglass`] are the paper's, for eyes and hands, and [`Plain`] serves classes and vectors.
//!
//! Images are `(N, C, H, W)`, `f32`, in [−1, 1], before and after the refiner.
//!
//! ```
//! use candle_core::{DType, Device, Module, Tensor};
//! use simgan_models::{Discriminator, DiscriminatorConfig, Parameters, Refiner, RefinerConfig};
//!
//! let refiner_parameters = Parameters::new(0, &Device::Cpu);
//! let refiner = Refiner::new(&RefinerConfig::eye_gaze(), 1, refiner_parameters.var_builder())?;
//! let discriminator_parameters = Parameters::new(1, &Device::Cpu);
//! let discriminator =
//!     Discriminator::new(&DiscriminatorConfig::eye_gaze(), 1, discriminator_parameters.var_builder())?;
//!
//! let synthetic = Tensor::zeros((2, 1, 35, 55), DType::F32, &Device::Cpu)?;
//! let refined = refiner.forward(&synthetic)?;
//! assert_eq!(refined.dims(), [2, 1, 35, 55]);
//! let logits = discriminator.forward(&refined)?;
//! assert_eq!(logits.dims(), [2, 2, 9, 14]); // 126 patches, channel 0 = real, 1 = refined
//! assert_eq!(refiner_parameters.count(), 296_129);
//! assert_eq!(discriminator_parameters.count(), 75_906);
//! # Ok::<(), simgan_models::ModelError>(())
//! ```

mod batched;
mod conv;
mod discriminator;
mod error;
mod estimator;
mod estimator_file;
mod file;
mod gaze_estimator;
mod graph;
mod holes;
mod hourglass;
mod layout;
mod linear;
mod noise;
mod parameters;
mod plain;
mod precision_name;
mod refiner;
mod refiner_file;
mod regular;
mod relief;
pub mod run_folder;
mod spectral_norm;

pub use self::batched::{for_batches, forward_batched};
pub use self::discriminator::{Discriminator, DiscriminatorConfig, Layer};
pub use self::error::ModelError;
pub use self::estimator::{Estimator, EstimatorConfig};
pub use self::estimator_file::{
    ESTIMATOR_CONFIG_FILE, ESTIMATOR_FILE, StoredEstimator, load_estimator, save_estimator,
};
pub use self::file::{read_tensors, read_tensors_within, write_tensors};
pub use self::gaze_estimator::{GazeEstimator, GazeEstimatorConfig};
pub use self::holes::RefinerOutput;
pub use self::hourglass::{Hourglass, HourglassConfig};
pub use self::layout::Layout;
pub use self::noise::{DrawnNoise, Noise, NoiseSource};
pub use self::parameters::Parameters;
pub use self::plain::{Plain, PlainConfig};
pub use self::precision_name::PrecisionName;
pub use self::refiner::{Refiner, RefinerConfig};
pub use self::refiner_file::{
    REFINER_CONFIG_FILE, REFINER_FILE, RefinerImages, ToneStage, load_refiner, load_refiner_images,
    refiner_crc32c, save_refiner,
};
pub use self::relief::relief_reach;
pub use simgan_kernels::{Border, Precision};
