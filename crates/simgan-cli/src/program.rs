//! How a user starts this program, so that the commands it prints run as they stand.

use std::env;
use std::path::Path;

/// Where the program was found and what started it.
struct Start<'a> {
    /// The first word of the command line.
    word: &'a str,
    /// The folder of this package, as `cargo run` and `cargo test` give it.
    package: Option<&'a Path>,
    /// The working folder.
    here: &'a Path,
    features: &'a [&'a str],
}

/// The features that change what a command does; a second build without them would be another program.
const FEATURES: [(&str, bool); 5] = [
    ("accelerate", cfg!(feature = "accelerate")),
    ("cuda", cfg!(feature = "cuda")),
    ("cudnn", cfg!(feature = "cudnn")),
    ("metal", cfg!(feature = "metal")),
    ("mkl", cfg!(feature = "mkl")),
];

/// Returns what to type for `simgan`: `cargo run -p simgan-cli --` if cargo started it, its path unless it was
/// found by name.
pub(crate) fn name() -> String {
    let package = env::var_os("CARGO").and(env::var_os("CARGO_MANIFEST_DIR"));
    let word = env::args_os().next().unwrap_or_else(|| "simgan".into());
    let features: Vec<_> = FEATURES.iter().filter(|(_, is_on)| *is_on).map(|(name, _)| *name).collect();
    let here = env::current_dir().unwrap_or_default();
    let word = word.to_string_lossy();
    let package = package.as_deref().map(Path::new);
    Start { word: &word, package, here: &here, features: &features }.text()
}

impl Start<'_> {
    fn text(&self) -> String {
        let path = Path::new(self.word);
        // `cargo run` finds the package only from within its workspace.
        let workspace = self.package.and_then(|package| package.parent()?.parent());
        let profile = path.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        let is_built = path.components().any(|part| part.as_os_str() == "target");
        match profile {
            Some(profile) if is_built && workspace.is_some_and(|root| self.here.starts_with(root)) => {
                let release = if profile == "release" { "--release " } else { "" };
                let features = match self.features {
                    [] => String::new(),
                    features => format!("--features {} ", features.join(",")),
                };
                format!("cargo run -p simgan-cli {release}{features}--")
            }
            _ if path.components().count() > 1 => shell_quoted(path),
            _ => "simgan".to_owned(),
        }
    }
}

/// Quotes a path for the shell where needed.
pub(crate) fn shell_quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+=:,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text
    } else {
        // Single quotes admit no escape: close them, add an escaped quote, and reopen them.
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_spelled_as_they_were_started() {
        let package = Some(Path::new("/clone/crates/simgan-cli"));
        let start =
            |word, package, here, features| Start { word, package, here: Path::new(here), features }.text();
        let cargo = "cargo run -p simgan-cli --";
        assert_eq!(start("target/debug/simgan", package, "/clone", &[]), cargo);
        assert_eq!(start("/clone/target/debug/simgan", package, "/clone/data", &[]), cargo);
        let fast = start("target/release/simgan", package, "/clone", &["cuda"]);
        assert_eq!(fast, "cargo run -p simgan-cli --release --features cuda --");
        assert_eq!(start("/clone/target/debug/simgan", package, "/data", &[]), "/clone/target/debug/simgan");
        assert_eq!(start("./my bin/simgan", None, "/", &[]), "'./my bin/simgan'");
        assert_eq!(start("simgan", None, "/", &[]), "simgan");
    }

    #[test]
    fn paths_are_quoted_for_the_shell() {
        assert_eq!(shell_quoted(Path::new("runs/demo-001")), "runs/demo-001");
        assert_eq!(shell_quoted(Path::new("my run's")), r"'my run'\''s'");
    }
}
