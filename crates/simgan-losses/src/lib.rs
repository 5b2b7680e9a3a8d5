//! The losses of SimGAN (Shrivastava et al., CVPR 2017) – local adversarial loss and self-regularization –
//! and the history of refined images.
//!
//! [`adversarial`] scores the discriminator's logits against a [`Target`]: it is the discriminator's loss
//! (eq. 2) and, with the target swapped, the realism term of the refiner's loss (eq. 3–4).
//! [`SelfRegularization`] is the other term of the refiner's loss: what a [`FeatureTransform`] ψ sees must
//! stay, most of all around [`Landmarks`]; [`Consistency`] adds what an estimator sees. [`HistoryBuffer`]
//! mixes earlier refined images into the discriminator's batches (§2.3). [`diversity`] keeps a refiner with noise
//! from ignoring it, and [`film_difference`] keeps refined films from flickering. [`AdversarialLoss`] and [`Psi`]
//! name losses and transforms in settings; [`patch_weights`] leaves out patches that show nothing.
//! [`gaze_distance`], [`heat_map_distance`], [`cross_entropy`] and [`squared_error`] train the networks that judge
//! whether refined images are better training data.
//!
//! All functions take tensors, never networks. All losses are means, so that their balance depends neither on
//! the batch nor on the image size.
//!
//! ```
//! use candle_core::{DType, Device, Tensor, Var};
//! use rand::SeedableRng;
//! use simgan_losses::{FeatureTransform, HistoryBuffer, SelfRegularization, Target, adversarial};
//!
//! let synthetic = Tensor::zeros((4, 1, 35, 55), DType::F32, &Device::Cpu)?;
//! let refined = Var::ones((4, 1, 35, 55), DType::F32, &Device::Cpu)?; // stands for R(synthetic)
//! let logits = Var::zeros((4, 2, 9, 14), DType::F32, &Device::Cpu)?; // stands for D(refined)
//!
//! // The refiner's loss: its images should pass as real and stay close to the synthetic ones.
//! let lambda = 2.0;
//! let realism = adversarial(&logits, Target::Real)?;
//! let change = SelfRegularization::new(FeatureTransform::Identity).loss(&refined, &synthetic)?;
//! let loss = (&realism + (&change * lambda)?)?;
//! assert!((loss.to_scalar::<f32>()? - (2f32.ln() + 2.0)).abs() < 1e-6);
//!
//! // The discriminator's images: half fresh, half from the history once it has some.
//! let mut history = HistoryBuffer::new(512);
//! let mut stream = rand_chacha::ChaCha8Rng::seed_from_u64(0);
//! let shown = history.mix(&refined, &mut stream)?;
//! assert_eq!(shown.dims(), [4, 1, 35, 55]);
//! assert_eq!(history.len(), 2);
//! # Ok::<(), candle_core::Error>(())
//! ```

mod adversarial;
mod consistency;
mod diversity;
mod estimation;
mod gaps;
mod gaze;
mod history;
mod known;
mod landmarks;
mod patches;
mod self_regularization;

pub use self::adversarial::{AdversarialLoss, Target, accuracy, adversarial};
pub use self::consistency::Consistency;
pub use self::diversity::{diversity, film_difference};
pub use self::estimation::{cross_entropy, heat_map_distance, squared_error};
pub use self::gaps::Gaps;
pub use self::gaze::gaze_distance;
pub use self::history::HistoryBuffer;
pub use self::landmarks::Landmarks;
pub use self::patches::patch_weights;
pub use self::self_regularization::{FeatureTransform, Psi, SelfRegularization};
