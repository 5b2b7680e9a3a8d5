//! From what a user calls a source to images of one kind.

#[cfg(test)]
mod tests;

use std::path::Path;
use std::sync::Arc;

use simgan_data::{
    Concat, Crop, Fitted, Hint, MpiiGazeOptions, NyuDomain, NyuOptions, OnError, Size, Sizes, Source, Target,
    nearest,
};
use simgan_eyes::{EyesError, SimulatorConfig, SimulatorName};

use crate::{DataConfig, DataSize, TrainError};

/// What can be given as a source, for help texts and hints.
pub const SOURCE_FORMS: &str = "a folder of PNG, JPEG, TIFF or BMP images, MPIIGaze's folder (or a person's, or a day file), NYU's hands, \
                                a packed data set, `builtin:eyes` (the built-in eye simulator), `builtin:camera` (its \"real\" domain), \
                                `unityeyes` or `unityeyes:mpiigaze` (UnityEyes' faces, rendered here); a simulator's settings may \
                                follow its name, as in `builtin:eyes,gaze_yaw_deg=-10..10`";

/// What a source is opened for.
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenOptions {
    /// The size that is wanted: a simulator renders it, a folder may then hold images of different sizes. They are not
    /// resized here; [`Fitted`] does.
    pub size: Option<Size>,
    /// 1 or 3: what a simulator renders and a folder is read as; `None` is its own.
    pub channels: Option<usize>,
    /// What is cut out of UnityEyes' renders.
    pub crop: Crop,
    /// Which images of NYU's hands are taken: a folder holds both domains.
    pub domain: NyuDomain,
    /// What to do about a file of many images that cannot be read.
    pub on_error: OnError,
    /// The run's seed: what a simulator renders follows from it.
    pub seed: u64,
}

/// Opens one source: a data set of any layout that [`simgan_data::open`] knows, or a simulator ([`SimulatorName`]).
///
/// # Errors
/// No such simulator, or its assets are missing; a folder that is missing, empty, unreadable, or has images of different sizes without
/// `options.size`.
pub fn open(spec: &str, options: &OpenOptions) -> Result<Arc<dyn Source>, TrainError> {
    if SimulatorName::is_meant(spec) {
        return open_simulator(spec, options);
    }
    let path = Path::new(spec);
    if !path.exists() {
        return Err(TrainError::UnknownSource { spec: spec.to_owned(), hint: missing_hint(spec) });
    }
    let sizes = if options.size.is_some() { Sizes::Mixed } else { Sizes::Same };
    let OpenOptions { channels, crop, domain, on_error, .. } = *options;
    let mpiigaze = MpiiGazeOptions { on_error, ..MpiiGazeOptions::default() };
    let nyu = NyuOptions { domain, ..NyuOptions::default() };
    let options = simgan_data::OpenOptions { sizes, channels, crop, nyu, mpiigaze };
    Ok(simgan_data::open(path, &options)?)
}

/// Opens several sources as one, in the size and with the channels that `data` asks for. `domain` is what they are
/// opened for, where one folder holds both.
///
/// # Errors
/// As [`open`]; there is none; their images have different sizes and `data.size` is `"source"`.
pub fn open_all(
    specs: &[String],
    data: &DataConfig,
    domain: NyuDomain,
    seed: u64,
) -> Result<Arc<dyn Source>, TrainError> {
    let size = match data.size {
        DataSize::Source => None,
        DataSize::Pixels(size) => Some(size),
    };
    let (channels, crop, on_error) = (Some(data.channels), data.crop, data.on_error);
    let options = OpenOptions { size, channels, crop, domain, on_error, seed };
    let target = Target { size, fit: data.fit, channels: Some(data.channels) };
    let mut sources: Vec<Arc<dyn Source>> = Vec::new();
    for spec in specs {
        sources.push(Arc::new(Fitted::new(open(spec, &options)?, target)));
    }
    match sources.len() {
        1 => Ok(sources.remove(0)),
        _ => Ok(Arc::new(Concat::new(sources)?)),
    }
}

/// The source with an absolute path, so that a configuration means the same from every working directory.
///
/// # Errors
/// The working directory is unknown.
pub fn absolute(spec: &str) -> Result<String, TrainError> {
    if SimulatorName::is_meant(spec) {
        return Ok(spec.to_owned());
    }
    let path = std::path::absolute(spec).map_err(TrainError::io(Path::new(spec)))?;
    path.into_os_string().into_string().map_err(|path| TrainError::UnknownSource {
        spec: path.display().to_string(),
        hint: "its path is not Unicode, which a configuration cannot hold; rename it".into(),
    })
}

/// `NAME` or `NAME,KEY=VALUE,…`: a simulator, and settings that differ from its preset's.
fn open_simulator(spec: &str, options: &OpenOptions) -> Result<Arc<dyn Source>, TrainError> {
    let mut parts = spec.split(',');
    let name = parts.next().unwrap_or_default();
    let unknown =
        |_: EyesError| TrainError::UnknownSource { spec: spec.to_owned(), hint: missing_hint(name) };
    let name: SimulatorName = name.parse().map_err(unknown)?;
    let preset = name.config();
    let (width, height) =
        options.size.map_or((preset.width, preset.height), |size| (size.width, size.height));
    let channels = options.channels.unwrap_or(preset.channels);
    let mut config = SimulatorConfig { seed: options.seed, width, height, channels, ..preset };
    parts.try_for_each(|setting| config.set(setting))?;
    Ok(Arc::new(name.open(config)?))
}

fn missing_hint(spec: &str) -> Hint {
    Hint::advice(match nearest(spec, SimulatorName::COMMON) {
        Some(name) => format!("did you mean `{name}`? A source is {SOURCE_FORMS}"),
        None => format!("there is no such folder or simulator; a source is {SOURCE_FORMS}"),
    })
}
