use std::path::Path;

use candle_core::Tensor;
use serde::{Deserialize, Serialize};
use simgan_data::{Sampler, SamplerState, read_text, write_atomic};
use simgan_models::run_folder::FileMark;
use simgan_models::{read_tensors, write_tensors};

use super::{Adaptation, AdaptationTraining};
use crate::EvalError;
use crate::training::{checksum, mark, remove};

/// The tensors' files: each save takes the pair that the state does not name, so that a crash leaves it whole.
static TENSOR_FILES: [[&str; 2]; 2] = [
    ["adaptation-student-a.safetensors", "adaptation-others-a.safetensors"],
    ["adaptation-student-b.safetensors", "adaptation-others-b.safetensors"],
];
/// Name of the file that marks a folder as holding an unfinished adaptation; it is written last.
const STATE_FILE: &str = "adaptation.toml";
const FORMAT_VERSION: u32 = 1;
/// Before the names of the teacher's and the optimizer's tensors.
const TEACHER: &str = "teacher/";
const OPTIMIZER: &str = "optimizer/";

/// The contents of `adaptation.toml`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    format_version: u32,
    n_done: usize,
    /// Checksum of the images, the labels and the estimator as it began.
    content_crc32c: String,
    /// Which of [`TENSOR_FILES`] belong to it.
    pair: usize,
    /// Position of the augmentation's random stream: a u128, which TOML does not have.
    augmentation_words: String,
    student: FileMark,
    others: FileMark,
    training: AdaptationTraining,
    renders: SamplerState,
    real: SamplerState,
}

impl Adaptation<'_> {
    /// Writes an interrupted adaptation into `folder`, which must exist.
    ///
    /// # Errors
    ///
    /// If a file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), EvalError> {
        let pair = usize::from(read(folder)?.map(|state| state.pair) == Some(0));
        let [student, others] = TENSOR_FILES[pair].map(|name| folder.join(name));
        self.student.parameters.save(&student)?;
        let named = |prefix: &'static str, tensors: Vec<(String, Tensor)>| {
            tensors.into_iter().map(move |(name, tensor)| (format!("{prefix}{name}"), tensor))
        };
        let all = named(TEACHER, self.teacher.tensors()).chain(named(OPTIMIZER, self.optimizer.state()?));
        write_tensors(&others, &all.collect::<Vec<_>>())?;
        let [renders, real] = self.samplers.each_ref().map(Sampler::state);
        let state = State {
            format_version: FORMAT_VERSION,
            n_done: self.n_done,
            content_crc32c: self.content()?.to_owned(),
            pair,
            augmentation_words: self.augmentation.get_word_pos().to_string(),
            student: mark(&student)?,
            others: mark(&others)?,
            training: self.training,
            renders,
            real,
        };
        let path = folder.join(STATE_FILE);
        let text = toml::to_string(&state).map_err(|error| EvalError::damaged(&path, &error))?;
        Ok(write_atomic(&path, text.as_bytes())?)
    }

    /// Goes on where [`Adaptation::save`] wrote the same adaptation; returns whether there was one.
    ///
    /// # Errors
    ///
    /// If a file is damaged, or the adaptation was of another estimator, or of other images, labels or settings.
    pub fn restore(&mut self, folder: &Path) -> Result<bool, EvalError> {
        let path = folder.join(STATE_FILE);
        let Some(state) = read(folder)? else { return Ok(false) };
        if state.training != self.training || state.content_crc32c != self.content()? {
            let reason =
                "holds an adaptation that was begun with another estimator, other images or settings";
            return Err(EvalError::Folder { path: folder.to_owned(), reason });
        }
        let [student, others] = TENSOR_FILES[state.pair].map(|name| folder.join(name));
        for (path, expected) in [(&student, state.student), (&others, state.others)] {
            if mark(path)? != expected {
                return Err(EvalError::damaged(path, &format!("its checksum is not that of {STATE_FILE}")));
            }
        }
        self.student.parameters.load(&student)?;
        let all = read_tensors(&others, self.real.device())?;
        let of = |prefix: &str| -> Vec<_> {
            let found = all.iter().filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?, tensor)));
            found.map(|(name, tensor)| (name.to_owned(), tensor.clone())).collect()
        };
        self.teacher.restore(&of(TEACHER))?;
        self.optimizer.restore(&of(OPTIMIZER))?;
        self.samplers = [
            Sampler::from_state(self.renders.n_images(), state.renders)?,
            Sampler::from_state(self.real.dim(0)?, state.real)?,
        ];
        let words = state.augmentation_words.parse();
        self.augmentation
            .set_word_pos(words.map_err(|_| EvalError::damaged(&path, &"augmentation_words is no number"))?);
        self.n_done = state.n_done;
        Ok(true)
    }

    /// Removes what [`Adaptation::save`] wrote.
    ///
    /// # Errors
    ///
    /// If a file cannot be removed.
    pub fn forget(folder: &Path) -> Result<(), EvalError> {
        ours().try_for_each(|name| remove(&folder.join(name)))
    }

    /// Checksum of the images, the labels and the estimator as it began, which is computed once.
    pub(super) fn content(&self) -> Result<&str, EvalError> {
        if let Some(known) = self.content.get() {
            return Ok(known);
        }
        let parameters = self.student.parameters.tensors();
        let parameters = parameters.iter().map(|(_, tensor)| tensor);
        let tensors = [self.renders.images(), self.real].into_iter().chain(parameters);
        let crc = checksum(tensors, self.renders.labels())?;
        Ok(self.content.get_or_init(|| crc))
    }
}

/// The files of an unfinished adaptation.
fn ours() -> impl Iterator<Item = &'static str> {
    [STATE_FILE].into_iter().chain(TENSOR_FILES.as_flattened().iter().copied())
}

/// Reads the state of an unfinished adaptation; `None` if there is none.
fn read(folder: &Path) -> Result<Option<State>, EvalError> {
    let path = folder.join(STATE_FILE);
    if !path.exists() {
        return Ok(None);
    }
    let state: State =
        toml::from_str(&read_text(&path)?).map_err(|error| EvalError::damaged(&path, &error.message()))?;
    if state.format_version != FORMAT_VERSION || state.pair >= TENSOR_FILES.len() {
        let reason = format!("format version {}, or it names no tensors", state.format_version);
        return Err(EvalError::damaged(&path, &reason));
    }
    Ok(Some(state))
}

/// Whether a folder holds nothing but what an unfinished adaptation writes.
#[must_use]
pub fn is_adaptation_only(folder: &Path) -> bool {
    let is_ours = |entry: std::io::Result<std::fs::DirEntry>| {
        entry.is_ok_and(|entry| ours().any(|name| entry.file_name() == name))
    };
    folder.read_dir().is_ok_and(|mut entries| entries.all(is_ours))
}
