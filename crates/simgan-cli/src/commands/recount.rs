//! Says how the images of a run are counted, where they are not as many as the run began with.

use std::collections::BTreeMap;

use simgan_data::{FolderOptions, Sizes};
use simgan_train::{DataConfig, TrainError};

use crate::registry::registry;

/// Adds to an error about other images how they are counted now: which kinds are taken, and which are passed
/// over. An earlier version may have counted otherwise.
pub(super) fn explained(error: TrainError, data: &DataConfig) -> TrainError {
    let TrainError::OtherImages { domain, reason, is_number: true, run } = error else { return error };
    let names = if domain == "synthetic" { &data.synthetic } else { &data.real };
    let counted: Vec<String> = names.iter().filter_map(|name| counted(name)).collect();
    let reason = match &counted[..] {
        [] => reason,
        counted => format!(
            "{reason}; if the files are the same, another version of this program counted them: {}",
            counted.join("; ")
        ),
    };
    TrainError::OtherImages { domain, reason, is_number: true, run }
}

/// What is taken and what is passed over of a folder of images.
fn counted(name: &str) -> Option<String> {
    let registry = registry();
    let found = registry.find(name).ok()?;
    if !found.layout().is_image_folder() {
        return None;
    }
    let options = FolderOptions { sizes: Sizes::Mixed, ..FolderOptions::default() };
    let folder = found.open_folder(&options).ok()?;
    let mut taken: BTreeMap<String, usize> = BTreeMap::new();
    for image in folder.images() {
        let extension = image.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        *taken.entry(extension).or_default() += 1;
    }
    let taken: Vec<String> = taken.iter().map(|(extension, n)| format!("{n} .{extension}")).collect();
    let mut told = format!("of {name}, {} are taken", taken.join(", "));
    let passed = folder.census().lines();
    if !passed.is_empty() {
        told.push_str(&format!(" and passed over are {}", passed.join(", ")));
    }
    Some(told)
}

#[cfg(test)]
mod tests {
    use simgan_data::{Image, ImageFile, ImageFormat, Pixels};

    use super::*;

    #[test]
    fn what_is_counted_and_passed_over_is_told() {
        let folder = tempfile::tempdir().unwrap();
        for (name, n_values) in [("a.png", 200), ("b.bmp", 200), ("a_mask.png", 2), ("b_mask.png", 2)] {
            let pixels = Pixels::U8((0..200).map(|value| (value % n_values) as u8).collect());
            let path = folder.path().join(name);
            let format = ImageFormat::from_path(&path).unwrap();
            ImageFile::new(Image::new(1, 10, 20, pixels), format).save(&path).unwrap();
        }
        let name = folder.path().display().to_string();
        let other = || TrainError::OtherImages {
            domain: "real",
            reason: "4 then, 2 now".to_owned(),
            is_number: true,
            run: "run".into(),
        };
        let data = |real: &str| {
            let data = simgan_train::Recipe::Demo.config().data;
            DataConfig { real: vec![real.to_owned()], ..data }
        };
        let told = explained(other(), &data(&name)).to_string();
        for part in ["4 then, 2 now; if", "1 .bmp, 1 .png are taken", "passed over are 2 mask"] {
            assert!(told.contains(part), "{told}");
        }
        assert_eq!(explained(other(), &data("builtin:camera")).to_string(), other().to_string());
    }
}
