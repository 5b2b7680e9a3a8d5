use std::sync::Arc;

use simgan_data::{DataError, Fitted, Layout, Listing, Source, SourceRequest, Target};

use crate::{Domain, HandSimulator, HandsConfig, HandsError};

/// The simulators as sources of a [`Registry`](simgan_data::Registry): `builtin:hands` and `builtin:kinect`,
/// whose settings may follow the name (`builtin:hands,view=any`).
///
/// The request sets the seed, and the size if it has one. Depth has one channel; a request for three repeats
/// it.
///
/// ```
/// use simgan_data::{Registry, SourceRequest};
///
/// let registry = Registry::default().with(simgan_hands::HandSimulators);
/// let hands = registry.open(&SourceRequest::new("builtin:hands,size=64x48"))?;
/// assert_eq!((hands.spec().width, hands.spec().height), (64, 48));
/// # Ok::<(), simgan_data::DataError>(())
/// ```
pub struct HandSimulators;

impl Layout for HandSimulators {
    fn name(&self) -> &'static str {
        "hands"
    }

    fn help(&self) -> String {
        "`builtin:hands` (depth images of hands) or `builtin:kinect` (their \"real\" domain)".to_owned()
    }

    fn claims(&self, spec: &str) -> bool {
        spec.split(',').next().unwrap_or_default().parse::<Domain>().is_ok()
    }

    fn names(&self) -> Vec<String> {
        Domain::ALL.map(|domain| domain.name().to_owned()).to_vec()
    }

    fn open(&self, request: &SourceRequest, _: Listing) -> Result<Arc<dyn Source>, DataError> {
        let hands = Arc::new(simulator(request)?);
        let target = Target { channels: request.channels, ..Target::default() };
        Ok(if request.channels == Some(3) { Arc::new(Fitted::new(hands, target)) } else { hands })
    }
}

/// Opens `NAME` or `NAME,KEY=VALUE,…`: a simulator, and settings to change.
fn simulator(request: &SourceRequest) -> Result<HandSimulator, HandsError> {
    let mut parts = request.spec.split(',');
    let domain: Domain = parts.next().unwrap_or_default().parse()?;
    let mut config = HandsConfig { seed: request.seed, ..HandsConfig::default() };
    config.size = request.size.unwrap_or(config.size);
    // Last, so that typed settings override the request.
    parts.try_for_each(|setting| config.set(setting))?;
    HandSimulator::new(domain, config)
}

#[cfg(test)]
mod tests {
    use simgan_data::{Registry, Want};

    use super::*;

    fn registry() -> Registry {
        Registry::default().with(HandSimulators)
    }

    fn refusal(spec: &str) -> String {
        let error = registry().open(&SourceRequest::new(spec)).err().unwrap();
        error.hint().map_or_else(|| error.to_string(), |hint| format!("{error} ({hint})"))
    }

    #[test]
    fn a_request_decides_size_and_seed() {
        let open = |seed, size: Option<&str>| {
            let size = size.map(|size| size.parse().unwrap());
            let request = SourceRequest { seed, size, ..SourceRequest::new("builtin:hands") };
            registry().open(&request).unwrap().sample(5, Want::Image).unwrap().image
        };
        assert_eq!(open(3, Some("31x23")).spec().size().to_string(), "31x23");
        assert_eq!(open(0, None).spec().size().to_string(), "224x224");
        assert_ne!(open(3, Some("31x23")), open(4, Some("31x23")));
        let request = SourceRequest { channels: Some(3), ..SourceRequest::new("builtin:kinect,size=9x8") };
        let source = registry().open(&request).unwrap();
        assert_eq!(source.sample(0, Want::Image).unwrap().image.spec(), source.spec());
        assert_eq!(source.spec().channels, 3);
    }

    #[test]
    fn bad_settings_are_named() {
        for (spec, expected) in [
            ("builtin:hands,size=4x4", "8 to 1024"),
            ("builtin:hands,size=big", "is not a size"),
            ("builtin:hands,crop_mm=50", "200 to 600"),
            ("builtin:hands,distance_mm=900..500", "400..1400"),
            ("builtin:hands,distance_mm=x", "a range"),
            ("builtin:hands,offset_mm=inf", "offset_mm"),
            ("builtin:kinect,people=0", "people"),
            ("builtin:kinect,samples=0", "samples"),
            ("builtin:kinect,view=back", "front"),
            ("builtin:kinect,fingers=6", "crop_mm"),
            ("builtin:hand", "did you mean `builtin:hands`?"),
        ] {
            let told = refusal(spec);
            assert!(told.contains(expected), "{spec}: {told}");
        }
    }
}
