use kuva::backend::png::PngBackend;
use kuva::backend::svg::SvgBackend;
use kuva::plot::legend::LegendPosition;
use kuva::plot::{ColorMap, Heatmap, LinePlot, LineStyle, ScatterPlot, StripPlot};
use kuva::render::annotations::ReferenceLine;
use kuva::render::figure::Figure;
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;
use kuva::render::render::{Scene, render_multiple};

use super::tables::method_name;
use crate::evaluation::{Evaluation, Method, MethodFigures, MethodKind};
use crate::{Curve, EvalError, LabelledImages, Task, Unit};

/// PNG pixels per unit of the drawing.
const PNG_SCALE: f32 = 2.0;
/// Maximum number of points in a scatter plot.
const MOST_POINTS: usize = 800;
/// Returns a row's colour, the same in all plots: the palette of Okabe and Ito, safe for colour-blind
/// readers.
const fn color(kind: MethodKind) -> &'static str {
    match kind {
        MethodKind::Mean => "#999999",
        MethodKind::Knn => "#CC79A7",
        MethodKind::Synthetic => "#E69F00",
        MethodKind::SyntheticAugmented => "#B8A200",
        MethodKind::SyntheticHistogram => "#009E73",
        MethodKind::SyntheticHistogramAugmented => "#00644A",
        MethodKind::SyntheticFourier => "#56B4E9",
        MethodKind::Toned => "#F0E442",
        MethodKind::TonedAugmented => "#8C6D31",
        MethodKind::Refined => "#0072B2",
        MethodKind::RefinedAugmented => "#D55E00",
        MethodKind::Real => "#000000",
    }
}

/// A drawing as SVG and PNG.
pub(super) struct Drawing {
    pub(super) svg: String,
    pub(super) png: Vec<u8>,
}

impl Drawing {
    fn new(scene: &Scene) -> Result<Self, EvalError> {
        let png = PngBackend::new().with_scale(PNG_SCALE).render_scene(scene).map_err(EvalError::Picture)?;
        Ok(Self { svg: SvgBackend::new().render_scene(scene), png })
    }
}

/// Plots the share of images or points within an error for each method (the paper's figure 8).
pub(super) fn error_curves(found: &Evaluation, task: &dyn Task, curve: Curve) -> Result<Drawing, EvalError> {
    let unit = task.measures().first().map_or(Unit::Own, |error| error.unit);
    let errors: Vec<_> =
        found.methods.iter().map(|(method, figures)| (*method, sorted_errors(figures))).collect();
    let end =
        axis_end(errors.iter().flat_map(|(_, errors)| errors.iter().copied()).collect(), curve.threshold);
    let plots: Vec<Plot> = errors
        .iter()
        .map(|(method, errors)| {
            let share =
                |x: f64| errors.partition_point(|error| *error <= x) as f64 / errors.len().max(1) as f64;
            let points = (0..=120).map(|step| end * f64::from(step) / 120.0).map(|x| (x, 100.0 * share(x)));
            let line = LinePlot::new()
                .with_data(points)
                .with_color(color(method.kind))
                .with_line_style(if method.fold > 1 { LineStyle::Dashed } else { LineStyle::Solid })
                .with_stroke_width(if method.kind == MethodKind::Refined { 3.0 } else { 1.6 })
                .with_legend(method_name(*method));
            line.into()
        })
        .collect();
    let mut layout = Layout::auto_from_plots(&plots)
        .with_title(format!("Share of {} within an error", curve.counted))
        .with_x_label(format!("error in {}", unit.name()))
        .with_y_label(format!("share of {} in %", curve.counted))
        .with_x_axis_min(0.0)
        .with_x_axis_max(end)
        .with_y_axis_min(0.0)
        .with_y_axis_max(100.0)
        .with_legend_position(LegendPosition::OutsideRightTop)
        .with_width(760.0)
        .with_height(460.0);
    if let Some(threshold) = curve.threshold {
        layout = layout
            .with_x_tick_step(if end > 20.0 { 10.0 } else { 5.0 })
            .with_reference_line(ReferenceLine::vertical(threshold));
    }
    Drawing::new(&render_multiple(plots, layout))
}

/// Returns the errors of all repetitions in ascending order.
fn sorted_errors(figures: &MethodFigures) -> Vec<f64> {
    let mut errors: Vec<_> = figures.runs.iter().flat_map(|run| run.errors.each().iter().copied()).collect();
    errors.sort_by(f64::total_cmp);
    errors
}

/// Returns an axis end that 95 % of the errors fit into: with a threshold a multiple of 5 in [10, 60], else
/// what is needed.
fn axis_end(mut errors: Vec<f64>, threshold: Option<f64>) -> f64 {
    errors.sort_by(f64::total_cmp);
    let most = errors.get(errors.len() * 19 / 20).copied().unwrap_or_default();
    match threshold {
        Some(_) => ((most / 5.0).ceil() * 5.0).clamp(10.0, 60.0),
        None => {
            if most > 0.0 && most.is_finite() {
                most
            } else {
                1.0
            }
        }
    }
}

/// Plots the error of every repetition of an experiment, one line of dots for each row of its table; `None` if no
/// row has errors.
pub(super) fn row_errors(
    rows: &[(String, MethodKind, Vec<f64>)],
    what: &str,
) -> Result<Option<Drawing>, EvalError> {
    let rows: Vec<_> = rows.iter().filter(|(_, _, errors)| !errors.is_empty()).collect();
    if rows.is_empty() {
        return Ok(None);
    }
    // The last group is drawn at the top.
    let mut dots = StripPlot::new().with_horizontal(true).with_center().with_point_size(5.0);
    for (name, _, errors) in rows.iter().rev() {
        dots = dots.with_group(name.clone(), errors.iter().copied());
    }
    let colors = rows.iter().rev().map(|(_, kind, _)| color(*kind));
    let plots = vec![Plot::Strip(dots.with_group_colors(colors).with_marker_opacity(0.75))];
    let layout = Layout::auto_from_plots(&plots)
        .with_x_label(what)
        .with_width(760.0)
        .with_height(120.0 + 30.0 * rows.len() as f64);
    Drawing::new(&render_multiple(plots, layout)).map(Some)
}

/// Maximum number of classes in a picture of a confusion matrix.
const MOST_CLASSES: usize = 30;

/// Draws the confusion matrix of all repetitions of a method, in percent of each true class; `None` for other
/// tasks and for many classes.
pub(super) fn confusion(figures: &MethodFigures, names: &[String]) -> Result<Option<Drawing>, EvalError> {
    let matrices = || figures.runs.iter().map(|run| &run.errors.confusion);
    let n_classes = matrices().next().map_or(0, Vec::len);
    if n_classes == 0 || n_classes > MOST_CLASSES {
        return Ok(None);
    }
    let row = |truth: usize| {
        let counts: Vec<u64> =
            (0..n_classes).map(|answer| matrices().map(|matrix| matrix[truth][answer]).sum()).collect();
        let total = counts.iter().sum::<u64>().max(1) as f64;
        counts.into_iter().map(|count| 100.0 * count as f64 / total).collect::<Vec<_>>()
    };
    // The first row is drawn at the bottom.
    let data: Vec<_> = (0..n_classes).rev().map(row).collect();
    let name = |class: usize| names.get(class).map_or_else(|| class.to_string(), Clone::clone);
    let names: Vec<_> = (0..n_classes).map(name).collect();
    let heat = Heatmap::new().with_data(data).with_color_map(ColorMap::Viridis);
    let plots = vec![Plot::Heatmap(heat)];
    let layout = Layout::auto_from_plots(&plots)
        .with_title("Share of each true class in %")
        .with_x_label("predicted class")
        .with_y_label("true class")
        .with_x_categories(names.clone())
        .with_y_categories(names.into_iter().rev().collect())
        .with_width(640.0)
        .with_height(560.0);
    Drawing::new(&render_multiple(plots, layout)).map(Some)
}

/// Rows that the scatter plots overlay.
const SCATTERED: [MethodKind; 2] = [MethodKind::Synthetic, MethodKind::Refined];

/// Plots true against predicted numbers of the first repetition; `None` if the task has none, or without the
/// rows [`SCATTERED`].
pub(super) fn scatter(
    found: &Evaluation,
    task: &dyn Task,
    test: &LabelledImages,
) -> Result<Option<Drawing>, EvalError> {
    let axes = task.axes();
    if axes.is_empty() || !SCATTERED.iter().any(|kind| found.methods.contains_key(&Method::once(*kind))) {
        return Ok(None);
    }
    let panels: Vec<_> = axes
        .iter()
        .enumerate()
        .map(|(axis, (name, unit))| panel(found, task, test, axis, name, *unit))
        .collect();
    let n_columns = panels.len().min(2);
    let n_rows = panels.len().div_ceil(n_columns);
    let (plots, layouts) = panels.into_iter().unzip();
    let figure = Figure::new(n_rows, n_columns)
        .with_plots(plots)
        .with_layouts(layouts)
        .with_figure_size(490.0 * n_columns as f64, 480.0 * n_rows as f64);
    Drawing::new(&figure.render()).map(Some)
}

/// Plots one of a task's axes.
fn panel(
    found: &Evaluation,
    task: &dyn Task,
    test: &LabelledImages,
    axis: usize,
    name: &str,
    unit: Unit,
) -> (Vec<Plot>, Layout) {
    let every = test.n_images().div_ceil(MOST_POINTS).max(1);
    let number = |label| task.coordinates(label).get(axis).copied();
    let mut plots: Vec<Plot> = Vec::new();
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for kind in SCATTERED {
        let method = Method::once(kind);
        let Some(predicted) = found.methods.get(&method).and_then(|figures| figures.predicted.first()) else {
            continue;
        };
        let pairs = test.labels().iter().zip(predicted).step_by(every);
        let points: Vec<_> =
            pairs.filter_map(|(truth, predicted)| Some((number(truth)?, number(predicted)?))).collect();
        low = points.iter().fold(low, |low, (x, y)| low.min(*x).min(*y));
        high = points.iter().fold(high, |high, (x, y)| high.max(*x).max(*y));
        let scatter = ScatterPlot::new().with_data(points).with_color(color(kind)).with_size(2.2);
        plots.push(scatter.with_marker_opacity(0.55).with_legend(method_name(method)).into());
    }
    if low < high {
        let diagonal = LinePlot::new().with_data([(low, low), (high, high)]).with_color("#444444");
        plots.push(diagonal.with_stroke_width(1.0).into());
    }
    let within = if unit == Unit::Own { String::new() } else { format!(" in {}", unit.name()) };
    let layout = Layout::auto_from_plots(&plots)
        .with_title(name)
        .with_x_label(format!("true {name}{within}"))
        .with_y_label(format!("predicted {name}{within}"))
        .with_legend_position(LegendPosition::InsideTopLeft);
    (plots, layout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_holds_nearly_all_errors() {
        let quarters: Vec<_> = (0..100).map(f64::from).map(|error| error / 4.0).collect();
        assert_eq!(axis_end(quarters.clone(), Some(7.0)), 25.0);
        assert_eq!(axis_end(vec![0.5; 7], Some(7.0)), 10.0);
        assert_eq!(axis_end(vec![], Some(7.0)), 10.0);
        assert_eq!(axis_end(vec![170.0; 7], Some(7.0)), 60.0);
        assert_eq!(axis_end(quarters, None), 23.75);
        assert_eq!(axis_end(vec![], None), 1.0);
    }
}
