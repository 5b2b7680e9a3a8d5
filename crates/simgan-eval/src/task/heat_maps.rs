//! Heat maps of points, as the stacked hourglass predicts them (Newell et al. 2016).

use candle_core::{Device, Tensor};
use rayon::prelude::*;

use crate::EvalError;

/// Standard deviation of a point's Gaussian, in cells of the map.
const DEVIATION: f32 = 1.0;
/// Distance in cells beyond which the Gaussian counts as 0.
const REACH: f32 = 4.0 * DEVIATION;
/// Pixels of the image along the side of a cell: the hourglass halves its input twice.
const CELL: f32 = 4.0;
/// How far, in cells, a peak's place moves to its higher neighbour.
const QUARTER: f32 = 0.25;

/// Draws a Gaussian for each point of each image, `(N, J, h, w)`, and marks the points that are known, `(N,
/// J)`. Points are in pixels of the image; one that is not finite has an empty map.
pub(super) fn drawn(
    points: &[Vec<[f32; 2]>],
    map: [usize; 2],
    device: &Device,
) -> Result<[Tensor; 2], EvalError> {
    let n_points = points.first().map_or(0, Vec::len);
    let [height, width] = map;
    let mut values = vec![0f32; points.len() * n_points * height * width];
    let all: Vec<_> = points.iter().flatten().collect();
    values.par_chunks_mut((height * width).max(1)).zip(&all).for_each(|(map, point)| {
        if is_known(**point) {
            draw(map, width, point.map(|value| value / CELL));
        }
    });
    let known: Vec<_> = all.iter().map(|point| f32::from(u8::from(is_known(**point)))).collect();
    let maps = Tensor::from_vec(values, (points.len(), n_points, height, width), device)?;
    Ok([maps, Tensor::from_vec(known, (points.len(), n_points), device)?])
}

/// Whether a point is known.
pub(super) fn is_known(point: [f32; 2]) -> bool {
    point.iter().all(|value| value.is_finite())
}

/// Draws a Gaussian of height 1 around `[x, y]`, in cells; the first cell's centre is (0.5, 0.5).
fn draw(map: &mut [f32], width: usize, [x, y]: [f32; 2]) {
    for (idx, value) in map.iter_mut().enumerate() {
        let (dx, dy) = ((idx % width) as f32 + 0.5 - x, (idx / width) as f32 + 0.5 - y);
        if dx.abs() <= REACH && dy.abs() <= REACH {
            *value = (-(dx * dx + dy * dy) / (2.0 * DEVIATION * DEVIATION)).exp();
        }
    }
}

/// Reads the place of each map's peak, in pixels of the image of `size`, `[height, width]`, off the last stack of `(N, stacks, J, h, w)`: the
/// centre of the highest cell, moved by a quarter of a cell to its higher neighbour along each axis.
pub(super) fn peaks(maps: &Tensor, size: [usize; 2]) -> Result<Vec<Vec<[f32; 2]>>, EvalError> {
    let (n_images, n_stacks, n_points, height, width) = maps.dims5()?;
    let last = maps.narrow(1, n_stacks - 1, 1)?;
    let values = last.flatten_all()?.to_vec1::<f32>()?;
    if values.iter().any(|value| !value.is_finite()) {
        return Err(EvalError::NoAnswer { answer: vec![f32::NAN] });
    }
    // Maps may extend beyond the image, as the hourglass extends its input.
    let inside =
        [height, width].into_iter().zip(size).map(|(cells, side)| cells.min(side.div_ceil(CELL as usize)));
    let inside: Vec<_> = inside.collect();
    let place = |map: &[f32]| {
        let part: Vec<_> =
            map.chunks_exact(width).take(inside[0]).flat_map(|row| &row[..inside[1]]).copied().collect();
        peak(&part, inside[1]).map(|value| CELL * value)
    };
    let places: Vec<_> = values.chunks_exact((height * width).max(1)).map(place).collect();
    Ok((0..n_images).map(|image| places[image * n_points..][..n_points].to_vec()).collect())
}

/// Returns the place `[x, y]` of a map's peak, in cells.
fn peak(map: &[f32], width: usize) -> [f32; 2] {
    let highest = (0..map.len()).rev().max_by(|a, b| map[*a].total_cmp(&map[*b])).unwrap_or(0);
    let (column, row, height) = (highest % width, highest / width, map.len() / width);
    let towards = |before: Option<usize>, after: Option<usize>| match (before, after) {
        (Some(before), Some(after)) if map[after] > map[before] => QUARTER,
        (Some(before), Some(after)) if map[after] < map[before] => -QUARTER,
        _ => 0.0,
    };
    let x = towards((column > 0).then(|| highest - 1), (column + 1 < width).then_some(highest + 1));
    let y = towards((row > 0).then(|| highest - width), (row + 1 < height).then_some(highest + width));
    [column as f32 + 0.5 + x, row as f32 + 0.5 + y]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Within a quarter of a cell along each axis, whatever the sizes.
    #[test]
    fn a_drawn_point_is_read_back() {
        let points: Vec<Vec<_>> = (0..40)
            .map(|idx| vec![[6.0 + idx as f32, 25.0 - 0.5 * idx as f32], [25.3, 14.1 + 0.05 * idx as f32]])
            .collect();
        let [maps, known] = drawn(&points, [8, 13], &Device::Cpu).unwrap();
        assert_eq!(known.sum_all().unwrap().to_scalar::<f32>().unwrap(), 80.0);
        let stacked = Tensor::stack(&[&maps.zeros_like().unwrap(), &maps], 1).unwrap();
        let found = peaks(&stacked, [32, 52]).unwrap();
        for (found, points) in found.iter().flatten().zip(points.iter().flatten()) {
            let [dx, dy] = [found[0] - points[0], found[1] - points[1]];
            assert!(dx.abs() <= 1.01 && dy.abs() <= 1.01, "{found:?} {points:?}");
        }
    }

    #[test]
    fn an_unknown_point_has_no_map() {
        let [maps, known] = drawn(&[vec![[f32::NAN, 3.0], [10.0, 10.0]]], [5, 7], &Device::Cpu).unwrap();
        assert_eq!(known.to_vec2::<f32>().unwrap(), [[0.0, 1.0]]);
        let maps = maps.squeeze(0).unwrap();
        assert_eq!(maps.get(0).unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap(), 0.0);
        assert_eq!(maps.get(1).unwrap().max_all().unwrap().to_scalar::<f32>().unwrap(), 1.0);
        let broken = (maps.reshape((1, 1, 2, 5, 7)).unwrap() * f64::NAN).unwrap();
        assert!(peaks(&broken, [20, 28]).is_err());
    }
}
