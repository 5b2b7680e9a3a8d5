use kuva::backend::png::PngBackend;
use kuva::backend::svg::SvgBackend;
use kuva::plot::legend::LegendPosition;
use kuva::plot::{LinePlot, LineStyle, ScatterPlot};
use kuva::render::annotations::ReferenceLine;
use kuva::render::figure::Figure;
use kuva::render::layout::Layout;
use kuva::render::plots::Plot;
use kuva::render::render::{Scene, render_multiple};
use simgan_data::Direction;

use super::tables::method_name;
use crate::evaluation::{Evaluation, Method, MethodFigures, MethodKind};
use crate::{EvalError, angle_deg};

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
        MethodKind::SyntheticFourier => "#56B4E9",
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

/// Plots the share of images within x degrees for each method (the paper's figure 8).
pub(super) fn error_curves(found: &Evaluation, truth: &[Direction]) -> Result<Drawing, EvalError> {
    let angles: Vec<_> =
        found.methods.iter().map(|(method, figures)| (*method, sorted_angles(figures, truth))).collect();
    let end = axis_end(angles.iter().flat_map(|(_, angles)| angles.iter().copied()).collect());
    let plots: Vec<Plot> = angles
        .iter()
        .map(|(method, angles)| {
            let share =
                |x: f64| angles.partition_point(|angle| *angle <= x) as f64 / angles.len().max(1) as f64;
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
    let layout = Layout::auto_from_plots(&plots)
        .with_title("Share of test images within an error")
        .with_x_label("error in degrees")
        .with_y_label("share of images in %")
        .with_x_axis_min(0.0)
        .with_x_axis_max(end)
        .with_x_tick_step(if end > 20.0 { 10.0 } else { 5.0 })
        .with_y_axis_min(0.0)
        .with_y_axis_max(100.0)
        .with_reference_line(ReferenceLine::vertical(7.0))
        .with_legend_position(LegendPosition::OutsideRightTop)
        .with_width(760.0)
        .with_height(460.0);
    Drawing::new(&render_multiple(plots, layout))
}

/// Returns the angles of all repetitions in ascending order.
fn sorted_angles(figures: &MethodFigures, truth: &[Direction]) -> Vec<f64> {
    let pairs = figures.predicted.iter().flat_map(|predicted| predicted.iter().zip(truth));
    let mut angles: Vec<_> = pairs.map(|(predicted, truth)| angle_deg(*predicted, *truth)).collect();
    angles.sort_by(f64::total_cmp);
    angles
}

/// Returns an axis end that 95 % of the angles fit into, a multiple of 5° in [10°, 60°].
fn axis_end(mut angles: Vec<f64>) -> f64 {
    angles.sort_by(f64::total_cmp);
    let most = angles.get(angles.len() * 19 / 20).copied().unwrap_or_default();
    ((most / 5.0).ceil() * 5.0).clamp(10.0, 60.0)
}

/// Rows that the scatter plots overlay.
const SCATTERED: [MethodKind; 2] = [MethodKind::Synthetic, MethodKind::Refined];

/// Plots true against predicted pitch and yaw of the first repetition; `None` without the rows [`SCATTERED`].
pub(super) fn scatter(found: &Evaluation, truth: &[Direction]) -> Result<Option<Drawing>, EvalError> {
    if !SCATTERED.iter().any(|kind| found.methods.contains_key(&Method::once(*kind))) {
        return Ok(None);
    }
    let (pitch, yaw) =
        (panel(found, truth, "pitch", Direction::pitch), panel(found, truth, "yaw", Direction::yaw));
    let (plots, layouts) = [pitch, yaw].into_iter().unzip();
    let figure = Figure::new(1, 2).with_plots(plots).with_layouts(layouts).with_figure_size(980.0, 480.0);
    Drawing::new(&figure.render()).map(Some)
}

fn panel(
    found: &Evaluation,
    truth: &[Direction],
    name: &str,
    angle: fn(Direction) -> f32,
) -> (Vec<Plot>, Layout) {
    let degrees = |gaze: Direction| f64::from(angle(gaze).to_degrees());
    let every = truth.len().div_ceil(MOST_POINTS).max(1);
    let mut plots: Vec<Plot> = Vec::new();
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for kind in SCATTERED {
        let method = Method::once(kind);
        let Some(predicted) = found.methods.get(&method).and_then(|figures| figures.predicted.first()) else {
            continue;
        };
        let pairs = truth.iter().zip(predicted).step_by(every);
        let points: Vec<_> = pairs.map(|(truth, predicted)| (degrees(*truth), degrees(*predicted))).collect();
        low = points.iter().fold(low, |low, (x, y)| low.min(*x).min(*y));
        high = points.iter().fold(high, |high, (x, y)| high.max(*x).max(*y));
        let scatter = ScatterPlot::new().with_data(points).with_color(color(kind)).with_size(2.2);
        plots.push(scatter.with_marker_opacity(0.55).with_legend(method_name(method)).into());
    }
    if low < high {
        let diagonal = LinePlot::new().with_data([(low, low), (high, high)]).with_color("#444444");
        plots.push(diagonal.with_stroke_width(1.0).into());
    }
    let layout = Layout::auto_from_plots(&plots)
        .with_title(name)
        .with_x_label(format!("true {name} in degrees"))
        .with_y_label(format!("predicted {name} in degrees"))
        .with_legend_position(LegendPosition::InsideTopLeft);
    (plots, layout)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_holds_nearly_all_errors() {
        assert_eq!(axis_end((0..100).map(f64::from).map(|angle| angle / 4.0).collect()), 25.0);
        assert_eq!(axis_end(vec![0.5; 7]), 10.0);
        assert_eq!(axis_end(vec![]), 10.0);
        assert_eq!(axis_end(vec![170.0; 7]), 60.0);
    }
}
