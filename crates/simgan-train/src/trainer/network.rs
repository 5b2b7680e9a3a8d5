use std::path::Path;

use candle_core::{Device, Tensor};
use simgan_models::{Discriminator, DiscriminatorConfig, Parameters, Precision, Refiner, RefinerConfig};

use super::ranked::average;
use super::scalar;
use crate::{OptimizerConfig, OptimizerKind, Phase, Ranks, TrainError};
use simgan_optim::{OptimError, Optimizer, Rule};

/// Power iterations of D's spectral norms before the first update, as in PyTorch.
const FIRST_ITERATIONS: usize = 15;

/// When an update happens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// Steps done in all phases; it dates errors.
    pub(super) n_steps: u64,
    /// The phase of the step; errors name it.
    pub(super) phase: Phase,
    /// Iterations of Algorithm 1 done, on which learning rates depend.
    pub(super) iteration: u64,
}

/// A network with its weights and optimizer.
pub(super) struct Network<M> {
    pub(super) module: M,
    /// Shares the weights but records no gradients for them; used in the other network's update.
    pub(super) frozen: M,
    parameters: Parameters,
    optimizer: Optimizer,
    schedule: OptimizerConfig,
    name: &'static str,
}

impl Network<Refiner> {
    pub(super) fn refiner(
        config: &RefinerConfig,
        channels: usize,
        optimizer: &OptimizerConfig,
        seed: u64,
        (device, precision): (&Device, Precision),
        range: Option<[f32; 2]>,
    ) -> Result<Self, TrainError> {
        let parameters = Parameters::new(seed, device);
        let module = Refiner::new(config, channels, parameters.var_builder())?;
        let module = module.with_precision(precision).with_range(range);
        Self::new(module.frozen(), module, parameters, optimizer, "refiner")
    }
}

impl Network<Discriminator> {
    pub(super) fn discriminator(
        config: &DiscriminatorConfig,
        channels: usize,
        optimizer: &OptimizerConfig,
        seed: u64,
        (device, precision): (&Device, Precision),
    ) -> Result<Self, TrainError> {
        let parameters = Parameters::new(seed, device);
        let module =
            Discriminator::new(config, channels, parameters.var_builder())?.with_precision(precision);
        module.iterate_norms(FIRST_ITERATIONS)?;
        Self::new(module.frozen(), module, parameters, optimizer, "discriminator")
    }
}

impl<M> Network<M> {
    fn new(
        frozen: M,
        module: M,
        parameters: Parameters,
        schedule: &OptimizerConfig,
        name: &'static str,
    ) -> Result<Self, TrainError> {
        let rule = match schedule.kind {
            OptimizerKind::Sgd => Rule::Sgd { momentum: schedule.momentum },
            OptimizerKind::Adam => Rule::adam(schedule.betas),
        };
        let optimizer = Optimizer::new(parameters.vars(), rule, schedule.clip_norm)?;
        Ok(Self { module, frozen, parameters, optimizer, schedule: schedule.clone(), name })
    }

    /// Updates the weights to reduce `loss`, or its mean over the ranks, which it returns together with the
    /// gradient's norm.
    ///
    /// If either is not finite, it returns an error and leaves the weights unchanged.
    pub(super) fn descend(
        &mut self,
        loss: &Tensor,
        at: Moment,
        ranks: Option<&mut (dyn Ranks + 'static)>,
    ) -> Result<(f64, f64), TrainError> {
        let (mut value, mut gradients) = (scalar(loss)?, loss.backward()?);
        // Before any check, since all ranks must come to the same result.
        if let Some(ranks) = ranks {
            value = average(value, &mut gradients, &self.parameters, ranks)?;
        }
        if !value.is_finite() {
            return Err(self.not_finite(at, format!("the {}'s loss is {value}", self.name)));
        }
        match self.optimizer.step(&gradients, self.schedule.lr_at(at.iteration)) {
            Ok(gradient_norm) => Ok((value, gradient_norm)),
            Err(OptimError::NotFinite { name }) => {
                Err(self
                    .not_finite(at, format!("the gradient of the {}'s `{name}` is not finite", self.name)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Returns an error if any weight is not finite, since a checkpoint of such weights would be useless.
    pub(super) fn check_finite(&self, at: Moment) -> Result<(), TrainError> {
        for (name, tensor) in self.parameters.tensors() {
            // A single NaN or infinity makes the mean non-finite, so one scalar per tensor leaves the device.
            if !scalar(&tensor.mean_all()?)?.is_finite() {
                return Err(self.not_finite(at, format!("the {}'s `{name}` is not finite", self.name)));
            }
        }
        Ok(())
    }

    /// Returns an error if any value of the network's output is not finite. Its weights may be finite and yet
    /// so large that its layers overflow.
    pub(super) fn check_output(&self, output: &Tensor, at: Moment) -> Result<(), TrainError> {
        match scalar(&output.mean_all()?)?.is_finite() {
            true => Ok(()),
            false => Err(self.not_finite(at, format!("the {}'s output is not finite", self.name))),
        }
    }

    fn not_finite(&self, at: Moment, what: String) -> TrainError {
        TrainError::NotFinite { step: at.n_steps + 1, phase: at.phase, what, network: self.name }
    }

    pub(super) fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// Returns the optimizer's state, each name prefixed with the network's.
    pub(super) fn optimizer_state(&self) -> Result<Vec<(String, Tensor)>, TrainError> {
        let tensors = self.optimizer.state()?.into_iter();
        Ok(tensors.map(|(name, tensor)| (format!("{}.{name}", self.name), tensor)).collect())
    }

    /// Restores the weights from a file and the optimizer from both networks' [`Self::optimizer_state`].
    pub(super) fn restore(
        &mut self,
        weights: &Path,
        optimizers: &[(String, Tensor)],
    ) -> Result<(), TrainError> {
        self.parameters.load(weights)?;
        let own = |(name, tensor): &(String, Tensor)| {
            Some((name.strip_prefix(self.name)?.strip_prefix('.')?.to_owned(), tensor.clone()))
        };
        let state: Vec<_> = optimizers.iter().filter_map(own).collect();
        Ok(self.optimizer.restore(&state)?)
    }
}
