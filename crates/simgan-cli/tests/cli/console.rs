//! Tests help texts, usage errors and streams.

use std::io::Read;
use std::process::Stdio;

use crate::scene::{fails, simgan, succeeds, told};

#[test]
fn help_says_units_scales_and_defaults() {
    for command in ["", "train", "refine", "evaluate", "experiment", "render", "inspect", "bench"] {
        let help = succeeds(simgan(&format!("{command} --help")));
        insta::assert_snapshot!(format!("help-{command}"), help);
    }
}

#[test]
fn wrong_usage_ends_with_status_2() {
    for (arguments, parts) in [
        ("trian", vec!["trian", "train"]),
        ("train --set lambda", vec!["KEY=VALUE"]),
        ("train --resume", vec!["--run"]),
        ("train --device gpu", vec!["cuda:N"]),
        ("train --threads 0", vec!["at least 1"]),
        ("train --steps -1", vec!["-1"]),
        ("refine --model a --input b", vec!["--output"]),
        ("refine --model a --input b --output c --on-error ignore", vec!["fail, skip"]),
        ("bench --batch many", vec!["many"]),
        ("train -q -v", vec!["cannot be used with"]),
        ("man trian", vec!["trian", "hint: "]),
        ("train --batch-size=8", vec!["'--batch-size'", "hint: use --set data.batch=8"]),
        ("train --epochs 3", vec!["'--epochs'", "hint: training counts steps"]),
        ("refine --weights w --input a", vec!["'--weights'", "hint: use --model w"]),
        ("train --stpes 3", vec!["'--stpes'", "'--steps'"]),
        ("evaluate --model m --test t --paper --network half", vec!["--paper", "cannot be used with"]),
    ] {
        fails(simgan(arguments), 2, &parts);
    }
}

#[test]
fn help_prints_pages_and_the_help_of_commands() {
    assert_eq!(succeeds(simgan("help")), succeeds(simgan("--help")));
    assert_eq!(succeeds(simgan("help train")), succeeds(simgan("train --help")));
    let settings = succeeds(simgan("help settings"));
    for part in ["# Settings", "`loss.lambda`", "## [optim.discriminator]", "a finite number at least 0"] {
        assert!(settings.contains(part), "`{part}` is missing");
    }
    fails(simgan("help trian"), 2, &["trian", "train"]);
    fails(simgan("help settings train"), 2, &["settings"]);
}

#[cfg(not(feature = "cuda"))]
#[test]
fn a_device_that_is_not_built_in_is_wrong_usage() {
    fails(simgan("bench --device cuda:1"), 2, &["no cuda device", "hint: ", "--features cuda"]);
}

#[test]
fn shells_and_man_are_served() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(succeeds(simgan(&format!("completions {shell}"))).contains("simgan"));
    }
    assert!(succeeds(simgan("man")).contains(".TH simgan 1"));
    assert!(succeeds(simgan("man train")).contains("loss.lambda"));
}

#[test]
fn a_closed_pipe_is_no_panic() {
    for arguments in ["completions zsh", "man", "inspect builtin:eyes --limit 2", "--help"] {
        let mut child = simgan(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert!(child.wait().unwrap().success(), "{arguments}: {stderr}");
        assert_eq!(stderr, "", "{arguments}");
    }
}

#[test]
fn a_closed_standard_error_is_no_panic() {
    let mut command = simgan("refine --model nowhere --input nowhere --output nowhere -vv");
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_output_is_an_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut command = simgan("man");
    command.stdout(full);
    let (code, _, stderr) = told(command);
    assert_eq!(code, 1);
    assert!(stderr.contains("standard output"), "{stderr}");
}

#[test]
fn without_a_terminal_there_are_no_colours_and_bars() {
    let (_, _, stderr) = told(simgan("inspect builtin:eyes --limit 2 -vv"));
    assert!(!stderr.contains('\x1b'), "{stderr}");
}
