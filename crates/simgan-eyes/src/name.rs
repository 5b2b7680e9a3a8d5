use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

#[cfg(doc)]
use crate::PosePrior;
use crate::config::{Domain, SimulatorConfig};
use crate::ranges::LightRanges;
use crate::unityeyes::Assets;
use crate::{EyesError, Simulator, builtin, unityeyes};

/// The name of a simulator: `builtin:eyes`, `builtin:camera` or `unityeyes`, alone for the simulator's own
/// ranges or followed by a preset (`unityeyes:mpiigaze`).
///
/// ```
/// use simgan_data::Source;
/// use simgan_eyes::SimulatorName;
///
/// let name: SimulatorName = "builtin:eyes:mpiigaze".parse()?;
/// let mut config = name.config();
/// config.set("gaze_yaw_deg=-10..10")?;
/// assert_eq!(name.open(config)?.spec().width, 60);
/// # Ok::<(), simgan_eyes::EyesError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimulatorName {
    /// The provider of geometry and textures.
    pub model: Model,
    /// The initial settings.
    pub preset: Preset,
}

/// A provider of geometry and textures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// The procedural eye, which needs no file.
    Builtin(Domain),
    /// UnityEyes' asset files.
    Unityeyes,
}

/// A simulator's initial settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    /// The simulator's own size and ranges; UnityEyes' are those of Wood et al.
    #[default]
    Wide,
    /// Size, framing and gaze range of MPIIGaze's normalized crops.
    Mpiigaze,
    /// The same crops, with gaze and head pose distributed as MPIIGaze's persons p01 to p14 do ([`PosePrior`]).
    Laptop,
}

impl SimulatorName {
    /// The usual names, for help texts and hints.
    pub(crate) const COMMON: [&'static str; 5] =
        ["builtin:eyes", "builtin:camera", "unityeyes", "unityeyes:mpiigaze", "unityeyes:laptop"];

    /// Whether `spec` names a simulator, with or without settings.
    pub(crate) fn is_meant(spec: &str) -> bool {
        spec.split(',').next().unwrap_or_default().parse::<Self>().is_ok()
    }

    /// Returns the preset's settings, with `light` filled in.
    #[must_use]
    pub fn config(self) -> SimulatorConfig {
        let config = match (self.model, self.preset) {
            (Model::Builtin(_), Preset::Wide) => SimulatorConfig::default(),
            (Model::Builtin(_), Preset::Mpiigaze) => SimulatorConfig::mpiigaze(),
            (Model::Builtin(_), Preset::Laptop) => SimulatorConfig::mpiigaze().laptop(),
            (Model::Unityeyes, Preset::Wide) => SimulatorConfig::unityeyes(),
            (Model::Unityeyes, Preset::Mpiigaze) => SimulatorConfig::unityeyes_mpiigaze(),
            (Model::Unityeyes, Preset::Laptop) => SimulatorConfig::unityeyes_mpiigaze().laptop(),
        };
        // Settings typed as `light.intensity=…` need a light to change.
        SimulatorConfig { light: config.light.or(Some(self.model.light())), ..config }
    }

    /// Opens the simulator. `config` is usually a modified [`SimulatorName::config`].
    ///
    /// # Errors
    /// Fails if a setting cannot be rendered, or if UnityEyes' assets are missing or damaged.
    pub fn open(self, config: SimulatorConfig) -> Result<Simulator, EyesError> {
        match self.model {
            Model::Builtin(domain) => builtin(domain, config),
            Model::Unityeyes => {
                // Reading the assets takes longer; report a bad setting first.
                config.check()?;
                unityeyes(Arc::new(Assets::find()?), config)
            }
        }
    }
}

impl Model {
    fn light(self) -> LightRanges {
        match self {
            Self::Builtin(Domain::Eyes) => LightRanges::EYES,
            Self::Builtin(Domain::Camera) => LightRanges::CAMERA,
            Self::Unityeyes => LightRanges::UNITYEYES,
        }
    }
}

const UNITYEYES: &str = "unityeyes";
const MPIIGAZE: &str = ":mpiigaze";
const LAPTOP: &str = ":laptop";

impl fmt::Display for SimulatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.model {
            Model::Builtin(Domain::Eyes) => "builtin:eyes",
            Model::Builtin(Domain::Camera) => "builtin:camera",
            Model::Unityeyes => UNITYEYES,
        })?;
        f.write_str(match self.preset {
            Preset::Wide => "",
            Preset::Mpiigaze => MPIIGAZE,
            Preset::Laptop => LAPTOP,
        })
    }
}

impl FromStr for SimulatorName {
    type Err = EyesError;

    fn from_str(name: &str) -> Result<Self, EyesError> {
        let presets = [(MPIIGAZE, Preset::Mpiigaze), (LAPTOP, Preset::Laptop)];
        let named = presets.iter().find_map(|(suffix, preset)| Some((name.strip_suffix(suffix)?, *preset)));
        let (model, preset) = named.unwrap_or((name, Preset::Wide));
        let model = match model {
            "builtin:eyes" => Model::Builtin(Domain::Eyes),
            "builtin:camera" => Model::Builtin(Domain::Camera),
            UNITYEYES => Model::Unityeyes,
            _ => return Err(EyesError::UnknownName { name: name.to_owned() }),
        };
        Ok(Self { model, preset })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for name in
            SimulatorName::COMMON.into_iter().chain(["builtin:eyes:mpiigaze", "builtin:camera:laptop"])
        {
            assert_eq!(name.parse::<SimulatorName>().unwrap().to_string(), name);
            assert!(SimulatorName::is_meant(name));
        }
        for name in ["builtin:nose", "unityeyes:", "unityeyes:mpii", "builtin:eyes:wide", "mpiigaze"] {
            let error = name.parse::<SimulatorName>().unwrap_err();
            let hint = error.hint().unwrap().to_string();
            assert!(
                error.to_string().contains(name) && hint.contains("unityeyes:mpiigaze"),
                "{error}: {hint}"
            );
        }
        for path in
            ["./unityeyes", "builtin:nose", "builtin:digits", "unityeyes2", "unityeyes:renders", "unityeyes:"]
        {
            assert!(!SimulatorName::is_meant(path), "{path}");
        }
    }

    #[test]
    fn every_preset_can_be_rendered() {
        for name in ["builtin:eyes", "builtin:camera", "unityeyes"] {
            for preset in [Preset::Wide, Preset::Mpiigaze, Preset::Laptop] {
                let config = SimulatorName { preset, ..name.parse().unwrap() }.config();
                assert!(config.light.is_some());
                config.check().unwrap();
            }
        }
    }
}
