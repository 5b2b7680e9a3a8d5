//! What a trainer shares with other ranks. Alone, everything here returns what it was given.

use candle_core::Tensor;
use candle_core::backprop::GradStore;
use simgan_data::{OnError, Share};
use simgan_models::Parameters;

use super::Trainer;
use super::batches::Batches;
use crate::{Ranks, RanksError, TrainConfig, TrainError};

impl Trainer {
    /// Trains on together with other ranks, each with its share of every batch. All must join at the same step
    /// of the same run; [`run`](crate::run()) trains on rank 0, [`follow`](crate::follow) on the others.
    ///
    /// # Errors
    /// A setting needs the whole batch in one process, the batch cannot be shared equally, the ranks did not
    /// start alike, or one of them does not answer.
    pub fn join(&mut self, mut ranks: Box<dyn Ranks>) -> Result<(), TrainError> {
        let share = Share { index: ranks.rank(), count: ranks.count() };
        check_settings(&self.config, share.count)?;
        self.check_alike(&mut *ranks)?;
        let cursors = self.batches.cursors();
        self.batches = Batches::new(&self.sources, &self.config, cursors, share, &self.device)?;
        (self.share, self.ranks) = (share, Some(ranks));
        Ok(())
    }

    fn check_alike(&self, ranks: &mut dyn Ranks) -> Result<(), RanksError> {
        let config = crc32c::crc32c(self.config.identity_without_places().as_bytes());
        let content = crc32c::crc32c(format!("{:?}", self.content).as_bytes());
        let (rank, steps) = (ranks.rank(), crc32c::crc32c(&self.n_steps.to_le_bytes()));
        for (what, crc32c) in [("their settings", config), ("their images", content), ("their step", steps)] {
            // Halves of 16 bits, which f32 holds exactly.
            let own = [crc32c >> 16, crc32c & 0xffff].map(|half| half as f32);
            let all = ranks.gather(&own)?;
            if all.chunks_exact(own.len()).any(|other| other != own) {
                tracing::debug!("rank {rank}: {what} {crc32c:08x}");
                return Err(RanksError::Differ { what });
            }
        }
        Ok(())
    }

    /// Returns whether any rank has been asked to stop.
    ///
    /// # Errors
    /// A rank does not answer.
    pub(crate) fn agrees_to_stop(&mut self, is_asked: bool) -> Result<bool, TrainError> {
        let Some(ranks) = &mut self.ranks else { return Ok(is_asked) };
        let mut n_asked = [f32::from(u8::from(is_asked))];
        ranks.sum(&mut n_asked)?;
        Ok(n_asked[0] > 0.0)
    }

    /// Returns the means of figures, each of which is a mean over this rank's share of the batch.
    pub(super) fn means<const N: usize>(&mut self, own: [f64; N]) -> Result<[f64; N], TrainError> {
        let Some(ranks) = &mut self.ranks else { return Ok(own) };
        let mut sums = own.map(|value| value as f32);
        ranks.sum(&mut sums)?;
        Ok(sums.map(|sum| f64::from(sum) / ranks.count() as f64))
    }

    /// Returns the images or logits of the whole batch, without gradients.
    ///
    /// # Shapes
    ///
    /// `(N / ranks, …)` → `(N, …)`
    pub(super) fn whole(&mut self, own: &Tensor) -> Result<Tensor, TrainError> {
        let Some(ranks) = &mut self.ranks else { return Ok(own.detach()) };
        let values = ranks.gather(&own.flatten_all()?.to_vec1()?)?;
        let mut shape = own.dims().to_vec();
        shape[0] *= ranks.count();
        Ok(Tensor::from_vec(values, shape, own.device())?)
    }

    /// Returns this rank's share of a whole batch.
    ///
    /// # Shapes
    ///
    /// `(N, …)` → `(N / ranks, …)`
    pub(super) fn own(&self, whole: &Tensor) -> Result<Tensor, TrainError> {
        let own = self.share.of(whole.dim(0)?);
        Ok(whole.narrow(0, own.start, own.len())?)
    }
}

/// Replaces a loss and its gradients by their means over the ranks, in one exchange.
pub(super) fn average(
    loss: f64,
    gradients: &mut GradStore,
    parameters: &Parameters,
    ranks: &mut dyn Ranks,
) -> Result<f64, TrainError> {
    let vars = parameters.vars();
    let own: Vec<(&Tensor, Tensor)> =
        vars.iter().filter_map(|(_, var)| Some((var.as_tensor(), gradients.get(var)?.clone()))).collect();
    let mut values = vec![loss as f32];
    for (_, gradient) in &own {
        values.extend(gradient.flatten_all()?.to_vec1::<f32>()?);
    }
    ranks.sum(&mut values)?;
    let count = ranks.count() as f32;
    let mut rest = &values[1..];
    for (var, gradient) in own {
        let (sums, others) = rest.split_at(gradient.elem_count());
        let mean = sums.iter().map(|sum| sum / count).collect();
        gradients.insert(var, Tensor::from_vec(mean, gradient.shape(), gradient.device())?);
        rest = others;
    }
    Ok(f64::from(values[0] / count))
}

/// Refuses what would not equal a run in one process.
fn check_settings(config: &TrainConfig, count: usize) -> Result<(), RanksError> {
    let TrainConfig { data, loss, refiner, .. } = config;
    let needs_all = [
        ("data.on_error=skip", data.on_error == OnError::Skip),
        ("loss.landmark_weight", loss.landmarks().is_some()),
        ("loss.consistency", loss.consistency > 0.0),
        ("loss.film", loss.film > 0.0),
        ("refiner.noise_channels", refiner.noise_channels > 0),
        ("refiner.grain_channels", refiner.grain_channels > 0),
    ];
    if let Some((setting, _)) = needs_all.into_iter().find(|(_, is_on)| *is_on && count > 1) {
        return Err(RanksError::Setting { setting });
    }
    match data.batch.is_multiple_of(count) {
        true => Ok(()),
        false => Err(RanksError::Batch { batch: data.batch, count }),
    }
}
