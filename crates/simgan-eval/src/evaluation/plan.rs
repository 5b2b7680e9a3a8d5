use simgan_train::DataConfig;

use super::{EvaluationConfig, EvaluationData, Method, MethodKind};
use crate::{About, EvalError, KeptEstimator, TrainedEstimator};

/// The rows to measure and the images to measure them on. Building a plan checks the rows before anything is
/// computed.
pub struct Plan<'a> {
    pub(super) data: &'a EvaluationData,
    pub(super) config: &'a EvaluationConfig,
    rows: Vec<Method>,
}

impl<'a> Plan<'a> {
    /// Selects the rows that `config` requests and `data` allows.
    ///
    /// # Errors
    ///
    /// If `config` names a row that the data does not allow.
    pub fn new(data: &'a EvaluationData, config: &'a EvaluationConfig) -> Result<Self, EvalError> {
        Ok(Self { data, config, rows: rows(data, config)? })
    }

    /// Puts one of its estimators together with what its use needs; `data` says how the images were read.
    ///
    /// # Errors
    ///
    /// None in practice: the estimator has been trained on these images.
    pub fn kept(&self, estimator: TrainedEstimator, data: &DataConfig) -> Result<KeptEstimator, EvalError> {
        let task = self.data.task();
        let config = task.estimator(self.config.network, self.data.shape()?)?;
        let about = About::new(task.spec().clone(), self.config.inputs.clone(), data);
        Ok(KeptEstimator::new(about, config, estimator))
    }

    /// The rows to compute, in table order.
    #[must_use]
    pub fn rows(&self) -> &[Method] {
        &self.rows
    }

    /// The rows that depend on a refiner, or (`false`) those that do not.
    pub(super) fn rows_of(&self, is_refined: bool) -> impl Iterator<Item = Method> {
        self.rows.iter().copied().filter(move |method| method.kind.is_refined() == is_refined)
    }

    /// Returns the number of updates of estimators of all rows, for [`Watch::expect`](super::Watch::expect).
    #[must_use]
    pub fn n_updates(&self) -> u64 {
        self.n_updates_of(true) + self.n_updates_of(false)
    }

    /// Returns the number of updates of the rows that depend on a refiner, or (`false`) of the others.
    pub(crate) fn n_updates_of(&self, is_refined: bool) -> u64 {
        let n_networks = self.rows_of(is_refined).filter(|method| method.kind.is_network()).count() as u64;
        n_networks * self.config.seeds * self.config.training.steps as u64
    }
}

fn rows(data: &EvaluationData, config: &EvaluationConfig) -> Result<Vec<Method>, EvalError> {
    let mut rows = Vec::new();
    for kind in MethodKind::ALL {
        let is_named = config.methods.contains(&kind);
        let lacking = data.lacking(kind);
        if let Some(lacking) = lacking.filter(|_| is_named) {
            let reason = format!("`{kind}` needs {lacking}");
            let hint = match kind {
                MethodKind::Toned | MethodKind::TonedAugmented => "train it with data.tone",
                _ => "give them as the real images",
            };
            return Err(EvalError::Impossible { reason, hint });
        }
        // `augment` extends exactly the requested rows: those named, or all if none is.
        let is_asked_for = |kind| config.methods.is_empty() || config.methods.contains(&kind);
        let is_meant = match kind.without_augmentation() {
            Some(plain) => is_named || config.augment && is_asked_for(plain),
            None => is_asked_for(kind),
        };
        if !is_meant || lacking.is_some() {
            continue;
        }
        rows.push(Method::once(kind));
        if config.fold > 1 && matches!(kind, MethodKind::Synthetic | MethodKind::Refined) {
            rows.push(Method { kind, fold: config.fold });
        }
    }
    Ok(rows)
}
