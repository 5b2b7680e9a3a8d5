//! Words hints with the options of the command that was run.

use std::path::Path;

use simgan_data::Wording;

use crate::arguments::Command;
use crate::program::shell_quoted;

/// The options of one command that hints may mention.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Typed {
    /// Takes `--set KEY=VALUE`.
    has_set: bool,
    /// Takes `--size WIDTHxHEIGHT`.
    has_size: bool,
    /// Takes `--labels copy`.
    has_labels: bool,
    /// Takes `--on-error skip`.
    has_on_error: bool,
    /// Takes `--resume`.
    has_resume: bool,
    /// The option that names the output folder, if there is one.
    output: Option<&'static str>,
}

impl Typed {
    pub(crate) const TRAIN: Self = Self {
        has_set: true,
        has_size: false,
        has_labels: false,
        has_on_error: false,
        has_resume: true,
        output: Some("--run"),
    };

    /// Returns the options of `command`.
    pub(crate) fn of(command: &Command) -> Self {
        let none = Self::default();
        match command {
            Command::Train(_) => Self::TRAIN,
            Command::Experiment(_) => Self { has_set: true, output: Some("--output"), ..none },
            Command::Refine(_) => {
                let output = Some("--output");
                Self { has_size: true, has_labels: true, has_on_error: true, output, ..none }
            }
            Command::Evaluate(_) => Self { has_size: true, output: Some("--report"), ..none },
            Command::Turing(_) => Self { has_size: true, output: Some("--output"), ..none },
            Command::Render(_) => Self { has_size: true, output: Some("--output"), ..none },
            _ => none,
        }
    }
}

impl Wording for Typed {
    fn setting(&self, key: &str, value: &str) -> Option<String> {
        match key {
            "refine.labels" => self.has_labels.then(|| format!("--labels {value}")),
            "serve.bind" => Some(format!("--bind {value}")),
            "evaluation.task" => Some(format!("--task {value}")),
            "data.size" if self.has_size => Some(format!("--size {value}")),
            // A list holds what a shell would take for its own.
            _ => {
                self.has_set.then(|| format!("--set {}", shell_quoted(Path::new(&format!("{key}={value}")))))
            }
        }
    }

    fn skip_unreadable(&self) -> Option<String> {
        let typed = match self {
            Self { has_on_error: true, .. } => "--on-error skip",
            Self { has_set: true, .. } => "--set data.on_error=skip",
            _ => return None,
        };
        Some(format!("skip such files with {typed}"))
    }

    fn resume(&self) -> Option<String> {
        self.has_resume.then(|| "continue it with --resume".to_owned())
    }

    fn other_output(&self) -> Option<String> {
        self.output.map(|option| format!("choose another folder with {option}"))
    }

    fn new_run(&self, config: &Path) -> Option<String> {
        Some(format!("start a new run with --config {} and the new value", config.display()))
    }

    fn start_from(&self, run: &Path) -> Option<String> {
        self.has_resume.then(|| format!("go on from its refiner in a new run with --from {}", run.display()))
    }

    fn fetch(&self, dataset: &str) -> Option<String> {
        Some(format!("cargo xtask fetch-data {dataset}"))
    }

    fn pack(&self) -> Option<String> {
        Some("cargo xtask preprocess packs data sets".to_owned())
    }

    fn build_with(&self, feature: &str) -> Option<String> {
        Some(format!("build with it: cargo install --path crates/simgan-cli --features {feature}"))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use simgan_data::Hint;

    use super::*;
    use crate::arguments::Arguments;

    #[test]
    fn each_command_names_its_own_options() {
        let typed = |line: &str| Typed::of(&Arguments::parse_from(line.split(' ')).command);
        let skip = |line: &str| Hint::SkipUnreadable.text(&typed(line)).unwrap_or_default();
        assert_eq!(skip("simgan train"), "skip such files with --set data.on_error=skip");
        let refine = "simgan refine --model m --input i --output o";
        assert_eq!(skip(refine), "skip such files with --on-error skip");
        assert_eq!(skip("simgan inspect folder"), "");
        let size = Hint::setting("bring them to one size", "data.size", "9x7");
        assert!(size.text(&typed(refine)).unwrap().ends_with("with --size 9x7"));
        assert!(size.text(&typed("simgan train")).unwrap().ends_with("with --set data.size=9x7"));
        let list = Hint::setting("need less", "a.b", "[{c={d=1}}]").text(&typed("simgan train"));
        assert_eq!(list.unwrap(), "need less with --set 'a.b=[{c={d=1}}]'");
    }
}
