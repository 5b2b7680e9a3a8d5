use std::path::Path;
use std::sync::Arc;

use crate::{
    Crop, DataError, Folder, FolderOptions, MpiiGaze, MpiiGazeOptions, NyuHands, NyuOptions, Packed, Sizes,
    Source, UnityEyes, UnityEyesOptions,
};

/// How [`open`] opens what it finds.
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    /// Which sizes the images of a folder may have.
    pub sizes: Sizes,
    /// What is cut out of UnityEyes' renders.
    pub crop: Crop,
    /// 1 lets JPEG files in colour be read as the luma that they store, which is faster. What comes may still have other
    /// channels: [`Fitted`](crate::Fitted) brings them to one number.
    pub channels: Option<usize>,
    /// Which of NYU's hands are taken.
    pub nyu: NyuOptions,
    /// Which part of MPIIGaze is taken.
    pub mpiigaze: MpiiGazeOptions,
}

/// The kinds of data set that [`open`] tells apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// A file made by [`pack`](crate::pack).
    Packed,
    /// An HDF5 file like those of Kaggle's eye-gaze set, read with the feature `hdf5`.
    Hdf5,
    /// MPIIGaze's folder, which holds `Data/Normalized`; a person's folder in it; one day file.
    MpiiGaze,
    /// A folder of `N.jpg` and `N.json`.
    UnityEyes,
    /// A folder of NYU's hands, which holds `joint_data.mat`.
    Nyu,
    /// Any other folder.
    Folder,
}

impl Layout {
    /// What lies at a path, from a glance at it.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let is_safetensors = path.extension().is_some_and(|extension| extension == "safetensors");
        if path.is_file() && (is_safetensors || Packed::is_at(path)) {
            Self::Packed
        } else if path.is_file()
            && path.extension().is_some_and(|extension| extension == "h5" || extension == "hdf5")
        {
            Self::Hdf5
        } else if MpiiGaze::is_at(path) {
            Self::MpiiGaze
        } else if NyuHands::is_at(path) {
            Self::Nyu
        } else if UnityEyes::is_at(path) {
            Self::UnityEyes
        } else {
            Self::Folder
        }
    }
}

/// Opens the data set at a path, whatever its layout.
///
/// UnityEyes' renders are taken pair by pair only if they are cropped: a folder of whole renders is a [`Folder`], which
/// reads the same labels and does not insist that each image has one.
///
/// # Errors
/// As the layout's own `open`.
pub fn open(path: &Path, options: &OpenOptions) -> Result<Arc<dyn Source>, DataError> {
    let OpenOptions { sizes, crop, channels, .. } = *options;
    match Layout::of(path) {
        Layout::Packed => return Ok(Arc::new(Packed::open(path)?)),
        Layout::Hdf5 => return open_hdf5(path),
        Layout::MpiiGaze => {
            let eyes = MpiiGaze::open(path, &options.mpiigaze)?;
            eyes.skipped().iter().for_each(|error| tracing::warn!("left out: {error}"));
            return Ok(Arc::new(eyes));
        }
        Layout::Nyu => return Ok(Arc::new(NyuHands::open(path, options.nyu)?)),
        Layout::UnityEyes if crop != Crop::None => {
            let eyes = UnityEyes::open(path, UnityEyesOptions { crop, channels })?;
            if eyes.crop() != Crop::None {
                return Ok(Arc::new(eyes));
            }
        }
        Layout::UnityEyes | Layout::Folder => {}
    }
    Ok(Arc::new(Folder::open(path, &FolderOptions { sizes, channels })?))
}

#[cfg(feature = "hdf5")]
fn open_hdf5(path: &Path) -> Result<Arc<dyn Source>, DataError> {
    Ok(Arc::new(crate::hdf5::open(path)?))
}

#[cfg(not(feature = "hdf5"))]
fn open_hdf5(path: &Path) -> Result<Arc<dyn Source>, DataError> {
    Err(DataError::NoHdf5 { path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts_are_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        assert_eq!(Layout::of(path), Layout::Folder);
        std::fs::write(path.join("7.json"), r#"{"eye_details": {"look_vec": "(0, 0, -1, 0)"}}"#).unwrap();
        assert_eq!(Layout::of(path), Layout::UnityEyes);
        std::fs::create_dir_all(path.join("Data/Normalized/p00")).unwrap();
        assert_eq!(Layout::of(path), Layout::MpiiGaze);
        let person = path.join("Data/Normalized/p00");
        assert_eq!(Layout::of(&person), Layout::Folder);
        std::fs::write(person.join("day01.mat"), "no MATLAB file").unwrap();
        for part in ["Data", "Data/Normalized/p00", "Data/Normalized/p00/day01.mat"] {
            assert_eq!(Layout::of(&path.join(part)), Layout::MpiiGaze, "{part}");
        }
        let refusal = |name: &str| open(&path.join(name), &OpenOptions::default()).err().unwrap().to_string();
        assert!(refusal("7.json").contains("not a folder"));
        assert!(refusal("Data/Normalized/p00").contains("day01.mat"));
        std::fs::write(path.join("7.safetensors"), "cut").unwrap();
        assert_eq!(Layout::of(&path.join("7.safetensors")), Layout::Packed);
        assert!(refusal("7.safetensors").contains("no packed data set"));
        std::fs::write(path.join("7.h5"), "no HDF5").unwrap();
        assert_eq!(Layout::of(&path.join("7.h5")), Layout::Hdf5);
        let word = if cfg!(feature = "hdf5") { "7.h5: " } else { "this build does not read HDF5" };
        assert!(refusal("7.h5").contains(word), "{}", refusal("7.h5"));
        assert_eq!(Layout::of(&path.join("none")), Layout::Folder);
    }
}
