use super::bytes::{Bytes, Element, kind};
use super::numbers::{self, size_in_memory, size_of_kind};
use super::{Array, Data, Limits, MatError, Numbers, Variable};

/// Reads arrays and accounts for the memory they take.
pub(super) struct Reader {
    limits: Limits,
    bytes: usize,
    arrays: usize,
}

/// The parts that every array begins with.
struct Header {
    class: u32,
    complex: bool,
    logical: bool,
    dims: Vec<usize>,
    len: usize,
    name: String,
}

/// Maximum number of dimensions; NumPy 1 has the same limit.
const MAX_DIMS: usize = 32;

impl Reader {
    pub(super) fn new(limits: Limits) -> Self {
        Self { limits, bytes: 0, arrays: 0 }
    }

    /// Reads the variable in a matrix element.
    pub(super) fn variable(&mut self, content: Bytes<'_>) -> Result<Variable, MatError> {
        let (name, array) = self.array(content, 0)?;
        Ok(Variable { name, array })
    }

    /// Accounts for memory before it is allocated.
    pub(super) fn charge(&mut self, n_bytes: usize, at: &Bytes<'_>) -> Result<(), MatError> {
        self.bytes = self.bytes.saturating_add(n_bytes);
        if self.bytes > self.limits.bytes {
            return Err(at.error(format!("more than the limit of {} bytes are needed", self.limits.bytes)));
        }
        Ok(())
    }

    /// Releases accounted memory.
    pub(super) fn refund(&mut self, n_bytes: usize) {
        self.bytes -= n_bytes;
    }

    fn array(&mut self, mut content: Bytes<'_>, depth: usize) -> Result<(String, Array), MatError> {
        self.arrays += 1;
        if self.arrays > self.limits.arrays {
            return Err(content.error(format!("more than the limit of {} arrays", self.limits.arrays)));
        }
        if depth > self.limits.depth {
            return Err(content.error(format!("nested deeper than the limit of {}", self.limits.depth)));
        }
        // What even an empty array takes, so that a million of them cannot go unnoticed.
        self.charge(size_of::<Array>() + size_of::<[usize; 2]>(), &content)?;
        if content.is_empty() {
            // MATLAB writes an empty cell or field without any content.
            let data = Data::Real(Numbers::F64(Vec::new()));
            return Ok((String::new(), Array { dims: vec![0, 0], data }));
        }
        let header = header(&mut content)?;
        let data = self.data(&header, &mut content, depth)?;
        Ok((header.name, Array { dims: header.dims, data }))
    }

    fn data(&mut self, header: &Header, content: &mut Bytes<'_>, depth: usize) -> Result<Data, MatError> {
        match header.class {
            1 => Ok(Data::Cell(self.nested(header.len, content, depth)?)),
            2 => self.fields(None, header.len, content, depth),
            3 => {
                let class = text(content.element()?)?;
                self.fields(Some(class), header.len, content, depth)
            }
            4 => self.text(header.len, content),
            5 => self.sparse(header, content),
            6..=15 if header.logical => {
                let values = self.numbers(header.class, header.len, content)?;
                self.charge(header.len, content)?;
                Ok(Data::Logical(truths(&values)))
            }
            6..=15 => self.real_or_complex(header.class, header.complex, header.len, content),
            16 => Ok(Data::Opaque("function")),
            17 => Ok(Data::Opaque("opaque")),
            class => Err(content.error(format!("{class} is not a class"))),
        }
    }

    /// Reads `n` consecutive arrays.
    fn nested(&mut self, n: usize, content: &mut Bytes<'_>, depth: usize) -> Result<Vec<Array>, MatError> {
        // No capacity is reserved, since `n` may be a lie: the content runs out before the memory does.
        let mut arrays = Vec::new();
        for _ in 0..n {
            let Element { kind, data } = content.element()?;
            if kind != kind::MATRIX {
                return Err(data.error(format!("an element of type {kind} is not an array")));
            }
            arrays.push(self.array(data, depth + 1)?.1);
        }
        Ok(arrays)
    }

    fn fields(
        &mut self,
        class: Option<String>,
        len: usize,
        content: &mut Bytes<'_>,
        depth: usize,
    ) -> Result<Data, MatError> {
        let length = content.element()?;
        let name_len = length.data.u32s().next().unwrap_or(0) as usize;
        let names = content.element()?;
        if name_len == 0 && !names.data.is_empty() {
            return Err(length.data.error("the length of field names is missing"));
        }
        self.charge(names.data.len().saturating_mul(2), &names.data)?;
        let to_zero = |name: &[u8]| {
            let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
            String::from_utf8_lossy(&name[..end]).into_owned()
        };
        let fields: Vec<String> = names.data.as_slice().chunks(name_len.max(1)).map(to_zero).collect();
        let n_values = fields.len().saturating_mul(len);
        let values = self.nested(n_values, content, depth)?;
        Ok(Data::Struct { class, fields, values })
    }

    fn text(&mut self, len: usize, content: &mut Bytes<'_>) -> Result<Data, MatError> {
        let Element { kind, data } = content.element()?;
        self.charge(data.len().saturating_mul(4), &data)?;
        let bytes = data.as_slice();
        let units: Vec<u16> = match kind {
            kind::INT8 | kind::UINT8 => bytes.iter().map(|&byte| byte.into()).collect(),
            kind::UTF8 => String::from_utf8_lossy(bytes).encode_utf16().collect(),
            kind::INT16 | kind::UINT16 | kind::UTF16 => {
                let unit = if data.big_endian { u16::from_be_bytes } else { u16::from_le_bytes };
                bytes.as_chunks().0.iter().map(|bytes| unit(*bytes)).collect()
            }
            kind::INT32 | kind::UINT32 | kind::UTF32 => {
                let character = |number| char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER);
                data.u32s().map(character).collect::<String>().encode_utf16().collect()
            }
            kind => return Err(data.error(format!("an element of type {kind} is not text"))),
        };
        if units.is_empty() && len > 0 {
            // MATLAB sometimes omits the content of text that is all blanks.
            self.charge(len.saturating_mul(2), &data)?;
            return Ok(Data::Text(vec![u16::from(b' '); len]));
        }
        if units.len() != len {
            return Err(data.error(format!("{} characters instead of {len}", units.len())));
        }
        Ok(Data::Text(units))
    }

    fn real_or_complex(
        &mut self,
        class: u32,
        complex: bool,
        len: usize,
        content: &mut Bytes<'_>,
    ) -> Result<Data, MatError> {
        let real = self.numbers(class, len, content)?;
        if !complex {
            return Ok(Data::Real(real));
        }
        Ok(Data::Complex(real, self.numbers(class, len, content)?))
    }

    fn numbers(&mut self, class: u32, len: usize, content: &mut Bytes<'_>) -> Result<Numbers, MatError> {
        let stored = content.element()?;
        let size = size_of_kind(stored.kind).unwrap_or(1);
        if len.checked_mul(size) != Some(stored.data.len()) {
            let n_bytes = stored.data.len();
            return Err(stored
                .data
                .error(format!("{n_bytes} bytes do not hold {len} numbers of {size} bytes")));
        }
        let memory = size_in_memory(class, stored).unwrap_or(8).saturating_mul(len);
        self.charge(memory, &stored.data)?;
        numbers::numbers(class, stored)
    }

    fn sparse(&mut self, header: &Header, content: &mut Bytes<'_>) -> Result<Data, MatError> {
        let &[n_rows, n_columns] = &header.dims[..] else {
            return Err(content.error("a sparse matrix must have two sizes"));
        };
        let start = *content;
        let rows = self.indices(content)?;
        let columns = self.indices(content)?;
        let in_order = columns.first() == Some(&0) && columns.is_sorted() && columns.len() == n_columns + 1;
        let n_values = columns.last().copied().unwrap_or(0);
        if !in_order || n_values > rows.len() || rows.iter().take(n_values).any(|&row| row >= n_rows) {
            return Err(start.error("the rows and columns of a sparse matrix are inconsistent"));
        }
        let values = if header.logical {
            Data::Logical(self.sparse_logical(n_values, rows.len(), content)?)
        } else {
            let n_stored = stored_len(content)?;
            if n_stored < n_values {
                return Err(content.error(format!("{n_stored} values instead of {n_values}")));
            }
            let mut values = self.real_or_complex(6, header.complex, n_stored, content)?;
            shorten(&mut values, n_values);
            values
        };
        let rows = rows[..n_values].to_vec();
        Ok(Data::Sparse { rows, columns, values: Box::new(values) })
    }

    /// Reads `n_values` truth values of `n_stored` slots. MATLAB declares them as doubles but writes bytes.
    fn sparse_logical(
        &mut self,
        n_values: usize,
        n_stored: usize,
        content: &mut Bytes<'_>,
    ) -> Result<Vec<bool>, MatError> {
        let Element { kind, data } = content.element()?;
        let is_double = kind == kind::DOUBLE && data.len() == n_stored.saturating_mul(8);
        let size = if is_double { 8 } else { 1 };
        if !matches!(kind, kind::DOUBLE | kind::INT8 | kind::UINT8) || data.len() / size < n_values {
            return Err(data.error(format!("{} bytes do not hold {n_values} truth values", data.len())));
        }
        self.charge(n_values, &data)?;
        let values = data.as_slice().chunks_exact(size).take(n_values);
        Ok(values.map(|bytes| bytes.iter().any(|&byte| byte != 0)).collect())
    }

    fn indices(&mut self, content: &mut Bytes<'_>) -> Result<Vec<usize>, MatError> {
        let Element { kind, data } = content.element()?;
        if !matches!(kind, kind::INT32 | kind::UINT32) {
            return Err(data.error(format!("an element of type {kind} holds no indices")));
        }
        self.charge(data.len().saturating_mul(4), &data)?;
        Ok(data.u32s().map(|index| index as usize).collect())
    }
}

/// Reads an array's flags, dimensions and name.
fn header(content: &mut Bytes<'_>) -> Result<Header, MatError> {
    let flags = content.element()?;
    let word = flags.data.u32s().next().filter(|_| flags.kind == kind::UINT32);
    let word = word.ok_or_else(|| flags.data.error("an array starts without its flags"))?;
    let class = word & 0xFF;
    let (complex, logical) = (word & 0x0800 != 0, word & 0x0200 != 0);
    if class == 17 {
        // Opaque objects have no dimensions.
        let name = text(content.element()?)?;
        return Ok(Header { class, complex, logical, dims: vec![1, 1], len: 1, name });
    }
    let sizes = content.element()?;
    let (dims, len) = dims(sizes)?;
    let name = text(content.element()?)?;
    Ok(Header { class, complex, logical, dims, len, name })
}

fn dims(sizes: Element<'_>) -> Result<(Vec<usize>, usize), MatError> {
    let bytes = sizes.data;
    let n_dims = bytes.len() / 4;
    if !matches!(sizes.kind, kind::INT32 | kind::UINT32) || !(2..=MAX_DIMS).contains(&n_dims) {
        return Err(bytes.error(format!("an array has 2 to {MAX_DIMS} sizes of 32 bits, not {n_dims}")));
    }
    let dims: Vec<usize> = bytes.u32s().map(|size| size as usize).collect();
    let len = dims.iter().try_fold(1usize, |product, &size| product.checked_mul(size));
    let negative = dims.iter().any(|&size| size > i32::MAX as usize);
    match len {
        Some(len) if !negative => Ok((dims, len)),
        _ => Err(bytes.error("an array's sizes are negative or too large")),
    }
}

/// Reads a name, which MATLAB restricts to ASCII.
fn text(element: Element<'_>) -> Result<String, MatError> {
    let bytes = element.data.as_slice();
    let is_text = matches!(element.kind, kind::INT8 | kind::UINT8 | kind::UTF8);
    match std::str::from_utf8(bytes) {
        Ok(text) if is_text && text.is_ascii() => Ok(text.to_owned()),
        _ => Err(element.data.error("a name is not ASCII text")),
    }
}

/// Number of values in the next element, without consuming it.
fn stored_len(content: &Bytes<'_>) -> Result<usize, MatError> {
    let Element { kind, data } = { *content }.element()?;
    Ok(data.len() / size_of_kind(kind).unwrap_or(1))
}

fn truths(numbers: &Numbers) -> Vec<bool> {
    match numbers {
        Numbers::U8(values) => values.iter().map(|&value| value != 0).collect(),
        other => other.to_f64().into_iter().map(|value| value != 0.0).collect(),
    }
}

/// Drops the spare slots that a sparse matrix reserves for more values.
fn shorten(values: &mut Data, len: usize) {
    let cut = |numbers: &mut Numbers| {
        if let Numbers::F64(values) = numbers {
            values.truncate(len);
        }
    };
    match values {
        Data::Real(real) => cut(real),
        Data::Complex(real, imaginary) => {
            cut(real);
            cut(imaginary);
        }
        _ => {}
    }
}
