//! One label file being read or rewritten.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::geometry::{Move, TOLERANCE};
use super::json::{Json, View};
use super::names::{Apart, Names};
use super::text::Edits;
use crate::{DataError, Size, Transform};

/// A label file's text and the images that it can be about.
pub(super) struct Page<'a> {
    pub(super) path: &'a Path,
    pub(super) images: &'a [PathBuf],
    pub(super) apart: Apart<'a>,
    pub(super) owners: &'a [usize],
    pub(super) text: &'a str,
    names: OnceCell<Names<'a>>,
    json: OnceCell<Result<Json<'a>, String>>,
    /// Where each line ends.
    ends: OnceCell<Vec<usize>>,
}

/// Why a label file is not rewritten.
pub(super) enum Stop {
    /// How an image moved could not be found out.
    Failed(DataError),
    /// The file's meaning is not certain: why.
    Unclear(String),
}

/// Makes a [`Stop::Unclear`].
pub(super) fn unclear<T>(reason: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Unclear(reason.into()))
}

impl<'a> Page<'a> {
    pub(super) fn new(path: &'a Path, images: &'a [PathBuf], owners: &'a [usize], text: &'a str) -> Self {
        let (names, json, ends) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Self { path, images, apart: Apart::default(), owners, text, names, json, ends }
    }

    pub(super) fn with_apart(self, apart: Apart<'a>) -> Self {
        Self { apart, ..self }
    }

    /// The extension of the file's name, in lower case.
    pub(super) fn extension(&self) -> String {
        self.path.extension().unwrap_or_default().to_string_lossy().to_lowercase()
    }

    pub(super) fn has_extension(&self, extensions: &[&str]) -> bool {
        extensions.contains(&&*self.extension())
    }

    /// The file's name without its extension, in lower case.
    pub(super) fn stem(&self) -> String {
        self.path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase()
    }

    /// Finds an image by the name that the file gives it.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.names.get_or_init(|| Names::new(self.images, self.apart, self.path)).find(name)
    }

    /// The file's value, if it is a JSON file.
    ///
    /// # Errors
    /// It is a JSON file in name only.
    pub(super) fn json(&self) -> Result<Option<View<'_>>, String> {
        if !self.has_extension(&["json"]) {
            return Ok(None);
        }
        let json = self.json.get_or_init(|| Json::parse(self.text)).as_ref();
        json.map(|json| Some(json.root())).map_err(Clone::clone)
    }

    /// The line of a byte offset, from 1; quick, so that each row of a long file may ask.
    pub(super) fn line_of(&self, offset: usize) -> usize {
        let ends = self.ends.get_or_init(|| self.text.match_indices('\n').map(|(end, _)| end).collect());
        1 + ends.partition_point(|end| *end < offset)
    }
}

/// What becomes of a label file.
pub(super) struct Changes<'a> {
    moved: &'a dyn Fn(usize) -> Result<Transform, DataError>,
    known: BTreeMap<usize, Move>,
    pub(super) edits: Edits,
    notes: BTreeMap<&'static str, usize>,
}

impl<'a> Changes<'a> {
    pub(super) fn new(moved: &'a dyn Fn(usize) -> Result<Transform, DataError>) -> Self {
        Self { moved, known: BTreeMap::new(), edits: Edits::default(), notes: BTreeMap::new() }
    }

    /// How an image moved.
    pub(super) fn of_image(&mut self, image: usize) -> Result<Move, Stop> {
        if let Some(known) = self.known.get(&image) {
            return Ok(*known);
        }
        let own = Move::new((self.moved)(image).map_err(Stop::Failed)?);
        self.known.insert(image, own);
        Ok(own)
    }

    /// Applies changes to a part of the text that begins at `start`.
    pub(super) fn nested(
        &mut self,
        start: usize,
        change: impl FnOnce(&mut Self) -> Result<(), Stop>,
    ) -> Result<(), Stop> {
        let outer = std::mem::take(&mut self.edits);
        let result = change(self);
        let inner = std::mem::replace(&mut self.edits, outer);
        self.edits.extend(inner, start);
        result
    }

    /// How the images moved that the file stands beside; `None` for an index file.
    pub(super) fn of_owners(&mut self, page: &Page<'_>) -> Result<Option<Move>, Stop> {
        let Some((first, others)) = page.owners.split_first() else { return Ok(None) };
        let first = self.of_image(*first)?;
        for other in others {
            if !self.of_image(*other)?.is_like(&first) {
                return unclear("the images beside it move in different ways");
            }
        }
        Ok(Some(first))
    }

    /// Writes a coordinate in pixels.
    pub(super) fn number(&mut self, page: &Page<'_>, span: std::ops::Range<usize>, value: f64) {
        self.edits.number(page.text, span, value, TOLERANCE);
    }

    /// Writes coordinates in pixels in place of JSON numbers.
    pub(super) fn numbers<'v>(
        &mut self,
        page: &Page<'_>,
        views: impl IntoIterator<Item = View<'v>>,
        values: impl IntoIterator<Item = f64>,
    ) {
        views.into_iter().zip(values).for_each(|(view, value)| self.number(page, view.span(), value));
    }

    /// Writes the new size in place of an image's recorded width and height.
    pub(super) fn size(
        &mut self,
        page: &Page<'_>,
        [width, height]: [View<'_>; 2],
        own: &Move,
    ) -> Result<(), Stop> {
        let Size { width: w, height: h } = own.from();
        let recorded = [width.number(), height.number()];
        if recorded != [Some(w as f64), Some(h as f64)] {
            let (width, height, line) = (width.raw(), height.raw(), width.line());
            return unclear(format!("line {line}: it says {width}×{height} of an image of {w}×{h} pixels"));
        }
        let to = own.to();
        self.numbers(page, [width, height], [to.width as f64, to.height as f64]);
        Ok(())
    }

    /// Counts something that is to be said: "boxes left the image and are dropped".
    pub(super) fn note(&mut self, what: &'static str) {
        *self.notes.entry(what).or_default() += 1;
    }

    /// Notes a point that lies outside its image already: it may count from another corner, or in the frame of an
    /// image that is stored turned.
    pub(super) fn note_outside(&mut self, [x, y]: [f64; 2], own: &Move) {
        let Size { width, height } = own.from();
        if !(0.0..=width as f64).contains(&x) || !(0.0..=height as f64).contains(&y) {
            self.note("points lay outside their upright image before");
        }
    }

    pub(super) fn into_parts(self) -> (Edits, Vec<String>) {
        (self.edits, self.notes.into_iter().map(|(what, count)| format!("{count} {what}")).collect())
    }
}

/// The finite numbers of a JSON list that can be coordinates.
pub(super) fn coordinates<'a>(view: View<'a>, field: &str) -> Result<Vec<(f64, View<'a>)>, Stop> {
    let items: Option<Vec<_>> = view.items().map(|item| Some((plausible(item.number()?)?, item))).collect();
    match items.filter(|_| view.is_list()) {
        Some(items) => Ok(items),
        None => unclear(format!("line {}: \"{field}\" is not a list of coordinates", view.line())),
    }
}

/// Coordinates of exactly `N` numbers.
pub(super) fn coordinates_of<'a, const N: usize>(
    view: View<'a>,
    field: &str,
) -> Result<([f64; N], [View<'a>; N]), Stop> {
    let (numbers, views): (Vec<_>, Vec<_>) = coordinates(view, field)?.into_iter().unzip();
    match (numbers.try_into(), views.try_into()) {
        (Ok(numbers), Ok(views)) => Ok((numbers, views)),
        _ => unclear(format!("line {}: \"{field}\" does not have {N} numbers", view.line())),
    }
}

/// A number that can be a coordinate in an image.
pub(super) fn plausible(number: f64) -> Option<f64> {
    (number.abs() <= 1e9).then_some(number)
}
