//! What a run's images are, wherever they lie: a run resumes with the images that it began with.

use std::path::Path;

use serde::{Deserialize, Serialize};
use simgan_data::{Source, Want};

use crate::{Sources, TrainError};

/// Images sampled of each domain, evenly spread from the first to the last.
const SAMPLED: usize = 16;

/// The content of both domains.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Content {
    synthetic: Images,
    real: Images,
}

/// What identifies the images of one domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Images {
    /// Number of images.
    count: usize,
    /// Checksums of the sampled images as the networks see them; [`UNREADABLE`] for one that cannot be read.
    crc32c: Vec<u32>,
}

/// In place of a checksum. An image that has become unreadable is for the loader to refuse or to skip.
const UNREADABLE: u32 = 0;

impl Content {
    pub(crate) fn of(sources: &Sources) -> Self {
        Self { synthetic: Images::of(&*sources.synthetic), real: Images::of(&*sources.real) }
    }

    /// Compares the content of a run's checkpoint with the images of `now`.
    pub(crate) fn check(&self, now: &Self, run: &Path) -> Result<(), TrainError> {
        let domains = [("synthetic", &self.synthetic, &now.synthetic), ("real", &self.real, &now.real)];
        for (domain, before, now) in domains {
            if let Some(reason) = before.difference(now) {
                let is_number = before.count != now.count;
                return Err(TrainError::OtherImages { domain, reason, is_number, run: run.to_owned() });
            }
        }
        Ok(())
    }
}

impl Images {
    fn of(source: &dyn Source) -> Self {
        let count = source.len();
        let n_sampled = count.min(SAMPLED);
        let place = |sample_idx: usize| sample_idx * (count - 1) / (n_sampled - 1).max(1);
        let checksum = |index| match source.sample(index, Want::Image) {
            Ok(sample) => sample
                .image
                .to_unit()
                .iter()
                .fold(1, |crc, value| crc32c::crc32c_append(crc, &value.to_le_bytes())),
            Err(_) => UNREADABLE,
        };
        Self { count, crc32c: (0..n_sampled).map(place).map(checksum).collect() }
    }

    fn difference(&self, now: &Self) -> Option<String> {
        let (before, count) = (self.count, now.count);
        if before != count {
            return Some(format!("{before} then, {count} now"));
        }
        let mut pairs = self.crc32c.iter().zip(&now.crc32c);
        let is_other = pairs.any(|(a, b)| a != b && ![*a, *b].contains(&UNREADABLE));
        is_other.then(|| format!("as many as then, {count}, but with other pixels"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::sources;

    #[test]
    fn other_images_are_told_by_number_or_content() {
        let content = Content::of(&sources());
        let run = Path::new("run");
        content.check(&Content::of(&sources()), run).unwrap();
        let swapped = Sources { synthetic: sources().real, real: sources().synthetic, tone: None };
        let error = content.check(&Content::of(&swapped), run).unwrap_err().to_string();
        assert!(error.contains("synthetic images") && error.contains("11 then, 7 now"), "{error}");
        let mut other = content.clone();
        other.real.crc32c[3] = UNREADABLE;
        content.check(&other, run).unwrap();
        other.real.crc32c[3] = 7;
        let error = content.check(&other, run).unwrap_err();
        assert!(error.to_string().contains("real images") && error.to_string().contains("other pixels"));
        assert!(error.hint().unwrap().to_string().contains("began with"));
    }
}
