use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::{DType, Device, Shape, Tensor, Var};
use candle_nn::init::{Init, NormalOrUniform};
use candle_nn::var_builder::{SimpleBackend, VarBuilder};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::file::TensorFile;
use crate::{Layout, ModelError, write_tensors};

/// The trainable parameters of one network, in order of creation, and its buffers: the running statistics of
/// batch normalisations, named as in PyTorch, and the vectors u and v of spectral norms.
///
/// The initial value of a parameter depends only on the seed and its name: adding a layer, or building layers
/// in another order, changes no other parameter. Clones share the parameters.
#[derive(Clone, Debug)]
pub struct Parameters {
    store: Arc<Mutex<Vec<(String, Var)>>>,
    seed: u64,
    device: Device,
}

impl Parameters {
    /// Creates an empty store; building a network with [`Self::var_builder`] fills it.
    #[must_use]
    pub fn new(seed: u64, device: &Device) -> Self {
        Self { store: Arc::default(), seed, device: device.clone() }
    }

    /// Returns a builder that creates `f32` parameters in this store, or returns existing ones of the same
    /// name and shape.
    #[must_use]
    pub fn var_builder(&self) -> VarBuilder<'static> {
        VarBuilder::from_backend(Box::new(self.clone()), DType::F32, self.device.clone())
    }

    /// Returns all parameters in order of creation, without the buffers.
    #[must_use]
    pub fn vars(&self) -> Vec<(String, Var)> {
        self.lock().iter().filter(|(name, _)| !is_buffer(name)).cloned().collect()
    }

    /// Returns the values of all parameters and buffers in order of creation. They share memory with them.
    #[must_use]
    pub fn tensors(&self) -> Vec<(String, Tensor)> {
        self.lock().iter().map(|(name, var)| (name.clone(), var.as_detached_tensor())).collect()
    }

    /// Number of values in all parameters, without the buffers.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().iter().filter(|(name, _)| !is_buffer(name)).map(|(_, var)| var.elem_count()).sum()
    }

    /// Writes all parameters and buffers as safetensors, atomically.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        write_tensors(path, &self.tensors())
    }

    /// Reads every parameter and buffer from a safetensors file. Changes nothing unless the whole file is
    /// valid.
    ///
    /// # Errors
    ///
    /// If the file is damaged, lacks a parameter, or has one that is unknown, of another shape or type, or
    /// not finite.
    pub fn load(&self, path: &Path) -> Result<(), ModelError> {
        self.set(&TensorFile::read(path, self.layout().max_bytes())?)
    }

    /// Names and shapes of the parameters and buffers.
    #[must_use]
    pub fn layout(&self) -> Layout {
        Layout::new(self.lock().iter().map(|(name, var)| (name.clone(), var.shape().clone())).collect())
    }

    /// Sets every parameter from a file, or none if the file does not fit.
    pub(crate) fn set(&self, file: &TensorFile) -> Result<(), ModelError> {
        file.check(&self.layout())?;
        let tensors = file.tensors(&self.device)?;
        let vars = self.lock().clone();
        // All values are checked before the first one is set.
        let values = vars.iter().map(|(name, _)| finite_value(file.path(), name, &tensors));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        for ((_, var), value) in vars.iter().zip(values) {
            var.set(value)?;
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(String, Var)>> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a tensor is saved and loaded but not trained: a running statistic of a batch normalisation, or a
/// vector of a spectral norm.
fn is_buffer(name: &str) -> bool {
    [".running_mean", ".running_var", ".u", ".v"].iter().any(|end| name.ends_with(end))
}

/// Returns the value that the file has for a parameter, if it is finite.
fn finite_value<'a>(
    path: &Path,
    name: &str,
    tensors: &'a [(String, Tensor)],
) -> Result<&'a Tensor, ModelError> {
    let (path, name) = (path.to_owned(), name.to_owned());
    let Some((_, value)) = tensors.iter().find(|(found, _)| *found == name) else {
        return Err(ModelError::Missing { path, name });
    };
    let values = value.flatten_all()?.to_vec1::<f32>()?;
    if !values.iter().all(|value| value.is_finite()) {
        return Err(ModelError::NotFinite { path, name });
    }
    Ok(value)
}

impl SimpleBackend for Parameters {
    fn get(
        &self,
        shape: Shape,
        name: &str,
        init: Init,
        dtype: DType,
        device: &Device,
    ) -> candle_core::Result<Tensor> {
        let mut store = self.lock();
        if let Some((_, var)) = store.iter().find(|(known, _)| known == name) {
            if *var.shape() != shape || var.dtype() != dtype {
                candle_core::bail!(
                    "parameter `{name}` is {:?} {:?}, not {shape:?}",
                    var.shape(),
                    var.dtype()
                );
            }
            return Ok(var.as_tensor().clone());
        }
        let values = initial_values(self.seed, name, &shape, init)?;
        let var = Var::from_tensor(&Tensor::from_vec(values, shape, device)?.to_dtype(dtype)?)?;
        store.push((name.to_owned(), var.clone()));
        Ok(var.into_inner())
    }

    fn get_unchecked(&self, name: &str, _: DType, _: &Device) -> candle_core::Result<Tensor> {
        match self.lock().iter().find(|(known, _)| known == name) {
            Some((_, var)) => Ok(var.as_tensor().clone()),
            None => candle_core::bail!("no parameter `{name}`: a new one needs a shape"),
        }
    }

    fn contains_tensor(&self, name: &str) -> bool {
        self.lock().iter().any(|(known, _)| known == name)
    }
}

/// Draws initial values on the host, from a random stream per parameter, so that every device and type starts
/// from the same values.
fn initial_values(seed: u64, name: &str, shape: &Shape, init: Init) -> candle_core::Result<Vec<f32>> {
    let count = shape.elem_count();
    let (low, high) = match init {
        Init::Const(value) => return Ok(vec![value as f32; count]),
        Init::Uniform { lo, up } => (lo, up),
        Init::Kaiming { dist: NormalOrUniform::Uniform, fan, non_linearity } => {
            let bound = non_linearity.gain() * (3.0 / fan.for_shape(shape) as f64).sqrt();
            (-bound, bound)
        }
        other => candle_core::bail!("parameter `{name}`: initialisation {other:?} is not supported"),
    };
    let mut stream = stream(seed, name);
    Ok((0..count).map(|_| (low + (high - low) * f64::from(stream.random::<f32>())) as f32).collect())
}

/// The random stream of the parameter, or the noise, called `name`.
pub(crate) fn stream(seed: u64, name: &str) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&fnv1a(name.as_bytes()).to_le_bytes());
    ChaCha8Rng::from_seed(key)
}

/// The 64-bit FNV-1a hash. Its specification fixes its values; the standard library's hashers may change
/// theirs.
pub(crate) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
