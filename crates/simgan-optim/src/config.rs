use serde::{Deserialize, Serialize};
use simgan_settings::{Range, settings, zero_is_off};
use toml::Value;

settings! {
    /// How weights follow their gradients.
    #[derive(Clone, Debug, PartialEq)]
    pub struct OptimizerConfig {
        /// The rule: stochastic gradient descent, the paper's, or Adam.
        kind: OptimizerKind = Range::OneOf(&["sgd", "adam"]),
        /// Learning rate of the first steps. The losses are means over patches and pixels, where the paper sums: a step
        /// of plain SGD on a sum over P patches is, here, a step at P times that rate. Adam's steps do not depend on
        /// the loss's scale.
        lr: f64 = Range::above(0.0),
        /// For "sgd" alone: how much of the previous step is kept.
        momentum: f64 = Range::FRACTION,
        /// For "adam" alone: decay of the running mean of the gradient and of its square.
        betas: [f64; 2] = Range::Form("two numbers, each at least 0 and less than 1", are_fractions),
        /// Longest gradient, as a norm over all weights; a longer one is shortened to it. 0 turns it off.
        #[serde(with = "zero_is_off")]
        clip_norm: Option<f64> = Range::Off(&Range::above(0.0)),
        /// Changes of the learning rate: from iteration STEP of Algorithm 1 on, it is LR.
        lr_steps: Vec<(u64, f64)> =
            Range::Form("[[STEP, LR], …] with ascending steps and rates above 0", is_lr_schedule),
    }
}

/// The rule by which weights follow their gradients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OptimizerKind {
    /// Stochastic gradient descent, the paper's, with momentum if `momentum` is not 0.
    Sgd,
    /// Adam with bias correction.
    Adam,
}

impl OptimizerConfig {
    /// The learning rate of iteration `step` of Algorithm 1 (0 before and during the first).
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
