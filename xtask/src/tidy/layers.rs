//! The layer diagram: which crate may depend on which.

use serde_json::Value;

use super::packages;

/// The whole diagram: each crate and the crates that a line leads down to. Dev-dependencies are free.
const BELOW: &[(&str, &[&str])] = &[
    ("simgan-kernels", &[]),
    ("simgan-data", &[]),
    ("simgan-eyes", &["simgan-data"]),
    ("simgan-digits", &["simgan-data"]),
    ("simgan-hands", &["simgan-data"]),
    ("simgan-settings", &[]),
    ("simgan-models", &["simgan-kernels", "simgan-settings"]),
    ("simgan-losses", &["simgan-kernels"]),
    ("simgan-optim", &["simgan-kernels", "simgan-settings"]),
    ("simgan-metrics", &["simgan-losses", "simgan-models", "simgan-optim", "simgan-data"]),
    ("simgan-train", &["simgan-metrics"]),
    ("simgan-refine", &["simgan-models", "simgan-data"]),
    ("simgan-eval", &["simgan-train", "simgan-refine"]),
    ("simgan-web", &["simgan-train", "simgan-refine"]),
    ("simgan-cli", &["simgan-eval", "simgan-web", "simgan-eyes", "simgan-digits", "simgan-hands"]),
    ("simgan-tests", &[]),
    ("xtask", &["simgan-eyes"]),
];

/// Whether a path in the diagram leads down from `upper` to `lower`.
fn is_below(lower: &str, upper: &str) -> bool {
    let lines = BELOW.iter().filter(|(name, _)| *name == upper).flat_map(|(_, below)| *below);
    lines.into_iter().any(|next| *next == lower || is_below(lower, next))
}

/// Finds dependencies that the diagram does not allow, and crates missing from it.
pub(super) fn check(metadata: &Value) -> Vec<String> {
    packages(metadata).flat_map(check_package).collect()
}

fn check_package(package: &Value) -> Vec<String> {
    let name = package["name"].as_str().unwrap_or_default();
    if !BELOW.iter().any(|(known, _)| *known == name) {
        return vec![format!(
            "{name} is not in the layer diagram (xtask/src/tidy/layers.rs, crates/README.md)"
        )];
    }
    let dependencies = package["dependencies"].as_array().into_iter().flatten();
    let ours = dependencies
        .filter(|dependency| dependency["kind"] != "dev")
        .filter_map(|dependency| dependency["name"].as_str())
        .filter(|dependency| dependency.starts_with("simgan-"));
    ours.filter(|dependency| !is_below(dependency, name))
        .map(|dependency| {
            format!("{name} depends on {dependency}, which is not below it in the layer diagram")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn package(name: &str, dependency: &str, kind: Option<&str>) -> Value {
        json!({"packages": [{"name": name, "dependencies": [{"name": dependency, "kind": kind}]}]})
    }

    #[test]
    fn siblings_may_not_depend_on_each_other() {
        assert_eq!(check(&package("simgan-losses", "simgan-models", None)).len(), 1);
        assert_eq!(check(&package("simgan-models", "simgan-train", None)).len(), 1);
        assert_eq!(check(&package("simgan-models", "simgan-kernels", None)), Vec::<String>::new());
        assert_eq!(check(&package("simgan-losses", "simgan-models", Some("dev"))), Vec::<String>::new());
    }

    #[test]
    fn only_the_programs_know_a_simulator() {
        for library in ["simgan-data", "simgan-metrics", "simgan-train", "simgan-refine", "simgan-eval"] {
            assert_eq!(check(&package(library, "simgan-eyes", None)).len(), 1, "{library}");
            assert_eq!(check(&package(library, "simgan-eyes", Some("dev"))), Vec::<String>::new());
        }
        assert_eq!(check(&package("simgan-cli", "simgan-eyes", None)), Vec::<String>::new());
    }

    #[test]
    fn an_unknown_crate_is_found() {
        assert_eq!(check(&package("simgan-new", "candle-core", None)).len(), 1);
    }
}
