use super::{Fit, Image, Pixels, Size, Transform};

impl Image {
    /// Resizes the image to values that it has: each output pixel is the input pixel beneath its centre. What
    /// [`Image::resized`] does to a photograph, this does to the mask that goes with it.
    #[must_use]
    pub fn nearest(&self, size: Size, fit: Fit) -> Self {
        let from = self.spec().size();
        let transform = Transform::resize(from, size, fit);
        let mut indices = Vec::with_capacity(size.width * size.height);
        for y in 0..size.height {
            for x in 0..size.width {
                let [x, y] = transform.source([x as f32 + 0.5, y as f32 + 0.5]);
                // `as` saturates at 0.
                let (x, y) = ((x as usize).min(from.width - 1), (y as usize).min(from.height - 1));
                indices.push(y * from.width + x);
            }
        }
        let n_pixels = from.width * from.height;
        let pixels = match &self.pixels {
            Pixels::U8(values) => Pixels::U8(gathered(values, n_pixels, &indices)),
            Pixels::U16(values) => Pixels::U16(gathered(values, n_pixels, &indices)),
            Pixels::F32(values) => Pixels::F32(gathered(values, n_pixels, &indices)),
        };
        Self::new(self.channels, size.height, size.width, pixels)
    }
}

fn gathered<T: Copy>(values: &[T], n_pixels: usize, indices: &[usize]) -> Vec<T> {
    values.chunks_exact(n_pixels).flat_map(|plane| indices.iter().map(|&index| plane[index])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_keeps_its_values() {
        let mask = Image::new(1, 2, 4, Pixels::U8(vec![9, 0, 1, 9, 9, 2, 3, 9]));
        let cut = mask.nearest(Size { width: 2, height: 2 }, Fit::Cover);
        assert_eq!(cut.pixels(), &Pixels::U8(vec![0, 1, 2, 3]));
        let large = mask.nearest(Size { width: 8, height: 2 }, Fit::Stretch);
        assert_eq!(large.pixels(), &Pixels::U8(vec![9, 9, 0, 0, 1, 1, 9, 9, 9, 9, 2, 2, 3, 3, 9, 9]));
        assert_eq!(mask.nearest(Size { width: 4, height: 2 }, Fit::Cover), mask);
    }
}
