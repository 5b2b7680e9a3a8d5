use std::path::Path;

use serde::{Deserialize, Serialize};
use simgan_data::{Sampler, SamplerState, read_text, write_atomic};
use simgan_models::run_folder::{FileMark, RecordedMark};
use simgan_models::{read_tensors, write_tensors};

use super::{EstimatorTrainer, EstimatorTraining};
use crate::EvalError;

/// The tensors' files: each save takes the pair that the state does not name, so that a crash leaves it whole.
const TENSOR_FILES: [[&str; 2]; 2] = [
    ["training-network-a.safetensors", "training-optimizer-a.safetensors"],
    ["training-network-b.safetensors", "training-optimizer-b.safetensors"],
];
/// Name of the file that marks a folder as holding an unfinished training; it is written last.
const TRAINING_FILE: &str = "training.toml";
const FORMAT_VERSION: u32 = 1;

/// The contents of `training.toml`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    format_version: u32,
    n_done: usize,
    /// Checksum of the images and labels.
    content_crc32c: String,
    /// Which of [`TENSOR_FILES`] belong to it.
    pair: usize,
    /// Position of the augmentation's random stream: a u128, which TOML does not have.
    augmentation_words: String,
    /// Length and checksum of the network's file.
    #[serde(alias = "network_crc32c")]
    network: RecordedMark,
    /// Length and checksum of the optimizer's file.
    #[serde(alias = "optimizer_crc32c")]
    optimizer: RecordedMark,
    training: EstimatorTraining,
    sampler: SamplerState,
}

impl EstimatorTrainer<'_> {
    /// Writes an interrupted training into `folder`, which must exist.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), EvalError> {
        let before = read(folder)?.map(|state| state.pair);
        let pair = usize::from(before == Some(0));
        let [network, optimizer] = TENSOR_FILES[pair].map(|name| folder.join(name));
        self.parameters.save(&network)?;
        write_tensors(&optimizer, &self.optimizer.state()?)?;
        let state = State {
            format_version: FORMAT_VERSION,
            n_done: self.n_done,
            content_crc32c: self.content()?.to_owned(),
            pair,
            augmentation_words: self.augmentation.get_word_pos().to_string(),
            network: mark(&network)?.into(),
            optimizer: mark(&optimizer)?.into(),
            training: self.training,
            sampler: self.sampler.state(),
        };
        let path = folder.join(TRAINING_FILE);
        let text = toml::to_string(&state).map_err(|error| EvalError::damaged(&path, &error))?;
        Ok(write_atomic(&path, text.as_bytes())?)
    }

    /// Goes on where [`EstimatorTrainer::save`] wrote the same training; returns whether there was one.
    ///
    /// # Errors
    ///
    /// If a file is damaged, or the training was of other images, labels or settings.
    pub fn restore(&mut self, folder: &Path) -> Result<bool, EvalError> {
        let path = folder.join(TRAINING_FILE);
        let Some(state) = read(folder)? else { return Ok(false) };
        if state.training != self.training || state.content_crc32c != self.content()? {
            let reason = "holds a training that was begun with other images, labels or settings";
            return Err(EvalError::Folder { path: folder.to_owned(), reason });
        }
        let [network, optimizer] = TENSOR_FILES[state.pair].map(|name| folder.join(name));
        for (path, expected) in [(&network, state.network), (&optimizer, state.optimizer)] {
            if !expected.matches(&mark(path)?) {
                return Err(EvalError::damaged(
                    path,
                    &format!("its checksum is not that of {TRAINING_FILE}"),
                ));
            }
        }
        self.parameters.load(&network)?;
        self.optimizer.restore(&read_tensors(&optimizer, self.images.images().device())?)?;
        self.sampler = Sampler::from_state(self.images.n_images(), state.sampler)?;
        let words = state.augmentation_words.parse();
        self.augmentation
            .set_word_pos(words.map_err(|_| EvalError::damaged(&path, &"augmentation_words is no number"))?);
        self.n_done = state.n_done;
        Ok(true)
    }

    /// Removes what [`EstimatorTrainer::save`] wrote.
    ///
    /// # Errors
    ///
    /// If a file cannot be removed.
    pub fn forget(folder: &Path) -> Result<(), EvalError> {
        [TRAINING_FILE]
            .iter()
            .chain(TENSOR_FILES.as_flattened())
            .try_for_each(|name| remove(&folder.join(name)))
    }

    /// Checksum of the images, second inputs and labels, which is computed once.
    fn content(&self) -> Result<&str, EvalError> {
        if let Some(known) = self.content.get() {
            return Ok(known);
        }
        let mut crc = 0;
        let inputs = self.images.inputs();
        for tensor in [Some(inputs.images()), inputs.extra()].into_iter().flatten() {
            for value in tensor.flatten_all()?.to_vec1::<f32>()? {
                crc = crc32c::crc32c_append(crc, &value.to_le_bytes());
            }
        }
        for label in self.images.labels() {
            crc = crc32c::crc32c_append(crc, format!("{label:?}").as_bytes());
        }
        Ok(self.content.get_or_init(|| format!("{crc:08x}")))
    }
}

/// Reads the state of an unfinished training; `None` if there is none.
fn read(folder: &Path) -> Result<Option<State>, EvalError> {
    let path = folder.join(TRAINING_FILE);
    if !path.exists() {
        return Ok(None);
    }
    let state: State =
        toml::from_str(&read_text(&path)?).map_err(|error| EvalError::damaged(&path, &error.message()))?;
    if state.format_version != FORMAT_VERSION {
        return Err(EvalError::damaged(&path, &format!("format version {}", state.format_version)));
    }
    match TENSOR_FILES.get(state.pair) {
        Some(_) => Ok(Some(state)),
        None => Err(EvalError::damaged(&path, &"it names no tensors")),
    }
}

/// Whether a folder holds nothing but what an unfinished training writes: its first saving may have been cut off.
#[must_use]
pub fn is_training_only(folder: &Path) -> bool {
    let is_ours = |entry: std::io::Result<std::fs::DirEntry>| {
        let name = entry.map(|entry| entry.file_name());
        name.is_ok_and(|name| {
            name == TRAINING_FILE || TENSOR_FILES.as_flattened().iter().any(|ours| name == *ours)
        })
    };
    folder.read_dir().is_ok_and(|mut entries| entries.all(is_ours))
}

fn remove(path: &Path) -> Result<(), EvalError> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(EvalError::io(path)(error)),
        _ => Ok(()),
    }
}

fn mark(path: &Path) -> Result<FileMark, EvalError> {
    FileMark::of(path).map_err(EvalError::io(path))
}
