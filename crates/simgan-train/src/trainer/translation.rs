use candle_core::{Result, Tensor};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use simgan_data::Share;

/// Shifts each image by its own random distance, a whole number of pixels from −`reach` to `reach` along each
/// axis. Replicated edge pixels fill the gap. Gradients flow back to the visible pixels. The images are a share
/// of a batch, and each is shifted as it would be within the whole.
///
/// # Shapes
///
/// `(N, C, H, W)` → the same.
pub(super) fn translated(
    images: &Tensor,
    reach: usize,
    share: Share,
    rng: &mut ChaCha8Rng,
) -> Result<Tensor> {
    if reach == 0 {
        return Ok(images.clone());
    }
    let (n_images, channels, height, width) = images.dims4()?;
    let reach = reach as i64;
    let from = |to: usize, by: i64, length: usize| (to as i64 - by).clamp(0, length as i64 - 1);
    let mut places = Vec::with_capacity(images.elem_count());
    let n_whole = n_images * share.count;
    let shifts: Vec<_> = (0..n_whole).map(|_| [0; 2].map(|_| rng.random_range(-reach..=reach))).collect();
    for [down, right] in &shifts[share.of(n_whole)] {
        let place =
            |to: usize| from(to / width, *down, height) * width as i64 + from(to % width, *right, width);
        let plane: Vec<_> = (0..height * width).map(|to| place(to) as u32).collect();
        (0..channels).for_each(|_| places.extend_from_slice(&plane));
    }
    let places = Tensor::from_vec(places, (n_images, channels, height * width), images.device())?;
    // `gather` has a gradient, and one call serves all images although each has its own shift.
    images.flatten_from(2)?.gather(&places, 2)?.reshape(images.dims())
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};
    use rand::SeedableRng;

    use super::*;

    const DIMS: (usize, usize, usize, usize) = (6, 2, 5, 7);

    fn images(seed: u64) -> Tensor {
        let (n, channels, height, width) = DIMS;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let pixels: Vec<f32> =
            (0..n * channels * height * width).map(|_| rng.random_range(-1.0..1.0)).collect();
        Tensor::from_vec(pixels, DIMS, &Device::Cpu).unwrap()
    }

    fn values(tensor: &Tensor) -> Vec<Vec<Vec<f32>>> {
        tensor.flatten_to(1).unwrap().to_vec3().unwrap()
    }

    /// Finds each plane's shift, down and to the right; `None` if none up to `reach` explains it.
    fn moves(before: &Tensor, after: &Tensor, reach: i64) -> Vec<Option<(i64, i64)>> {
        let clamped = |at: i64, length: usize| at.clamp(0, length as i64 - 1) as usize;
        let is_moved = |before: &[Vec<f32>], after: &[Vec<f32>], down, right| {
            (0..5).all(|row| {
                let from = &before[clamped(row - down, 5)];
                (0..7).all(|column| after[row as usize][column as usize] == from[clamped(column - right, 7)])
            })
        };
        let all =
            move || (-reach..=reach).flat_map(move |down| (-reach..=reach).map(move |right| (down, right)));
        let planes = values(before).into_iter().zip(values(after));
        planes.map(|(before, after)| all().find(|by| is_moved(&before, &after, by.0, by.1))).collect()
    }

    #[test]
    fn images_move_as_a_whole_each_by_its_own_distance() {
        let before = images(1);
        let after = translated(&before, 2, Share::WHOLE, &mut ChaCha8Rng::seed_from_u64(3)).unwrap();
        let found = moves(&before, &after, 2);
        assert!(found.iter().all(Option::is_some), "{found:?}");
        assert!(found.chunks(2).all(|channels| channels[0] == channels[1]), "channels apart: {found:?}");
        assert!(found.iter().any(|by| *by != found[0]), "all by the same: {found:?}");
        let again = translated(&before, 2, Share::WHOLE, &mut ChaCha8Rng::seed_from_u64(3)).unwrap();
        assert_eq!(values(&after), values(&again));
        let still = translated(&before, 0, Share::WHOLE, &mut ChaCha8Rng::seed_from_u64(3)).unwrap();
        assert_eq!(values(&still), values(&before));
    }

    #[test]
    fn every_distance_is_drawn() {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let before = images(2);
        let mut found: Vec<_> = (0..40)
            .flat_map(|_| moves(&before, &translated(&before, 1, Share::WHOLE, &mut rng).unwrap(), 1))
            .collect();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), 9, "{found:?}");
    }

    /// The operation is linear, so its gradient is its adjoint: ⟨T x, y⟩ = ⟨x, Tᵀ y⟩, also for an x other
    /// than the one at which the gradient was taken.
    #[test]
    fn the_gradient_is_the_adjoint() {
        let moved =
            |images: &Tensor| translated(images, 3, Share::WHOLE, &mut ChaCha8Rng::seed_from_u64(7)).unwrap();
        let dot = |a: &Tensor, b: &Tensor| (a * b).unwrap().sum_all().unwrap();
        let (at, other, weights) = (Var::from_tensor(&images(3)).unwrap(), images(4), images(5));
        let gradients = dot(&moved(&at), &weights).backward().unwrap();
        let left = dot(&moved(&other), &weights).to_scalar::<f32>().unwrap();
        let right = dot(&other, gradients.get(&at).unwrap()).to_scalar::<f32>().unwrap();
        assert!((left - right).abs() < 1e-4 * (1.0 + left.abs()), "{left} {right}");
    }
}
