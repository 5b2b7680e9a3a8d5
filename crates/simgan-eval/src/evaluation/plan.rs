use super::{EvaluationConfig, EvaluationData, Method, MethodKind};
use crate::EvalError;

/// What is measured on which images. The tables' rows are found here, before anything is computed.
pub struct Plan<'a> {
    pub(super) data: &'a EvaluationData,
    pub(super) config: &'a EvaluationConfig,
    rows: Vec<Method>,
}

impl<'a> Plan<'a> {
    /// The rows that `config` asks for, as far as `data` allows them.
    ///
    /// # Errors
    ///
    /// If a row is asked for by name that the data does not allow.
    pub fn new(data: &'a EvaluationData, config: &'a EvaluationConfig) -> Result<Self, EvalError> {
        Ok(Self { data, config, rows: rows(data, config)? })
    }

    /// The rows to compute, in their order.
    #[must_use]
    pub fn rows(&self) -> &[Method] {
        &self.rows
    }

    /// The rows that depend on a refiner, or the others.
    pub(super) fn rows_of(&self, is_refined: bool) -> impl Iterator<Item = Method> {
        self.rows.iter().copied().filter(move |method| method.kind.is_refined() == is_refined)
    }

    /// Updates of gaze networks that all rows take: what [`Watch::expect`](super::Watch::expect) wants to know.
    #[must_use]
    pub fn n_updates(&self) -> u64 {
        self.n_updates_of(true) + self.n_updates_of(false)
    }

    /// Those of the rows that depend on a refiner, or of the others.
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
            return Err(EvalError::Impossible { reason, hint: "give them as the real images" });
        }
        // Augmentation is added to the rows that are asked for, be they named or all.
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
