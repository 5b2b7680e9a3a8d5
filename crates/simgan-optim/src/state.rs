use candle_core::{DType, Tensor};

use super::OptimError;

pub(super) fn find<'a>(tensors: &'a [(String, Tensor)], name: &str) -> Option<&'a Tensor> {
    tensors.iter().find(|(found, _)| found == name).map(|(_, tensor)| tensor)
}

/// Checks that `found` has exactly the names, shapes and types of `expected`, and finite values.
pub(super) fn check(expected: &[(String, Tensor)], found: &[(String, Tensor)]) -> Result<(), OptimError> {
    for (name, _) in found {
        if find(expected, name).is_none() {
            return Err(OptimError::State(format!("`{name}` is unknown")));
        }
    }
    for (name, own) in expected {
        let Some(tensor) = find(found, name) else {
            return Err(OptimError::State(format!("`{name}` is missing")));
        };
        if tensor.shape() != own.shape() || tensor.dtype() != own.dtype() {
            let (saved, wanted) = ((tensor.dims(), tensor.dtype()), (own.dims(), own.dtype()));
            return Err(OptimError::State(format!("`{name}` is {saved:?}, not {wanted:?}")));
        }
        if !is_finite(tensor)? {
            return Err(OptimError::State(format!("`{name}` is not finite")));
        }
    }
    Ok(())
}

fn is_finite(tensor: &Tensor) -> candle_core::Result<bool> {
    let values = tensor.flatten_all()?.to_dtype(DType::F64)?.to_vec1::<f64>()?;
    Ok(values.iter().all(|value| value.is_finite()))
}
