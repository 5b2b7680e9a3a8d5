use candle_core::Tensor;
use simgan_data::{Annotation, Points};
use simgan_losses::heat_map_distance;
use simgan_metrics::{PointErrors, Warp};
use simgan_models::EstimatorConfig;

use super::heat_maps::{drawn, is_known, peaks};
use super::{Curve, Errors, InputShape, Measure, Objective, Task, TaskSpec, Unit, check_pairs};
use crate::evaluation::NetworkSize;
use crate::{EvalError, LabelledImages};

/// Thresholds of PCK in files, in pixels; the tables show [`PAPER_PX`].
const PCK_PX: [u32; 8] = [1, 2, 3, 4, 5, 7, 10, 20];
/// The threshold of the paper's table (§3.2).
const PAPER_PX: u32 = 5;

/// Predicts points with the stacked hourglass (§3.2; Newell et al. 2016). A point whose coordinates are not
/// finite is unknown: nothing is learned from it and nothing measured on it.
#[derive(Debug)]
pub(super) struct PointsTask(pub(super) TaskSpec);

impl Task for PointsTask {
    fn spec(&self) -> &TaskSpec {
        &self.0
    }

    fn estimator(&self, size: NetworkSize, shape: InputShape) -> Result<EstimatorConfig, EvalError> {
        size.hourglass(shape, self.0.width)
    }

    fn estimator_name(&self, size: NetworkSize) -> &'static str {
        match size {
            NetworkSize::Paper | NetworkSize::Wide => "a stacked hourglass",
            NetworkSize::Half => "a stacked hourglass of half as many features",
            NetworkSize::Quarter => "a small stacked hourglass",
        }
    }

    fn objective(&self, images: &LabelledImages) -> Result<Box<dyn Objective>, EvalError> {
        Ok(Box::new(PointsObjective(points(images.labels())?)))
    }

    fn moves_with_pixels(&self) -> bool {
        true
    }

    fn answers(&self, output: &Tensor, size: [usize; 2]) -> Result<Vec<Annotation>, EvalError> {
        Ok(peaks(output, size)?.into_iter().map(Annotation::from).collect())
    }

    /// The mean place of each point, where it is known.
    fn mean(&self, labels: &[&Annotation]) -> Option<Annotation> {
        let mut sums = vec![([0f64; 2], 0usize); self.0.width];
        for label in labels {
            for ((sum, count), point) in sums.iter_mut().zip(label.as_points()?) {
                if is_known(*point) {
                    sum.iter_mut().zip(point).for_each(|(sum, value)| *sum += f64::from(*value));
                    *count += 1;
                }
            }
        }
        // 0/0 is NaN: a point that is never known stays unknown.
        let mean = |(sum, count): ([f64; 2], usize)| sum.map(|sum| (sum / count as f64) as f32);
        (!labels.is_empty()).then(|| sums.into_iter().map(mean).collect::<Vec<_>>().into())
    }

    fn completed(&self, mean: Annotation, all: &Annotation) -> Annotation {
        let (Some(few), Some(all)) = (mean.as_points(), all.as_points()) else { return mean };
        let known: Vec<_> = all.iter().filter(|point| is_known(**point)).collect();
        // A point that no label knows is where the others are on average.
        let middle =
            [0, 1].map(|axis| known.iter().map(|point| point[axis]).sum::<f32>() / known.len().max(1) as f32);
        let choose = |(few, all): (&[f32; 2], &[f32; 2])| match (is_known(*few), is_known(*all)) {
            (true, _) => *few,
            (false, true) => *all,
            (false, false) => middle,
        };
        few.iter().zip(all).map(choose).collect::<Vec<_>>().into()
    }

    fn measures(&self) -> Vec<Measure> {
        let mut measures = vec![
            Measure::new("error_px", "mean", Unit::Pixels),
            Measure::new("median_px", "median", Unit::Pixels),
        ];
        for threshold in PCK_PX {
            let measure =
                Measure::new(format!("pck_{threshold}px"), format!("PCK@{threshold} px"), Unit::Share);
            measures.push(if threshold == PAPER_PX { measure } else { measure.hidden() });
        }
        let worst = Measure::new("worst_within_5px", "images with all points within 5 px", Unit::Share);
        measures.push(worst);
        measures.push(Measure::offset("offset_x_px", "x offset", Unit::Pixels));
        measures.push(Measure::offset("offset_y_px", "y offset", Unit::Pixels));
        for point in 0..self.0.width {
            let name = format!("mean of point {point}");
            measures.push(Measure::new(format!("point_{point}_px"), name, Unit::Pixels).hidden());
        }
        measures
    }

    fn curve(&self) -> Option<Curve> {
        Some(Curve { counted: "points", threshold: Some(f64::from(PAPER_PX)) })
    }

    fn parts(&self, label: &Annotation) -> Option<Vec<Vec<f64>>> {
        Some(label.as_points()?.iter().map(|point| point.map(f64::from).to_vec()).collect())
    }

    fn label_of(&self, parts: &[Vec<f64>]) -> Option<Annotation> {
        let point = |part: &Vec<f64>| match part[..] {
            [x, y] => Some([x as f32, y as f32]),
            _ => None,
        };
        Some(parts.iter().map(point).collect::<Option<Vec<_>>>()?.into())
    }

    fn words(&self, _: &Annotation) -> String {
        String::new()
    }

    fn errors(&self, predicted: &[Annotation], truth: &[Annotation]) -> Result<Errors, EvalError> {
        check_pairs(predicted, truth, 1)?;
        let (predicted, truth) = (points(predicted)?, points(truth)?);
        let found = PointErrors::new(&predicted, &truth)?;
        let all = found.figures();
        let mut figures = vec![
            ("error_px".to_owned(), all.mean_px),
            ("median_px".to_owned(), all.median_px),
            ("worst_within_5px".to_owned(), found.worst_within(f64::from(PAPER_PX))),
        ];
        figures
            .extend(PCK_PX.map(|threshold| (format!("pck_{threshold}px"), found.pck(f64::from(threshold)))));
        for (idx, point) in all.points.iter().enumerate() {
            figures.extend(point.mean_px.map(|mean| (format!("point_{idx}_px"), mean)));
        }
        let [x, y] = offset(&predicted, &truth);
        figures.extend([("offset_x_px".to_owned(), x), ("offset_y_px".to_owned(), y)]);
        Ok(Errors {
            n_images: truth.len(),
            figures: figures.into_iter().collect(),
            per_image: found.image_means_px().into_iter().map(|mean| mean.unwrap_or(0.0)).collect(),
            per_point: found.distances().iter().flatten().copied().flatten().collect(),
            confusion: Vec::new(),
        })
    }
}

/// Returns the mean of predicted − true coordinates over the known points, in pixels.
fn offset(predicted: &[Vec<[f32; 2]>], truth: &[Vec<[f32; 2]>]) -> [f64; 2] {
    let pairs = predicted.iter().flatten().zip(truth.iter().flatten());
    let known: Vec<_> = pairs.filter(|(_, truth)| is_known(**truth)).collect();
    [0, 1].map(|axis| {
        let differences = known.iter().map(|(found, truth)| f64::from(found[axis]) - f64::from(truth[axis]));
        differences.sum::<f64>() / known.len().max(1) as f64
    })
}

/// The true points of the training images.
struct PointsObjective(Vec<Vec<[f32; 2]>>);

impl Objective for PointsObjective {
    fn loss(&self, output: &Tensor, batch: &Tensor, warps: Option<&[Warp]>) -> Result<Tensor, EvalError> {
        let (_, _, _, height, width) = output.dims5()?;
        let mut points: Vec<Vec<[f32; 2]>> =
            batch.to_vec1::<u32>()?.iter().map(|idx| self.0[*idx as usize].clone()).collect();
        for (points, warp) in points.iter_mut().zip(warps.unwrap_or_default()) {
            points.iter_mut().for_each(|point| *point = warp.point(*point));
        }
        let [maps, known] = drawn(&points, [height, width], output.device())?;
        Ok(heat_map_distance(output, &maps, Some(&known))?)
    }
}

/// Takes the points out of labels.
fn points(labels: &[Annotation]) -> Result<Vec<Vec<[f32; 2]>>, EvalError> {
    let points = |label: &Annotation| match label {
        Annotation::Points(Points(points)) => Some(points.clone()),
        _ => None,
    };
    labels.iter().map(points).collect::<Option<_>>().ok_or(EvalError::OtherKind("points"))
}
