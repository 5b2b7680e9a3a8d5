//! The figures: means over the last steps, and where the newest files are.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Text;
use ratatui::widgets::Paragraph;
use simgan_train::{DiscriminatorReport, RefinerReport};

use super::section;
use crate::report::{self, percent};
use crate::tui::dashboard::Dashboard;

/// Rows, with the title.
pub(super) const HEIGHT: u16 = 8;

/// Draws the figures. Long lines lose their end.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, dashboard: &Dashboard) {
    let title = match dashboard.n_averaged() {
        0 => "no step yet".to_owned(),
        1 => "last step".to_owned(),
        n => format!("means over the last {n} steps"),
    };
    let mut lines = of_refiner(dashboard);
    lines.extend(of_discriminator(dashboard));
    lines.extend(of_files(dashboard));
    let lines = lines.into_iter().map(|(name, text)| format!("{name:<11} {text}"));
    frame.render_widget(Paragraph::new(Text::from_iter(lines)).block(section(title.into())), area);
}

type Named = (&'static str, String);

/// R's loss with its parts, and how far R changes pixels.
fn of_refiner(dashboard: &Dashboard) -> Vec<Named> {
    let mean = |figure: fn(&RefinerReport) -> Option<f64>| {
        dashboard.mean(|step| step.refiner.as_ref().and_then(figure))
    };
    let Some(loss) = mean(|refiner| Some(refiner.loss)) else { return Vec::new() };
    let config = &dashboard.loss;
    let mut parts = Vec::new();
    if let Some(adversarial) = mean(|refiner| refiner.adversarial) {
        parts.push(format!("adversarial {:.3}", config.adversarial * adversarial));
    }
    if let Some(kept) = mean(|refiner| Some(refiner.self_regularization)) {
        let lambda = config.lambda;
        parts.push(format!("λ part {:.3} ({lambda} × {kept:.4})", lambda * kept));
    }
    if let Some(consistency) = mean(|refiner| refiner.consistency) {
        parts.push(format!("consistency {consistency:.3} before λ_g"));
    }
    let change = mean(|refiner| Some(refiner.change)).unwrap_or_default();
    vec![
        ("R's loss", format!("{loss:.3}: {}", parts.join(", "))),
        ("change", report::change(change, dashboard.range)),
    ]
}

/// D's loss, and how often D is right.
fn of_discriminator(dashboard: &Dashboard) -> Vec<Named> {
    let mean = |figure: fn(&DiscriminatorReport) -> Option<f64>| {
        dashboard.mean(|step| step.discriminator.as_ref().and_then(figure))
    };
    let Some(loss) = mean(|discriminator| Some(discriminator.loss)) else { return Vec::new() };
    let shares = [
        ("real", mean(|discriminator| Some(discriminator.accuracy_real))),
        ("refined", mean(|discriminator| Some(discriminator.accuracy_refined))),
        ("history", mean(|discriminator| discriminator.accuracy_history)),
    ];
    let shares = shares.into_iter().filter_map(|(name, share)| Some(format!("{name} {}", percent(share?))));
    let chance = dashboard.loss.adversarial_kind.at_chance();
    vec![
        ("D's loss", format!("{loss:.3} ({chance:.3} is chance)")),
        ("D is right", shares.collect::<Vec<_>>().join(", ")),
    ]
}

/// The newest files, relative to the run's folder.
fn of_files(dashboard: &Dashboard) -> Vec<Named> {
    let Dashboard { samples, checkpoint, best, .. } = dashboard;
    let best = best.as_ref().map(|(step, judgement)| {
        let shown = percent(judgement.accuracy);
        ("best", format!("step {step}: a classifier tells {shown}, change {:.3}", judgement.change))
    });
    let path = |name, path: &Option<std::path::PathBuf>| {
        path.as_ref().map(|path| (name, path.display().to_string()))
    };
    [path("samples", samples), path("checkpoint", checkpoint), best].into_iter().flatten().collect()
}
