//! Paths with wildcards, and single images: sources that are some of the images of a folder.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use globset::{Glob, GlobMatcher};

use crate::folder::walk::Found;
use crate::{ImageFormat, listing::has_extension};

/// Some of the images below a folder.
pub(crate) struct Pattern {
    root: PathBuf,
    parts: Vec<Part>,
}

/// What one component of a path below the root may be.
enum Part {
    /// `**`: any folders, or none.
    Folders,
    Literal(OsString),
    Name(GlobMatcher),
}

impl Pattern {
    /// Reads a path whose last components hold `*`, `?`, `[…]` or `{…}`, or that of an image file. `None` for any
    /// other path; one that exists as it stands is no pattern.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let components: Vec<_> = path.components().collect();
        let first = if path.is_file() && ImageFormat::from_path(path).is_some() {
            components.len() - 1
        } else if path.exists() {
            return None;
        } else {
            components.iter().position(|part| is_wild(part))?
        };
        let (root, parts) = components.split_at(first);
        let is_literal = path.is_file();
        let part = |part: &Component<'_>| match part.as_os_str().to_str() {
            Some("**") if !is_literal => Some(Part::Folders),
            Some(name) if !is_literal && is_wild(part) => {
                Glob::new(name).ok().map(|glob| Part::Name(glob.compile_matcher()))
            }
            _ => Some(Part::Literal(part.as_os_str().to_owned())),
        };
        let parts = parts.iter().map(part).collect::<Option<_>>()?;
        let root: PathBuf = root.iter().collect();
        let root = if root.as_os_str().is_empty() { PathBuf::from(".") } else { root };
        root.is_dir().then_some(Self { root, parts })
    }

    /// The folder of the components without wildcards; images are named relative to it.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The images that fit, and the label files beside them. Hidden files and folders that cannot be read are
    /// left out.
    pub(crate) fn found(&self) -> Found {
        let mut files = Vec::new();
        self.list(Path::new(""), &self.parts, 0, &mut files);
        let is_image = |file: &PathBuf| ImageFormat::from_path(file).is_some();
        let (chosen, _): (Vec<_>, Vec<_>) = files.into_iter().partition(is_image);
        let mut found = Found::default();
        let mut folders: Vec<PathBuf> = chosen.iter().map(|image| folder_of(image)).collect();
        folders.sort_unstable();
        folders.dedup();
        for folder in folders {
            let images = chosen.iter().filter(|image| folder_of(image) == folder);
            let names: HashSet<String> = images
                .flat_map(|image| [image.file_name(), image.file_stem()])
                .flatten()
                .map(|name| name.to_string_lossy().into_owned())
                .collect();
            let is_beside = |file: &PathBuf| is_label_of_one(file, &names);
            entries(&self.root.join(&folder))
                .map(|name| folder.join(name))
                .filter(|file| has_extension(file, &["json", "txt", "csv"]) && is_beside(file))
                .for_each(|file| found.add(file));
        }
        chosen.into_iter().for_each(|image| found.add(image));
        found.sort();
        found.images.dedup();
        found
    }

    /// Adds the files below `folder` that fit `parts`.
    fn list(&self, folder: &Path, parts: &[Part], depth: usize, files: &mut Vec<PathBuf>) {
        let Some((part, rest)) = parts.split_first().filter(|_| depth < MAX_DEPTH) else { return };
        match part {
            Part::Folders => self.list(folder, rest, depth, files),
            Part::Literal(name) => return self.enter(folder.join(name), rest, depth, files),
            Part::Name(_) => {}
        }
        for name in entries(&self.root.join(folder)) {
            let path = folder.join(&name);
            match part {
                Part::Folders if self.root.join(&path).is_dir() => self.list(&path, parts, depth + 1, files),
                Part::Name(glob) if glob.is_match(&name) => self.enter(path, rest, depth, files),
                _ => {}
            }
        }
    }

    /// Goes on below a path that fits all parts but `rest`, or adds it.
    fn enter(&self, path: PathBuf, rest: &[Part], depth: usize, files: &mut Vec<PathBuf>) {
        let full = self.root.join(&path);
        if full.is_dir() {
            self.list(&path, rest, depth + 1, files);
        } else if rest.is_empty() && full.exists() {
            files.push(path);
        }
    }
}

/// Folders deeper than this are not entered, so that a cycle of links ends.
const MAX_DEPTH: usize = 40;

fn is_wild(part: &Component<'_>) -> bool {
    part.as_os_str().to_str().is_some_and(|name| name.contains(['*', '?', '[', '{']))
}

/// The names in a folder, without hidden ones; none if it cannot be read.
fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| PathBuf::from(entry.file_name()))
        .filter(|name| !name.to_string_lossy().starts_with('.'))
}

fn folder_of(file: &Path) -> PathBuf {
    file.parent().unwrap_or(Path::new("")).to_owned()
}

/// Whether a label file is named like one of the images of its folder, given by their names and stems: `7.json`,
/// `7.label.json` or `7.png.json`.
fn is_label_of_one(label: &Path, names: &HashSet<String>) -> bool {
    let label = label.file_name().unwrap_or_default().to_string_lossy();
    label.match_indices('.').any(|(dot, _)| names.contains(&label[..dot]))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn found(root: &Path, pattern: &str) -> Vec<String> {
        let found = Pattern::of(&root.join(pattern)).map(|pattern| pattern.found()).unwrap_or_default();
        found.images.iter().chain(&found.labels).map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn patterns_choose_images_and_their_labels() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        let files = [
            "a/1.png",
            "a/1.json",
            "a/2.jpg",
            "a/2.jpg.txt",
            "a/note.txt",
            "a/b/3.PNG",
            "c/4.png",
            "c/.5.png",
            "c/[x].png",
        ];
        for file in files {
            fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            fs::write(root.join(file), "").unwrap();
        }
        assert_eq!(found(root, "a/*"), ["1.png", "2.jpg", "1.json", "2.jpg.txt"]);
        assert_eq!(found(root, "a/*.png"), ["1.png", "1.json"]);
        assert_eq!(found(root, "a/**/*.{png,PNG}"), ["1.png", "b/3.PNG", "1.json"]);
        assert_eq!(found(root, "?/[0-9].*"), ["a/1.png", "a/2.jpg", "c/4.png", "a/1.json", "a/2.jpg.txt"]);
        assert_eq!(found(root, "?/b/3.PNG"), ["a/b/3.PNG"]);
        assert_eq!(found(root, "a/1.png"), ["1.png", "1.json"], "a single image");
        assert_eq!(found(root, "c/[x].png"), ["[x].png"], "a name that looks like a pattern");
        assert!(found(root, "a/*.bmp").is_empty());
        for path in ["a", "none", "none/*.png", "a/note.txt", "a/[.png"] {
            assert!(Pattern::of(&root.join(path)).is_none(), "{path}");
        }
    }
}
