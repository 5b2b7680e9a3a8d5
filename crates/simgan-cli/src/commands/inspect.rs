//! `simgan inspect`: describes a data set or a run.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use simgan_data::{Census, FolderOptions, Range, Sizes, Source, Statistics, printable_line};

use crate::arguments::InspectArguments;
use crate::commands::inspect_run::{Run, is_run};
use crate::commands::{sheet, to_look_at};
use crate::console::print;
use crate::registry::registry;

/// Prints the description as text or as JSON.
pub(crate) fn inspect(arguments: &InspectArguments) -> Result<()> {
    if let Some(path) = &arguments.sheet {
        return sheet::write(path, arguments);
    }
    let described: Vec<Described> =
        arguments.what.iter().map(|what| Described::of(what, arguments.limit)).collect::<Result<_>>()?;
    match &described[..] {
        [one] if arguments.json => print_json(one),
        several if arguments.json => print_json(&several),
        several => print(&several.iter().map(Described::text).collect::<Vec<_>>().join("\n")),
    }
}

/// The description of one data set or run.
#[derive(serde::Serialize)]
#[serde(untagged)]
enum Described {
    Run(Box<Run>),
    Source(Box<Found>),
}

impl Described {
    fn of(what: &str, limit: usize) -> Result<Self> {
        let path = Path::new(what);
        if is_run(path) {
            return Ok(Self::Run(Box::new(Run::read(path)?)));
        }
        Ok(Self::Source(Box::new(Found::read(what, limit)?)))
    }

    fn text(&self) -> String {
        match self {
            Self::Run(run) => run.text(),
            Self::Source(source) => source.text(),
        }
    }
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
    /// What else is in a folder.
    #[serde(skip_serializing_if = "Option::is_none")]
    census: Option<Census>,
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
            census: None,
            statistics: Statistics::of(&*source.open(&to_look_at(name))?, limit),
        };
        if is_folder {
            let options = FolderOptions { sizes: Sizes::Mixed, ..Default::default() };
            let folder = registry.find(name)?.open_folder(&options)?;
            let is_labelled = |index: &usize| folder.labels_of(*index).next().is_some();
            found.n_labelled = Some((0..folder.len()).filter(is_labelled).count());
            found.census = Some(folder.census());
            found.index_files =
                Some(folder.index_files().iter().map(|path| path.display().to_string()).collect());
        }
        Ok(found)
    }

    fn text(&self) -> String {
        let statistics = &self.statistics;
        let (n_unreadable, n_read) = (statistics.errors.len(), statistics.n_read);
        let n_tried = n_read + n_unreadable;
        let mut text = format!("{}: {} images, {n_read} read", self.source, statistics.n_images);
        if n_unreadable > 0 {
            text.push_str(&format!(", {n_unreadable} unreadable"));
        }
        if n_tried < statistics.n_images {
            text.push_str(&format!(", {} not looked at", statistics.n_images - n_tried));
        }
        text.push('\n');
        text.push_str(&kinds(&statistics.kinds));
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
        for (name, (kind, count)) in &statistics.annotations {
            text.push_str(&format!("label      {} ({kind}) of {count} images\n", printable_line(name)));
        }
        self.tell_files(&mut text);
        for error in &statistics.errors {
            text.push_str(&format!("unreadable {}\n", printable_line(error)));
        }
        text
    }

    /// Adds what stands beside the pixels: labels, other files, what is odd.
    fn tell_files(&self, text: &mut String) {
        let statistics = &self.statistics;
        if statistics.n_landmarks > 0 {
            text.push_str(&format!("landmarks  in {} of the images read\n", statistics.n_landmarks));
        }
        if let Some(n_labelled) = self.n_labelled {
            text.push_str(&format!("labels     beside {n_labelled} images\n"));
        }
        let index = self.index_files.as_deref().unwrap_or_default();
        for file in index.iter().take(MAX_INDEX) {
            text.push_str(&format!("index      {}\n", printable_line(file)));
        }
        if let Some(first) = statistics.flat.first() {
            let n_flat = statistics.flat.len();
            text.push_str(&format!(
                "almost flat {n_flat} images span less than 5 % of the range, such as {first}\n"
            ));
        }
        if index.len() > MAX_INDEX {
            text.push_str(&format!("index      and {} more label files\n", index.len() - MAX_INDEX));
        }
        if let Some(census) = &self.census {
            let mut tell = |what, line: &str| text.push_str(&format!("{what}   {}\n", printable_line(line)));
            census.lines().iter().for_each(|line| tell("not read", line));
            census.left_out().iter().for_each(|line| tell("left out", line));
        }
    }
}

/// Lists the sizes and kinds of pixels that most images have.
fn kinds(kinds: &BTreeMap<String, usize>) -> String {
    let mut sorted: Vec<_> = kinds.iter().collect();
    sorted.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    let shown = sorted.iter().take(MAX_KINDS).map(|(kind, count)| format!("  {count} of {kind}\n"));
    let mut text: String = shown.collect();
    if sorted.len() > MAX_KINDS {
        let n_images: usize = sorted[MAX_KINDS..].iter().map(|(_, count)| **count).sum();
        text.push_str(&format!("  and {} more sizes, of {n_images} images\n", sorted.len() - MAX_KINDS));
    }
    text
}

/// Maximum number of sizes listed.
const MAX_KINDS: usize = 5;
/// Maximum number of index files listed.
const MAX_INDEX: usize = 10;

fn spread(range: &Range, scale: f64, unit: &str) -> String {
    let Range { min, max, mean, std, .. } = *range;
    let [min, max, mean, std] = [min, max, mean, std].map(|value| value * scale);
    format!("{min:.3} to {max:.3}, mean {mean:.3}, deviation {std:.3} {unit}")
}
