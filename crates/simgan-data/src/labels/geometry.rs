//! How one image's labels move.

use crate::{Annotation, Direction, Orientation, Size, Transform};

/// How the labels of one image move, in pixels from the top left corner.
#[derive(Clone, Copy)]
pub(super) struct Move {
    transform: Transform,
}

/// Left, top, right and bottom edge, in pixels.
pub(super) type Edges = [f64; 4];

/// Largest error of a written coordinate, in pixels.
pub(super) const TOLERANCE: f64 = 1e-6;
/// A box or polygon of less area, in pixels, has left the image.
const MIN_AREA: f64 = 1e-6;

impl Move {
    pub(super) fn new(transform: Transform) -> Self {
        Self { transform }
    }

    pub(super) fn from(&self) -> Size {
        self.transform.from()
    }

    pub(super) fn to(&self) -> Size {
        self.transform.to()
    }

    pub(super) fn orientation(&self) -> Orientation {
        self.transform.orientation()
    }

    /// Maps a point of the plane.
    pub(super) fn point(&self, point: [f64; 2]) -> [f64; 2] {
        self.transform.point_exact(point)
    }

    /// The inverse of [`Move::point`].
    pub(super) fn source(&self, point: [f64; 2]) -> [f64; 2] {
        self.transform.source(point.map(|coordinate| coordinate as f32)).map(f64::from)
    }

    /// Maps a point given as pixel indices: index i is the centre of its pixel, at i + ½.
    pub(super) fn index(&self, point: [f64; 2]) -> [f64; 2] {
        self.point(point.map(|index| index + 0.5)).map(|coordinate| coordinate - 0.5)
    }

    /// Maps a point whose y counts up from the bottom edge.
    pub(super) fn bottom_up(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let [x, y] = self.point([x, self.from().height as f64 - y]);
        [x, self.to().height as f64 - y]
    }

    pub(super) fn edges(&self, [left, top, right, bottom]: Edges) -> Edges {
        // A mirror swaps the edges.
        let (a, b) = (self.point([left, top]), self.point([right, bottom]));
        [a[0].min(b[0]), a[1].min(b[1]), a[0].max(b[0]), a[1].max(b[1])]
    }

    /// Maps a box. One that a crop cuts is clipped; `None` if nothing of it is left.
    pub(super) fn clipped(&self, edges: Edges) -> Option<Edges> {
        let [left, top, right, bottom] = self.edges(edges);
        if self.is_whole() {
            return Some([left, top, right, bottom]);
        }
        let (width, height) = (self.to().width as f64, self.to().height as f64);
        let [left, right] = [left, right].map(|x| x.clamp(0.0, width));
        let [top, bottom] = [top, bottom].map(|y| y.clamp(0.0, height));
        ((right - left) * (bottom - top) > MIN_AREA).then_some([left, top, right, bottom])
    }

    /// Maps a polygon. One that a crop cuts is clipped (Sutherland and Hodgman, 1974); empty if nothing of it
    /// is left.
    pub(super) fn polygon(&self, points: &[[f64; 2]]) -> Vec<[f64; 2]> {
        let mut points: Vec<_> = points.iter().map(|point| self.point(*point)).collect();
        let limits = [self.to().width as f64, self.to().height as f64];
        if self.is_whole() || points.iter().all(|point| self.is_inside(*point)) {
            return points;
        }
        for (axis, limit) in limits.into_iter().enumerate() {
            points = cut(&points, axis, |value| value);
            points = cut(&points, axis, |value| limit - value);
        }
        if area(&points) > MIN_AREA { points } else { Vec::new() }
    }

    pub(super) fn is_inside(&self, [x, y]: [f64; 2]) -> bool {
        let (width, height) = (self.to().width as f64, self.to().height as f64);
        (0.0..=width).contains(&x) && (0.0..=height).contains(&y)
    }

    /// Whether no part of the image is cropped and none is added.
    pub(super) fn is_whole(&self) -> bool {
        let ([left, top, right, bottom], to) = (self.edges(self.frame()), self.to());
        let is_near = |a: f64, b: usize| (a - b as f64).abs() < TOLERANCE;
        is_near(left, 0) && is_near(top, 0) && is_near(right, to.width) && is_near(bottom, to.height)
    }

    fn frame(&self) -> Edges {
        [0.0, 0.0, self.from().width as f64, self.from().height as f64]
    }

    /// Whether the image is rotated or mirrored.
    pub(super) fn is_turned(&self) -> bool {
        self.orientation() != Orientation::UPRIGHT
    }

    /// Whether the pixels stay where they are.
    pub(super) fn is_identity(&self) -> bool {
        !self.is_turned() && self.is_whole() && self.from() == self.to()
    }

    /// Whether coordinates as fractions of width and height stay.
    pub(super) fn keeps_fractions(&self) -> bool {
        !self.is_turned() && self.is_whole()
    }

    /// By how much areas grow.
    pub(super) fn area_factor(&self) -> f64 {
        let [left, top, right, bottom] = self.edges(self.frame());
        (right - left) * (bottom - top) / (self.from().width * self.from().height) as f64
    }

    /// Maps a width and a height.
    pub(super) fn extent(&self, extent: [f64; 2]) -> [f64; 2] {
        let (origin, end) = (self.point([0.0, 0.0]), self.point(extent));
        [(end[0] - origin[0]).abs(), (end[1] - origin[1]).abs()]
    }

    /// Rotates and mirrors a vector in camera coordinates (x right, y down).
    pub(super) fn vector(&self, vector: [f32; 3]) -> [f32; 3] {
        self.orientation().vector(vector)
    }

    /// Rotates and mirrors a direction.
    pub(super) fn direction(&self, direction: Direction) -> Option<Direction> {
        Direction::from_vector(self.vector(direction.vector()))
    }

    /// Moves an annotation.
    ///
    /// # Errors
    /// It would become wrong: why.
    pub(super) fn annotation(&self, annotation: &Annotation) -> Result<Annotation, String> {
        annotation.transformed(&self.transform).map_err(|stale| stale.reason)
    }

    /// Whether both moves do the same.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let corner = [self.from().width as f64, self.from().height as f64 / 3.0];
        let ends = |each: &Self| (each.from(), each.to(), each.point([0.0, 0.0]), each.point(corner));
        ends(self) == ends(other)
    }
}

/// Cuts a polygon where `depth` of a coordinate is negative.
fn cut(points: &[[f64; 2]], axis: usize, depth: impl Fn(f64) -> f64) -> Vec<[f64; 2]> {
    let mut kept = Vec::with_capacity(points.len());
    for (index, point) in points.iter().enumerate() {
        let before = points[(index + points.len() - 1) % points.len()];
        let (from, to) = (depth(before[axis]), depth(point[axis]));
        if (from < 0.0) != (to < 0.0) {
            let part = from / (from - to);
            kept.push([0, 1].map(|i| before[i] + part * (point[i] - before[i])));
        }
        if to >= 0.0 {
            kept.push(*point);
        }
    }
    kept
}

/// Area of a polygon, in pixels.
pub(super) fn area(points: &[[f64; 2]]) -> f64 {
    let next = points.iter().cycle().skip(1);
    let twice: f64 = points.iter().zip(next).map(|(a, b)| a[0] * b[1] - a[1] * b[0]).sum();
    twice.abs() / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fit;

    const FROM: Size = Size { width: 80, height: 60 };

    #[test]
    fn half_the_size_is_half_the_numbers() {
        let half = Move::new(Transform::resize(FROM, Size { width: 40, height: 30 }, Fit::Cover));
        assert_eq!(half.edges([32.0, 15.0, 48.0, 33.0]), [16.0, 7.5, 24.0, 16.5]);
        // i' = s (i + ½) − ½
        assert_eq!(half.index([40.0, 24.0]), [19.75, 11.75]);
        assert_eq!(half.bottom_up([40.0, 24.0]), [20.0, 12.0]);
        assert_eq!(half.area_factor(), 0.25);
        assert!(half.keeps_fractions() && !half.is_identity());
    }

    #[test]
    fn what_a_crop_cuts_is_clipped() {
        // 60×60 of 80×60 remain: ten columns are cut on either side.
        let crop = Move::new(Transform::resize(FROM, Size { width: 60, height: 60 }, Fit::Cover));
        assert_eq!(crop.clipped([0.0, 10.0, 30.0, 20.0]), Some([0.0, 10.0, 20.0, 20.0]));
        assert_eq!(crop.clipped([0.0, 10.0, 10.0, 20.0]), None);
        assert!(!crop.keeps_fractions());
        let triangle = crop.polygon(&[[0.0, 0.0], [20.0, 0.0], [20.0, 20.0]]);
        assert_eq!(area(&triangle), 150.0, "a trapezium of 10 by 10 and 20");
        assert!(crop.polygon(&[[0.0, 0.0], [9.0, 0.0], [9.0, 9.0]]).is_empty());
    }

    #[test]
    fn a_mirror_turns_vectors_and_swaps_edges() {
        let mirror = Move::new(Transform::orient(FROM, Orientation::MIRRORED));
        assert_eq!(mirror.edges([10.0, 5.0, 30.0, 6.0]), [50.0, 5.0, 70.0, 6.0]);
        assert_eq!(mirror.index([0.0, 3.0]), [79.0, 3.0]);
        assert_eq!(mirror.vector([0.5, 0.1, -1.0]), [-0.5, 0.1, -1.0]);
        assert!(mirror.is_turned() && mirror.is_whole());
        assert!(
            mirror.is_like(&mirror)
                && !mirror.is_like(&Move::new(Transform::orient(FROM, Orientation::UPRIGHT)))
        );
    }
}
