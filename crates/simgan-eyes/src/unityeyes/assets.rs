use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::geometry::Geometry;
use super::reading::{self, Damage};
use super::texture::{Texture, read_image};
use crate::EyesError;
use crate::math::{Color, vec3};

/// UnityEyes' meshes, shape model and textures, read from its `Assets` folder and ready to render. They take
/// about 40 MB of memory; share them by `Arc`.
///
/// The files come from <https://github.com/alexanderdsmith/UnityEyes2>, commit 156a24a (MIT, © Erroll Wood
/// and others). They are not part of this crate: the user fetches them. Cite Wood et al., "Learning an
/// appearance-based gaze estimator from one million synthesised images", ETRA 2016.
///
/// ```no_run
/// use std::{path::Path, sync::Arc};
///
/// use simgan_eyes::{Assets, SimulatorConfig, unityeyes};
///
/// let folder = Path::new("UnityEyes2"); // holds the folder `Assets`
/// Assets::prepare(folder)?; // once: later calls of `open` are quick
/// let eyes = unityeyes(Arc::new(Assets::open(folder)?), SimulatorConfig::unityeyes_mpiigaze())?;
/// eyes.render_to(Path::new("renders"), 0..100)?;
/// # Ok::<(), simgan_eyes::EyesError>(())
/// ```
pub struct Assets {
    pub(super) geometry: Geometry,
    pub(super) skins: Vec<Skin>,
    pub(super) irises: Vec<Texture>,
}

/// The textures of one face.
pub(super) struct Skin {
    pub(super) color: Texture,
    pub(super) look_down: Texture,
}

/// Names of the 20 faces.
pub(super) const SKINS: [&str; 20] = [
    "f01", "f02", "f03", "f04", "f05", "m01", "m02", "m03", "m04", "m05", "m06", "m07", "m08", "m09", "m10",
    "m11", "m12", "m13", "m14", "m15",
];
/// Names of the irises; the second is drawn most often.
pub(super) const IRISES: [&str; 5] =
    ["eyeball_amber", "eyeball_brown", "eyeball_green", "eyeball_grey", "eyeball_grey_1"];
/// Maximum size of a geometry file; a longer one is not read.
const MAX_BYTES: u64 = 4 << 20;
/// Folder of the shrunken textures; its name holds their side in pixels.
const PREPARED: &str = "prepared-512";

impl Assets {
    /// Returns the folder that should hold the assets: the environment variable `SIMGAN_UNITYEYES2`, else
    /// `data/raw/unityeyes2`.
    #[must_use]
    pub fn root() -> PathBuf {
        std::env::var_os("SIMGAN_UNITYEYES2")
            .map_or_else(|| PathBuf::from("data/raw/unityeyes2"), PathBuf::from)
    }

    /// Reads the assets under [`Assets::root`]. The first call prepares them if the folder is writable, which
    /// takes seconds.
    ///
    /// # Errors
    /// Fails if the assets are missing ([`EyesError::NoAssets`], whose hint says how to get them), or where
    /// [`Assets::open`] does.
    pub fn find() -> Result<Self, EyesError> {
        let root = Self::root();
        if !root.join("Assets").is_dir() {
            return Err(EyesError::NoAssets { path: root });
        }
        match Self::prepare(&root) {
            // A read-only folder is no error: without small copies `open` reads the originals.
            Ok(()) | Err(EyesError::Folder { .. } | EyesError::Data(_)) => Self::open(&root),
            Err(error) => Err(error),
        }
    }

    /// Reads the assets under `root`, the folder that holds `Assets`. Takes a fraction of a second after
    /// [`Assets::prepare`].
    ///
    /// # Errors
    /// Fails if a file is missing, damaged or different from UnityEyes' own. The error names it, and its hint
    /// says how to get it.
    pub fn open(root: &Path) -> Result<Self, EyesError> {
        let files = Files { root };
        let geometry = files.geometry()?;
        let mask = files.texture("Skin Shading/margin_mask_color_2.png")?;
        let skins = SKINS.par_iter().map(|name| files.skin(name, &mask)).collect::<Result<_, _>>()?;
        let irises = IRISES
            .par_iter()
            .map(|name| files.texture(&format!("Resources/IrisTextures/{name}.png")))
            .collect::<Result<_, _>>()?;
        Ok(Self { geometry, skins, irises })
    }

    /// Writes small copies of the textures to `root/prepared-512`, which [`Assets::open`] then reads instead.
    /// Keeps existing copies.
    ///
    /// # Errors
    /// Fails if a texture cannot be read or a copy cannot be written.
    pub fn prepare(root: &Path) -> Result<(), EyesError> {
        let folder = root.join(PREPARED);
        std::fs::create_dir_all(&folder)
            .map_err(|source| EyesError::Folder { path: folder.clone(), source })?;
        let files = Files { root };
        texture_paths().par_iter().try_for_each(|path| files.prepare_one(path))
    }
}

/// Lists the textures in use by their paths under `Assets`.
fn texture_paths() -> Vec<String> {
    let skins = SKINS.iter().flat_map(|name| {
        ["color", "color_look_down"].map(|kind| format!("Resources/SkinTextures/{name}_{kind}.png"))
    });
    let irises = IRISES.iter().map(|name| format!("Resources/IrisTextures/{name}.png"));
    skins.chain(irises).chain(["Skin Shading/margin_mask_color_2.png".to_owned()]).collect()
}

struct Files<'a> {
    root: &'a Path,
}

impl Files<'_> {
    fn original(&self, path: &str) -> PathBuf {
        self.root.join("Assets").join(path)
    }

    fn prepared(&self, path: &str) -> PathBuf {
        self.root.join(PREPARED).join(path.rsplit('/').next().unwrap_or(path))
    }

    fn texture(&self, path: &str) -> Result<Texture, EyesError> {
        let prepared = self.prepared(path);
        if prepared.is_file() { Texture::read(&prepared) } else { Texture::read(&self.original(path)) }
    }

    fn prepare_one(&self, path: &str) -> Result<(), EyesError> {
        let prepared = self.prepared(path);
        if prepared.is_file() {
            return Ok(());
        }
        let image = read_image(&self.original(path))?;
        let mut bytes = std::io::Cursor::new(Vec::new());
        image
            .write_to(&mut bytes, image::ImageFormat::Png)
            .map_err(|source| EyesError::Encode { path: prepared.clone(), source })?;
        Ok(simgan_data::write_atomic(&prepared, &bytes.into_inner())?)
    }

    fn skin(&self, name: &str, mask: &Texture) -> Result<Skin, EyesError> {
        let mut color = self.texture(&format!("Resources/SkinTextures/{name}_color.png"))?;
        let mut look_down = self.texture(&format!("Resources/SkinTextures/{name}_color_look_down.png"))?;
        redden_margin(&mut color, mask);
        redden_margin(&mut look_down, mask);
        Ok(Skin { color, look_down })
    }

    fn geometry(&self) -> Result<Geometry, EyesError> {
        let damaged = |Damage { path, reason }| EyesError::Asset { path: self.original(path), reason };
        reading::geometry(|path| bytes(&self.original(path))).map_err(damaged)
    }
}

/// Reads a geometry file. The error is the system's or the file's length.
fn bytes(path: &Path) -> Result<Vec<u8>, String> {
    let length = std::fs::metadata(path).map_err(|error| error.to_string())?.len();
    if length > MAX_BYTES {
        return Err(format!("{length} bytes: no geometry file is that long"));
    }
    std::fs::read(path).map_err(|error| error.to_string())
}

/// Paints lid margin and caruncle into the texture, as UnityEyes' skin shader does for each pixel.
fn redden_margin(skin: &mut Texture, mask: &Texture) {
    const FLESH: Color = vec3(172.0 / 255.0, 89.0 / 255.0, 89.0 / 255.0);
    let mask = mask.finest();
    let color = skin.finest().at([0.0, 0.0]).lerp(FLESH, 0.4);
    skin.modify(|idx, texel| texel.lerp(color, mask.red(idx)));
}
