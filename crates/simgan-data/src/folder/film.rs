//! Films as folders: the images of one folder, in the order of their names, are the frames of one film.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The images of a folder as frames, found when they are first asked for.
#[derive(Default)]
pub(super) struct Films(OnceLock<Vec<Option<[usize; 2]>>>);

impl Films {
    /// Returns an image and its next one as [`Source::frames`](crate::Source::frames) does.
    pub(super) fn frames(&self, images: &[PathBuf], index: usize) -> Option<[usize; 2]> {
        self.0.get_or_init(|| frames(images))[index]
    }
}

fn frames(images: &[PathBuf]) -> Vec<Option<[usize; 2]>> {
    let mut order: Vec<usize> = (0..images.len()).collect();
    order.sort_by_cached_key(|index| (images[*index].parent(), by_number(&images[*index])));
    let mut frames = vec![None; images.len()];
    for pair in order.windows(2) {
        let [frame, next] = [pair[0], pair[1]];
        if images[frame].parent() == images[next].parent() {
            frames[frame] = Some([frame, next]);
            // Overwritten unless it is the film's last.
            frames[next] = Some([frame, next]);
        }
    }
    frames
}

/// Returns a text whose order is that of file names with their numbers in order: `9.png` before `10.png`.
fn by_number(path: &Path) -> String {
    let (mut key, mut digits) = (String::new(), String::new());
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    for char in name.chars().chain(['\0']) {
        if char.is_ascii_digit() {
            digits.push(char);
            continue;
        }
        if !digits.is_empty() {
            key.push_str(&format!("{digits:0>20}"));
            digits.clear();
        }
        key.push(char);
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_follow_by_number_within_their_folder() {
        let names = ["a/1.png", "a/10.png", "a/2.png", "a/b/0.png", "c/f007 x.png", "c/f8 x.png"];
        let images: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
        let films = Films::default();
        let found: Vec<_> = (0..6).map(|index| films.frames(&images, index)).collect();
        let expected = [Some([0, 2]), Some([2, 1]), Some([2, 1]), None, Some([4, 5]), Some([4, 5])];
        assert_eq!(found, expected);
    }
}
