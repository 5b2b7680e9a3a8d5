use super::{ConfigError, OptimizerConfig, OptimizerKind, Psi, TrainConfig};

/// Beyond this a number in a configuration is a mistake, and TOML's integers end not far above.
const MANY: u64 = 1 << 53;

impl TrainConfig {
    /// Checks every value's range and that the values fit together.
    ///
    /// # Errors
    /// The first value that does not, with what is allowed.
    pub fn validate(&self) -> Result<(), ConfigError> {
        check_whole("seed", self.seed, 0, MANY)?;
        self.validate_data()?;
        self.validate_networks()?;
        self.validate_loss()?;
        self.validate_schedule()?;
        validate_optimizer(&self.optim.refiner, "optim.refiner")?;
        validate_optimizer(&self.optim.discriminator, "optim.discriminator")?;
        check_number("ema.decay", self.ema.decay, "at least 0 (off) and less than 1", |v| {
            (0.0..1.0).contains(&v)
        })?;
        self.validate_selection()?;
        self.validate_output()
    }

    fn validate_data(&self) -> Result<(), ConfigError> {
        let data = &self.data;
        check("data.channels", data.channels, "1 (gray) or 3 (RGB)", matches!(data.channels, 1 | 3))?;
        let even = data.batch.is_multiple_of(2) || self.history.capacity == 0;
        let allowed = "an even number from 2 to 65536: half of D's refined batch comes from the history\n\
                       hint: an odd batch needs history.capacity=0";
        check("data.batch", data.batch, allowed, even && (1..=65_536).contains(&data.batch))?;
        check_whole("data.workers", data.workers as u64, 1, 256)
    }

    fn validate_networks(&self) -> Result<(), ConfigError> {
        let net = &self.refiner;
        check_whole("refiner.features", net.features as u64, 1, 4096)?;
        check_whole("refiner.blocks", net.blocks as u64, 0, 1000)?;
        for (key, kernel) in [("refiner.kernel", net.kernel), ("refiner.stem_kernel", net.stem_kernel)] {
            let allowed = "an odd number from 1 to 31, so that an image keeps its size";
            check(key, kernel, allowed, kernel % 2 == 1 && (1..=31).contains(&kernel))?;
        }
        check_whole("discriminator.translation", self.discriminator.translation as u64, 0, 4096)
    }

    fn validate_loss(&self) -> Result<(), ConfigError> {
        let allowed = "a finite number, not negative";
        let ok = |value: f64| value.is_finite() && value >= 0.0;
        check_number("loss.lambda", self.loss.lambda, allowed, ok)?;
        check_number("loss.adversarial", self.loss.adversarial, allowed, ok)?;
        let fits = (self.loss.psi == Psi::Network) != self.loss.psi_model.is_empty();
        let allowed = "the folder of a checkpoint with psi = \"network\", and empty without it";
        check("loss.psi_model", format!("\"{}\"", self.loss.psi_model), allowed, fits)?;
        let capacity = self.history.capacity;
        let enough = capacity == 0 || (self.data.batch / 2..=10_000_000).contains(&capacity);
        check("history.capacity", capacity, "0 (off), or from half of data.batch to 10000000 images", enough)
    }

    fn validate_schedule(&self) -> Result<(), ConfigError> {
        let schedule = &self.schedule;
        check_whole("schedule.pretrain_refiner", schedule.pretrain_refiner, 0, MANY)?;
        check_whole("schedule.pretrain_discriminator", schedule.pretrain_discriminator, 0, MANY)?;
        check_whole("schedule.steps", schedule.steps, 0, MANY)?;
        check_whole("schedule.k_g", schedule.k_g as u64, 1, 10_000)?;
        check_whole("schedule.k_d", schedule.k_d as u64, 1, 10_000)
    }

    fn validate_selection(&self) -> Result<(), ConfigError> {
        let selection = &self.selection;
        check_whole("selection.every", selection.every, 0, MANY)?;
        check_whole("selection.images", selection.images as u64, 16, 100_000)?;
        let limits = [
            ("selection.max_shift_px", selection.max_shift_px),
            ("selection.max_drift_px", selection.max_drift_px),
            ("selection.max_change", selection.max_change),
        ];
        let ok = |value: f64| value.is_finite() && value > 0.0;
        limits
            .into_iter()
            .try_for_each(|(key, value)| check_number(key, value, "a finite number above 0", ok))
    }

    fn validate_output(&self) -> Result<(), ConfigError> {
        let output = &self.output;
        check_whole("output.log_every", output.log_every, 1, MANY)?;
        check_whole("output.sample_every", output.sample_every, 0, MANY)?;
        check_whole("output.checkpoint_every", output.checkpoint_every, 0, MANY)?;
        check_whole("output.keep_last", output.keep_last as u64, 1, MANY)?;
        check_whole("output.keep_every", output.keep_every, 0, MANY)
    }

    /// Refuses single values that were asked for but would have no effect.
    pub(super) fn refuse_idle<'a>(&self, keys: impl Iterator<Item = &'a str>) -> Result<(), ConfigError> {
        for key in keys {
            let (optim, name) = match key.strip_prefix("optim.").and_then(|rest| rest.split_once('.')) {
                Some(("refiner", name)) => (&self.optim.refiner, name),
                Some((_, name)) => (&self.optim.discriminator, name),
                None => continue,
            };
            let (other, idle) = match optim.kind {
                OptimizerKind::Adam => ("sgd", name == "momentum"),
                OptimizerKind::Sgd => ("adam", name == "betas"),
            };
            check(key, "set", &format!("it belongs to kind = \"{other}\" of the same section"), !idle)?;
        }
        Ok(())
    }
}

fn validate_optimizer(optimizer: &OptimizerConfig, section: &str) -> Result<(), ConfigError> {
    let fraction = |v: f64| (0.0..1.0).contains(&v);
    let rate = |v: f64| v.is_finite() && v > 0.0;
    check_number(&format!("{section}.lr"), optimizer.lr, "a finite number above 0", rate)?;
    check_number(&format!("{section}.momentum"), optimizer.momentum, "at least 0 and less than 1", fraction)?;
    for beta in optimizer.betas {
        check_number(&format!("{section}.betas"), beta, "two numbers, at least 0 and less than 1", fraction)?;
    }
    let clip = |v: f64| v.is_finite() && v >= 0.0;
    check_number(
        &format!("{section}.clip_norm"),
        optimizer.clip_norm,
        "0 (off) or a finite number above 0",
        clip,
    )?;
    let ascending = optimizer.lr_steps.is_sorted_by(|a, b| a.0 < b.0);
    let ok = ascending && optimizer.lr_steps.iter().all(|(_, lr)| rate(*lr));
    let shown = format!("{:?}", optimizer.lr_steps);
    check(&format!("{section}.lr_steps"), shown, "[[STEP, LR], …] with ascending steps and rates above 0", ok)
}

fn check_whole(key: &str, value: u64, min: u64, max: u64) -> Result<(), ConfigError> {
    check(key, value, &format!("a whole number from {min} to {max}"), (min..=max).contains(&value))
}

fn check_number(key: &str, value: f64, allowed: &str, ok: impl Fn(f64) -> bool) -> Result<(), ConfigError> {
    check(key, value, allowed, ok(value))
}

fn check(key: &str, value: impl std::fmt::Display, allowed: &str, ok: bool) -> Result<(), ConfigError> {
    if ok {
        return Ok(());
    }
    let (key, value, allowed) = (key.to_owned(), value.to_string(), allowed.to_owned());
    Err(ConfigError::Value { key, value, allowed })
}
