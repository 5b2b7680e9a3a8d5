//! How much the results would vary with other subjects and other images.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{Design, Detection, Response, Table};

const N_RESAMPLES: usize = 2000;

/// 95 % intervals by the crossed bootstrap.
///
/// Answers are not independent: a subject answers many times, and an image is answered many times. A binomial
/// interval ignores both and is too narrow. Each of 2000 resamples draws subjects and images with
/// replacement, and counts an answer as often as its subject times its images were drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bootstrap {
    /// 2.5 % and 97.5 % quantiles of the share correct.
    pub share: [f64; 2],
    /// The same of d′, among resamples with both kinds of images; `None` if none has.
    pub d_prime: Option<[f64; 2]>,
}

impl Bootstrap {
    /// Resamples; `None` with fewer than two subjects or two images, since one says nothing of others.
    #[must_use]
    pub fn new(responses: &[Response], design: Design, seed: u64) -> Option<Self> {
        let n_subjects = responses.iter().map(|response| response.subject + 1).max()?;
        let n_images = responses.iter().flat_map(|response| &response.images).max()? + 1;
        let subjects = present(n_subjects, responses.iter().map(|response| response.subject));
        let images = present(n_images, responses.iter().flat_map(|response| response.images.iter().copied()));
        if subjects.len() < 2 || images.len() < 2 {
            return None;
        }
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut tables = Vec::with_capacity(N_RESAMPLES);
        for _ in 0..N_RESAMPLES {
            let subject_times = drawn(&subjects, n_subjects, &mut random);
            let image_times = drawn(&images, n_images, &mut random);
            tables.push(weighted(responses, &subject_times, &image_times));
        }
        let shares = tables.iter().filter_map(Table::share).collect();
        let detections = tables.iter().filter_map(|table| Detection::new(table, design));
        let d_primes = detections.map(|detection| detection.d_prime).collect();
        Some(Self { share: interval(shares)?, d_prime: interval(d_primes) })
    }
}

/// The distinct values, each below `n`, in order.
fn present(n: usize, values: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut is_present = vec![false; n];
    values.for_each(|value| is_present[value] = true);
    (0..n).filter(|value| is_present[*value]).collect()
}

/// Draws as many of `values` as there are, with replacement; returns how often each was drawn.
fn drawn(values: &[usize], n: usize, random: &mut ChaCha8Rng) -> Vec<u64> {
    let mut times = vec![0; n];
    for _ in values {
        times[values[random.random_range(0..values.len())]] += 1;
    }
    times
}

fn weighted(responses: &[Response], subject_times: &[u64], image_times: &[u64]) -> Table {
    let mut table = Table::default();
    for Response { subject, images, truth, said } in responses {
        let weight =
            subject_times[*subject] * images.iter().map(|image| image_times[*image]).product::<u64>();
        table.counts[*truth][*said] += weight;
    }
    table
}

/// The middle 95 % of values, interpolated as NumPy does.
fn interval(mut values: Vec<f64>) -> Option<[f64; 2]> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    Some([0.025, 0.975].map(|share| {
        let place = share * last as f64;
        let (below, above) = (values[place as usize], values[(place.ceil() as usize).min(last)]);
        below + (above - below) * place.fract()
    }))
}
