use crate::MetricsError;

/// Checks that there is one prediction per image, and at least one.
pub(crate) fn check_count(
    what: &'static str,
    n_predicted: usize,
    n_images: usize,
) -> Result<(), MetricsError> {
    if n_predicted != n_images {
        return Err(MetricsError::Predictions { what, n_predicted, n_images });
    }
    if n_images == 0 {
        return Err(MetricsError::TooFew { what, found: 0, needed: 1 });
    }
    Ok(())
}

/// Checks rows of one length each, and returns that length.
pub(crate) fn check_rows<T>(
    what: &'static str,
    predicted: &[Vec<T>],
    truth: &[Vec<T>],
) -> Result<usize, MetricsError> {
    check_count(what, predicted.len(), truth.len())?;
    let needed = truth[0].len();
    for (image, (predicted, truth)) in predicted.iter().zip(truth).enumerate() {
        let ragged = [truth.len(), predicted.len()].into_iter().find(|found| *found != needed);
        if let Some(found) = ragged {
            return Err(MetricsError::Ragged { what, image, found, needed });
        }
    }
    Ok(needed)
}
