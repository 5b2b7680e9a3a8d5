use std::time::{Duration, Instant};

use candle_core::Device;
use simgan_train::{ScheduleConfig, Sources, TrainConfig, Trainer};

use crate::EvalError;

/// Steps of each phase that a probe makes; the first is slower than the others and does not count.
const PROBED: u64 = 3;

/// Estimates how long a training takes on this machine, from a few steps of each phase, which are thrown away.
///
/// # Errors
///
/// If a step fails.
pub(super) fn of_training(
    config: &TrainConfig,
    sources: &Sources,
    device: &Device,
) -> Result<Duration, EvalError> {
    let ScheduleConfig { pretrain_refiner, pretrain_discriminator, steps, .. } = config.schedule;
    let lengths = [pretrain_refiner, pretrain_discriminator, steps];
    let [pretrain_refiner, pretrain_discriminator, steps] = lengths.map(|length| length.min(PROBED));
    let schedule =
        ScheduleConfig { pretrain_refiner, pretrain_discriminator, steps, ..config.schedule.clone() };
    let probe = TrainConfig { schedule, ..config.clone() };
    let mut trainer = Trainer::new(probe, sources, device)?;
    let mut total = Duration::ZERO;
    for length in lengths {
        let n_probed = length.min(PROBED);
        let mut started = Instant::now();
        for step in 0..n_probed {
            trainer.step()?;
            if step == 0 && n_probed > 1 {
                started = Instant::now();
            }
        }
        let n_timed = n_probed.saturating_sub(1).max(1);
        total += started.elapsed().div_f64(n_timed as f64).mul_f64(length as f64);
    }
    Ok(total)
}
