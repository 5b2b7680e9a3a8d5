//! MPIIGaze's normalized eye images.

mod day;
mod files;
mod layout;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use serde_json::{Value, json};

use self::day::Day;
pub use self::files::{Persons, Subset};
pub(crate) use self::layout::MpiiGazeLayout;
use crate::{
    BitDepth, DataError, Direction, Image, ImageSpec, OnError, Orientation, Pixels, Sample, Source, Vector,
    Want, names,
};

/// MPIIGaze (Zhang et al., CVPR 2015): photographs of eyes, 60×36 gray, with gaze directions.
///
/// It reads the files `Data/Normalized/pNN/dayNN.mat` of the published archive: all of them, one person's or
/// one day's. Left and right eyes alternate in the files' order. Right eyes are mirrored, with their gaze and
/// head pose, so that all eyes look like left ones. Samples have names like `p00/day01/0001-left`; a sample's
/// record holds person, day, file and eye.
///
/// The files are compressed, so each is unpacked whole and kept in memory, up to [`MpiiGazeOptions::memory`].
/// All of MPIIGaze takes 1 GB. With less memory than the selected part needs, reading in order stays fast but
/// random access is slow.
pub struct MpiiGaze {
    days: Vec<DayFile>,
    /// The day, row and eye of each sample.
    samples: Vec<Place>,
    cache: Mutex<Cache>,
    skipped: Vec<DataError>,
}

/// Which part of MPIIGaze to open, and how.
#[derive(Clone, Debug)]
pub struct MpiiGazeOptions {
    /// The persons whose eyes are read.
    pub persons: Persons,
    /// Which of their images are read.
    pub subset: Subset,
    /// Maximum number of bytes of unpacked files kept in memory.
    pub memory: usize,
    /// What to do about an unreadable file; with [`OnError::Skip`] it is left out.
    pub on_error: OnError,
}

struct DayFile {
    path: PathBuf,
    person: String,
    day: String,
}

#[derive(Clone, Copy)]
struct Place {
    day: u32,
    row: u32,
    eye: Eye,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Eye {
    Left,
    Right,
}

/// Height of every image.
const HEIGHT: usize = 36;
/// Width of every image.
const WIDTH: usize = 60;

impl Default for MpiiGazeOptions {
    /// All images of all persons, with up to 1.5 GB kept in memory.
    fn default() -> Self {
        Self { persons: Persons::All, subset: Subset::All, memory: 1_500_000_000, on_error: OnError::Fail }
    }
}

impl MpiiGaze {
    /// Whether a path is MPIIGaze or a part of it: a folder with `Data/Normalized` (or `Normalized`) that
    /// holds folders `pNN`, that `Normalized` itself, one of these folders with its `dayNN.mat`, or a MATLAB
    /// file.
    #[must_use]
    pub fn is_at(path: &Path) -> bool {
        files::At::of(path).is_some()
    }

    /// Lists the images of the folder that holds `Data`, of one person's folder or of one day file. Reads
    /// each selected file once to check it.
    ///
    /// # Errors
    /// The path has another layout; a person does not exist; a file is damaged or incomplete; a subset list
    /// names a missing image. Errors of single files may be skipped, unless no image remains.
    pub fn open(path: &Path, options: &MpiiGazeOptions) -> Result<Self, DataError> {
        let days = files::days(path, &options.persons)?;
        let cache = Mutex::new(Cache::new(options.memory));
        let mut source = Self { days, samples: Vec::new(), cache, skipped: Vec::new() };
        let wanted = files::wanted(path, &options.subset, &source.days)?;
        let places = source.days.par_iter().enumerate().map(|(i, _)| source.places(i, wanted.as_ref()));
        // Collected first and merged in file order, so that threads affect neither the samples' order nor
        // which error is reported.
        let places: Vec<Result<Vec<Place>, DataError>> = places.collect();
        for places in places {
            match (places, options.on_error) {
                (Ok(places), _) => source.samples.extend(places),
                (Err(error), OnError::Skip) => source.skipped.push(error),
                (Err(error), OnError::Fail) => return Err(error),
            }
        }
        if source.samples.is_empty() {
            let empty = DataError::Empty { what: format!("{} selects no image", path.display()) };
            return Err(source.skipped.into_iter().next().unwrap_or(empty));
        }
        Ok(source)
    }

    /// The errors of the files that were left out, in the files' order.
    #[must_use]
    pub fn skipped(&self) -> &[DataError] {
        &self.skipped
    }

    /// The persons in the source, sorted.
    #[must_use]
    pub fn persons(&self) -> Vec<&str> {
        let mut persons: Vec<&str> = self.days.iter().map(|day| day.person.as_str()).collect();
        persons.dedup();
        persons
    }

    /// Lists the selected eyes of a day.
    fn places(&self, index: usize, wanted: Option<&files::Wanted>) -> Result<Vec<Place>, DataError> {
        let file = &self.days[index];
        let day = self.day(index)?;
        let place = |row, eye| Place { day: index as u32, row: row as u32, eye };
        let Some(wanted) = wanted else {
            let rows = 0..day.left.len().max(day.right.len());
            let both = rows.flat_map(|row| [place(row, Eye::Left), place(row, Eye::Right)]);
            return Ok(both.filter(|place| (place.row as usize) < day.eyes(place.eye).len()).collect());
        };
        let rows: BTreeMap<&str, usize> =
            day.file_names.iter().enumerate().map(|(row, name)| (name.as_str(), row)).collect();
        let of_day = wanted.get(&(file.person.clone(), file.day.clone()));
        let find = |(name, eye): &(String, Eye)| match rows.get(name.as_str()) {
            Some(&row) if row < day.eyes(*eye).len() => Ok(place(row, *eye)),
            _ => Err(file.error(format!("the evaluation subset's {name} is not in it"))),
        };
        of_day.into_iter().flatten().map(find).collect()
    }

    /// Returns a day from the cache, or else reads its file.
    fn day(&self, index: usize) -> Result<Arc<Day>, DataError> {
        let cache = || self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(day) = cache().get(index) {
            return Ok(day);
        }
        let file = &self.days[index];
        // Unpacked without the lock, so two threads may unpack the same day; `insert` allows for that.
        let day = Arc::new(Day::read(&file.path).map_err(|reason| file.error(reason))?);
        cache().insert(index, Arc::clone(&day));
        Ok(day)
    }
}

impl Source for MpiiGaze {
    fn len(&self) -> usize {
        self.samples.len()
    }

    fn spec(&self) -> ImageSpec {
        ImageSpec { channels: 1, height: HEIGHT, width: WIDTH, depth: BitDepth::Eight }
    }

    fn sample(&self, index: usize, want: Want) -> Result<Sample, DataError> {
        let Place { day, row, eye } = self.samples[index];
        let (file, day) = (&self.days[day as usize], self.day(day as usize)?);
        let (eyes, row) = (day.eyes(eye), row as usize);
        let image = Image::new(1, HEIGHT, WIDTH, Pixels::U8(eyes.image(row).to_vec()));
        let mut sample = Sample::new(file.sample_name(&day, row, eye), image);
        if want == Want::Labels {
            if let Some(gaze) = Direction::from_vector(eyes.gaze[row]) {
                sample.annotations.insert(names::GAZE.into(), gaze.into());
            }
            // MPIIGaze stores zeros for an unknown head pose.
            if let Some(pose) = eyes.pose.get(row).filter(|pose| **pose != [0.0; 3]) {
                sample.annotations.insert(names::HEAD_POSE.into(), Vector::rotation(*pose).into());
            }
            sample.record = Some(file.record(&day, row, eye));
        }
        match eye {
            Eye::Left => Ok(sample),
            Eye::Right => sample.oriented(Orientation::MIRRORED),
        }
    }

    fn probe(&self, _: usize) -> Result<ImageSpec, DataError> {
        Ok(self.spec())
    }

    fn name(&self, index: usize) -> Result<String, DataError> {
        let Place { day, row, eye } = self.samples[index];
        let (file, day) = (&self.days[day as usize], self.day(day as usize)?);
        Ok(file.sample_name(&day, row as usize, eye))
    }
}

impl Eye {
    fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }
}

impl DayFile {
    fn sample_name(&self, day: &Day, row: usize, eye: Eye) -> String {
        let file_name = day.file_name(row);
        let stem = file_name.strip_suffix(".jpg").unwrap_or(&file_name);
        format!("{}/{}/{stem}-{}", self.person, self.day, eye.name())
    }

    fn record(&self, day: &Day, row: usize, eye: Eye) -> Value {
        json!({"person": self.person, "day": self.day, "file": day.file_name(row), "eye": eye.name()})
    }

    fn error(&self, reason: String) -> DataError {
        let path = self.path.clone();
        // Such a file is not damaged, and fetching it again would bring the same.
        match crate::mat::is_73_at(&path) {
            Ok(true) => DataError::Matlab73 { path },
            _ => DataError::Damaged { path, reason },
        }
    }
}

/// A least-recently-used cache of unpacked days.
struct Cache {
    limit: usize,
    used: usize,
    clock: u64,
    days: BTreeMap<usize, (u64, Arc<Day>)>,
}

impl Cache {
    fn new(limit: usize) -> Self {
        Self { limit, used: 0, clock: 0, days: BTreeMap::new() }
    }

    fn get(&mut self, index: usize) -> Option<Arc<Day>> {
        self.clock += 1;
        let (last_use, day) = self.days.get_mut(&index)?;
        *last_use = self.clock;
        Some(Arc::clone(day))
    }

    fn insert(&mut self, index: usize, day: Arc<Day>) {
        self.clock += 1;
        self.used += day.n_bytes();
        if let Some((_, old)) = self.days.insert(index, (self.clock, day)) {
            self.used -= old.n_bytes();
        }
        // Keep at least the newest day, even if it alone exceeds the limit.
        while self.used > self.limit && self.days.len() > 1 {
            let Some((&oldest, _)) = self.days.iter().min_by_key(|(_, (last_use, _))| *last_use) else {
                return;
            };
            if let Some((_, day)) = self.days.remove(&oldest) {
                self.used -= day.n_bytes();
            }
        }
    }
}
