//! Several refined images for each image: a folder for each variant, with everything that a refinement writes.

use std::path::{Path, PathBuf};

use simgan_data::is_junk;

use super::RefineError;

/// The beginning of the folders' names.
const VARIANT: &str = "variant-";

/// The folder of a variant, counted from 1, in the output folder: a complete copy of the input, so that labels
/// and index files of every format still find their images.
#[must_use]
pub fn variant_folder(output: &Path, variant: u64) -> PathBuf {
    output.join(format!("{VARIANT}{variant}"))
}

/// Checks that an output folder is missing, or holds nothing but folders of variants.
///
/// # Errors
/// It holds something else; or it cannot be read.
pub fn check_variants(output: &Path) -> Result<(), RefineError> {
    if !output.exists() {
        return Ok(());
    }
    for entry in output.read_dir().map_err(RefineError::io(output))? {
        let (path, name) =
            entry.map(|entry| (entry.path(), entry.file_name())).map_err(RefineError::io(output))?;
        let number = name.to_str().and_then(|name| name.strip_prefix(VARIANT)?.parse::<u64>().ok());
        if number.is_none() && !is_junk(&name) {
            return Err(RefineError::NotAVariant { path });
        }
    }
    Ok(())
}
