/// A change of geometry about an image's centre: turned, scaled, then shifted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Warp {
    /// Width and height in pixels.
    pub(crate) size: [usize; 2],
    /// Shift to the right and down, in pixels.
    pub(crate) shift: [f32; 2],
    pub(crate) scale: f32,
    /// Clockwise angle in radians.
    pub(crate) turn: f32,
}

impl Warp {
    /// Returns where a point of the image lies in the changed image: `[x, y]` in pixels, the first pixel's
    /// centre at (0.5, 0.5). It may lie outside. An unknown point, NaN, stays one.
    #[must_use]
    pub fn point(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let [middle_x, middle_y] = self.middle();
        let (sine, cosine) = self.turn.sin_cos();
        let (right, down) = (self.scale * (x - middle_x), self.scale * (y - middle_y));
        [
            middle_x + self.shift[0] + cosine * right - sine * down,
            middle_y + self.shift[1] + sine * right + cosine * down,
        ]
    }

    fn middle(&self) -> [f32; 2] {
        self.size.map(|length| length as f32 / 2.0)
    }

    /// Changes a plane of pixels, bilinearly; edge pixels are replicated beyond the border.
    pub(crate) fn apply(&self, plane: &mut [f32]) {
        if self.turn == 0.0 { self.apply_along_axes(plane) } else { self.apply_turned(plane) }
    }

    /// Changes a plane of depth: each pixel takes the value of the nearest one, because a mean of two depths
    /// is neither, and becomes −1, not measured, beyond the border.
    pub(crate) fn apply_to_depth(&self, plane: &mut [f32]) {
        let ([width, height], old) = (self.size, plane.to_vec());
        self.for_sources(plane, |[x, y]| {
            let is_inside = x >= 0.0 && y >= 0.0 && x < width as f32 && y < height as f32;
            if is_inside { old[y as usize * width + x as usize] } else { -1.0 }
        });
    }

    fn apply_turned(&self, plane: &mut [f32]) {
        let ([width, height], old) = (self.size, plane.to_vec());
        self.for_sources(plane, |[x, y]| {
            let (left, right, across) = neighbours(x - 0.5, width);
            let (upper, lower, down) = neighbours(y - 0.5, height);
            let row = |row: usize| {
                let row = &old[row * width..][..width];
                row[left] + across * (row[right] - row[left])
            };
            let (upper, lower) = (row(upper), row(lower));
            upper + down * (lower - upper)
        });
    }

    /// Sets each pixel to the value that `value` has for its place in the unchanged image.
    fn for_sources(&self, plane: &mut [f32], value: impl Fn([f32; 2]) -> f32) {
        let [middle_x, middle_y] = self.middle();
        let (sine, cosine) = self.turn.sin_cos();
        for (row, pixels) in plane.chunks_exact_mut(self.size[0]).enumerate() {
            for (column, pixel) in pixels.iter_mut().enumerate() {
                let right = (column as f32 + 0.5 - middle_x - self.shift[0]) / self.scale;
                let down = (row as f32 + 0.5 - middle_y - self.shift[1]) / self.scale;
                *pixel =
                    value([middle_x + cosine * right + sine * down, middle_y + cosine * down - sine * right]);
            }
        }
    }

    /// Without a turn, the axes can be interpolated one after the other.
    fn apply_along_axes(&self, plane: &mut [f32]) {
        let [width, height] = self.size;
        let axis = |length: usize, shift: f32| {
            let middle = length as f32 / 2.0;
            let place = move |at: usize| {
                neighbours(middle + (at as f32 + 0.5 - middle - shift) / self.scale - 0.5, length)
            };
            (0..length).map(place).collect::<Vec<_>>()
        };
        let (columns, rows) = (axis(width, self.shift[0]), axis(height, self.shift[1]));
        let mut across = vec![0.0; plane.len()];
        for (to, from) in across.chunks_exact_mut(width).zip(plane.chunks_exact(width)) {
            for (value, (left, right, share)) in to.iter_mut().zip(&columns) {
                *value = from[*left] + share * (from[*right] - from[*left]);
            }
        }
        let row = |idx: usize| &across[idx * width..][..width];
        for (to, (upper, lower, share)) in plane.chunks_exact_mut(width).zip(&rows) {
            for ((value, upper), lower) in to.iter_mut().zip(row(*upper)).zip(row(*lower)) {
                *value = upper + share * (lower - upper);
            }
        }
    }
}

/// Returns the two pixels around a place, the first pixel's centre being 0, and the second one's share.
fn neighbours(at: f32, length: usize) -> (usize, usize, f32) {
    let at = at.clamp(0.0, (length - 1) as f32);
    (at as usize, (at as usize + 1).min(length - 1), at.fract())
}
