//! Paths with wildcards, and single images: sources that are some of the images of a folder.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use globset::{Glob, GlobMatcher};

use crate::ImageFormat;
use crate::companions::{self, entries};
use crate::folder::walk::Found;

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

    /// The images that fit, and [what goes with them](companions). Hidden files and folders that cannot be
    /// read are left out.
    pub(crate) fn found(&self) -> Found {
        let mut files = Vec::new();
        self.list(Path::new(""), &self.parts, 0, &mut files);
        files.retain(|file| ImageFormat::from_path(file).is_some());
        companions::found(&self.root, files)
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn found(root: &Path, pattern: &str) -> Vec<String> {
        let found = Pattern::of(&root.join(pattern)).map(|pattern| pattern.found()).unwrap_or_default();
        let taken = found.images.iter().chain(&found.labels).chain(&found.others);
        taken.map(|path| path.display().to_string()).collect()
    }

    /// Writes files, each with its name as content unless another is given.
    fn write(root: &Path, files: &[(&str, &str)]) {
        for (file, content) in files {
            fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            fs::write(root.join(file), content).unwrap();
        }
    }

    #[test]
    fn files_of_any_kind_go_with_their_image() {
        let folder = tempfile::tempdir().unwrap();
        let names = [
            "a/1.png",
            "a/1.xml",
            "a/1.npy",
            "a/1.bin",
            "a/1.a.yaml",
            "a/2.png",
            "a/2.xml",
            "a/1.b.png",
            "a/1.b.json",
            "x/images/t/1.png",
            "x/labels/t/1.txt",
            "x/labels/t/2.txt",
            "a/@eaDir/1.png",
        ];
        write(folder.path(), &names.map(|name| (name, "")));
        let expected = ["1.png", "1.a.yaml", "1.bin", "1.npy", "1.xml"];
        assert_eq!(found(folder.path(), "a/1.png"), expected);
        assert_eq!(found(folder.path(), "x/i*/t/1.png"), ["images/t/1.png", "labels/t/1.txt"]);
        assert_eq!(found(folder.path(), "a/**/2.png"), ["2.png", "2.xml"]);
        assert_eq!(found(folder.path(), "a/**/1.png"), expected, "no thumbnail");
    }

    #[test]
    fn index_files_that_name_a_chosen_image_go_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let coco = |name: &str| {
            format!("{{\"images\": [{{\"id\": 1, \"file_name\": \"{name}\"}}], \"annotations\": []}}")
        };
        let files = [
            ("l/1.png", ""),
            ("l/2.png", ""),
            ("r/1.png", ""),
            ("l/coco.json", &coco("1.png")),
            ("l/other.json", &coco("2.png")),
            ("right.csv", "image,x,y\nr/1.png,1,2\n"),
            ("left.csv", "image,x,y\nl/1.png,1,2\n"),
            ("classes.txt", "cat\n"),
        ];
        write(folder.path(), &files);
        let taken = ["l/1.png", "l/coco.json", "left.csv"];
        assert_eq!(found(folder.path(), "[l]/1.png"), taken);
        let passed = Pattern::of(&folder.path().join("[l]/1.png")).unwrap().found().passed;
        assert_eq!(passed.labels, ["classes.txt", "l/other.json", "right.csv"].map(PathBuf::from));
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
