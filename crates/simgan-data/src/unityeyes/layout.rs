use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::pairs::{Named, Pairs};
use super::{UnityEyes, UnityEyesOptions, no_pairs};
use crate::{Crop, DataError, Folder, Layout, Listing, Match, Source, SourceRequest};

/// The layout of a folder of UnityEyes renders, recognised by [`Evidence`].
///
/// Renders are read pair by pair if they are cropped or named by camera. A folder of whole renders is opened
/// as a [`Folder`], which reads the same labels but does not require every image to have one.
pub(crate) struct UnityEyesLayout;

impl Layout for UnityEyesLayout {
    fn name(&self) -> &'static str {
        "unityeyes"
    }

    fn help(&self) -> String {
        "a folder of UnityEyes' renders (N.jpg with N.json)".to_owned()
    }

    fn recognise(&self, at: &Listing) -> Match {
        if matches!(Evidence::at(at), Evidence::Pairs) { Match::Specific } else { Match::No }
    }

    fn is_image_folder(&self) -> bool {
        true
    }

    fn open(&self, request: &SourceRequest, at: Listing) -> Result<Arc<dyn Source>, DataError> {
        let path = at.path().to_owned();
        crate::folder::check_folder(&path)?;
        let found = at.into_found()?;
        let pairs = Pairs::of(&found);
        if pairs.len() == 0 {
            return Err(no_pairs(&path));
        }
        let SourceRequest { crop, channels, .. } = *request;
        let have_cameras = pairs.have_cameras();
        if crop != Crop::None || have_cameras {
            let eyes = UnityEyes::of_pairs(&path, pairs, UnityEyesOptions { crop, channels })?;
            if eyes.crop() != Crop::None || have_cameras {
                eyes.warn_of_left_out();
                return Ok(Arc::new(eyes));
            }
        }
        Ok(Arc::new(Folder::of_walk(&path, found, &request.folder_options())?))
    }
}

/// Whether a folder holds UnityEyes renders, or the reason why not.
///
/// The rule depends on names, over the whole sorted walk. There must be records `N.json`; and either some of
/// them are in the folder itself, or every image below it is named `N.jpg` or `N_cam0.jpg` and is in a folder
/// with records. (A folder with renders and photographs in separate subfolders is thus a plain folder.)
/// Finally, one of the first [`MAX_RECORDS`] records by name must have `look_vec`.
pub(crate) enum Evidence {
    /// It holds renders.
    Pairs,
    /// No file is named `N.json`.
    NoRecords,
    /// This image belongs to no pair.
    Stray(PathBuf),
    /// None of the records examined has `look_vec`; this is the first.
    NoGaze(PathBuf),
}

/// Maximum number of records examined.
const MAX_RECORDS: usize = 100;
/// Maximum number of bytes read from a record; UnityEyes' have 10 kB.
const MAX_RECORD_BYTES: u64 = 4 << 20;

impl Evidence {
    pub(crate) fn at(at: &Listing) -> Self {
        let is_record = |file: &&PathBuf| Named::of(file).is_some_and(|named| named.is_record);
        let records = || at.labels().iter().filter(is_record);
        let Some(first) = records().next() else { return Self::NoRecords };
        let folder = |file: &PathBuf| file.parent().unwrap_or(Path::new("")).to_owned();
        if !records().any(|record| folder(record).as_os_str().is_empty()) {
            let folders: BTreeSet<PathBuf> = records().map(folder).collect();
            let is_stray = |image: &&PathBuf| Named::of(image).is_none() || !folders.contains(&folder(image));
            if let Some(stray) = at.images().iter().find(is_stray) {
                return Self::Stray(stray.clone());
            }
        }
        if records().take(MAX_RECORDS).any(|record| has_gaze(&at.path().join(record))) {
            return Self::Pairs;
        }
        Self::NoGaze(first.clone())
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pairs => f.write_str("it is read as a plain folder of images"),
            Self::NoRecords => f.write_str("it has no records N.json beside images N.jpg"),
            Self::Stray(image) => write!(f, "{} is in no pair N.jpg and N.json", image.display()),
            Self::NoGaze(record) => {
                write!(
                    f,
                    "its records, {} the first, have no \"eye_details\" with \"look_vec\"",
                    record.display()
                )
            }
        }
    }
}

/// Whether a file is a UnityEyes record.
fn has_gaze(path: &Path) -> bool {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_RECORD_BYTES).read_to_end(&mut text));
    let record = read.ok().and_then(|_| serde_json::from_slice::<Value>(&text).ok());
    record.is_some_and(|record| record.pointer("/eye_details/look_vec").is_some())
}
