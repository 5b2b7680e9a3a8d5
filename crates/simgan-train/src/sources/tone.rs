//! Chooses the tone of a run's synthetic images.

use simgan_data::{Registry, Role, Tone, Toned, Tones};

use super::open_all;
use crate::{DataRange, ToneKind, TrainConfig, TrainError};

/// Maximum number of images of each domain that are looked at.
const MOST: usize = 256;
/// Synthetic images whose tones differ by this share of the scale more than those of real ones do among themselves have
/// another tone.
const DIFFERENT: f64 = 0.05;

/// What "auto" comes to, and why, if not to "none". `config` has a size, channels and a range.
pub(super) fn tone(
    config: &TrainConfig,
    registry: &Registry,
) -> Result<(ToneKind, Option<String>), TrainError> {
    let TrainConfig { data, seed, .. } = config;
    if data.tone != ToneKind::Auto {
        return Ok((data.tone, None));
    }
    // A measurement has no tone, and frames that are toned one by one flicker.
    if data.range != DataRange::Full || config.loss.film > 0.0 {
        return Ok((ToneKind::None, None));
    }
    // Silently: what opening warns of, it warns of again when the run opens its sources.
    let quiet = tracing::subscriber::NoSubscriber::new();
    let [synthetic, real] = tracing::subscriber::with_default(quiet, || {
        let open = |names: &[String], role| open_all(names, data, role, *seed, registry);
        Ok::<_, TrainError>([open(&data.synthetic, Role::Synthetic)?, open(&data.real, Role::Real)?])
    })?;
    // Opening the sources for the run says what is wrong with them.
    let (Ok(real), Ok(plain)) = (Tones::of_source(&*real, MOST), Tones::of_source(&*synthetic, MOST)) else {
        return Ok((ToneKind::None, None));
    };
    let reference = real.typical();
    let (among_real, untoned) = (real.distance(&reference), plain.distance(&reference));
    let is_other = |distance: f64| distance - among_real > DIFFERENT;
    if !is_other(untoned) {
        return Ok((ToneKind::None, None));
    }
    let equalized = Tones::of_source(&Toned::new(synthetic, Tone::Equalize), MOST);
    let suits = equalized.is_ok_and(|equalized| !is_other(equalized.distance(&reference)));
    let kind = if suits { ToneKind::Equalize } else { ToneKind::Match };
    let [untoned, among_real] = [untoned, among_real].map(|distance| 100.0 * distance);
    let why = format!(
        "the synthetic images' tones are {untoned:.0} % of the scale from those of a typical real image, and real ones' \
         {among_real:.0} %: data.tone = \"{kind}\"; \"none\" leaves them"
    );
    Ok((kind, Some(why)))
}
