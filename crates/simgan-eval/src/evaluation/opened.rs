use std::sync::Arc;

use simgan_data::{Registry, Role, Source};
use simgan_train::{DataConfig, sources};

use super::EvaluationSources;
use crate::EvalError;

/// Added to the seed of a test simulator, so that it does not repeat training images.
const TEST_SEED_OFFSET: u64 = 1_000_003;

/// The opened sources of an evaluation.
pub struct OpenedSources {
    synthetic: Arc<dyn Source>,
    test: Arc<dyn Source>,
    real: Option<Arc<dyn Source>>,
    most_test: usize,
}

impl OpenedSources {
    /// Opens the sources named in `data` and `test` at the size and channels of `data`. Simulators draw from
    /// `seed`, as in a run; test simulators draw from another seed. Without names in `data.real` there are no
    /// real images.
    ///
    /// # Errors
    ///
    /// As [`sources::open_all`].
    pub fn open(
        data: &DataConfig,
        test: &[String],
        most_test: Option<usize>,
        seed: u64,
        registry: &Registry,
    ) -> Result<Self, EvalError> {
        let open = |names: &[String], role, seed| {
            sources::open_all(names, data, role, seed, registry).map_err(EvalError::from)
        };
        let real = || open(&data.real, Role::Real, seed);
        Ok(Self {
            synthetic: open(&data.synthetic, Role::Synthetic, seed)?,
            test: open(test, Role::Real, seed.wrapping_add(TEST_SEED_OFFSET))?,
            real: (!data.real.is_empty()).then(real).transpose()?,
            most_test: most_test.unwrap_or(usize::MAX),
        })
    }

    /// Borrows the sources for [`EvaluationData::read`](super::EvaluationData::read).
    #[must_use]
    pub fn sources(&self) -> EvaluationSources<'_> {
        EvaluationSources {
            synthetic: &*self.synthetic,
            test: &*self.test,
            real: self.real.as_deref(),
            most_test: self.most_test,
        }
    }
}
