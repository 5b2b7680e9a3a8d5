//! Reads the geometry files and checks that they fit together.

use super::geometry::{Geometry, Shape, Subdivision};
use super::mesh::Mesh;
use super::tables::numbers;
use super::topology::{N_CONTROL, N_MODES, N_SKIN, N_TRIANGLES, N_WEIGHTS};

const MEAN: &str = "Resources/ShapePCA/mesh_mean.txt";
const COMPONENTS: &str = "Resources/ShapePCA/pca_components.txt";
const DEVIATIONS: &str = "Resources/ShapePCA/transformed_std.txt";
const IDXS: &str = "Resources/SubdivData/new_v_idxs_eye_region.txt";
const WEIGHTS: &str = "Resources/SubdivData/new_v_weights_eye_region.txt";
const TRIANGLES: &str = "Resources/SubdivData/new_tris_eye_region.txt";
const EYE_REGION: &str = "eye_region.3ds";
const EYEBALL: &str = "Eyeball/eyeball.3ds";

/// All geometry files, by their paths under `Assets`.
#[cfg(test)]
pub(super) const FILES: [&str; 8] =
    [MEAN, COMPONENTS, DEVIATIONS, IDXS, WEIGHTS, TRIANGLES, EYE_REGION, EYEBALL];

/// A bad file and what is wrong with it.
pub(super) struct Damage {
    /// The file's path under `Assets`.
    pub(super) path: &'static str,
    pub(super) reason: String,
}

/// Reads all geometry files. `read` returns the bytes of a file under `Assets`, or why it cannot be read.
pub(super) fn geometry<F>(read: F) -> Result<Geometry, Damage>
where
    F: Fn(&'static str) -> Result<Vec<u8>, String>,
{
    let shape = Shape {
        mean: table(&read, MEAN, 3 * N_CONTROL)?,
        components: table(&read, COMPONENTS, 3 * N_CONTROL * N_MODES)?,
        deviations: table(&read, DEVIATIONS, N_MODES)?,
    };
    let idxs = table(&read, IDXS, N_SKIN * N_WEIGHTS)?;
    let weights = table(&read, WEIGHTS, N_SKIN * N_WEIGHTS)?;
    let triangles = table(&read, TRIANGLES, 3 * N_TRIANGLES)?;
    Subdivision::check_idxs(&idxs).map_err(damage(IDXS))?;
    Subdivision::check_weights(&weights).map_err(damage(WEIGHTS))?;
    Subdivision::check_triangles(&triangles).map_err(damage(TRIANGLES))?;
    let control = mesh(&read, EYE_REGION)?;
    if control.vertices.len() != N_CONTROL {
        let reason = format!("has {} vertices, not {N_CONTROL}", control.vertices.len());
        return Err(Damage { path: EYE_REGION, reason });
    }
    let eyeball = mesh(&read, EYEBALL)?;
    Geometry::new(shape, Subdivision::new(&idxs, &weights, &triangles), &control, &eyeball)
        .map_err(damage(EYEBALL))
}

fn damage(path: &'static str) -> impl Fn(String) -> Damage {
    move |reason| Damage { path, reason }
}

fn table<T, F>(read: &F, path: &'static str, n_numbers: usize) -> Result<Vec<T>, Damage>
where
    T: std::str::FromStr + Copy + Into<f64>,
    F: Fn(&'static str) -> Result<Vec<u8>, String>,
{
    let text = read(path).and_then(|bytes| String::from_utf8(bytes).map_err(|_| "is not text".to_owned()));
    text.and_then(|text| numbers(&text, n_numbers)).map_err(damage(path))
}

fn mesh<F>(read: &F, path: &'static str) -> Result<Mesh, Damage>
where
    F: Fn(&'static str) -> Result<Vec<u8>, String>,
{
    read(path).and_then(|bytes| Mesh::parse(&bytes)).map_err(damage(path))
}
