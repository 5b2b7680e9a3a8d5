use candle_core::{Result, Tensor};

/// Returns how much each patch counts in the adversarial loss if only those count that show something.
///
/// Each image's weights have the mean 1, so that every image counts as much as any other, and the loss means
/// the same whatever share of an image is empty. In an image without anything to see, all patches count alike.
///
/// # Shapes
///
/// `(N, 1, h, w)`, 1 for a patch that shows something and 0 for another → the same.
///
/// # Errors
///
/// If there is no patch.
pub fn patch_weights(shows: &Tensor) -> Result<Tensor> {
    let shows = shows.detach();
    let share = shows.mean_keepdim((2, 3))?;
    let is_empty = share.eq(0.0)?.to_dtype(shows.dtype())?;
    shows.broadcast_add(&is_empty)?.broadcast_div(&(share + is_empty)?)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn only_patches_that_show_something_count() {
        let shows = [[[[1f32, 0.0, 0.0], [1.0, 0.0, 1.0]]], [[[0.0; 3]; 2]], [[[1.0; 3]; 2]]];
        let weights = patch_weights(&Tensor::new(&shows, &Device::Cpu).unwrap()).unwrap();
        assert_eq!(weights.dims(), [3, 1, 2, 3]);
        let weights: Vec<Vec<f32>> = weights.flatten_from(1).unwrap().to_vec2().unwrap();
        assert_eq!(weights, [vec![2.0, 0.0, 0.0, 2.0, 0.0, 2.0], vec![1.0; 6], vec![1.0; 6]]);
    }
}
