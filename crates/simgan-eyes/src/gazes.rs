use crate::config::GazeFrame;
use crate::{EyesError, Range, SimulatorConfig, SimulatorName};

/// How gazes are distributed along one angle, in degrees.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AngleSpread {
    /// Mean.
    pub mean: f32,
    /// Standard deviation.
    pub deviation: f32,
}

/// Settings of a simulator that give its gazes these means and standard deviations: `spec` is `NAME` or
/// `NAME,KEY=VALUE,…`, as is what is returned. `None` if it names no simulator of eyes.
///
/// A preset with normal distributions keeps its form; the others draw evenly from mean ± √3 deviations, as far as
/// that lies within the range that they had.
///
/// ```
/// use simgan_eyes::{AngleSpread, with_gazes};
///
/// let (pitch, yaw) = (AngleSpread { mean: -8.0, deviation: 4.0 }, AngleSpread { mean: 2.0, deviation: 20.0 });
/// let settings = with_gazes("builtin:eyes:mpiigaze,gaze_yaw_deg=-30..20", pitch, yaw)?.unwrap();
/// assert_eq!(settings, "builtin:eyes:mpiigaze,gaze_pitch_deg=-14.9..-1.1,gaze_yaw_deg=-30..20");
/// # Ok::<(), simgan_eyes::EyesError>(())
/// ```
///
/// # Errors
///
/// If a setting is wrong, or gazes are drawn relative to the head, so that the labels follow from both.
pub fn with_gazes(spec: &str, pitch: AngleSpread, yaw: AngleSpread) -> Result<Option<String>, EyesError> {
    if !SimulatorName::is_meant(spec) {
        return Ok(None);
    }
    let mut parts = spec.split(',');
    let name: SimulatorName = parts.next().unwrap_or_default().parse()?;
    let mut config = name.config();
    parts.clone().try_for_each(|setting| config.set(setting))?;
    let new = match (&config.normal, config.gaze_frame) {
        (_, GazeFrame::Head) => {
            return Err(EyesError::Setting {
                setting: "gaze_frame",
                value: "head".to_owned(),
                reason: "camera: labels are relative to the camera, so ranges relative to the head do not set them",
            });
        }
        (Some(_), _) => normal(pitch, yaw),
        (None, _) => ranges(&config, pitch, yaw),
    };
    let is_new = |setting: &&str| {
        let key = setting.split('=').next().unwrap_or_default().trim();
        !new.iter().any(|new| new.split('=').next() == Some(key))
    };
    let kept = parts.filter(is_new).map(str::to_owned);
    let all: Vec<_> = std::iter::once(name.to_string()).chain(kept).chain(new.iter().cloned()).collect();
    Ok(Some(all.join(",")))
}

fn normal(pitch: AngleSpread, yaw: AngleSpread) -> Vec<String> {
    let settings = |angle: &str, AngleSpread { mean, deviation }: AngleSpread| {
        [
            format!("normal.gaze_{angle}_mean_deg={}", tenth(mean)),
            format!("normal.gaze_{angle}_deviation_deg={}", tenth(deviation)),
        ]
    };
    [settings("pitch", pitch), settings("yaw", yaw)].concat()
}

fn ranges(config: &SimulatorConfig, pitch: AngleSpread, yaw: AngleSpread) -> Vec<String> {
    let setting = |angle: &str, range: Range, AngleSpread { mean, deviation }: AngleSpread| {
        let end = |side: f32| (mean + side * 3f32.sqrt() * deviation).clamp(range.low, range.high);
        format!("gaze_{angle}_deg={}..{}", tenth(end(-1.0)), tenth(end(1.0)))
    };
    vec![setting("pitch", config.gaze_pitch_deg, pitch), setting("yaw", config.gaze_yaw_deg, yaw)]
}

/// Rounds to a tenth; 0 has no sign.
fn tenth(value: f32) -> f32 {
    (10.0 * value).round() / 10.0 + 0.0
}

#[cfg(test)]
mod tests {
    use simgan_data::{AnnotationsExt, Source, Want};

    use super::*;

    const PITCH: AngleSpread = AngleSpread { mean: -7.0, deviation: 3.0 };
    const YAW: AngleSpread = AngleSpread { mean: 4.0, deviation: 6.0 };

    /// What a simulator draws has the moments that were asked for.
    #[test]
    fn renders_have_the_moments() {
        for before in ["builtin:eyes", "builtin:eyes:mpiigaze,gaze_yaw_deg=-29..29,finishing=equalized"] {
            let spec = with_gazes(before, PITCH, YAW).unwrap().unwrap();
            let mut parts = spec.split(',');
            let name: SimulatorName = parts.next().unwrap().parse().unwrap();
            let mut config = SimulatorConfig { width: 20, height: 20, ..name.config() };
            parts.try_for_each(|setting| config.set(setting)).unwrap();
            assert_eq!(config.finishing == crate::Finishing::Equalized, before.contains("equalized"));
            let eyes = name.open(config).unwrap();
            let gazes =
                (0..400).map(|index| eyes.sample(index, Want::Labels).unwrap().annotations.gaze().unwrap());
            let gazes: Vec<_> =
                gazes.map(|gaze| [gaze.pitch().to_degrees(), gaze.yaw().to_degrees()]).collect();
            for (axis, AngleSpread { mean, deviation }) in [PITCH, YAW].into_iter().enumerate() {
                let values = || gazes.iter().map(|gaze| gaze[axis]);
                let found = values().sum::<f32>() / 400.0;
                let spread = (values().map(|value| (value - found).powi(2)).sum::<f32>() / 400.0).sqrt();
                assert!((found - mean).abs() < 0.2 * deviation, "{spec}: {found}");
                assert!((spread / deviation - 1.0).abs() < 0.1, "{spec}: {spread}");
            }
        }
    }

    #[test]
    fn presets_keep_their_form() {
        let laptop = "unityeyes:laptop,normal.gaze_yaw_mean_deg=3,crop_mm=35";
        let expected = "unityeyes:laptop,crop_mm=35,normal.gaze_pitch_mean_deg=-7,normal.gaze_pitch_deviation_deg=3,\
                        normal.gaze_yaw_mean_deg=4,normal.gaze_yaw_deviation_deg=6";
        assert_eq!(with_gazes(laptop, PITCH, YAW).unwrap().unwrap(), expected);
        for spec in ["renders/eyes", "builtin:hands"] {
            assert_eq!(with_gazes(spec, PITCH, YAW).unwrap(), None);
        }
        let error = with_gazes("unityeyes", PITCH, YAW).unwrap_err().to_string();
        assert!(error.contains("gaze_frame"), "{error}");
    }
}
