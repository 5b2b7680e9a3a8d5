//! The curves: losses, and how often D is right.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType};

use super::{BLUE, ORANGE, section};
use crate::report::percent;
use crate::tui::curve::Curve;
use crate::tui::dashboard::Dashboard;

/// Share of the values that a chart's height is made for, so that a few large ones do not flatten the rest.
const FITTING: f64 = 0.98;

/// One curve of a chart. The marker tells it from the other one also without colours.
struct Drawn {
    name: &'static str,
    marker: Marker,
    colour: Color,
    points: Vec<(f64, f64)>,
}

impl Drawn {
    fn first(name: &'static str, curve: &Curve) -> Self {
        Self { name, marker: Marker::Braille, colour: BLUE, points: curve.points() }
    }

    fn second(name: &'static str, curve: &Curve) -> Self {
        Self { name, marker: Marker::Dot, colour: ORANGE, points: curve.points() }
    }

    fn legend(&self) -> Span<'static> {
        let sign = if self.marker == Marker::Dot { "•" } else { "⠒" };
        Span::styled(format!("{sign}{sign} {}  ", self.name), Style::new().fg(self.colour))
    }

    fn dataset(&self) -> Dataset<'_> {
        let kind = if self.marker == Marker::Dot { GraphType::Scatter } else { GraphType::Line };
        let style = Style::new().fg(self.colour);
        Dataset::default().marker(self.marker).graph_type(kind).style(style).data(&self.points)
    }
}

/// Draws both charts side by side.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, dashboard: &Dashboard) {
    let [left, right] = Layout::horizontal([Constraint::Fill(1); 2]).spacing(1).areas(area);
    let mut losses =
        [Drawn::second("D", &dashboard.discriminator_loss), Drawn::first("R", &dashboard.refiner_loss)];
    let bounds = bounds_of(losses.iter().flat_map(|curve| curve.points.iter().map(|(_, loss)| *loss)));
    let points = losses.iter_mut().flat_map(|curve| &mut curve.points);
    points.for_each(|(_, loss)| *loss = loss.clamp(bounds[0], bounds[1]));
    let chance = dashboard.loss.adversarial_kind.at_chance();
    let range = Range { bounds, guide: chance, label: |loss| format!("{loss:.2}") };
    chart(frame, left, "loss", &losses, &range);
    let accuracies = [
        Drawn::second("refined", &dashboard.accuracy_refined),
        Drawn::first("real", &dashboard.accuracy_real),
    ];
    let range = Range { bounds: [0.0, 1.0], guide: 0.5, label: percent };
    chart(frame, right, "D is right", &accuracies, &range);
}

/// The vertical axis of a chart.
struct Range {
    bounds: [f64; 2],
    /// A value to compare with, drawn as a line: that of a D that cannot tell.
    guide: f64,
    label: fn(f64) -> String,
}

fn chart(frame: &mut Frame<'_>, area: Rect, title: &'static str, curves: &[Drawn], range: &Range) {
    let mut heading = vec![Span::from(format!("{title}  "))];
    heading.extend(curves.iter().rev().map(Drawn::legend));
    let block = section(Line::from(heading));
    let steps = || curves.iter().flat_map(|curve| curve.points.iter().map(|(step, _)| *step));
    let first = steps().fold(f64::INFINITY, f64::min);
    if !first.is_finite() {
        return frame.render_widget(block, area);
    }
    let last = steps().fold(first + 1.0, f64::max);
    let x = Axis::default().bounds([first, last]).labels([first, last].map(|step| format!("{step:.0}")));
    let [low, high] = range.bounds;
    let y = Axis::default().bounds(range.bounds);
    let y = y.labels([low, f64::midpoint(low, high), high].map(range.label));
    let guide = [(first, range.guide), (last, range.guide)];
    let guide = Dataset::default().marker(Marker::Braille).graph_type(GraphType::Line).data(&guide);
    let mut datasets = vec![guide.style(Style::new().fg(Color::DarkGray))];
    datasets.extend(curves.iter().map(Drawn::dataset));
    let dim = Style::new().add_modifier(Modifier::DIM);
    let chart = Chart::new(datasets).block(block).x_axis(x.style(dim)).y_axis(y.style(dim));
    frame.render_widget(chart.legend_position(None), area);
}

/// The range of a chart of losses: with 0 and nearly all values.
fn bounds_of(values: impl Iterator<Item = f64>) -> [f64; 2] {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values.get((share * values.len().saturating_sub(1) as f64).round() as usize);
    let low = at(1.0 - FITTING).copied().unwrap_or(0.0).min(0.0);
    let high = at(FITTING).copied().unwrap_or(1.0).max(low + 1e-6);
    [1.1 * low, 1.1 * high]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_does_not_flatten_the_other_values() {
        let values = (0..100).map(|n| if n == 0 { 1e6 } else { 1.0 });
        assert_eq!(bounds_of(values), [0.0, 1.1]);
        assert_eq!(bounds_of([-2.0, 3.0].into_iter()), [-2.2, 3.3000000000000003]);
        let [low, high] = bounds_of(std::iter::empty());
        assert!(low < high);
    }
}
