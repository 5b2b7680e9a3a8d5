//! The recipe that suits the images.

use simgan_data::Registry;

use super::choose::are_depths;
use crate::{Recipe, TrainConfig, TrainError};

/// Resolves a configuration as [`TrainConfig::resolve`] does; if nothing names a recipe, it is [`Recipe::Depth`] for depths
/// of a sensor that misses pixels. Returns that too, as a sentence.
///
/// # Errors
/// Those of [`TrainConfig::resolve`], or a source cannot be opened.
pub fn resolve(
    recipe: Option<Recipe>,
    file: Option<&str>,
    set: &[String],
    registry: &Registry,
) -> Result<(TrainConfig, Option<String>), TrainError> {
    let config = TrainConfig::resolve(recipe, file, set);
    if recipe.is_some() || TrainConfig::named_recipe(file, set)?.is_some() {
        return Ok((config?, None));
    }
    // Settings may suit one of the two alone.
    let for_depths = TrainConfig::resolve(Some(Recipe::Depth), file, set);
    match config.as_ref().or(for_depths.as_ref()) {
        Ok(sources) if are_depths(sources, registry)? => Ok((
            for_depths?,
            Some(
                "the images are depths with missing pixels: recipe depth; --recipe demo takes the other"
                    .to_owned(),
            ),
        )),
        _ => Ok((config?, None)),
    }
}
