use std::fmt;

use serde::{Deserialize, Serialize};

/// A phase of the training schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Trains R alone, on the self-regularization.
    PretrainRefiner,
    /// Trains D alone, on real images and the pretrained R's output.
    PretrainDiscriminator,
    /// Trains both by Algorithm 1.
    Adversarial,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PretrainRefiner => "the refiner's pretraining",
            Self::PretrainDiscriminator => "the discriminator's pretraining",
            Self::Adversarial => "the adversarial phase",
        })
    }
}

/// Measurements of one step. Losses are means over patches or pixels; accuracies are fractions of patches, in
/// [0, 1].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepReport {
    /// Steps done in all phases, including this one.
    pub step: u64,
    /// The phase of this step.
    pub phase: Phase,
    /// Steps done in this phase, including this one.
    pub phase_step: u64,
    /// Means over the refiner's updates; `None` if the step had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refiner: Option<RefinerReport>,
    /// Means over the discriminator's updates; `None` if the step had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discriminator: Option<DiscriminatorReport>,
    /// Throughput: synthetic and real images processed by this step's updates, per second.
    pub images_per_sec: f64,
    /// Unreadable images skipped since the run began.
    pub n_skipped: u64,
}

/// The refiner's measurements in a step: means over its K_g updates, each taken before the weights change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RefinerReport {
    /// L_R (eq. 4): `loss.adversarial` × adversarial + `loss.lambda` × self-regularization.
    pub loss: f64,
    /// Mean adversarial loss of refined images that should pass as real (eq. 3); `None` in R's pretraining.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adversarial: Option<f64>,
    /// Mean |ψ(R(x)) − ψ(x)|, without λ.
    pub self_regularization: f64,
    /// Mean difference between what an estimator says of R(x) and of x, without λ_g; `None` without
    /// `loss.consistency`, and in R's pretraining.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<f64>,
    /// Mean |R(x) − x|, of pixels in [−1, 1]; with `refiner.holes` as if every pixel were measured.
    #[serde(alias = "drift")] // the name in version 2 of metrics.jsonl
    pub change: f64,
    /// Norm of the gradient over all of R's weights, before clipping.
    pub gradient_norm: f64,
    /// How much R's images differ with the noise z, for the distance of the noises, up to `loss.diversity_bound`;
    /// `None` without noise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub diversity: Option<f64>,
    /// How unlike the change from frame to frame has become, of pixels in [−1, 1]; `None` without films.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub film: Option<f64>,
    /// Share of the pixels shown in x that R takes for not measured; `None` without `refiner.holes`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<f64>,
    /// How unlike the real ones R's images are in their gaps; `None` without `loss.gaps`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gaps: Option<f64>,
}

/// The discriminator's measurements in a step: means over its K_d updates, each taken before the weights
/// change.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DiscriminatorReport {
    /// L_D (eq. 2): `loss_real` + `loss_refined`; at chance 2 ln 2 = 1.386 with the cross-entropy, 1 with
    /// least squares, 2 with the hinge.
    pub loss: f64,
    /// Mean adversarial loss on real images.
    pub loss_real: f64,
    /// Mean adversarial loss on the mixed batch of new refined images and images from the history.
    pub loss_refined: f64,
    /// Fraction of patches of real images that D classifies as real.
    pub accuracy_real: f64,
    /// Fraction of patches of newly refined images that D classifies as refined.
    pub accuracy_refined: f64,
    /// Fraction of patches of images from the history that D classifies as refined; `None` while the history
    /// is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy_history: Option<f64>,
    /// Norm of the gradient over all of D's weights, before clipping.
    pub gradient_norm: f64,
}

impl DiscriminatorReport {
    /// Returns the mean of the accuracies on real and on newly refined images; 0.5 at chance.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        f64::midpoint(self.accuracy_real, self.accuracy_refined)
    }
}

impl StepReport {
    /// Returns every measurement with the name of its TensorBoard chart.
    #[must_use]
    pub fn scalars(&self) -> Vec<(&'static str, f64)> {
        let mut scalars = vec![("images_per_sec", self.images_per_sec)];
        if let Some(refiner) = &self.refiner {
            scalars.extend(refiner.scalars());
        }
        if let Some(discriminator) = &self.discriminator {
            scalars.extend(discriminator.scalars());
        }
        scalars
    }
}

impl RefinerReport {
    fn scalars(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let adversarial = self.adversarial.map(|value| ("refiner/adversarial", value));
        let consistency = self.consistency.map(|value| ("refiner/consistency", value));
        let always = [
            ("refiner/loss", self.loss),
            ("refiner/self_regularization", self.self_regularization),
            ("refiner/change", self.change),
            ("refiner/gradient_norm", self.gradient_norm),
        ];
        let diversity = self.diversity.map(|value| ("refiner/diversity", value));
        let film = self.film.map(|value| ("refiner/film", value));
        let missing = self.missing.map(|value| ("refiner/missing", value));
        let gaps = self.gaps.map(|value| ("refiner/gaps", value));
        let sometimes = [adversarial, consistency, diversity, film, missing, gaps];
        always.into_iter().chain(sometimes.into_iter().flatten())
    }

    /// Averages reports field by field; `None` if there are none.
    pub(crate) fn mean<'a>(reports: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let reports: Vec<&Self> = reports.into_iter().collect();
        reports.first()?;
        let mean = |field: fn(&Self) -> f64| mean(reports.iter().map(|report| field(report)));
        Some(Self {
            loss: mean(|report| report.loss),
            adversarial: mean_of_some(reports.iter().map(|report| report.adversarial)),
            self_regularization: mean(|report| report.self_regularization),
            consistency: mean_of_some(reports.iter().map(|report| report.consistency)),
            change: mean(|report| report.change),
            gradient_norm: mean(|report| report.gradient_norm),
            diversity: mean_of_some(reports.iter().map(|report| report.diversity)),
            film: mean_of_some(reports.iter().map(|report| report.film)),
            missing: mean_of_some(reports.iter().map(|report| report.missing)),
            gaps: mean_of_some(reports.iter().map(|report| report.gaps)),
        })
    }
}

impl DiscriminatorReport {
    fn scalars(&self) -> impl Iterator<Item = (&'static str, f64)> {
        let history = self.accuracy_history.map(|value| ("accuracy/history", value));
        let always = [
            ("discriminator/loss", self.loss),
            ("discriminator/loss_real", self.loss_real),
            ("discriminator/loss_refined", self.loss_refined),
            ("discriminator/gradient_norm", self.gradient_norm),
            ("accuracy/real", self.accuracy_real),
            ("accuracy/refined", self.accuracy_refined),
        ];
        always.into_iter().chain(history)
    }

    /// Averages reports field by field; `None` if there are none.
    pub(crate) fn mean<'a>(reports: impl IntoIterator<Item = &'a Self>) -> Option<Self> {
        let reports: Vec<&Self> = reports.into_iter().collect();
        reports.first()?;
        let mean = |field: fn(&Self) -> f64| mean(reports.iter().map(|report| field(report)));
        Some(Self {
            loss: mean(|report| report.loss),
            loss_real: mean(|report| report.loss_real),
            loss_refined: mean(|report| report.loss_refined),
            accuracy_real: mean(|report| report.accuracy_real),
            accuracy_refined: mean(|report| report.accuracy_refined),
            accuracy_history: mean_of_some(reports.iter().map(|report| report.accuracy_history)),
            gradient_norm: mean(|report| report.gradient_norm),
        })
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = values.fold((0.0, 0.0), |(sum, n), value| (sum + value, n + 1.0));
    sum / n
}

/// Returns the mean of the `Some` values; `None` if there are none.
fn mean_of_some(values: impl Iterator<Item = Option<f64>> + Clone) -> Option<f64> {
    values.clone().flatten().next().map(|_| mean(values.flatten()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_earlier_programs_called_drift_is_read() {
        let report = RefinerReport { change: 0.25, ..Default::default() };
        let text = serde_json::to_string(&report).unwrap();
        let earlier = text.replace("\"change\"", "\"drift\"");
        assert_ne!(earlier, text);
        assert_eq!(serde_json::from_str::<RefinerReport>(&earlier).unwrap(), report);
    }
}
