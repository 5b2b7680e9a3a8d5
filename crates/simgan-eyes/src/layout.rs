use std::sync::Arc;

use simgan_data::{DataError, Layout, Listing, Source, SourceRequest};

use crate::{EyesError, Simulator, SimulatorConfig, SimulatorName};

/// The simulators as sources of a [`Registry`](simgan_data::Registry): `builtin:eyes`, `builtin:camera` and
/// `unityeyes`. A preset (`unityeyes:mpiigaze`, `unityeyes:laptop`) and settings (`builtin:eyes,gaze_yaw_deg=-10..10`) may follow
/// the name.
///
/// The request sets the seed, and the size and channels if it has any; the preset's are the default. Where a
/// folder has a simulator's name, write `simulator:unityeyes` for the simulator and `./unityeyes` for the
/// folder.
///
/// ```
/// use simgan_data::{Registry, SourceRequest};
///
/// let registry = Registry::default().with(simgan_eyes::Simulators);
/// let eyes = registry.open(&SourceRequest::new("builtin:eyes:mpiigaze,gaze_yaw_deg=3..5"))?;
/// assert_eq!((eyes.spec().width, eyes.spec().height), (60, 36));
/// # Ok::<(), simgan_data::DataError>(())
/// ```
pub struct Simulators;

impl Layout for Simulators {
    fn name(&self) -> &'static str {
        "simulator"
    }

    fn help(&self) -> String {
        "a simulator: `builtin:eyes` (the built-in eyes), `builtin:camera` (the built-in \"real\" domain), \
         `unityeyes`, `unityeyes:mpiigaze` or `unityeyes:laptop` (UnityEyes' faces, from assets that are fetched once), whose \
         settings may follow its name (`builtin:eyes,gaze_yaw_deg=-10..10`)"
            .to_owned()
    }

    fn claims(&self, spec: &str) -> bool {
        SimulatorName::is_meant(spec)
    }

    fn names(&self) -> Vec<String> {
        SimulatorName::COMMON.map(str::to_owned).to_vec()
    }

    fn open(&self, request: &SourceRequest, _: Listing) -> Result<Arc<dyn Source>, DataError> {
        Ok(Arc::new(simulator(request)?))
    }
}

/// Opens `NAME` or `NAME,KEY=VALUE,…`: a simulator, and settings to change in its preset.
fn simulator(request: &SourceRequest) -> Result<Simulator, DataError> {
    let SourceRequest { spec, size, channels, seed, .. } = request;
    let mut parts = spec.split(',');
    let name: SimulatorName = parts.next().unwrap_or_default().parse()?;
    let preset = name.config();
    let (width, height) = size.map_or((preset.width, preset.height), |size| (size.width, size.height));
    let channels = channels.unwrap_or(preset.channels);
    let mut config = SimulatorConfig { seed: *seed, width, height, channels, ..preset };
    // Last, so that typed settings override the request.
    parts.try_for_each(|setting| config.set(setting))?;
    Ok(name.open(config)?)
}

impl From<EyesError> for DataError {
    fn from(error: EyesError) -> Self {
        match error {
            EyesError::Data(error) => error,
            EyesError::UnknownName { name } => {
                let hint = format!("there are {}", SimulatorName::COMMON.join(", "));
                Self::UnknownSource { spec: name, hint: hint.into() }
            }
            // The hint must be a value of its own: `DataError` sees only a boxed error.
            error => Self::Layout { hint: error.hint(), source: Box::new(error) },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use simgan_data::{AnnotationsExt, Registry, Want};

    use super::*;

    fn registry() -> Registry {
        Registry::default().with(Simulators)
    }

    /// What is said of a source that cannot be opened, with its hint.
    fn refusal(spec: &str) -> String {
        let error = registry().open(&SourceRequest::new(spec)).err().unwrap();
        error.hint().map_or_else(|| error.to_string(), |hint| format!("{error} ({hint})"))
    }

    #[test]
    fn a_request_decides_size_channels_and_seed() {
        let open = |seed, size: Option<&str>, channels| {
            let size = size.map(|size| size.parse().unwrap());
            let request = SourceRequest { seed, size, channels, ..SourceRequest::new("builtin:eyes") };
            registry().open(&request).unwrap().sample(5, Want::Image).unwrap().image
        };
        let image = open(3, Some("31x23"), Some(3));
        let spec = image.spec();
        assert_eq!((spec.width, spec.height, spec.channels), (31, 23, 3));
        assert_eq!(open(0, None, None).spec().size().to_string(), "55x35");
        assert_ne!(image, open(4, Some("31x23"), Some(3)));
    }

    #[test]
    fn settings_follow_a_simulators_name() {
        let gazes = |spec: &str| {
            let source = registry().open(&SourceRequest::new(spec)).unwrap();
            (0..20)
                .map(|idx| {
                    source.sample(idx, Want::Labels).unwrap().annotations.gaze().unwrap().yaw().to_degrees()
                })
                .collect::<Vec<_>>()
        };
        let narrow = gazes("builtin:eyes:mpiigaze,gaze_yaw_deg=3..5,head_roll_deg=0");
        assert!(narrow.iter().all(|yaw| (2.9..5.1).contains(yaw)), "{narrow:?}");
        assert!(gazes("builtin:eyes:mpiigaze").iter().any(|yaw| yaw.abs() > 6.0));
        let error = refusal("builtin:eyes,gaze_yaw=3");
        assert!(error.contains("gaze_yaw_deg"), "{error}");
    }

    #[test]
    fn what_is_no_simulator_is_answered_with_the_nearest() {
        assert!(refusal("builtin:eye").contains("did you mean `builtin:eyes`?"));
        assert!(refusal("buildin:camera").contains("did you mean `builtin:camera`?"));
        assert!(refusal("unityeyes:mpigaze").contains("did you mean `unityeyes:mpiigaze`?"));
        assert!(refusal("simulator:builtin:nose").contains("is not a source"));
    }

    #[test]
    fn paths_become_absolute_and_simulators_stay() {
        let absolute = |spec: &str| registry().absolute(spec).unwrap();
        for path in ["data/eyes", "./unityeyes"] {
            assert!(PathBuf::from(absolute(path)).is_absolute());
        }
        for name in
            ["builtin:eyes", "unityeyes", "unityeyes:mpiigaze", "unityeyes,crop_mm=40", "simulator:unityeyes"]
        {
            assert_eq!(absolute(name), name);
            assert!(registry().find(name).unwrap().path().is_none());
        }
        let here = absolute("folder:.");
        assert!(here.starts_with("folder:/") || here.contains(":\\"), "{here}");
    }
}
