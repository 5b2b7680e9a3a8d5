use std::path::Path;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use simgan_train::{
    DiscriminatorReport, Event, Judgement, Phase, Recipe, RefinerReport, StepReport, TrainConfig,
};

use super::dashboard::Dashboard;
use super::draw::{View, draw};

/// A dashboard before its first event.
fn new() -> Dashboard {
    let set = ["schedule.pretrain_refiner=20", "schedule.pretrain_discriminator=10", "schedule.steps=300"];
    let config = TrainConfig::resolve(Some(Recipe::Demo), None, &set.map(str::to_owned)).unwrap();
    Dashboard::new(Path::new("runs/demo-001"), "cpu".to_owned(), &config)
}

fn start() -> Event {
    let phase = Phase::PretrainRefiner;
    Event::Start { version: 3, step: 0, total_steps: 330, phase, n_synthetic: 9, n_real: 8 }
}

fn step(step: u64) -> Event {
    let (phase, phase_step) = match step {
        0..=20 => (Phase::PretrainRefiner, step),
        21..=30 => (Phase::PretrainDiscriminator, step - 20),
        _ => (Phase::Adversarial, step - 30),
    };
    let t = step as f64 / 100.0;
    let refiner = RefinerReport {
        loss: 0.8 + 0.3 * t.sin(),
        adversarial: (phase == Phase::Adversarial).then_some(0.75),
        self_regularization: 0.05,
        change: 0.04,
        ..RefinerReport::default()
    };
    let discriminator = DiscriminatorReport {
        loss: 1.4 - 0.1 * t,
        accuracy_real: 0.5 + 0.1 * t,
        accuracy_refined: 0.5 + 0.15 * (2.0 * t).sin(),
        accuracy_history: (step > 40).then_some(0.5),
        ..DiscriminatorReport::default()
    };
    Event::Step(StepReport {
        step,
        phase,
        phase_step,
        refiner: (phase != Phase::PretrainDiscriminator).then_some(refiner),
        discriminator: (phase != Phase::PretrainRefiner).then_some(discriminator),
        images_per_sec: 310.0,
        n_skipped: 0,
    })
}

/// A run after 230 steps of 100 ms.
fn going() -> Dashboard {
    let mut dashboard = new();
    dashboard.see(&start(), Duration::ZERO);
    (1..=230).for_each(|n| dashboard.see(&step(n), Duration::from_millis(100 * n)));
    let judgement = Judgement { accuracy: 0.71, change: 0.041, pupil: None, points: None };
    for event in [
        Event::Samples { step: 200, path: "samples/step-00000200.png".into() },
        Event::Checkpoint { step: 200, path: "checkpoints/step-00000200".into() },
        Event::Judged { step: 200, judgement, is_best: true },
    ] {
        dashboard.see(&event, Duration::from_secs(20));
    }
    dashboard
}

fn log() -> Vec<String> {
    let lines = [
        "\u{1b}[32m INFO\u{1b}[0m 9 synthetic and 8 real images",
        "\u{1b}[32m INFO\u{1b}[0m step 200: samples/step-00000200.png",
        "\u{1b}[33m WARN\u{1b}[0m step 230: the discriminator tells nearly every patch right, so that the \
         refiner learns nothing any more: try a higher learning rate of the refiner or a smaller discriminator",
    ];
    lines.map(str::to_owned).to_vec()
}

fn drawn(width: u16, height: u16, dashboard: &Dashboard, view: &View) -> TestBackend {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(frame, dashboard, view)).unwrap();
    terminal.backend().clone()
}

#[test]
fn the_screen_shows_a_run() {
    let view = View { elapsed: Duration::from_secs(23), log: log(), ..View::default() };
    insta::assert_snapshot!("wide", drawn(130, 36, &going(), &view));
    insta::assert_snapshot!("usual", drawn(80, 24, &going(), &view));
    let view = View { is_stopping: true, with_help: true, ..view };
    insta::assert_snapshot!("help", drawn(100, 30, &going(), &view));
}

#[test]
fn no_size_and_no_event_is_a_panic() {
    let mut dashboard = new();
    let view = View { log: log(), with_help: true, ..View::default() };
    for n in 0..4 {
        for (width, height) in [(0, 0), (1, 1), (59, 30), (60, 20), (300, 20), (60, 200)] {
            drawn(width, height, &dashboard, &view);
        }
        dashboard.see(&if n == 0 { start() } else { step(n) }, Duration::from_secs(n));
    }
    assert!(drawn(70, 10, &dashboard, &view).to_string().contains("step 3 of 330. The terminal is 70x10"));
}

#[test]
fn the_time_left_is_that_of_the_phase() {
    let mut dashboard = new();
    dashboard.see(&start(), Duration::ZERO);
    dashboard.see(&step(1), Duration::from_secs(60));
    assert_eq!(dashboard.phase_left(), None, "the first step also waits for images");
    dashboard.see(&step(2), Duration::from_secs(62));
    assert_eq!(dashboard.phase_left(), Some(Duration::from_secs(36)));
    dashboard.see(&step(21), Duration::from_secs(90));
    assert_eq!((dashboard.phase_left(), dashboard.n_averaged()), (None, 1));
}

#[test]
fn a_resumed_run_begins_with_its_earlier_curves() {
    let mut dashboard = new();
    dashboard.recall(&start());
    (1..=40).for_each(|n| dashboard.recall(&step(n)));
    assert_eq!((dashboard.refiner_loss.points().len(), dashboard.n_averaged()), (30, 0));
    dashboard.see(&step(41), Duration::from_secs(1));
    assert_eq!((dashboard.refiner_loss.points().len(), dashboard.n_averaged()), (31, 1));
}
