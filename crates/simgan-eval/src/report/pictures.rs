use std::iter::repeat;
use std::path::Path;

use candle_core::{Device, Tensor};
use simgan_data::{
    Annotation, Direction, Image, ImageFile, ImageFormat, ImageSpec, Sheet, SheetLayout, Size,
};

use super::letters;
use crate::{EvalError, Task};

/// Minimum width in pixels of the grid's images, which are magnified by a whole number.
const GRID_WIDTH: usize = 120;
/// Minimum width in pixels of images with arrows.
const CASE_WIDTH: usize = 220;
/// Pixels between images.
const GAP: usize = 4;
/// Radius in pixels of a point's dot.
const POINT_RADIUS: f64 = 3.0;
/// Length of the arrow of a gaze perpendicular to the line of sight, as a share of the image's width.
const ARROW: f64 = 0.7;

/// Colour of the true label, RGB in [−1, 1].
pub(super) const TRUE_COLOR: [f32; 3] = [-0.6, 0.8, -0.6];
/// Colour of the predicted label, RGB in [−1, 1].
pub(super) const PREDICTED_COLOR: [f32; 3] = [1.0, -0.5, -0.6];

/// Draws rows of images, each `(N, C, H, W)` in [−1, 1] and all of one size, as a PNG.
pub(super) fn rows(rows: &[Tensor]) -> Result<Vec<u8>, EvalError> {
    let first = rows.first().ok_or_else(|| EvalError::Picture("no images".to_owned()))?;
    let mut sheet = sheet(first, first.dim(0)?, rows.len(), GRID_WIDTH)?;
    for (row, images) in rows.iter().enumerate() {
        for (column, image) in images.flatten_from(1)?.to_vec2::<f32>()?.iter().enumerate() {
            sheet.paste(row, column, image);
        }
    }
    png(sheet)
}

/// A test image with its true and predicted label.
pub(super) struct Case {
    /// Its index among the test images.
    pub(super) idx: usize,
    pub(super) truth: Annotation,
    pub(super) predicted: Annotation,
    /// The error, in the unit of the task's first measure.
    pub(super) error: f64,
}

/// Returns the `count` worst cases, worst first; `errors` are those of the images.
pub(super) fn worst(
    predicted: &[Annotation],
    truth: &[Annotation],
    errors: &[f64],
    count: usize,
) -> Vec<Case> {
    let mut order: Vec<_> = (0..errors.len()).filter(|idx| errors[*idx] > 0.0).collect();
    order.sort_by(|a, b| errors[*b].total_cmp(&errors[*a]));
    order.truncate(count);
    let case = |idx: usize| Case {
        idx,
        truth: truth[idx].clone(),
        predicted: predicted[idx].clone(),
        error: errors[idx],
    };
    order.into_iter().map(case).collect()
}

/// Draws the cases' images, `columns` per row, with both labels where they can be drawn: directions as arrows
/// from the middle, points as dots.
pub(super) fn cases(images: &Tensor, cases: &[Case], columns: usize) -> Result<Vec<u8>, EvalError> {
    let mut sheet = sheet(images, columns, cases.len().div_ceil(columns), CASE_WIDTH)?;
    for (place, case) in cases.iter().enumerate() {
        let (row, column) = (place / columns, place % columns);
        sheet.paste(row, column, &images.get(case.idx)?.flatten_all()?.to_vec1::<f32>()?);
        let size = [images.dim(2)?, images.dim(3)?];
        mark(&mut sheet, [row, column], size, &case.truth, TRUE_COLOR);
        mark(&mut sheet, [row, column], size, &case.predicted, PREDICTED_COLOR);
    }
    png(sheet)
}

/// Draws a prediction onto an image, and its label if there is one, as PNG: directions as arrows from the middle,
/// points as dots, classes and numbers as words; predictions are red, labels green. Small images are magnified by
/// a whole number.
///
/// # Errors
///
/// If the picture cannot be encoded.
pub fn overlay(
    task: &dyn Task,
    image: &Image,
    predicted: &Annotation,
    truth: Option<&Annotation>,
) -> Result<Vec<u8>, EvalError> {
    let ImageSpec { channels, height, width, .. } = image.spec();
    let values = Tensor::from_vec(image.to_unit(), (1, channels, height, width), &Device::Cpu)?;
    let mut sheet = sheet(&values, 1, 1, CASE_WIDTH)?;
    sheet.paste(0, 0, &values.flatten_all()?.to_vec1::<f32>()?);
    if let Some(truth) = truth {
        mark(&mut sheet, [0, 0], [height, width], truth, TRUE_COLOR);
    }
    mark(&mut sheet, [0, 0], [height, width], predicted, PREDICTED_COLOR);
    if matches!(predicted, Annotation::Class(_) | Annotation::Vector(_)) {
        let labels = truth.map(|truth| (truth, TRUE_COLOR)).into_iter().chain([(predicted, PREDICTED_COLOR)]);
        let lines: Vec<_> = labels
            .flat_map(|(label, color)| {
                letters::lines(&sheet, &task.words(label)).into_iter().zip(repeat(color))
            })
            .collect();
        for (line, (words, color)) in lines.into_iter().enumerate() {
            letters::write(&mut sheet, [0, 0], line, &words, color);
        }
    }
    png(sheet)
}

/// Lays out a colour page for images of the size of `images`, `(N, C, H, W)`.
fn sheet(images: &Tensor, columns: usize, rows: usize, least_width: usize) -> Result<Sheet, EvalError> {
    let (_, _, height, width) = images.dims4()?;
    let size = Size { width, height };
    let (channels, blocks, block_gap) = (3, 1, 0);
    Ok(Sheet::new(SheetLayout {
        size,
        channels,
        least_width,
        columns,
        rows,
        blocks,
        gap: GAP,
        block_gap,
        margin: GAP,
    }))
}

/// Draws a label on an image of `size`, `[height, width]` pixels, if its kind can be drawn.
fn mark(sheet: &mut Sheet, place: [usize; 2], size: [usize; 2], label: &Annotation, color: [f32; 3]) {
    match label {
        Annotation::Direction(direction) => arrow(sheet, place, *direction, color),
        Annotation::Points(points) => {
            let tile = sheet.tile();
            let scale = [0, 1].map(|axis| tile[axis] as f64 / size[axis] as f64);
            for [x, y] in points.0.iter().filter(|point| point.iter().all(|value| value.is_finite())) {
                let at = [f64::from(*y) * scale[0], f64::from(*x) * scale[1]];
                disc(sheet, place, at, POINT_RADIUS, color);
            }
        }
        _ => {}
    }
}

/// Draws a line from the middle of an image in the direction of the gaze, thicker at its end.
fn arrow(sheet: &mut Sheet, place: [usize; 2], gaze: Direction, color: [f32; 3]) {
    let [x, y, _] = gaze.vector().map(f64::from);
    let [height, width] = sheet.tile().map(|side| side as f64);
    for step in 0..=400 {
        let share = f64::from(step) / 400.0;
        let radius = if step >= 380 { 3.0 } else { 1.0 };
        let at = [height / 2.0 + share * ARROW * width * y, width / 2.0 + share * ARROW * width * x];
        disc(sheet, place, at, radius, color);
    }
}

/// Draws a disc at `[y, x]` of an image and clips it to the image.
fn disc(sheet: &mut Sheet, [row, column]: [usize; 2], at: [f64; 2], radius: f64, color: [f32; 3]) {
    let reach = radius as i64;
    for dy in -reach..=reach {
        for dx in -reach..=reach {
            let [y, x] = [at[0] + dy as f64, at[1] + dx as f64];
            if y >= 0.0 && x >= 0.0 && (dx * dx + dy * dy) as f64 <= radius * radius {
                sheet.dot(row, column, [y as usize, x as usize], &color);
            }
        }
    }
}

fn png(sheet: Sheet) -> Result<Vec<u8>, EvalError> {
    Ok(ImageFile::new(sheet.into_image(), ImageFormat::Png).encode(Path::new("picture.png"))?)
}

#[cfg(test)]
mod tests {
    use simgan_data::Class;

    use super::*;
    use crate::{TaskKind, TaskSpec};

    fn decoded(png: &[u8]) -> (ImageSpec, Vec<f32>) {
        let file = ImageFile::decode(png, Path::new("test.png")).unwrap();
        (file.image().spec(), file.image().to_unit())
    }

    #[test]
    fn images_stand_in_rows() {
        let row = |level: f32| {
            (Tensor::ones((2, 1, 3, 50), candle_core::DType::F32, &Device::Cpu).unwrap() * f64::from(level))
                .unwrap()
        };
        let (spec, values) = decoded(&rows(&[row(-1.0), row(0.2)]).unwrap());
        // 50 pixels are magnified three times.
        assert_eq!((spec.channels, spec.height, spec.width), (3, 2 * 13 + 4, 2 * 154 + 4));
        let at = |y: usize, x: usize| values[y * spec.width + x];
        assert_eq!([at(0, 0), at(4, 4), at(12, 153), at(4, 154)], [1.0, -1.0, -1.0, 1.0]);
        assert!((at(20, 200) - 0.2).abs() < 0.01);
        assert!(rows(&[]).is_err());
    }

    #[test]
    fn a_class_is_written_onto_its_image() {
        let classes = ["cat", "dog"].map(str::to_owned).to_vec();
        let spec = TaskSpec { classes, ..TaskSpec::new("class", TaskKind::Class, 2) };
        let image = Image::new(1, 30, 60, simgan_data::Pixels::U8(vec![128; 1800]));
        let [cat, dog] = [0, 1].map(|class| Annotation::from(Class(class)));
        let inked = |predicted: &Annotation, truth: Option<&Annotation>, ink: [f32; 3]| {
            let (spec, values) = decoded(&overlay(&*spec.task(), &image, predicted, truth).unwrap());
            let plane = spec.height * spec.width;
            let is_ink = |at: usize| (0..3).all(|of| (values[of * plane + at] - ink[of]).abs() < 0.02);
            (0..plane).filter(|at| is_ink(*at)).collect::<Vec<_>>()
        };
        let [of_cat, of_dog] = [&cat, &dog].map(|class| inked(class, None, PREDICTED_COLOR));
        assert!(!of_cat.is_empty() && of_cat != of_dog);
        // The label takes the first line, the prediction the next.
        let (truth, answer) = (inked(&cat, Some(&dog), TRUE_COLOR), inked(&cat, Some(&dog), PREDICTED_COLOR));
        assert_eq!((&truth[..], answer.len()), (&of_dog[..], of_cat.len()));
        assert!(answer[0] > truth[0]);
    }

    #[test]
    fn the_worst_case_comes_first_with_both_directions() {
        let gaze = |yaw: f32| Direction::from_pitch_yaw(0.0, yaw);
        let truth = [gaze(0.0), gaze(0.3), gaze(0.0)].map(Annotation::from);
        let predicted = [gaze(0.1), gaze(-0.3), gaze(0.0)].map(Annotation::from);
        let worst = worst(&predicted, &truth, &[5.7, 34.4, 0.0], 3);
        assert_eq!(worst.iter().map(|case| case.idx).collect::<Vec<_>>(), [1, 0]);
        let images = Tensor::zeros((3, 1, 60, 120), candle_core::DType::F32, &Device::Cpu).unwrap();
        let (spec, values) = decoded(&cases(&images, &worst, 2).unwrap());
        let color =
            |y: usize, x: usize| [0, 1, 2].map(|plane| values[(plane * spec.height + y) * spec.width + x]);
        // A positive yaw looks to the image's left; the middle of the tile, twice as large, is at (64, 124).
        let [left, right] = [color(64, 100), color(64, 148)];
        assert!(left[1] > 0.5 && left[0] < 0.0, "{left:?}");
        assert!(right[0] > 0.5 && right[1] < 0.0, "{right:?}");
    }
}
