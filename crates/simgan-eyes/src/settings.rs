//! Settings typed as `key=value`.

use simgan_data::simulation::changed;

use crate::{EyesError, SimulatorConfig};

impl SimulatorConfig {
    /// Changes one setting: a value (`crop_mm=30`), a range (`gaze_yaw_deg=-20..20`, or one number for both
    /// ends) or a member of a group (`light.intensity=0.5..1`).
    ///
    /// Opening the simulator checks whether the value can be rendered.
    ///
    /// # Errors
    /// Fails if there is no such setting or if the value is of another kind.
    pub fn set(&mut self, assignment: &str) -> Result<(), EyesError> {
        *self = changed(self, assignment)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Aim, Range, SimulatorName};

    #[test]
    fn every_kind_of_setting_is_changed() {
        let mut config = "unityeyes".parse::<SimulatorName>().unwrap().config();
        let before = config.clone();
        for assignment in [
            "crop_mm=30",
            "width = 64",
            "gaze_yaw_deg=-20..2.5",
            "head_roll_deg=3",
            "aim=eyeball",
            "light.ambient=0..1",
        ] {
            config.set(assignment).unwrap();
        }
        let light = before.light.map(|light| crate::LightRanges { ambient: Range::new(0.0, 1.0), ..light });
        let expected = SimulatorConfig {
            crop_mm: 30.0,
            width: 64,
            gaze_yaw_deg: Range::new(-20.0, 2.5),
            head_roll_deg: Range::new(3.0, 3.0),
            aim: Aim::Eyeball,
            light,
            ..before
        };
        assert_eq!(config, expected);
    }

    #[test]
    fn what_cannot_be_set_is_told() {
        let mut config = "unityeyes".parse::<SimulatorName>().unwrap().config();
        for (assignment, expected) in [
            ("crop=3", "no such setting"),
            ("light=3", "no such setting"),
            ("light.ambient.low=3", "no such setting"),
            ("crop_mm", "KEY=VALUE"),
            ("crop_mm=wide", "not a number"),
            ("crop_mm=inf", "not a number"),
            ("width=1.5", "whole number"),
            ("gaze_yaw_deg=3..x", "-20..20"),
            ("aim=nose", "corners"),
        ] {
            let before = config.clone();
            let error = config.set(assignment).unwrap_err().to_string();
            assert!(error.contains(expected) && error.contains(assignment), "{error}");
            assert_eq!(config, before);
        }
        let hint = config.set("light=3").unwrap_err().hint().unwrap().to_string();
        assert!(hint.contains("crop_mm") && hint.contains("light.ambient"), "{hint}");
    }
}
