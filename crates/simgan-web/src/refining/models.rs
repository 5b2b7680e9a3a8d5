//! Refiners that were loaded, and checkpoints that were verified.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use candle_core::Device;
use simgan_models::run_folder::read_checkpoint;
use simgan_refine::{RefineError, RefineModel};

use crate::runs::{Run, checkpoint_path, checkpoint_steps};

/// Refiners kept in memory.
const MAX_MODELS: usize = 3;
/// Checkpoints remembered as intact or damaged.
const MAX_VERIFIED: usize = 512;
/// Written last into a checkpoint; it tells one checkpoint from another that took its place.
const STATE_FILE: &str = "state.toml";

/// A checkpoint as it was at a time.
type Key = (PathBuf, SystemTime);

/// What was loaded and verified so far.
#[derive(Default)]
pub(super) struct Models {
    /// The newest last.
    loaded: Mutex<Vec<(Key, RefineModel)>>,
    verified: Mutex<BTreeMap<Key, bool>>,
}

impl Models {
    /// The refiner of the checkpoint at `step`; `None` if there is none.
    pub(super) fn open(
        &self,
        run: &Run,
        step: u64,
        device: &Device,
    ) -> Option<Result<RefineModel, RefineError>> {
        let key = key(run, step)?;
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = loaded.iter().position(|(known, _)| *known == key) {
            let found = loaded.remove(at);
            loaded.push(found.clone());
            return Some(Ok(found.1));
        }
        let model = match RefineModel::open(&key.0, device) {
            Ok(model) => model,
            Err(error) => return Some(Err(error)),
        };
        if loaded.len() == MAX_MODELS {
            loaded.remove(0);
        }
        loaded.push((key, model.clone()));
        Some(Ok(model))
    }

    /// Steps of the checkpoints whose files are what was written, in order.
    pub(super) fn intact(&self, run: &Run) -> Vec<u64> {
        let steps = checkpoint_steps(&run.folder).into_iter();
        steps.filter(|step| key(run, *step).is_some_and(|key| self.is_intact(key))).collect()
    }

    fn is_intact(&self, key: Key) -> bool {
        let verified = || self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = verified().get(&key) {
            return *known;
        }
        let is_intact = read_checkpoint::<toml::Table>(&key.0).is_ok();
        let mut verified = verified();
        if verified.len() == MAX_VERIFIED {
            verified.clear();
        }
        verified.insert(key, is_intact);
        is_intact
    }
}

/// The place of a checkpoint, unless a link leads there.
fn key(run: &Run, step: u64) -> Option<Key> {
    let checkpoint = run.folder.child(&checkpoint_path(step))?;
    let written = checkpoint.metadata(Path::new(STATE_FILE))?.modified().ok()?;
    Some((checkpoint.path().to_owned(), written))
}
