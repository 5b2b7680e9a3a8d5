//! What systems and programs leave in folders, which is nobody's data.

use std::ffi::OsStr;

/// Names of bins, thumbnails and bookkeeping, in lower case.
const JUNK: [&str; 19] = [
    "@eadir",
    "#recycle",
    "$recycle.bin",
    "recycler",
    "system volume information",
    "lost+found",
    ".ipynb_checkpoints",
    "__macosx",
    "__pycache__",
    ".ds_store",
    ".spotlight-v100",
    ".fseventsd",
    ".temporaryitems",
    ".trashes",
    ".trash",
    ".thumbnails",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
];

/// Whether a file or folder of this name is neither counted nor copied, and leaves a folder empty.
#[must_use]
pub fn is_junk(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    let is_known = |known: &&str| bytes.eq_ignore_ascii_case(known.as_bytes());
    bytes.starts_with(b"._") || bytes.starts_with(b".trash-") || JUNK.iter().any(is_known)
}

/// Whether a file or folder is hidden by its name.
pub(super) fn is_hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn junk_is_known_by_name_in_any_case() {
        for name in
            ["@eaDir", "$RECYCLE.BIN", "Lost+Found", ".DS_Store", "._a.png", "Thumbs.db", "Desktop.ini"]
        {
            assert!(is_junk(OsStr::new(name)), "{name}");
        }
        for name in ["a.png", ".hidden.png", "lost", "recycle", "thumbs.png"] {
            assert!(!is_junk(OsStr::new(name)), "{name}");
        }
    }
}
