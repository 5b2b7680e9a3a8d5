use simgan_settings::{Range, settings};

use super::{Recipe, STEPS, Section};

pub(super) const SECTION: Section =
    Section::new("schedule", ScheduleConfig::DOC, &[ScheduleConfig::SETTINGS]);

settings! {
    /// Numbers of steps: of the two pretraining phases, and of Algorithm 1 after them.
    #[derive(Clone, Debug, PartialEq)]
    pub struct ScheduleConfig {
        /// Steps of R's pretraining: R alone, on the self-regularization. It comes first.
        pretrain_refiner: u64 = Range::Whole(0, STEPS),
        /// Steps of D's pretraining: D alone, after R's.
        pretrain_discriminator: u64 = Range::Whole(0, STEPS),
        /// Iterations T of Algorithm 1 in total; a resume does not start a new count.
        steps: u64 = Range::Whole(0, STEPS),
        /// Updates of R per iteration, the paper's K_g.
        k_g: usize = Range::Whole(1, 10_000),
        /// Updates of D per iteration, the paper's K_d.
        k_d: usize = Range::Whole(1, 10_000),
    }
}

impl ScheduleConfig {
    pub(super) fn of(recipe: Recipe) -> Self {
        match recipe {
            Recipe::EyeGaze => Self {
                pretrain_refiner: 1_000,     // §3.1
                pretrain_discriminator: 200, // §3.1
                steps: 10_000,               // [open]
                k_g: 2, // §3.1 [open]: "update R twice" and "K_g is set to 50" in one sentence; 2, as in §3.2
                k_d: 1, // §3.1
            },
            Recipe::Demo => {
                Self { pretrain_refiner: 100, pretrain_discriminator: 50, steps: 400, k_g: 1, k_d: 1 }
            }
            // With `refiner.skip` R begins close to the image.
            Recipe::Depth => {
                Self { pretrain_refiner: 50, pretrain_discriminator: 100, steps: 400, k_g: 1, k_d: 1 }
            }
            Recipe::HandPose => Self {
                pretrain_refiner: 500,       // §3.2
                pretrain_discriminator: 200, // §3.2; a caption says 300
                steps: 800_000,              // [open] beyond the learning rate's step at 600,000
                k_g: 2,                      // §3.2
                k_d: 1,                      // §3.2
            },
        }
    }
}
