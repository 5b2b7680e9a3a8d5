use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::array::Reader;
use super::bytes::{Bytes, Element, kind};
use super::{Limits, MatError, Variable};

/// Length of the header: text, the offset of MATLAB's own data, version and byte order.
const HEADER: usize = 128;

/// Reads all variables of a level 5 file, in file order.
///
/// # Errors
/// The file is damaged or exceeds `limits`, with the position; or it is of another kind.
pub fn read(file: &[u8], limits: &Limits) -> Result<Vec<Variable>, MatError> {
    let mut bytes = Bytes::of_file(file, byte_order(file)?);
    bytes.take(HEADER)?;
    let mut reader = Reader::new(*limits);
    let mut variables = Vec::new();
    while !bytes.is_empty() {
        let element = bytes.element()?;
        variables.push(match element.kind {
            kind::MATRIX => reader.variable(element.data)?,
            kind::COMPRESSED => compressed(element.data, &mut reader)?,
            kind => return Err(element.data.error(format!("an element of type {kind} is not a variable"))),
        });
    }
    Ok(variables)
}

/// Whether the file is big-endian, from its header; the error says what the file is if it is not of level 5.
fn byte_order(file: &[u8]) -> Result<bool, MatError> {
    let error = |offset, reason: &str| {
        let reason = format!("{reason} (MATLAB's save(…, '-v7') writes a supported file)");
        Err(MatError { offset, inflated: None, reason })
    };
    if is_73(file) {
        return error(0, "a MATLAB 7.3 file, which is HDF5 and not read");
    }
    let Some(header) = file.get(..HEADER) else {
        return error(file.len(), "too short for a MATLAB file");
    };
    if header[..4].contains(&0) {
        return error(0, "no MATLAB file of level 5, perhaps one of level 4");
    }
    match (&header[126..128], u16::from_le_bytes([header[124], header[125]])) {
        (b"IM", 0x0100) => Ok(false),
        (b"MI", 0x0001) => Ok(true),
        (b"IM", 0x0200) | (b"MI", 0x0002) => error(124, "a MATLAB 7.3 file, which is HDF5 and not read"),
        _ => error(124, "no MATLAB file of level 5: its version and byte order make no sense"),
    }
}

/// Whether a file begins like one of MATLAB 7.3.
fn is_73(file: &[u8]) -> bool {
    file.starts_with(b"\x89HDF") || file.starts_with(b"MATLAB 7.3")
}

/// Whether the file at a path begins like one of MATLAB 7.3.
pub(crate) fn is_73_at(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(HEADER as u64).read_to_end(&mut start)?;
    Ok(is_73(&start))
}

/// Unpacks and reads the variable in a compressed element.
fn compressed(packed: Bytes<'_>, reader: &mut Reader) -> Result<Variable, MatError> {
    let mut stream = flate2::read::ZlibDecoder::new(packed.as_slice());
    let mut content = vec![0; 8];
    let damaged = |error: io::Error| packed.error(format!("compressed data is damaged ({error})"));
    stream.read_exact(&mut content).map_err(damaged)?;
    let announced = announced_len(packed.of_inflated(&content))?;
    // Deflate packs at most 1032 to 1: a longer announced length is a lie and must not allocate memory.
    if announced / 1032 > packed.len() {
        return Err(packed.error(format!("{announced} bytes cannot unpack from {}", packed.len())));
    }
    reader.charge(announced, &packed)?;
    content.resize(8 + announced, 0);
    stream.read_exact(&mut content[8..]).map_err(damaged)?;
    // Read to the end of the stream, which verifies the checksum.
    if stream.read(&mut [0]).map_err(damaged)? > 0 {
        return Err(packed.error("compressed data continues after its variable"));
    }
    let Element { kind, data } = packed.of_inflated(&content).element()?;
    if kind != kind::MATRIX {
        return Err(data.error(format!("an element of type {kind} is not a variable")));
    }
    let variable = reader.variable(data)?;
    // `content` is freed on return; only the arrays built from it stay.
    reader.refund(announced);
    Ok(variable)
}

/// Number of bytes after the tag at the start of an unpacked variable.
fn announced_len(tag: Bytes<'_>) -> Result<usize, MatError> {
    let mut numbers = tag.u32s();
    match (numbers.next(), numbers.next()) {
        (Some(kind::MATRIX), Some(length)) => Ok(length as usize),
        _ => Err(tag.error("compressed data is not a variable")),
    }
}
