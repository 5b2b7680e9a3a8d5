use std::path::Path;

use candle_core::{Device, Tensor};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::file::{TensorFile, write_atomically};
use crate::run_folder::{FileMark, Seal};
use crate::{Layout, ModelError, Parameters, Refiner, RefinerConfig, regular, write_tensors};

/// Name of the file with the parameters in a refiner's folder.
pub const REFINER_FILE: &str = "refiner.safetensors";
/// Name of the file with the config in a refiner's folder.
pub const REFINER_CONFIG_FILE: &str = "refiner.toml";

const FORMAT_VERSION: u32 = 1;

/// The contents of `refiner.toml`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RefinerFile<R> {
    format_version: u32,
    /// [`RefinerImages::range`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    range: Option<[f32; 2]>,
    /// [`RefinerImages::tone`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tone: Option<ToneStage>,
    refiner: R,
}

/// What happens to the tones of an image before the network sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum ToneStage {
    /// Its histogram is equalised.
    Equalize {},
    /// It gets the tones of the real images of the training.
    Match {
        /// Percentiles 0 to 100 of the real images' luma, in [−1, 1].
        percentiles: Vec<f32>,
    },
}

impl ToneStage {
    /// Returns what is wrong with the percentiles, if anything is.
    fn check(&self) -> Result<(), String> {
        let Self::Match { percentiles } = self else { return Ok(()) };
        let is_valid = percentiles.len() == 101
            && percentiles.is_sorted()
            && percentiles.iter().all(|value| (-1.0..=1.0).contains(value));
        let wrong = || "tone.percentiles are not 101 ascending numbers from -1 to 1".to_owned();
        if is_valid { Ok(()) } else { Err(wrong()) }
    }
}

/// The images that a refiner was trained on, as `refiner.toml` tells them.
#[derive(Clone, Debug, PartialEq)]
pub struct RefinerImages {
    /// Number of channels.
    pub channels: usize,
    /// The stored values that stand for −1 and 1 before the network, in ascending order; `None` is the whole
    /// scale of the images' bit depth.
    pub range: Option<[f32; 2]>,
    /// What happens to their tones before the network; `None` for nothing.
    pub tone: Option<ToneStage>,
}

impl From<usize> for RefinerImages {
    /// Images of this number of channels, on their whole scale.
    fn from(channels: usize) -> Self {
        Self { channels, range: None, tone: None }
    }
}

/// `[refiner]` for writing. It is read as a table instead, since serde's `flatten` does not reject unknown
/// keys.
#[derive(Serialize)]
struct Written<'a> {
    channels: usize,
    #[serde(flatten)]
    config: &'a RefinerConfig,
}

/// Reads the config and the number of channels from `[refiner]`. Missing values default to the paper's, for
/// gray images.
fn read_config(read: Table) -> Result<(RefinerConfig, usize), Box<dyn std::error::Error>> {
    let mut table = Table::try_from(RefinerConfig::default())?;
    table.extend(read);
    let channels = table.remove("channels").map(Value::try_into).transpose()?.unwrap_or(1);
    Ok((table.try_into()?, channels))
}

/// Writes a refiner into an existing folder: `refiner.safetensors` and `refiner.toml`, each atomically.
///
/// `images` are those that it refines, or their number of channels; `tensors` are the values of the
/// parameters ([`Parameters::tensors`], or a running average under the same names).
///
/// # Errors
///
/// If a file cannot be written.
pub fn save_refiner(
    folder: &Path,
    config: &RefinerConfig,
    images: impl Into<RefinerImages>,
    tensors: &[(String, Tensor)],
) -> Result<(), ModelError> {
    let path = folder.join(REFINER_CONFIG_FILE);
    let RefinerImages { channels, range, tone } = images.into();
    let refiner = Written { channels, config };
    let file = RefinerFile { format_version: FORMAT_VERSION, range, tone, refiner };
    let text = toml::to_string(&file).map_err(|e| ModelError::damaged(&path, &e))?;
    // A refiner without noise keeps the file, and the checksum, that it had before there was noise.
    let text = text.replace("noise_channels = 0\n", "").replace("grain_channels = 0\n", "");
    let text = text.replace("holes = false\n", "").replace("skip = false\n", "").replace("relief = 0\n", "");
    write_atomically(&path, text.as_bytes())?;
    write_tensors(&folder.join(REFINER_FILE), tensors)
}

/// Reads a refiner written by [`save_refiner`] for inference: its parameters have no gradients.
///
/// In a checkpoint, both files must have the checksums that its `state.toml` records. The weights' names and
/// shapes are compared with the config before the network takes memory.
///
/// # Errors
///
/// If a file is missing, damaged, no plain file, of another format version, or the two do not belong
/// together.
pub fn load_refiner(folder: &Path, device: &Device) -> Result<Refiner, ModelError> {
    let seal = Seal::read(folder)?;
    let read = |name: &str, max_bytes| {
        let path = folder.join(name);
        let bytes = regular::read(&path, max_bytes).map_err(ModelError::io(&path))?;
        seal.as_ref().map_or(Ok(()), |seal| seal.check(folder, name, FileMark::of_bytes(&bytes)))?;
        Ok::<_, ModelError>((path, bytes))
    };
    let (path, bytes) = read(REFINER_CONFIG_FILE, regular::MAX_TEXT)?;
    let about = parse(&bytes).map_err(|reason| ModelError::damaged(&path, &reason))?;
    let (config, RefinerImages { channels, range, .. }) = about;
    let layout = Layout::of(|vb| Refiner::new(&config, channels, vb));
    // The values come from the file, so the error must name it.
    let layout = layout.map_err(|error| ModelError::damaged(&path, &error))?;
    let (path, bytes) = read(REFINER_FILE, layout.max_bytes())?;
    let file = TensorFile::new(&path, bytes)?;
    file.check(&layout)?;
    // Any seed will do: loading replaces every initial value.
    let parameters = Parameters::new(0, device);
    let refiner = Refiner::new(&config, channels, parameters.var_builder())?;
    parameters.set(&file)?;
    Ok(refiner.with_range(range).frozen())
}

/// Reads what kind of images a refiner written by [`save_refiner`] refines.
///
/// # Errors
///
/// If `refiner.toml` is missing, damaged, or of another format version.
pub fn load_refiner_images(folder: &Path) -> Result<RefinerImages, ModelError> {
    let path = folder.join(REFINER_CONFIG_FILE);
    let bytes = regular::read(&path, regular::MAX_TEXT).map_err(ModelError::io(&path))?;
    parse(&bytes).map(|(_, images)| images).map_err(|reason| ModelError::damaged(&path, &reason))
}

/// Returns the checksum (CRC-32C, hexadecimal) of a refiner's config and weights: copies of a checkpoint count
/// as the same refiner.
///
/// # Errors
///
/// If a file cannot be read.
pub fn refiner_crc32c(folder: &Path) -> Result<String, ModelError> {
    let mut crc = 0;
    // The config counts too: its border rule changes the output and shows in no weight.
    for name in [REFINER_CONFIG_FILE, REFINER_FILE] {
        let path = folder.join(name);
        let bytes = regular::read(&path, u64::MAX).map_err(ModelError::io(&path))?;
        crc = crc32c::crc32c_append(crc, &bytes);
    }
    Ok(format!("{crc:08x}"))
}

/// Reads the content of `refiner.toml`.
fn parse(bytes: &[u8]) -> Result<(RefinerConfig, RefinerImages), Box<dyn std::error::Error>> {
    let file: RefinerFile<Table> = toml::from_str(std::str::from_utf8(bytes)?)?;
    if file.format_version != FORMAT_VERSION {
        let found = file.format_version;
        return Err(format!("format version {found}, this program reads {FORMAT_VERSION}").into());
    }
    file.tone.as_ref().map_or(Ok(()), ToneStage::check)?;
    if let Some([min, max]) = file.range.filter(|[min, max]| !(min < max && (max - min).is_finite())) {
        return Err(format!("range = [{min}, {max}] is not ascending and finite").into());
    }
    let (config, channels) = read_config(file.refiner)?;
    Ok((config, RefinerImages { channels, range: file.range, tone: file.tone }))
}
