use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use rayon::prelude::*;
use simgan_data::{ImageFile, ImageFormat, Registry, Size, Source, SourceRequest, Want, write_atomic};

use super::Renderer;
use crate::arguments::RenderArguments;
use crate::failure::{usage, usage_of};

/// A simulator that is known only as a source. Its images become PNG files, without loss and at their depth.
pub(super) struct Plain(Arc<dyn Source>);

impl Plain {
    /// Opens a simulator by its name.
    pub(super) fn open(registry: &Registry, name: &str, arguments: &RenderArguments) -> Result<Self> {
        if arguments.preset.is_some() || arguments.sequence || arguments.frames.is_some() {
            bail!(usage(format!("`{name}` has neither presets nor films")));
        }
        let spec = [name].into_iter().chain(arguments.set.iter().map(String::as_str)).collect::<Vec<_>>();
        let request = SourceRequest {
            seed: arguments.seed,
            size: arguments.size,
            channels: arguments.color.then_some(3),
            ..SourceRequest::new(spec.join(","))
        };
        let source = registry.open(&request).map_err(|error| usage_of(&error))?;
        if source.len() < arguments.count {
            let message = format!("`{name}` has {} images, fewer than {}", source.len(), arguments.count);
            bail!(usage(message).hint(format!("--set samples={}", arguments.count)));
        }
        Ok(Self(source))
    }

    /// Writes `N.png` and `N.json`.
    fn write_one(&self, folder: &Path, index: usize) -> Result<()> {
        let (image_path, record_path) =
            (folder.join(format!("{index}.png")), folder.join(format!("{index}.json")));
        let record = self.record(index)?;
        // The record is written last, so an identical one means a finished pair.
        let is_done = fs::read(&record_path).is_ok_and(|bytes| bytes == record.as_bytes());
        if is_done && image_path.is_file() {
            return Ok(());
        }
        let image = ImageFile::new(self.0.sample(index, Want::Image)?.image, ImageFormat::Png);
        write_atomic(&image_path, &image.encode(&image_path)?)?;
        write_atomic(&record_path, record.as_bytes())?;
        Ok(())
    }
}

impl Renderer for Plain {
    fn size(&self) -> Size {
        self.0.spec().size()
    }

    fn name(&self, index: usize) -> Result<String> {
        Ok(index.to_string())
    }

    fn record(&self, index: usize) -> Result<String> {
        let record = self.0.sample(index, Want::Labels)?.record;
        Ok(format!("{}\n", record.context("a simulator without records")?))
    }

    fn write(&self, folder: &Path, range: Range<usize>) -> Result<()> {
        fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        range.into_par_iter().try_for_each(|index| self.write_one(folder, index))
    }
}
