use serde::{Deserialize, Serialize};

/// `[optim.refiner]`, `[optim.discriminator]`: how weights follow their gradients.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimizerConfig {
    /// `"sgd"` or `"adam"`.
    pub kind: OptimizerKind,
    /// Learning rate of the first steps. The losses are means over patches and pixels: a step of plain SGD on a loss
    /// summed over P patches, as the paper has it, is the same step at a rate P times as large here. Adam's steps do
    /// not depend on the loss's scale.
    pub lr: f64,
    /// For `sgd` alone, in [0, 1): how much of the previous step is kept.
    pub momentum: f64,
    /// For `adam` alone, each in [0, 1): decay of the gradient's mean and of its square's.
    pub betas: [f64; 2],
    /// A gradient longer than this (norm over all weights) is shortened to it; 0 turns it off.
    pub clip_norm: f64,
    /// `[[STEP, LR], …]`: from that iteration of Algorithm 1 on, the learning rate is LR.
    pub lr_steps: Vec<(u64, f64)>,
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
