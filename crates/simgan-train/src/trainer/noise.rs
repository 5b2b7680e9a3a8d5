use candle_core::{Result, Tensor};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use simgan_data::Share;

/// Adds independent Gaussian noise of this standard deviation to each value. Gradients pass unchanged; values
/// may leave [−1, 1], because clipping would tell D where images are black or white. The images are a share of a
/// batch, and get the noise that they would get within the whole.
///
/// # Shapes
///
/// `(N, C, H, W)` → the same.
pub(super) fn noisy(images: &Tensor, deviation: f64, share: Share, rng: &mut ChaCha8Rng) -> Result<Tensor> {
    if deviation == 0.0 {
        return Ok(images.clone());
    }
    let n_values = images.elem_count() * share.count;
    let mut noise: Vec<f32> = Vec::with_capacity(n_values + 1);
    while noise.len() < n_values {
        noise.extend(normal_pair(rng).map(|value| (deviation * value) as f32));
    }
    images + Tensor::from_slice(&noise[share.of(n_values)], images.shape(), images.device())?
}

/// Draws two independent standard normal numbers (Box and Muller's method).
fn normal_pair(rng: &mut ChaCha8Rng) -> [f64; 2] {
    // In (0, 1], so that the logarithm is finite.
    let radius = (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt();
    let (sin, cos) = (std::f64::consts::TAU * rng.random::<f64>()).sin_cos();
    [radius * cos, radius * sin]
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Var};
    use rand::SeedableRng;

    use super::*;

    fn drawn(deviation: f64, seed: u64) -> Vec<f32> {
        let images = Tensor::full(0.25f32, (3, 1, 31, 47), &Device::Cpu).unwrap();
        let noisy = noisy(&images, deviation, Share::WHOLE, &mut ChaCha8Rng::seed_from_u64(seed)).unwrap();
        noisy.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn noise_is_normal_of_its_deviation() {
        let noise: Vec<f64> = drawn(0.2, 1).into_iter().map(|value| f64::from(value) - 0.25).collect();
        let moment =
            |power: i32| noise.iter().map(|value| value.powi(power)).sum::<f64>() / noise.len() as f64;
        assert!(moment(1).abs() < 0.01, "{}", moment(1));
        assert!((moment(2).sqrt() - 0.2).abs() < 0.01, "{}", moment(2).sqrt());
        // A normal distribution's fourth moment is three times the square of its variance.
        assert!((moment(4) / moment(2).powi(2) - 3.0).abs() < 0.25, "{}", moment(4));
        let neighbours = noise.windows(2).map(|pair| pair[0] * pair[1]).sum::<f64>() / noise.len() as f64;
        assert!(neighbours.abs() < 0.05 * moment(2), "values depend on their neighbours: {neighbours}");
    }

    #[test]
    fn a_seed_gives_the_same_noise_and_0_none() {
        assert_eq!(drawn(0.1, 7), drawn(0.1, 7));
        assert_ne!(drawn(0.1, 7), drawn(0.1, 8));
        assert!(drawn(0.0, 7).iter().all(|value| *value == 0.25));
    }

    #[test]
    fn gradients_pass_unchanged() {
        let images = Var::ones((1, 1, 3, 5), DType::F32, &Device::Cpu).unwrap();
        let noisy = noisy(&images, 0.3, Share::WHOLE, &mut ChaCha8Rng::seed_from_u64(0)).unwrap();
        let gradients = noisy.sum_all().unwrap().backward().unwrap();
        let gradient: Vec<f32> = gradients.get(&images).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        assert!(gradient.iter().all(|value| *value == 1.0));
    }
}
