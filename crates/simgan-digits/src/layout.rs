use std::sync::Arc;

use simgan_data::{DataError, Layout, Listing, Source, SourceRequest};

use crate::{Digits, DigitsConfig, DigitsError};

/// The simulator as a source of a [`Registry`](simgan_data::Registry): `builtin:digits`, which settings may
/// follow (`builtin:digits,pen=0.08..0.1`).
///
/// The request sets the seed, and the size and channels if it has any.
///
/// ```
/// use simgan_data::{Registry, SourceRequest};
///
/// let registry = Registry::default().with(simgan_digits::DigitsLayout);
/// let digits = registry.open(&SourceRequest::new("builtin:digits,size=32x32"))?;
/// assert_eq!((digits.spec().width, digits.spec().height), (32, 32));
/// # Ok::<(), simgan_data::DataError>(())
/// ```
pub struct DigitsLayout;

const NAME: &str = "builtin:digits";

impl Layout for DigitsLayout {
    fn name(&self) -> &'static str {
        "digits"
    }

    fn help(&self) -> String {
        "the digit simulator `builtin:digits`, whose settings may follow its name \
         (`builtin:digits,slant_deg=-10..20`)"
            .to_owned()
    }

    fn claims(&self, spec: &str) -> bool {
        spec.split(',').next() == Some(NAME)
    }

    fn names(&self) -> Vec<String> {
        vec![NAME.to_owned()]
    }

    fn open(&self, request: &SourceRequest, _: Listing) -> Result<Arc<dyn Source>, DataError> {
        Ok(Arc::new(digits(request)?))
    }
}

/// Opens `builtin:digits` or `builtin:digits,KEY=VALUE,…`.
fn digits(request: &SourceRequest) -> Result<Digits, DigitsError> {
    let mut parts = request.spec.split(',');
    let name = parts.next().unwrap_or_default();
    if name != NAME {
        return Err(DigitsError::UnknownName { name: name.to_owned() });
    }
    let default = DigitsConfig::default();
    let mut config = DigitsConfig {
        seed: request.seed,
        size: request.size.unwrap_or(default.size),
        channels: request.channels.unwrap_or(default.channels),
        ..default
    };
    // Last, so that typed settings override the request.
    parts.try_for_each(|setting| config.set(setting))?;
    Digits::new(config)
}

#[cfg(test)]
mod tests {
    use simgan_data::{AnnotationsExt, Registry, Want, names};

    use super::*;

    fn open(request: &SourceRequest) -> Result<Arc<dyn Source>, DataError> {
        Registry::default().with(DigitsLayout).open(request)
    }

    /// What is said of a source that cannot be opened, with its hint.
    fn refusal(spec: &str) -> String {
        let error = open(&SourceRequest::new(spec)).err().unwrap();
        error.hint().map_or_else(|| error.to_string(), |hint| format!("{error} ({hint})"))
    }

    #[test]
    fn a_request_decides_size_channels_and_seed() {
        let sample = |seed, size: Option<&str>, channels| {
            let size = size.map(|size| size.parse().unwrap());
            let request = SourceRequest { seed, size, channels, ..SourceRequest::new("builtin:digits") };
            open(&request).unwrap().sample(5, Want::Labels).unwrap()
        };
        let first = sample(3, Some("31x23"), Some(3));
        let spec = first.image.spec();
        assert_eq!((spec.width, spec.height, spec.channels), (31, 23, 3));
        assert_ne!(first.image, sample(4, Some("31x23"), Some(3)).image);
        let plain = sample(3, None, None);
        assert_eq!(plain.image.spec().size().to_string(), "28x28");
        assert_eq!(plain.annotations.class(names::CLASS), first.annotations.class(names::CLASS));
    }

    #[test]
    fn settings_follow_the_name() {
        let digits = open(&SourceRequest::new("builtin:digits,samples=12,size=16x20,pen=0.1")).unwrap();
        assert_eq!((digits.len(), digits.spec().size().to_string()), (12, "16x20".to_owned()));
        assert!(refusal("builtin:digits,pens=3").contains("slant_deg"));
        assert!(refusal("builtin:digits,pen=3").contains("0.01 to 0.25"));
        assert!(refusal("builtin:digit").contains("did you mean `builtin:digits`?"));
        assert!(refusal("builtin:digit,pen=0.1").contains("did you mean `builtin:digits`?"));
    }
}
