use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::DataError;

/// Which images of a folder a job works on, by globs; the default takes all that look like photographs.
///
/// `*` stands for any part of a name and `**` for any folders. A glob with a slash is compared with an image's
/// path relative to the folder, one without with its name; each also takes everything in a folder that it
/// names, so that `masks` leaves out `masks/1.png`.
///
/// ```
/// use simgan_data::Selection;
///
/// let selection = Selection::new(&["rgb_*"], &["old"])?;
/// assert!(selection.takes("cam/rgb_1.png".as_ref()));
/// assert!(!selection.takes("cam/depth_1.png".as_ref()) && !selection.takes("old/rgb_1.png".as_ref()));
/// # Ok::<(), simgan_data::DataError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Selection {
    images: Option<Globs>,
    exclude: Option<Globs>,
    /// As the user wrote them.
    written: Vec<String>,
}

#[derive(Clone, Debug)]
struct Globs {
    paths: GlobSet,
    names: GlobSet,
}

impl Selection {
    /// Takes the images that any of `images` matches, or all if there is none, except what any of `exclude`
    /// matches.
    ///
    /// # Errors
    /// [`DataError::Glob`] if a glob is not well formed.
    pub fn new(images: &[impl AsRef<str>], exclude: &[impl AsRef<str>]) -> Result<Self, DataError> {
        let written = images.iter().map(|glob| glob.as_ref().to_owned()).collect();
        Ok(Self { images: Globs::new(images)?, exclude: Globs::new(exclude)?, written })
    }

    /// Whether the images were named, in which case they are taken whatever they look like.
    #[must_use]
    pub fn names_images(&self) -> bool {
        self.images.is_some()
    }

    /// The globs that name images.
    #[must_use]
    pub fn written(&self) -> &[String] {
        &self.written
    }

    /// Whether the job works on an image, by its path relative to the folder.
    #[must_use]
    pub fn takes(&self, image: &Path) -> bool {
        let matches = |globs: &Option<Globs>| globs.as_ref().map(|globs| globs.matches(image));
        matches(&self.images).unwrap_or(true) && !matches(&self.exclude).unwrap_or(false)
    }
}

impl Globs {
    fn new(globs: &[impl AsRef<str>]) -> Result<Option<Self>, DataError> {
        let (mut paths, mut names) = (GlobSetBuilder::new(), GlobSetBuilder::new());
        let failed = |glob: &str, error: &globset::Error| DataError::Glob {
            glob: glob.to_owned(),
            reason: error.kind().to_string(),
        };
        for glob in globs.iter().map(AsRef::as_ref) {
            let trimmed = glob.trim_start_matches("./").trim_end_matches('/');
            let built = GlobBuilder::new(trimmed).literal_separator(true).build();
            let set = if trimmed.contains('/') { &mut paths } else { &mut names };
            set.add(built.map_err(|error| failed(glob, &error))?);
        }
        let build = |set: GlobSetBuilder| set.build().map_err(|error| failed("", &error));
        Ok(if globs.is_empty() { None } else { Some(Self { paths: build(paths)?, names: build(names)? }) })
    }

    fn matches(&self, image: &Path) -> bool {
        let is_match = |path: &Path| {
            self.paths.is_match(path)
                || path.file_name().is_some_and(|name| self.names.is_match(PathBuf::from(name)))
        };
        image.ancestors().any(is_match)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_match_paths_names_and_folders() {
        let takes = |images: &[&str], exclude: &[&str], image: &str| {
            Selection::new(images, exclude).unwrap().takes(Path::new(image))
        };
        assert!(takes(&[], &[], "a/b.png"));
        assert!(takes(&["*.png"], &[], "a/b.png") && !takes(&["*.png"], &[], "a/b.jpg"));
        assert!(takes(&["a/*.png"], &[], "a/b.png") && !takes(&["a/*.png"], &[], "c/a/b.png"));
        assert!(takes(&["**/a/*.png"], &[], "c/a/b.png") && !takes(&["a/*.png"], &[], "a/c/b.png"));
        assert!(!takes(&[], &["a"], "c/a/b.png") && !takes(&[], &["c/a/"], "c/a/b.png"));
        assert!(takes(&["{rgb,rgba}_*"], &[], "rgba_1.png"));
        let error = Selection::new(&["a[".to_owned()], &[] as &[&str]).unwrap_err();
        assert!(error.to_string().contains("a["), "{error}");
    }
}
