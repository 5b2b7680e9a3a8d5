//! `simgan inspect`: describes a data set or a run.

use std::path::Path;

use anyhow::{Result, bail};
use simgan_data::{FolderOptions, Range, Sizes, Source, Statistics};

use crate::arguments::InspectArguments;
use crate::commands::inspect_run::{Run, is_run};
use crate::commands::{sheet, to_look_at};
use crate::console::print;
use crate::failure::usage;
use crate::registry::registry;

/// Prints the description as text or as JSON.
pub(crate) fn inspect(arguments: &InspectArguments) -> Result<()> {
    if let Some(path) = &arguments.sheet {
        return sheet::write(path, arguments);
    }
    let [what] = &arguments.what[..] else {
        bail!(usage("one source at a time").hint("--sheet FILE shows several beside each other"));
    };
    let path = Path::new(what);
    if is_run(path) {
        let run = Run::read(path)?;
        return if arguments.json { print_json(&run) } else { print(&run.text()) };
    }
    let found = Found::read(what, arguments.limit)?;
    if arguments.json { print_json(&found) } else { print(&found.text()) }
}

fn print_json(found: &impl serde::Serialize) -> Result<()> {
    print(&format!("{:#}\n", serde_json::to_value(found)?))
}

/// The description of a data set.
#[derive(serde::Serialize)]
struct Found {
    kind: &'static str,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    n_labelled: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index_files: Option<Vec<String>>,
    #[serde(flatten)]
    statistics: Statistics,
}

impl Found {
    fn read(name: &str, limit: usize) -> Result<Self> {
        let registry = registry();
        let source = registry.find(name)?;
        let is_folder = source.layout().is_image_folder();
        let mut found = Self {
            kind: "source",
            source: name.to_owned(),
            n_labelled: None,
            index_files: None,
            statistics: Statistics::of(&*source.open(&to_look_at(name))?, limit),
        };
        if is_folder {
            let options = FolderOptions { sizes: Sizes::Mixed, ..Default::default() };
            let folder = registry.find(name)?.open_folder(&options)?;
            let is_labelled = |index: &usize| folder.labels_of(*index).next().is_some();
            found.n_labelled = Some((0..folder.len()).filter(is_labelled).count());
            found.index_files =
                Some(folder.index_files().iter().map(|path| path.display().to_string()).collect());
        }
        Ok(found)
    }

    fn text(&self) -> String {
        let statistics = &self.statistics;
        let mut text =
            format!("{}: {} images, {} read\n", self.source, statistics.n_images, statistics.n_read);
        for (kind, count) in &statistics.kinds {
            text.push_str(&format!("  {count} of {kind}\n"));
        }
        if let Some(pixels) = &statistics.pixels {
            text.push_str(&format!("pixels     {}\n", spread(pixels, 1.0, "of the range [-1, 1]")));
        }
        if let Some(values) = &statistics.values {
            text.push_str(&format!("values     {}", spread(values, 1.0, "as stored")));
            if statistics.unmeasured > 0.0 {
                let percent = 100.0 * statistics.unmeasured;
                text.push_str(&format!(", {percent:.1} % without a measurement"));
            }
            text.push('\n');
        }
        for (name, angle) in [("gaze pitch", &statistics.pitch), ("gaze yaw  ", &statistics.yaw)] {
            if let Some(angle) = angle {
                let degrees = 180.0 / std::f64::consts::PI;
                text.push_str(&format!(
                    "{name} {}, {} labels\n",
                    spread(angle, degrees, "degrees"),
                    angle.count
                ));
            }
        }
        if statistics.n_landmarks > 0 {
            text.push_str(&format!("landmarks  in {} of the images read\n", statistics.n_landmarks));
        }
        if let Some(n_labelled) = self.n_labelled {
            text.push_str(&format!("labels     beside {n_labelled} images\n"));
        }
        for file in self.index_files.iter().flatten() {
            text.push_str(&format!("index      {file}\n"));
        }
        if let Some(first) = statistics.flat.first() {
            let n_flat = statistics.flat.len();
            text.push_str(&format!(
                "almost flat {n_flat} images span less than 5 % of the range, such as {first}\n"
            ));
        }
        for error in &statistics.errors {
            text.push_str(&format!("unreadable {error}\n"));
        }
        text
    }
}

fn spread(range: &Range, scale: f64, unit: &str) -> String {
    let Range { min, max, mean, std, .. } = *range;
    let [min, max, mean, std] = [min, max, mean, std].map(|value| value * scale);
    format!("{min:.3} to {max:.3}, mean {mean:.3}, deviation {std:.3} {unit}")
}
