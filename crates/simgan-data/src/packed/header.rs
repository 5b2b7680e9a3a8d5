use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::columns::ColumnName;
use crate::{BitDepth, ImageSpec, Size};

/// The header of a packed file: safetensors' JSON header.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Header {
    #[serde(rename = "__metadata__")]
    metadata: BTreeMap<String, String>,
    #[serde(flatten)]
    tensors: BTreeMap<String, TensorInfo>,
    #[serde(skip)]
    data_start: u64,
}

/// A tensor's entry in the safetensors header.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct TensorInfo {
    pub(super) dtype: String,
    pub(super) shape: Vec<usize>,
    pub(super) data_offsets: [u64; 2],
}

/// Where a tensor's rows are stored.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tensor {
    /// Byte offset of the first row in the file.
    pub(super) start: u64,
    pub(super) n_rows: usize,
    pub(super) row_bytes: usize,
}

/// Bytes before the data: the header's length, then the header padded with blanks, which safetensors allows.
/// A fixed size, so that the header can be written last. Version 1 had 4096; annotation names need more.
pub(super) const DATA_START: u64 = 1 << 16;
const FORMAT: &str = "simgan packed data set";
/// The version that this program writes.
pub(super) const VERSION: &str = "2";
/// The versions that this program reads.
const VERSIONS: [&str; 2] = ["1", VERSION];

impl Header {
    pub(super) fn new(
        source: &str,
        columns: &[ColumnName],
        tensors: BTreeMap<String, TensorInfo>,
    ) -> Result<Self, serde_json::Error> {
        let columns = serde_json::to_string(columns)?;
        let metadata =
            [("format", FORMAT), ("version", VERSION), ("source", source), ("annotations", &columns)];
        let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        Ok(Self { metadata, tensors, data_start: DATA_START })
    }

    /// The first [`DATA_START`] bytes of the file.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let json = serde_json::to_vec(self).map_err(|error| error.to_string())?;
        let room = DATA_START as usize - 8;
        if json.len() > room {
            return Err(format!("its header takes {} bytes, more than {room}", json.len()));
        }
        let mut bytes = (room as u64).to_le_bytes().to_vec();
        bytes.extend(json);
        bytes.resize(DATA_START as usize, b' ');
        Ok(bytes)
    }

    /// Opens a file, then reads and checks its header.
    pub(super) fn read(path: &Path) -> Result<(File, Self), String> {
        let io = |error: std::io::Error| error.to_string();
        let mut file = File::open(path).map_err(io)?;
        let file_len = file.metadata().map_err(io)?.len();
        let mut length = [0; 8];
        file.read_exact(&mut length).map_err(|_| "no packed data set: it is too short".to_owned())?;
        let length = u64::from_le_bytes(length);
        // Bound the allocation below: any 8 bytes may stand here.
        if length > 1 << 20 || length + 8 > file_len {
            return Err("no packed data set: its header has an invalid length".to_owned());
        }
        let mut json = vec![0; length as usize];
        file.read_exact(&mut json).map_err(io)?;
        let mut header: Self =
            serde_json::from_slice(&json).map_err(|error| format!("no packed data set: {error}"))?;
        header.data_start = length + 8;
        header.check(file_len - header.data_start)?;
        Ok((file, header))
    }

    fn check(&self, data_len: u64) -> Result<(), String> {
        if self.metadata.get("format").is_none_or(|format| format != FORMAT) {
            return Err("a safetensors file, but no packed data set".to_owned());
        }
        match self.metadata.get("version").map(String::as_str) {
            Some(version) if VERSIONS.contains(&version) => {}
            version => {
                return Err(format!("format version {} is not known", version.unwrap_or("(none)")));
            }
        }
        let end = self.tensors.values().map(|info| info.data_offsets[1]).max().unwrap_or(0);
        if end != data_len {
            return Err(format!("{data_len} bytes of data instead of {end}: it was cut short or changed"));
        }
        Ok(())
    }

    pub(super) fn version(&self) -> &str {
        self.metadata.get("version").map_or("", String::as_str)
    }

    /// The names and kinds of the annotation columns.
    pub(super) fn columns(&self) -> Result<Vec<ColumnName>, String> {
        let text = self.metadata.get("annotations").map_or("", String::as_str);
        serde_json::from_str(text).map_err(|error| format!("its list of annotations is damaged: {error}"))
    }

    pub(super) fn source(&self) -> &str {
        self.metadata.get("source").map_or("", String::as_str)
    }

    /// The number of images and their spec.
    pub(super) fn images(&self) -> Result<(usize, ImageSpec), String> {
        let images = self.tensors.get("images");
        let shape = images.map(|info| &info.shape[..]);
        // An unknown type is left to `Packed::open`, which reports it.
        let is_kind = |depth: &BitDepth| images.is_some_and(|info| info.dtype == super::dtype(*depth));
        let depth = [BitDepth::Sixteen, BitDepth::Float].into_iter().find(is_kind);
        let sizes = 1..=Size::MAX;
        match shape {
            Some(&[n, channels @ (1 | 3), height, width])
                if n > 0 && sizes.contains(&height) && sizes.contains(&width) =>
            {
                Ok((n, ImageSpec { channels, height, width, depth: depth.unwrap_or(BitDepth::Eight) }))
            }
            _ => Err(format!("its images have the shape {shape:?} instead of N, 1 or 3, height, width")),
        }
    }

    /// Finds a tensor and checks its type and shape; `None` if it is absent.
    pub(super) fn tensor(&self, name: &str, kind: &str, shape: &[usize]) -> Result<Option<Tensor>, String> {
        let Some(info) = self.tensors.get(name) else { return Ok(None) };
        let size = match kind {
            "U8" => 1,
            "U16" => 2,
            "F32" | "U32" => 4,
            _ => 8,
        };
        let [start, end] = info.data_offsets;
        let n_rows = shape[0];
        // Sides come from the file. A side of 0 hides an overflow of the others, so each product is checked.
        let row_bytes = shape[1..].iter().try_fold(size, |n: usize, side| n.checked_mul(*side));
        let row_bytes = row_bytes.ok_or_else(|| format!("its tensor \"{name}\" is too large"))?;
        let length = (row_bytes as u64).checked_mul(n_rows as u64);
        if info.dtype != kind || info.shape != shape || length.is_none() || end.checked_sub(start) != length {
            let found = (&info.dtype, &info.shape, end.wrapping_sub(start));
            return Err(format!("its tensor \"{name}\" is {found:?} instead of {kind} {shape:?}"));
        }
        Ok(Some(Tensor { start: self.data_start + start, n_rows, row_bytes }))
    }

    /// Finds a tensor of any shape and splits it into rows of `row_bytes` bytes.
    pub(super) fn rows(&self, name: &str, kind: &str, row_bytes: usize) -> Result<Tensor, String> {
        let shape = self.tensors.get(name).map(|info| info.shape.clone());
        let shape = shape.filter(|shape| !shape.is_empty());
        let shape = shape.ok_or_else(|| format!("its tensor \"{name}\" is missing"))?;
        let whole = self.tensor(name, kind, &shape)?;
        let whole = whole.ok_or_else(|| format!("its tensor \"{name}\" is missing"))?;
        // `tensor` compared the product with the file's length, which no overflow passes.
        let n_bytes = whole.n_rows * whole.row_bytes;
        if !n_bytes.is_multiple_of(row_bytes) {
            return Err(format!(
                "its tensor \"{name}\" has the shape {shape:?}, which is not a whole number of rows"
            ));
        }
        Ok(Tensor { n_rows: n_bytes / row_bytes, row_bytes, ..whole })
    }
}
