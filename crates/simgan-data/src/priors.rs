//! Renders that are drawn as the labels of some real images are distributed, written down in a file.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    DataError, Layout, Listing, Match, Registry, Resampled, Source, SourceRequest, read_text, write_atomic,
};

/// Extension of the files.
const EXTENSION: &str = "priors";
const FORMAT_VERSION: u32 = 1;

/// Which renders are to be drawn: the contents of a file `NAME.priors`, JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PriorsFile {
    format_version: u32,
    /// The renders: a simulator with its settings, or a folder.
    pub source: String,
    /// How they were found, for whoever reads the file.
    #[serde(default)]
    pub found: Vec<String>,
    /// The weight of each image by its name; empty if all count alike.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub weights: BTreeMap<String, f64>,
}

impl PriorsFile {
    /// Describes renders of `source`.
    #[must_use]
    pub const fn new(source: String, found: Vec<String>, weights: BTreeMap<String, f64>) -> Self {
        Self { format_version: FORMAT_VERSION, source, found, weights }
    }

    /// Writes it, atomically.
    ///
    /// # Errors
    /// The path does not end in `.priors`, or the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), DataError> {
        if !path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(EXTENSION)) {
            return Err(damaged(
                path,
                format!("its name must end in .{EXTENSION}, by which it is recognised"),
            ));
        }
        let text = serde_json::to_string_pretty(self).map_err(|error| damaged(path, error.to_string()))?;
        write_atomic(path, format!("{text}\n").as_bytes())
    }

    fn read(path: &Path) -> Result<Self, DataError> {
        let file: Self =
            serde_json::from_str(&read_text(path)?).map_err(|error| damaged(path, error.to_string()))?;
        match file.format_version {
            FORMAT_VERSION => Ok(file),
            other => Err(damaged(path, format!("format version {other}, but this program reads 1"))),
        }
    }

    /// The weight of each sample of its source.
    fn weights_of(&self, source: &dyn Source, path: &Path) -> Result<Vec<f64>, DataError> {
        if source.len() != self.weights.len() {
            let (found, known) = (source.len(), self.weights.len());
            let reason = format!("{} has {found} images, but weights are for {known}", self.source);
            return Err(damaged(path, reason));
        }
        let weight = |index: usize| {
            let name = source.name(index)?;
            let weight = self.weights.get(&name).copied();
            let weight = weight.filter(|weight| weight.is_finite() && *weight >= 0.0);
            weight.ok_or_else(|| damaged(path, format!("no weight for `{name}` of {}", self.source)))
        };
        let weights: Vec<f64> = (0..source.len()).map(weight).collect::<Result<_, _>>()?;
        match weights.iter().sum::<f64>() > 0.0 {
            true => Ok(weights),
            false => Err(damaged(path, "all weights are 0".to_owned())),
        }
    }
}

/// The layout of such files, whose renders `registry` opens.
pub struct PriorsLayout {
    registry: Registry,
}

impl PriorsLayout {
    /// Reads files about sources of `registry`.
    #[must_use]
    pub const fn new(registry: Registry) -> Self {
        Self { registry }
    }
}

impl Layout for PriorsLayout {
    fn name(&self) -> &'static str {
        EXTENSION
    }

    fn help(&self) -> String {
        "a file NAME.priors, which tells which renders of another source to draw".to_owned()
    }

    fn recognise(&self, at: &Listing) -> Match {
        if at.is_file_with(&[EXTENSION]) { Match::Specific } else { Match::No }
    }

    fn open(&self, request: &SourceRequest, at: Listing) -> Result<Arc<dyn Source>, DataError> {
        let file = PriorsFile::read(at.path())?;
        let request = SourceRequest { spec: file.source.clone(), ..request.clone() };
        let source = self.registry.open(&request)?;
        if file.weights.is_empty() {
            return Ok(source);
        }
        let weights = file.weights_of(&*source, at.path())?;
        Ok(Arc::new(Resampled::new(source, &weights)))
    }
}

fn damaged(path: &Path, reason: String) -> DataError {
    DataError::Dataset { path: path.to_owned(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Image, Pixels, Want};

    /// Writes three images and a file about them into a folder; returns the file's path.
    fn scene(folder: &Path, weights: &[(&str, f64)]) -> String {
        for value in 0..3u8 {
            let image = [b"P5\n3 2\n255\n".as_slice(), &[50 * value; 6]].concat();
            let renders = folder.join("renders");
            std::fs::create_dir_all(&renders).unwrap();
            std::fs::write(renders.join(format!("{value}.pgm")), image).unwrap();
        }
        let weights = weights.iter().map(|(name, weight)| ((*name).to_owned(), *weight)).collect();
        let path = folder.join("a.priors");
        PriorsFile::new(folder.join("renders").display().to_string(), Vec::new(), weights)
            .write(&path)
            .unwrap();
        path.display().to_string()
    }

    fn open(path: &str) -> Result<Arc<dyn Source>, DataError> {
        let registry = Registry::default().with(PriorsLayout::new(Registry::default()));
        registry.open(&SourceRequest::new(path))
    }

    #[test]
    fn a_file_tells_which_images_to_draw() {
        let folder = tempfile::tempdir().unwrap();
        let source = open(&scene(folder.path(), &[])).unwrap();
        let first = source.name(0).unwrap();
        let names: Vec<_> = (0..3).map(|index| source.name(index).unwrap()).collect();
        let heavy = [(&*names[0], 0.2), (&names[1], 0.3), (&names[2], 2.5)];
        let source = open(&scene(folder.path(), &heavy)).unwrap();
        assert_eq!(source.len(), 3);
        let values: Vec<_> = (0..3).map(|index| source.sample(index, Want::Image).unwrap().image).collect();
        let is_last = |image: &&Image| *image.pixels() == Pixels::U8(vec![100; 6]);
        assert_eq!(values.iter().filter(is_last).count(), 3, "{first}");
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<_> = {
            let source = open(&scene(folder.path(), &[])).unwrap();
            (0..3).map(|index| source.name(index).unwrap()).collect()
        };
        let told = |weights: &[(&str, f64)]| open(&scene(folder.path(), weights)).err().unwrap().to_string();
        let error = told(&[(&names[0], 1.0)]);
        assert!(error.contains("a.priors") && error.contains("3 images"), "{error}");
        let error = told(&[(&names[0], 1.0), (&names[1], 1.0), ("other", 1.0)]);
        assert!(error.contains(&names[2]), "{error}");
        let error = told(&[(&names[0], 0.0), (&names[1], 0.0), (&names[2], 0.0)]);
        assert!(error.contains("all weights are 0"), "{error}");
        let error = told(&[(&names[0], 1.0), (&names[1], 1.0), (&names[2], -1.0)]);
        assert!(error.contains("no weight for"), "{error}");
        let file = PriorsFile::new("x".to_owned(), Vec::new(), BTreeMap::new());
        let error = file.write(&folder.path().join("a.json")).unwrap_err().to_string();
        assert!(error.contains(".priors"), "{error}");
        std::fs::write(folder.path().join("b.priors"), "{\"format_version\": 1").unwrap();
        let path = folder.path().join("b.priors").display().to_string();
        assert!(open(&path).err().unwrap().to_string().contains("b.priors"));
    }
}
