//! What holds for all formats: what follows and is read is what is read and moved, and no damage panics.

mod folder;
mod follow;
mod manual;
mod property;
mod smoke;

use std::path::{Path, PathBuf};

use super::{Apart, Followed, LabelFile, follow};
use crate::{Fit, Size, Transform};

const FROM: Size = Size { width: 80, height: 60 };

/// How all images move in a test.
fn resize(to: &str) -> Transform {
    Transform::resize(FROM, to.parse().unwrap(), Fit::Cover)
}

/// Follows a file beside image 0 of a folder, or an index file.
fn followed(text: &[u8], path: &str, is_beside: bool, transform: Transform) -> Followed {
    let images = ["0.png", "1.png", "images/2.png"].map(PathBuf::from);
    let owners: &[usize] = if is_beside { &[0] } else { &[] };
    let moved = |_| Ok(transform);
    let (path, apart) = (Path::new(path), Apart::default());
    follow(text, &LabelFile { path, images: &images, apart, owners, moved: &moved }).unwrap()
}

/// The text and the notes of a file that moved.
fn moved(text: &str, path: &str, is_beside: bool, to: &str) -> (String, String) {
    match followed(text.as_bytes(), path, is_beside, resize(to)) {
        Followed::Moved { bytes, notes } => (String::from_utf8(bytes).unwrap(), notes.join("; ")),
        other => panic!("{path}: {other:?}"),
    }
}
