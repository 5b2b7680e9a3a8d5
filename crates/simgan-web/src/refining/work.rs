//! Decodes and refines an upload.

use std::path::Path;
use std::sync::Arc;

use axum::http::StatusCode;
use candle_core::Device;
use simgan_data::{DataError, Image, ImageFile, ImageFormat, ImageSpec, Pixels, ValueRange};
use simgan_refine::{RefineModel, RefinedImage};
use tokio::sync::Semaphore;

use super::models::Models;
use super::results::{Results, Tried};
use super::{MAX_PIXELS, MAX_SIDE, MAX_UPLOAD};
use crate::runs::{Run, whole};
use crate::server::failure::Failure;

/// Uploads read at once: each is held in memory until it is refined.
const MAX_UPLOADS: usize = 4;

/// What refining needs and keeps.
pub(crate) struct Refining {
    pub(super) device: Device,
    pub(super) models: Models,
    pub(super) results: Results,
    /// Uploads in memory.
    pub(super) uploads: Arc<Semaphore>,
    /// One image is refined at a time: the network takes all cores.
    pub(super) turn: Arc<Semaphore>,
}

/// An uploaded image.
pub(super) struct Upload {
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

impl Refining {
    pub(crate) fn new(device: Device) -> Self {
        Self {
            device,
            models: Models::default(),
            results: Results::default(),
            uploads: Arc::new(Semaphore::new(MAX_UPLOADS)),
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    /// Refines an upload with the checkpoint at `step`.
    pub(super) fn refine(&self, run: &Run, step: u64, upload: &Upload) -> Result<Tried, Failure> {
        let file = decoded(upload)?;
        let model = self.models.open(run, step, &self.device);
        let model = model.ok_or_else(|| Failure::not_found(&format!("The checkpoint of step {step}")))?;
        let model = model.map_err(|error| Failure::broken(&error).maybe(error.hint()))?;
        let before = file.clone();
        let refined = model.refine_image(file, &upload.name).map_err(|error| Failure::broken(&error))?;
        tried(run, step, upload, &model, &before, &refined).map_err(|error| Failure::broken(&error))
    }
}

/// Decodes an upload whose header announces no more pixels than are taken.
fn decoded(upload: &Upload) -> Result<ImageFile, Failure> {
    let Upload { name, bytes } = upload;
    if bytes.len() > MAX_UPLOAD {
        return Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, too_large()));
    }
    let path = Path::new(name);
    let unreadable = |error: DataError| {
        Failure::new(StatusCode::UNPROCESSABLE_ENTITY, simgan_data::message_of(&error)).maybe(error.hint())
    };
    let ImageSpec { width, height, .. } = ImageFile::probe_bytes(bytes, path).map_err(unreadable)?;
    if width.saturating_mul(height) > MAX_PIXELS || width.max(height) > MAX_SIDE {
        let message = format!(
            "{name}: {width} × {height} pixels; this page takes {}, and {} along a side.",
            whole(MAX_PIXELS as u64),
            whole(MAX_SIDE as u64)
        );
        return Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, message)
            .hint("The command simgan refine takes images of any size."));
    }
    ImageFile::decode(bytes, path).map_err(unreadable)
}

pub(super) fn too_large() -> String {
    format!("An image file may have at most {} MB.", MAX_UPLOAD >> 20)
}

fn tried(
    run: &Run,
    step: u64,
    upload: &Upload,
    model: &RefineModel,
    before: &ImageFile,
    refined: &RefinedImage,
) -> Result<Tried, DataError> {
    let Upload { name, .. } = upload;
    let format = before.format();
    let spec = before.image().spec();
    let seen = [before, &refined.file].map(|file| visible(file.image(), model.range()));
    let difference: Vec<f32> = seen[0].iter().zip(&seen[1]).map(|(x, r)| (r - x).clamp(-1.0, 1.0)).collect();
    let [original, result] = seen;
    let pictures = [original, result, difference].map(|values| picture(spec, &values));
    let [original, result, difference] = pictures;
    let (extension, media_type) = written_as(format);
    let stem = Path::new(name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Tried {
        slug: run.slug.clone(),
        step,
        name: name.clone(),
        about: format!(
            "{}, {} × {}, {}, {} bits",
            format.name(),
            spec.width,
            spec.height,
            spec.color(),
            spec.depth.bits()
        ),
        change: refined.change,
        pictures: [original?, result?, difference?],
        file: refined.file.encode(Path::new(name))?,
        file_name: format!("{stem}-step-{step}.{extension}"),
        media_type,
    })
}

/// An image's values in [−1, 1] as the refiner's range shows them; what was not measured is black.
fn visible(image: &Image, range: Option<ValueRange>) -> Vec<f32> {
    let values = range.map_or_else(|| image.to_unit(), |range| image.in_range(range).to_unit());
    values.into_iter().map(|value| if value.is_finite() { value.clamp(-1.0, 1.0) } else { -1.0 }).collect()
}

/// A picture that every browser shows.
fn picture(spec: ImageSpec, values: &[f32]) -> Result<Vec<u8>, DataError> {
    let levels = values.iter().map(|value| ((value + 1.0) * 127.5).round() as u8).collect();
    let image = Image::new(spec.channels, spec.height, spec.width, Pixels::U8(levels));
    ImageFile::new(image, ImageFormat::Png).encode(Path::new("picture.png"))
}

/// The usual extension of a format, and its media type.
fn written_as(format: ImageFormat) -> (&'static str, &'static str) {
    match format {
        ImageFormat::Png => ("png", "image/png"),
        ImageFormat::Jpeg => ("jpg", "image/jpeg"),
        ImageFormat::Tiff => ("tif", "image/tiff"),
        ImageFormat::Bmp => ("bmp", "image/bmp"),
        ImageFormat::Pnm => ("pnm", "image/x-portable-anymap"),
        ImageFormat::WebP => ("webp", "image/webp"),
        ImageFormat::Gif => ("gif", "image/gif"),
    }
}
