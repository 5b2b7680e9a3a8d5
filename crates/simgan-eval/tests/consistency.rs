//! The trainer's task consistency with an estimator of each kind, as this crate keeps it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::Path;
use std::sync::Arc;

use candle_core::Device;
use simgan_data::Source;
use simgan_eval::evaluation::NetworkSize;
use simgan_eval::{About, InputShape, KeptEstimator, TaskKind, TaskSpec, TrainedEstimator};
use simgan_eyes::{Domain, SimulatorConfig, builtin};
use simgan_models::{Estimator, Parameters};
use simgan_train::{Sources, TrainConfig, Trainer};

/// Odd and unequal; the smallest that all networks take.
const SIZE: (usize, usize) = (53, 37);

fn config(estimator: &Path) -> TrainConfig {
    let set = [
        "data.batch=4",
        &format!("data.size={}x{}", SIZE.0, SIZE.1),
        "data.channels=1",
        "data.range=full",
        "refiner.features=4",
        "refiner.blocks=1",
        "history.capacity=4",
        "schedule.pretrain_refiner=0",
        "schedule.pretrain_discriminator=0",
        "schedule.steps=3",
        "loss.consistency=100",
        "loss.consistency_ramp=1",
        &format!("loss.consistency_model={}", estimator.display()),
    ];
    TrainConfig::resolve(None, None, &set.map(str::to_owned)).unwrap()
}

fn sources() -> Sources {
    let eyes = |domain, seed| -> Arc<dyn Source> {
        let (width, height) = SIZE;
        let config = SimulatorConfig { seed, samples: 8, width, height, ..SimulatorConfig::default() };
        Arc::new(builtin(domain, config).unwrap())
    };
    Sources { synthetic: eyes(Domain::Eyes, 1), real: eyes(Domain::Camera, 2), tone: None }
}

/// Keeps an untrained estimator in `folder`.
fn keep(kind: TaskKind, width: usize, folder: &Path) {
    let spec = TaskSpec::new("it", kind, width);
    let shape = InputShape { channels: 1, height: SIZE.1, width: SIZE.0, extra: 0 };
    let network = spec.task().estimator(NetworkSize::Quarter, shape).unwrap();
    let parameters = Parameters::new(3, &Device::Cpu);
    let estimator =
        TrainedEstimator { network: Estimator::new(&network, parameters.var_builder()).unwrap(), parameters };
    let about = About::new(spec, Vec::new(), &TrainConfig::resolve(None, None, &[]).unwrap().data);
    KeptEstimator::new(about, network, estimator).save(folder).unwrap();
}

#[test]
fn an_estimator_of_each_kind_judges_the_refiner() {
    for (kind, width) in
        [(TaskKind::Direction, 3), (TaskKind::Points, 2), (TaskKind::Class, 4), (TaskKind::Vector, 2)]
    {
        let dir = tempfile::tempdir().unwrap();
        keep(kind, width, dir.path());
        let mut trainer = Trainer::new(config(dir.path()), &sources(), &Device::Cpu).unwrap();
        let reports = [(); 3].map(|()| trainer.step().unwrap().refiner.unwrap());
        let found = reports.map(|report| report.consistency.unwrap());
        assert!(found[0] > 0.0, "{kind}: {found:?}");
        // The weight is 0 in the first step, so the change of the second step's value is not its doing.
        assert!(found[1] != found[2], "{kind}: {found:?}");
    }
}
