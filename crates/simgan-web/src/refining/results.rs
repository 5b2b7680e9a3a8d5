//! Refined images kept for their page: a few, in memory.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// Results kept at most.
const MAX_RESULTS: usize = 32;
/// Bytes kept at most; the newest result is kept however large it is.
const MAX_BYTES: usize = 256 << 20;

/// An image and what became of it.
pub(super) struct Tried {
    /// The run's name in links.
    pub(super) slug: String,
    pub(super) step: u64,
    /// The uploaded file's name, for people.
    pub(super) name: String,
    /// Its format, size and depth, in words.
    pub(super) about: String,
    /// Mean |R(x) − x|.
    pub(super) change: f64,
    /// The original, the refined image and the difference, as pictures to look at.
    pub(super) pictures: [Vec<u8>; 3],
    /// The refined file as `simgan refine` writes it.
    pub(super) file: Vec<u8>,
    /// The refined file's name and media type.
    pub(super) file_name: String,
    pub(super) media_type: &'static str,
}

impl Tried {
    fn n_bytes(&self) -> usize {
        self.file.len() + self.pictures.iter().map(Vec::len).sum::<usize>()
    }
}

/// The newest results by their random ids.
#[derive(Default)]
pub(super) struct Results {
    kept: Mutex<VecDeque<(String, Arc<Tried>)>>,
}

impl Results {
    /// Keeps a result, and drops the oldest of too many.
    pub(super) fn keep(&self, id: String, tried: Tried) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_back((id, Arc::new(tried)));
        let is_much = |kept: &VecDeque<(String, Arc<Tried>)>| {
            kept.len() > MAX_RESULTS
                || kept.iter().map(|(_, tried)| tried.n_bytes()).sum::<usize>() > MAX_BYTES
        };
        while kept.len() > 1 && is_much(&kept) {
            kept.pop_front();
        }
    }

    /// The result with this id.
    pub(super) fn get(&self, id: &str) -> Option<Arc<Tried>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.iter().find(|(known, _)| known == id).map(|(_, tried)| Arc::clone(tried))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(n_bytes: usize) -> Tried {
        Tried {
            slug: String::new(),
            step: 1,
            name: String::new(),
            about: String::new(),
            change: 0.0,
            pictures: Default::default(),
            file: vec![0; n_bytes],
            file_name: String::new(),
            media_type: "image/png",
        }
    }

    #[test]
    fn few_results_are_kept() {
        let results = Results::default();
        (0..MAX_RESULTS + 3).for_each(|n| results.keep(n.to_string(), tried(1)));
        assert!(results.get("2").is_none() && results.get("3").is_some());
        results.keep("large".to_owned(), tried(MAX_BYTES + 1));
        assert!(results.get("large").is_some() && results.get("30").is_none());
    }
}
