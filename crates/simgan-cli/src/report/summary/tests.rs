use std::path::PathBuf;

use simgan_train::{DiscriminatorReport, Phase, Recipe, RefinerReport};

use super::*;

/// A finished demo whose discriminator and refiner ended with these figures.
fn ended(accuracy: f64, change: f64) -> Summary {
    let discriminator = DiscriminatorReport {
        loss: 1.0,
        accuracy_real: accuracy,
        accuracy_refined: accuracy,
        ..Default::default()
    };
    Summary {
        step: 550,
        total_steps: 550,
        phase: Phase::Adversarial,
        n_averaged: 50,
        refiner: Some(RefinerReport { loss: 1.0, change, ..Default::default() }),
        discriminator: Some(discriminator),
        images_per_sec: 100.0,
        elapsed_secs: 60.0,
        n_skipped: 0,
        range: None,
        run: PathBuf::from("runs/demo-001"),
        checkpoint: Some(PathBuf::from("checkpoints/step-00000550")),
        best: None,
        samples: Some(PathBuf::from("samples/step-00000550.png")),
    }
}

#[track_caller]
fn says(summary: &Summary, config: &TrainConfig, parts: &[&str]) {
    let text = super::summary(summary, config);
    let unwrapped = text.replace("\n               ", " ");
    for part in parts {
        assert!(unwrapped.contains(part), "`{part}` is not told:\n{text}");
    }
    let words = super::ended(summary, config);
    assert!(words.lines().count() <= 8 && words.lines().all(|line| line.chars().count() <= 100), "{words}");
}

#[test]
fn a_run_is_judged_in_words() {
    let config = Recipe::Demo.config();
    let judged = |accuracy, change, parts: &[&str]| says(&ended(accuracy, change), &config, parts);
    judged(
        0.75,
        0.12,
        &["how it went    well: pixels change by 0.12", "75 % of patches", "look at        the samples"],
    );
    judged(0.51, 0.12, &["if the samples look real", "--set optim.discriminator.lr="]);
    judged(
        0.99,
        0.12,
        &["not there yet", "99 % of patches", "--config runs/demo-001/config.toml --set loss.lambda=2.5"],
    );
    judged(1.0, 0.001, &["learned nothing", "--set loss.lambda=2.5"]);
    judged(0.8, 0.3, &["labels at risk", "--set loss.lambda=10"]);
    judged(0.8, f64::NAN, &["failed: the losses are no numbers", "--set optim.refiner.lr="]);
}

#[test]
fn a_run_that_hardly_trained_is_not_praised() {
    let mut config = Recipe::Demo.config();
    config.schedule.steps = 10;
    says(
        &ended(0.75, 0.12),
        &config,
        &["too short to judge: 10", "train --run runs/demo-001 --resume --steps 400"],
    );
    // Interrupted soon after 150 steps of pretraining.
    let mut demo = Recipe::Demo.config();
    (demo.schedule.pretrain_refiner, demo.schedule.pretrain_discriminator) = (100, 50);
    says(&Summary { step: 160, ..ended(0.75, 0.12) }, &demo, &["too short to judge: 10 adversarial"]);
    let pretrained = Summary { phase: Phase::PretrainDiscriminator, refiner: None, ..ended(0.75, 0.12) };
    says(&pretrained, &config, &["not trained yet", "--resume --steps"]);
    let stopped = Summary { step: 300, ..ended(0.75, 0.12) };
    says(&stopped, &Recipe::Demo.config(), &["--resume\n      continue where it stopped"]);
}

#[test]
fn the_next_commands_fit_the_data() {
    let mut config = Recipe::Demo.config();
    let next = |config: &TrainConfig| summary(&ended(0.75, 0.12), config);
    let builtin = next(&config);
    assert!(
        builtin.contains("--input builtin:eyes --count 100 --output runs/demo-001-refined\n"),
        "{builtin}"
    );
    assert!(builtin.contains("evaluate --model runs/demo-001 --test builtin:camera\n"), "{builtin}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("my renders");
    config.data.synthetic = vec![path.display().to_string()];
    config.data.real = vec!["photographs".to_owned()];
    let own = next(&config);
    assert!(own.contains(&format!("--input '{}' --output", path.display())), "{own}");
    assert!(!own.contains("evaluate") && !own.contains("DIR"), "{own}");
}
