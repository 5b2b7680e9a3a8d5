use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::array::Reader;
use super::bytes::{Bytes, Element, kind};
use super::{Limits, MatError, Variable};

/// Length of the header: text, the place of MATLAB's own data, version and byte order.
const HEADER: usize = 128;

/// All variables of a file of level 5, in its order.
///
/// # Errors
/// Damage, or more content than `limits` allow, with its place; a file of another kind.
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
            kind => return Err(element.data.error(format!("an element of type {kind} is no variable"))),
        });
    }
    Ok(variables)
}

/// Whether the file is big-endian, from its header; says what it is if it is no file of level 5.
fn byte_order(file: &[u8]) -> Result<bool, MatError> {
    let error = |offset, reason: &str| {
        let reason = format!("{reason} (MATLAB's save(…, '-v7') writes files that are read)");
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

/// Whether a file begins as those of MATLAB 7.3 do.
fn is_73(file: &[u8]) -> bool {
    file.starts_with(b"\x89HDF") || file.starts_with(b"MATLAB 7.3")
}

/// Whether the file at a path begins as those of MATLAB 7.3 do.
pub(crate) fn is_73_at(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    File::open(path)?.take(HEADER as u64).read_to_end(&mut start)?;
    Ok(is_73(&start))
}

/// The variable in a compressed element.
fn compressed(packed: Bytes<'_>, reader: &mut Reader) -> Result<Variable, MatError> {
    let mut stream = flate2::read::ZlibDecoder::new(packed.as_slice());
    let mut content = vec![0; 8];
    let damaged = |error: io::Error| packed.error(format!("compressed data is damaged ({error})"));
    stream.read_exact(&mut content).map_err(damaged)?;
    let announced = announced_len(packed.of_inflated(&content))?;
    // Deflate packs at most 1032 to 1: an announced length beyond that is a lie, and takes no memory here.
    if announced / 1032 > packed.len() {
        return Err(packed.error(format!("{announced} bytes cannot unpack from {}", packed.len())));
    }
    reader.charge(announced, &packed)?;
    content.resize(8 + announced, 0);
    stream.read_exact(&mut content[8..]).map_err(damaged)?;
    // Reading on to the end verifies the checksum.
    if stream.read(&mut [0]).map_err(damaged)? > 0 {
        return Err(packed.error("compressed data goes on behind its variable"));
    }
    let Element { kind, data } = packed.of_inflated(&content).element()?;
    if kind != kind::MATRIX {
        return Err(data.error(format!("an element of type {kind} is no variable")));
    }
    let variable = reader.variable(data)?;
    reader.refund(announced);
    Ok(variable)
}

/// How many bytes follow the tag that an unpacked variable starts with.
fn announced_len(tag: Bytes<'_>) -> Result<usize, MatError> {
    let mut numbers = tag.u32s();
    match (numbers.next(), numbers.next()) {
        (Some(kind::MATRIX), Some(length)) => Ok(length as usize),
        _ => Err(tag.error("compressed data is no variable")),
    }
}
