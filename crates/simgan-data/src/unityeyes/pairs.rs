use std::num::NonZeroU8;
use std::path::{Path, PathBuf};

use crate::folder::walk::Found;
use crate::listing::has_extension;

/// The pairs in a folder and its subfolders: a record `N.json` with its image `N.jpg`, or with the images
/// `N_cam0.jpg`, `N_cam1.jpg`, … of UnityEyes2, each of which forms a pair with the record. Extensions are
/// matched ignoring case.
pub(super) struct Pairs {
    /// Folders that hold pairs, relative to the root.
    folders: Vec<PathBuf>,
    words: Words,
    /// Sorted by folder, number and camera.
    pairs: Vec<Pair>,
    /// Number of images that belong to no pair.
    pub(super) n_left_out: usize,
}

/// A pair, or half of one, named by `number` padded with zeros to `n_digits`. Kept small, for folders with
/// millions of files.
#[derive(Clone, Copy)]
struct Pair {
    number: u64,
    folder: u32,
    n_digits: u8,
    /// The camera's name.
    camera: Option<Word>,
    /// The image's extension; `None` if there is no image.
    image: Option<Word>,
    /// The record's extension; `None` if there is no record.
    record: Option<Word>,
}

/// Extensions of images. If several images have one name, the first extension listed wins.
const IMAGE_EXTENSIONS: [&str; 3] = ["jpg", "png", "jpeg"];

impl Pairs {
    /// Finds the pairs among the files of a walk. An image without a record, or a record without an image,
    /// counts as a pair, so that reading it reports the missing half.
    pub(super) fn of(found: &Found) -> Self {
        let (mut folders, mut words) = (Vec::new(), Words::default());
        let files = found.images.iter().chain(&found.labels);
        let halves: Vec<Pair> = files.filter_map(|file| half(file, &mut folders, &mut words)).collect();
        let pairs = joined(halves, &words);
        let n_images = pairs.iter().filter(|pair| pair.image.is_some()).count();
        Self { folders, words, pairs, n_left_out: found.images.len() - n_images }
    }

    pub(super) fn len(&self) -> usize {
        self.pairs.len()
    }

    /// Whether any image is named by its camera.
    pub(super) fn have_cameras(&self) -> bool {
        self.pairs.iter().any(|pair| pair.camera.is_some())
    }

    /// The name of a pair's camera.
    pub(super) fn camera(&self, index: usize) -> Option<&str> {
        self.pairs[index].camera.map(|camera| self.words.text(camera))
    }

    /// The path of a pair's image relative to the root; if it is missing, the path where it is expected.
    pub(super) fn image(&self, index: usize) -> PathBuf {
        let pair = self.pairs[index];
        let extension = pair.image.map_or("jpg", |image| self.words.text(image));
        let camera = self.camera(index).map_or(String::new(), |camera| format!("_{camera}"));
        self.path(pair, &camera, extension)
    }

    /// The path of a pair's record relative to the root; if it is missing, the path where it is expected.
    pub(super) fn record(&self, index: usize) -> PathBuf {
        let pair = self.pairs[index];
        self.path(pair, "", pair.record.map_or("json", |record| self.words.text(record)))
    }

    fn path(&self, pair: Pair, camera: &str, extension: &str) -> PathBuf {
        let Pair { folder, number, n_digits, .. } = pair;
        let width = usize::from(n_digits);
        self.folders[folder as usize].join(format!("{number:0width$}{camera}.{extension}"))
    }
}

/// Returns the half of a pair that a file forms; `None` for other files.
fn half(file: &Path, folders: &mut Vec<PathBuf>, words: &mut Words) -> Option<Pair> {
    let Named { number, n_digits, camera, extension, is_record } = Named::of(file)?;
    let extension = Some(words.word(extension)?);
    let camera = camera.map(|camera| words.word(camera).ok_or(())).transpose().ok()?;
    let folder = file.parent().unwrap_or(Path::new(""));
    // Files are sorted, so the folder is usually the last one added: search from the end.
    let place = folders.iter().rposition(|known| known == folder).unwrap_or_else(|| {
        folders.push(folder.to_owned());
        folders.len() - 1
    });
    let (image, record) = if is_record { (None, extension) } else { (extension, None) };
    Some(Pair { number, folder: place as u32, n_digits, camera, image, record })
}

/// Joins halves of equal name. A record belongs to the image of every camera.
fn joined(mut halves: Vec<Pair>, words: &Words) -> Vec<Pair> {
    let name = |pair: &Pair| (pair.folder, pair.number, pair.n_digits);
    let order = words.order();
    let place = |word: Option<Word>| word.map(|word| order[word.index()]);
    halves
        .sort_unstable_by_key(|half| (name(half), place(half.camera), place(half.image), place(half.record)));
    let mut pairs: Vec<Pair> = Vec::with_capacity(halves.len().div_ceil(2));
    for same in halves.chunk_by(|a, b| name(a) == name(b)) {
        let record = same.iter().find_map(|half| half.record);
        let mut images: Vec<Pair> = same.iter().filter(|half| half.image.is_some()).copied().collect();
        // Sorted by preference among a camera's extensions, so the first one stays.
        images.dedup_by_key(|half| half.camera);
        if images.is_empty() {
            // A record alone: keep it, so that reading it reports the missing image.
            images.push(same[0]);
        }
        pairs.extend(images.into_iter().map(|image| Pair { record, ..image }));
    }
    pairs
}

/// File extensions, as spelled, and names of cameras, each stored once.
#[derive(Default)]
struct Words(Vec<String>);

/// The index of a word in [`Words`], counted from 1 so that `Option<Word>` fits in a byte.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Word(NonZeroU8);

impl Word {
    fn index(self) -> usize {
        usize::from(self.0.get()) - 1
    }
}

impl Words {
    fn text(&self, word: Word) -> &str {
        &self.0[word.index()]
    }

    /// Adds a word, or finds it; `None` if there are too many.
    fn word(&mut self, text: &str) -> Option<Word> {
        let index = self.0.iter().position(|known| known == text).unwrap_or(self.0.len());
        let word = Word(NonZeroU8::new(u8::try_from(index + 1).ok()?)?);
        if index == self.0.len() {
            self.0.push(text.to_owned());
        }
        Some(word)
    }

    /// The rank of each word: image extensions in the order of [`IMAGE_EXTENSIONS`], then by name.
    fn order(&self) -> Vec<u8> {
        let extension =
            |text: &str| IMAGE_EXTENSIONS.iter().position(|known| known.eq_ignore_ascii_case(text));
        let rank = |text: &str| extension(text).unwrap_or(IMAGE_EXTENSIONS.len());
        let key = |text: &String| (rank(text), text.clone());
        self.0.iter().map(|text| self.0.iter().filter(|other| key(other) < key(text)).count() as u8).collect()
    }
}

/// The parsed name of a file that is half of a pair.
pub(super) struct Named<'a> {
    number: u64,
    n_digits: u8,
    camera: Option<&'a str>,
    extension: &'a str,
    pub(super) is_record: bool,
}

impl<'a> Named<'a> {
    /// Parses a file name; `None` if it is not that of half a pair.
    pub(super) fn of(file: &'a Path) -> Option<Self> {
        let extension = file.extension()?.to_str()?;
        let is_record = has_extension(file, &["json"]);
        if !is_record && !has_extension(file, &IMAGE_EXTENSIONS) {
            return None;
        }
        let stem = file.file_stem()?.to_str()?;
        let (digits, camera) = match stem.split_once('_') {
            Some((digits, camera)) => (digits, Some(camera)),
            None => (stem, None),
        };
        let is_ours = !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && camera.is_none_or(|camera| camera.starts_with("cam") && !is_record);
        let n_digits = u8::try_from(digits.len()).ok().filter(|_| is_ours)?;
        Some(Self { number: digits.parse().ok()?, n_digits, camera, extension, is_record })
    }
}
