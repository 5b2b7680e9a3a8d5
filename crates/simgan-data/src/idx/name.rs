//! Names of IDX files: `train-images-idx3-ubyte`, `t10k-labels.idx1-ubyte.gz`.

use std::path::{Path, PathBuf};

/// A name in lower case, without `.gz`.
fn plain_name(path: &Path) -> String {
    let name = path.file_name().map(|name| name.to_string_lossy().to_ascii_lowercase()).unwrap_or_default();
    name.strip_suffix(".gz").map(str::to_owned).unwrap_or(name)
}

/// Whether a name ends in `idxN-ubyte`, after a dot or a hyphen.
pub(super) fn is_idx(path: &Path) -> bool {
    let name = plain_name(path);
    let number = name.strip_suffix("-ubyte").and_then(|name| {
        let (stem, number) = name.rsplit_once("idx")?;
        stem.ends_with(['.', '-']).then(|| number.to_owned())
    });
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Whether a name is that of images.
pub(super) fn is_images(path: &Path) -> bool {
    is_idx(path) && plain_name(path).ends_with("idx3-ubyte")
}

/// Whether a name ends in `.gz`.
pub(super) fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("gz"))
}

/// Finds the labels beside a file of images. Either file may be packed, and have a dot or a hyphen in its name.
pub(super) fn labels_of(images: &Path) -> Option<PathBuf> {
    let name = images.file_name()?.to_str()?;
    let name = if is_packed(images) { &name[..name.len() - ".gz".len()] } else { name };
    let (stem, ending) = name.split_at_checked(name.len().checked_sub("-idx3-ubyte".len())?)?;
    let stem =
        stem.rsplit_once("images").map_or(stem.to_owned(), |(start, end)| format!("{start}labels{end}"));
    let is_known = ["-idx3-ubyte", ".idx3-ubyte"].contains(&ending);
    let candidates = ["-idx1-ubyte", ".idx1-ubyte"].iter().flat_map(|ending| {
        ["", ".gz"].map(|packed| images.with_file_name(format!("{stem}{ending}{packed}")))
    });
    candidates.into_iter().find(|path| is_known && path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_recognised() {
        for name in ["train-images-idx3-ubyte", "T10K-images.IDX3-ubyte.GZ", "a/b.idx3-ubyte.gz"] {
            assert!(is_images(Path::new(name)), "{name}");
        }
        for name in ["train-labels-idx1-ubyte", "x.idx4-ubyte"] {
            assert!(is_idx(Path::new(name)) && !is_images(Path::new(name)), "{name}");
        }
        for name in ["idx3-ubyte", "a-idx-ubyte", "a-idx3-ubyte.png", "my_idx3-ubyte", "a-idx3-int", ""] {
            assert!(!is_idx(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn labels_are_found_in_either_spelling() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for (images, labels) in [
            ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
            ("t10k-images.idx3-ubyte", "t10k-labels-idx1-ubyte.gz"),
            ("plain-idx3-ubyte.gz", "plain.idx1-ubyte"),
        ] {
            assert_eq!(labels_of(&path(images)), None);
            std::fs::write(path(labels), "").unwrap();
            assert_eq!(labels_of(&path(images)), Some(path(labels)));
        }
        assert_eq!(labels_of(&path("é")), None);
        assert_eq!(labels_of(&path("ééééééééé")), None);
    }
}
