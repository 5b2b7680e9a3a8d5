use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{DType, Device, Shape, Tensor};
use candle_nn::Init;
use candle_nn::var_builder::{SimpleBackend, VarBuilder};
use safetensors::tensor::Metadata;

use crate::ModelError;
use crate::file::TensorFile;

/// Names and shapes of a network's parameters, known before any of them takes memory.
///
/// A file is compared with them before the network is built, and they say how much memory a network needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout(Vec<(String, Shape)>);

impl Layout {
    /// Collects the parameters that `build` creates in its `VarBuilder`. They are `f32` and take no memory.
    ///
    /// # Errors
    ///
    /// Those of `build`.
    pub fn of<T>(
        build: impl FnOnce(VarBuilder<'static>) -> Result<T, ModelError>,
    ) -> Result<Self, ModelError> {
        let recorder = Recorder::default();
        build(VarBuilder::from_backend(Box::new(recorder.clone()), DType::F32, Device::Cpu))?;
        let shapes = recorder.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Ok(Self(shapes))
    }

    pub(crate) fn new(shapes: Vec<(String, Shape)>) -> Self {
        Self(shapes)
    }

    /// Number of values in all parameters.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(_, shape)| shape.elem_count() as u64).fold(0, u64::saturating_add)
    }

    /// Maximum bytes of a file with these parameters: 8 for each value, since a file may hold `f64`, and the
    /// header.
    pub(crate) fn max_bytes(&self) -> u64 {
        self.count().saturating_mul(8).saturating_add(MAX_HEADER)
    }

    /// Compares names, shapes and types with the header of the safetensors file at `path`.
    ///
    /// # Errors
    ///
    /// If the file cannot be read or is damaged, or the first difference.
    pub fn check_file(&self, path: &Path) -> Result<(), ModelError> {
        TensorFile::read(path, self.max_bytes())?.check(self)
    }

    /// Compares names, shapes and types with the header of the file at `path`.
    pub(crate) fn check(&self, path: &Path, header: &Metadata) -> Result<(), ModelError> {
        let path = path.to_owned();
        // In order of name, so that the same file always gives the same error.
        let mut names: Vec<_> = header.tensors().into_keys().collect();
        names.sort_unstable();
        if let Some(name) = names.into_iter().find(|name| self.0.iter().all(|(known, _)| known != name)) {
            return Err(ModelError::Unknown { path, name });
        }
        for (name, expected) in &self.0 {
            let (name, expected) = (name.clone(), expected.clone());
            let Some(found) = header.info(&name) else {
                return Err(ModelError::Missing { path, name });
            };
            if found.shape != expected.dims() {
                let found = Shape::from(found.shape.clone());
                return Err(ModelError::Shape { path, name, expected, found });
            }
            if found.dtype != safetensors::Dtype::F32 {
                let found = format!("{:?}", found.dtype);
                return Err(ModelError::DType { path, name, expected: DType::F32, found });
            }
        }
        Ok(())
    }
}

/// Maximum bytes of a safetensors header.
pub(crate) const MAX_HEADER: u64 = 1 << 20;

/// Records what a network asks for and gives tensors that repeat one value, and so take no memory.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<(String, Shape)>>>);

impl SimpleBackend for Recorder {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        _: Init,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        let mut shapes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shapes.push((name.to_owned(), shape.clone()));
        Tensor::zeros((), dtype, device)?.broadcast_as(shape)
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> candle_core::Result<Tensor> {
        candle_core::bail!("no parameter `{name}`: a new one needs a shape")
    }

    fn contains_tensor(&self, _: &str) -> bool {
        false
    }
}
