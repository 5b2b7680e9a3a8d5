//! Makes sure that a training's two domains belong together.

use anyhow::{Result, bail};

use crate::failure::usage;

/// Refuses a training of which only one domain was named: the built-in data of the other would be trained
/// towards without a word. Arguments, `--set` and a configuration's text count as naming.
pub(super) fn check_domains(
    synthetic: &[String],
    real: &[String],
    set: &[String],
    file: Option<&str>,
) -> Result<()> {
    // Text that is not TOML is refused by whoever resolves it.
    let file: toml::Table = file.and_then(|text| text.parse().ok()).unwrap_or_default();
    let is_named = |given: &[String], name: &str| {
        let is_set = |assignment: &String| {
            assignment.split_once('=').is_some_and(|(key, _)| key.trim() == format!("data.{name}"))
        };
        let in_file = file.get("data").and_then(|data| data.get(name)).is_some();
        !given.is_empty() || set.iter().any(is_set) || in_file
    };
    let (missing, hint) = match (is_named(synthetic, "synthetic"), is_named(real, "real")) {
        (true, false) => (
            "--real is missing: what should the refined images look like?",
            "name a folder of photographs, which need no labels: --real DIR; or choose the built-in camera \
             of eyes: --real builtin:camera",
        ),
        (false, true) => (
            "--synthetic is missing: which images should be refined?",
            "name a folder of rendered images, with or without labels: --synthetic DIR; or choose the built-in \
             renders of eyes: --synthetic builtin:eyes",
        ),
        _ => return Ok(()),
    };
    bail!(usage(missing).hint(hint))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_domain_asks_for_the_other() {
        let told = |synthetic: &[&str], real: &[&str], set: &[&str], file: Option<&str>| {
            let [synthetic, real, set] = [synthetic, real, set]
                .map(|names| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
            check_domains(&synthetic, &real, &set, file).err().map(|error| error.to_string())
        };
        let file = Some("[data]\nsynthetic = [\"a\"]");
        assert_eq!(told(&[], &[], &[], None), None, "the demo");
        assert_eq!(told(&["a"], &["b"], &[], None), None);
        assert_eq!(told(&["a"], &[], &["data.real=[\"b\"]"], None), None);
        assert_eq!(told(&[], &["b"], &[], file), None);
        assert!(told(&["a"], &[], &["loss.lambda=2"], None).unwrap().contains("--real is missing"));
        assert!(told(&[], &["b"], &[], None).unwrap().contains("--synthetic is missing"));
        assert!(told(&[], &[], &[], file).unwrap().contains("--real is missing"));
    }
}
