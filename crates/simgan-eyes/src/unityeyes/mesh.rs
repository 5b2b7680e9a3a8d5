//! Reads the part of the 3DS format that the assets use: one mesh of vertices, faces and texture coordinates.

/// One mesh, in the file's coordinates.
#[derive(Debug, Default)]
pub(super) struct Mesh {
    pub(super) vertices: Vec<[f32; 3]>,
    pub(super) faces: Vec<[u16; 3]>,
    pub(super) uvs: Vec<[f32; 2]>,
}

const MAIN: u16 = 0x4D4D;
const EDITOR: u16 = 0x3D3D;
const OBJECT: u16 = 0x4000;
const MESH: u16 = 0x4100;
const VERTICES: u16 = 0x4110;
const FACES: u16 = 0x4120;
const UVS: u16 = 0x4140;

impl Mesh {
    /// Reads the first mesh of a file.
    ///
    /// # Errors
    /// Returns what is wrong with the bytes.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let mut mesh = Self::default();
        mesh.read_chunks(bytes, 0)?;
        let n_vertices = mesh.vertices.len();
        if n_vertices == 0 {
            return Err("holds no vertices".to_owned());
        }
        if mesh.uvs.len() != n_vertices {
            return Err(format!("{n_vertices} vertices but {} texture coordinates", mesh.uvs.len()));
        }
        if mesh.faces.iter().flatten().any(|corner| usize::from(*corner) >= n_vertices) {
            return Err("a face names a vertex that does not exist".to_owned());
        }
        let values = mesh.vertices.iter().flatten().chain(mesh.uvs.iter().flatten());
        if values.into_iter().any(|value| !value.is_finite()) {
            return Err("a coordinate is not a number".to_owned());
        }
        Ok(mesh)
    }

    /// Reads the chunks in `bytes`. Chunks nest at most four deep, so a damaged file cannot exhaust the
    /// stack.
    fn read_chunks(&mut self, mut bytes: &[u8], level: usize) -> Result<(), String> {
        while !bytes.is_empty() {
            let [id_low, id_high, a, b, c, d, rest @ ..] = bytes else {
                return Err(format!(
                    "ends inside the head of a chunk, {} bytes before it is whole",
                    6 - bytes.len()
                ));
            };
            let id = u16::from_le_bytes([*id_low, *id_high]);
            let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
            if length < 6 || length > bytes.len() {
                return Err(format!("chunk {id:04x} says {length} bytes where {} are left", bytes.len()));
            }
            self.read_chunk(id, &rest[..length - 6], level)?;
            bytes = &bytes[length..];
        }
        Ok(())
    }

    fn read_chunk(&mut self, id: u16, body: &[u8], level: usize) -> Result<(), String> {
        match id {
            MAIN | EDITOR | MESH if level < 4 => self.read_chunks(body, level + 1)?,
            OBJECT if level < 4 => {
                let name_end =
                    body.iter().position(|byte| *byte == 0).ok_or("an object's name does not end")?;
                self.read_chunks(&body[name_end + 1..], level + 1)?;
            }
            // Only the first list of each kind counts: that of the first mesh.
            VERTICES if self.vertices.is_empty() => self.vertices = records(body, f32::from_le_bytes)?,
            UVS if self.uvs.is_empty() => self.uvs = records(body, f32::from_le_bytes)?,
            FACES if self.faces.is_empty() => {
                let faces: Vec<[u16; 4]> = records(body, u16::from_le_bytes)?;
                self.faces = faces.into_iter().map(|[a, b, c, _flags]| [a, b, c]).collect();
            }
            _ => {}
        }
        Ok(())
    }
}

/// Reads a 16-bit count and that many records of `N` values of `SIZE` bytes each.
fn records<T: Copy + Default, const N: usize, const SIZE: usize>(
    body: &[u8],
    value: impl Fn([u8; SIZE]) -> T,
) -> Result<Vec<[T; N]>, String> {
    let [low, high, body @ ..] = body else { return Err("a list without its length".to_owned()) };
    let n_records = usize::from(u16::from_le_bytes([*low, *high]));
    let bytes = body
        .get(..n_records * N * SIZE)
        .ok_or_else(|| format!("a list of {n_records} is cut off after {} bytes", body.len()))?;
    let mut values = bytes.chunks_exact(SIZE).map(|chunk| {
        let mut raw = [0; SIZE];
        raw.copy_from_slice(chunk);
        value(raw)
    });
    Ok((0..n_records).map(|_| std::array::from_fn(|_| values.next().unwrap_or_default())).collect())
}
