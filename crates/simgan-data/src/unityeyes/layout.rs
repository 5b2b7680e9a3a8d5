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

/// A folder of UnityEyes' renders, told by [`Evidence`].
///
/// Renders are taken pair by pair if they are cropped or called by their cameras. A folder of whole renders is opened as a
/// [`Folder`], which reads the same labels and does not insist that each image has one.
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

/// Whether a folder holds UnityEyes' renders, or what speaks against it.
///
/// The rule is one of names, over the whole sorted walk: there are records `N.json`, and either some of them lie in the
/// folder itself, or every image below it is called `N.jpg` or `N_cam0.jpg` and lies in a folder that has records. (A
/// folder that holds renders and photographs in subfolders is thus a plain folder.) Of its records, the first
/// [`MAX_RECORDS`] by name are looked at: one of them has `look_vec`.
pub(crate) enum Evidence {
    /// It does.
    Pairs,
    /// No file is called `N.json`.
    NoRecords,
    /// This image is in no pair.
    Stray(PathBuf),
    /// No record of those looked at, of which this is the first, has `look_vec`.
    NoGaze(PathBuf),
}

/// How many records are looked at, at most.
const MAX_RECORDS: usize = 100;
/// How much of a record is read, at most: UnityEyes' have 10 kB.
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

/// Whether a file is a record of UnityEyes.
fn has_gaze(path: &Path) -> bool {
    let mut text = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_RECORD_BYTES).read_to_end(&mut text));
    let record = read.ok().and_then(|_| serde_json::from_slice::<Value>(&text).ok());
    record.is_some_and(|record| record.pointer("/eye_details/look_vec").is_some())
}
