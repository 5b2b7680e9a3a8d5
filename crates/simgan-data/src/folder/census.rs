use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::{Folder, Kept};
use crate::ImageFormat;

/// What a folder holds besides the images that a job works on, counted by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Census {
    /// Images left as they are, by what they are: `mask`, `depth image`, …
    pub kept: BTreeMap<String, usize>,
    /// Image files of formats that are not read, by extension.
    pub unread: BTreeMap<String, usize>,
    /// Label files: beside an image or for the folder as a whole.
    pub labels: usize,
    /// Other files, by extension; empty for names without one.
    pub others: BTreeMap<String, usize>,
    /// Hidden files and folders.
    pub hidden: usize,
    /// Subfolders that cannot be listed.
    pub unreadable: Vec<String>,
    /// Pipes, sockets, devices, and links that lead nowhere.
    pub special: Vec<String>,
    /// Links that lead in circles.
    pub loops: Vec<String>,
    /// Label files beside chosen images that belong to none of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unused_labels: Vec<String>,
}

/// Maximum number of names in a sentence.
const MAX_NAMES: usize = 3;

impl Census {
    pub(super) fn of(folder: &Folder) -> Self {
        let mut census = Self { hidden: folder.passed.n_hidden, ..Self::default() };
        for image in folder.kept() {
            let kind = match image.why {
                Kept::Mask(kind) => kind.to_string(),
                Kept::FewValues => "image of few values".to_owned(),
                Kept::NotChosen => "image not chosen".to_owned(),
            };
            *census.kept.entry(kind).or_default() += 1;
        }
        for file in folder.others() {
            let extension = file.extension().unwrap_or_default().to_string_lossy().to_lowercase();
            let is_image = ImageFormat::not_read(&extension).is_some();
            let kinds = if is_image { &mut census.unread } else { &mut census.others };
            *kinds.entry(extension).or_default() += 1;
        }
        census.labels = folder.n_label_files();
        let shown = |path: &Path| path.display().to_string();
        let unreadable = folder.passed.unreadable.iter();
        census.unreadable = unreadable.map(|(path, why)| format!("{}: {why}", path.display())).collect();
        census.special = folder.passed.special.iter().map(|path| shown(path)).collect();
        census.loops = folder.passed.loops.iter().map(|path| shown(path)).collect();
        census.unused_labels = folder.passed.labels.iter().map(|path| shown(path)).collect();
        census
    }

    /// Number of files that are neither images to work on nor label files.
    #[must_use]
    pub fn n_copied(&self) -> usize {
        [&self.kept, &self.unread, &self.others].into_iter().flat_map(BTreeMap::values).sum()
    }

    /// A line for each kind of what is not worked on; none for label files.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.kept.iter().map(|(kind, n)| plural(*n, kind)).collect();
        if !self.unread.is_empty() {
            lines.push(format!(
                "{} of formats that are not read: {}",
                sum(&self.unread),
                by_kind(&self.unread)
            ));
        }
        if !self.others.is_empty() {
            lines.push(format!("{} other files: {}", sum(&self.others), by_kind(&self.others)));
        }
        lines
    }

    /// A line for each kind of what is left out altogether.
    #[must_use]
    pub fn left_out(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.hidden > 0 {
            lines.push(format!("{} hidden files and folders", self.hidden));
        }
        for (names, what) in [
            (&self.unreadable, "folders that cannot be read"),
            (&self.special, "pipes, devices and links that lead nowhere"),
            (&self.loops, "links that lead in circles"),
            (&self.unused_labels, "label files that name none of these images"),
        ] {
            if !names.is_empty() {
                lines.push(format!("{} {what}: {}", names.len(), first(names)));
            }
        }
        lines
    }
}

fn sum(kinds: &BTreeMap<String, usize>) -> usize {
    kinds.values().sum()
}

/// Formats counts, the largest first: `4 .webp, 2 .gif`.
fn by_kind(kinds: &BTreeMap<String, usize>) -> String {
    let mut sorted: Vec<_> = kinds.iter().collect();
    sorted.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    let name = |kind: &str| if kind.is_empty() { "without extension".to_owned() } else { format!(".{kind}") };
    let parts: Vec<String> = sorted.into_iter().map(|(kind, n)| format!("{n} {}", name(kind))).collect();
    parts.join(", ")
}

fn plural(n: usize, what: &str) -> String {
    match what.strip_prefix("image ") {
        _ if n == 1 => format!("1 {what}"),
        Some(rest) => format!("{n} images {rest}"),
        None => format!("{n} {what}s"),
    }
}

fn first(names: &[String]) -> String {
    let more = names.len().saturating_sub(MAX_NAMES);
    let shown = names[..names.len() - more].join(", ");
    if more > 0 { format!("{shown} and {more} more") } else { shown }
}
