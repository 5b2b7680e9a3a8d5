use std::sync::Arc;

use simgan_data::{Registry, Role, Source, Tone};
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
    tone: Option<Tone>,
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
            tone: None,
        })
    }

    /// Gives the synthetic images a tone before they are refined: that of the refiner.
    #[must_use]
    pub fn with_tone(self, tone: Option<Tone>) -> Self {
        Self { tone, ..self }
    }

    /// Measures the tone of `data` on the real images, if there are any, as a run does that learns from them.
    ///
    /// # Errors
    ///
    /// If no real image can be read.
    pub fn with_measured_tone(self, data: &DataConfig) -> Result<Self, EvalError> {
        let Some(real) = &self.real else { return Ok(self) };
        let tone = data.tone.measured(&**real)?;
        Ok(self.with_tone(tone))
    }

    /// Borrows the sources for [`EvaluationData::read`](super::EvaluationData::read).
    #[must_use]
    pub fn sources(&self) -> EvaluationSources<'_> {
        EvaluationSources {
            synthetic: &*self.synthetic,
            test: &*self.test,
            real: self.real.as_deref(),
            most_test: self.most_test,
            tone: self.tone.as_ref(),
        }
    }
}
