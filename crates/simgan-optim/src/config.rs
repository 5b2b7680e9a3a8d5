use serde::{Deserialize, Serialize};
use simgan_settings::{Range, settings, zero_is_off};
use toml::Value;

settings! {
    /// How weights follow their gradients.
    #[derive(Clone, Debug, PartialEq)]
    pub struct OptimizerConfig {
        /// The update rule: stochastic gradient descent, as in the paper, or Adam.
        kind: OptimizerKind = Range::OneOf(&["sgd", "adam"]),
        /// Initial learning rate. The losses are means over patches and pixels where the paper takes sums: a
        /// step of plain SGD on a sum over P patches equals a step here at P times that rate. Adam's steps do
        /// not depend on the scale of the loss.
        lr: f64 = Range::above(0.0),
        /// Only for "sgd": the fraction of the previous step that is kept.
        momentum: f64 = Range::FRACTION,
        /// Only for "adam": decay rates of the running means of the gradient and of its square.
        betas: [f64; 2] = Range::Form("two numbers, each at least 0 and less than 1", are_fractions),
        /// Maximum norm of the gradient over all weights; a larger gradient is scaled down to it. 0 turns it
        /// off.
        #[serde(with = "zero_is_off")]
        clip_norm: Option<f64> = Range::Off(&Range::above(0.0)),
        /// Changes of the learning rate: LR from iteration STEP of Algorithm 1 on.
        lr_steps: Vec<(u64, f64)> =
            Range::Form("[[STEP, LR], …] with ascending steps and rates above 0", is_lr_schedule),
    }
}

/// The update rule of the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    /// Stochastic gradient descent, as in the paper, with momentum if `momentum` is not 0.
    Sgd,
    /// Adam with bias correction.
    Adam,
}

impl OptimizerConfig {
    /// Returns the learning rate of iteration `step` of Algorithm 1 (0 before and during the first).
    #[must_use]
    pub fn lr_at(&self, step: u64) -> f64 {
        let passed = self.lr_steps.iter().take_while(|(from, _)| *from <= step);
        passed.last().map_or(self.lr, |(_, lr)| *lr)
    }
}

fn are_fractions(betas: &Value) -> bool {
    betas.as_array().is_some_and(|betas| betas.iter().all(|beta| Range::FRACTION.contains(beta)))
}

fn is_lr_schedule(steps: &Value) -> bool {
    let steps: Result<Vec<(u64, f64)>, _> = steps.clone().try_into();
    steps.is_ok_and(|steps| {
        steps.is_sorted_by(|a, b| a.0 < b.0) && steps.iter().all(|(_, lr)| lr.is_finite() && *lr > 0.0)
    })
}
