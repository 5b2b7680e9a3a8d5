//! Options that other programs have and this one spells differently: the error names the right one.

use std::ffi::OsString;
use std::path::Path;

use clap::CommandFactory;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::arguments::Arguments;
use crate::failure::{Usage, usage};

/// One thing that people mean: the spellings of other programs, and per command what to type here. `VALUE`
/// stands for what they typed.
struct Meaning {
    spellings: &'static [&'static str],
    /// A command and its hint.
    hints: &'static [(&'static str, &'static str)],
}

const MEANINGS: &[Meaning] = &[
    Meaning {
        spellings: &["batch-size", "batchsize", "batch", "bs", "train-batch-size", "b"],
        hints: &[
            ("train", "use --set data.batch=VALUE"),
            (
                "experiment",
                "use --set data.batch=VALUE for the refiner's training, --estimator-batch for the estimators'",
            ),
            ("refine", "use --batch VALUE"),
            ("evaluate", "use --estimator-batch VALUE"),
        ],
    },
    Meaning {
        spellings: &["lr", "learning-rate", "lr-g", "lr-d", "base-lr"],
        hints: &[
            (
                "train",
                "each network has its own: --set optim.refiner.lr=VALUE and --set optim.discriminator.lr=VALUE",
            ),
            (
                "experiment",
                "each network has its own: --set optim.refiner.lr=VALUE and --set optim.discriminator.lr=VALUE",
            ),
        ],
    },
    Meaning {
        spellings: &[
            "epochs",
            "epoch",
            "n-epochs",
            "num-epochs",
            "max-epochs",
            "niter",
            "iters",
            "iterations",
            "max-steps",
            "num-steps",
            "n-steps",
        ],
        hints: &[
            ("train", "training counts steps, one batch each, not epochs: use --steps N"),
            ("experiment", "training counts steps, one batch each, not epochs: use --set schedule.steps=N"),
            ("evaluate", "use --estimator-steps N, updates of one batch each"),
        ],
    },
    Meaning {
        spellings: &[
            "output",
            "out",
            "out-dir",
            "outdir",
            "output-dir",
            "output-path",
            "results",
            "results-dir",
            "save-dir",
            "checkpoint-dir",
            "checkpoints-dir",
            "logdir",
            "log-dir",
            "o",
        ],
        hints: &[
            ("train", "use --run VALUE, the folder that takes everything a run writes"),
            ("refine", "use --output VALUE"),
            ("experiment", "use --output VALUE"),
            ("render", "use --output VALUE"),
            ("evaluate", "use --report VALUE for a folder with a page, --json FILE for the figures"),
            ("inspect", "results go to standard output; --sheet FILE writes a picture"),
        ],
    },
    Meaning {
        spellings: &["name", "run-name", "exp-name", "experiment-name", "experiment"],
        hints: &[
            ("train", "use --run runs/VALUE, the run's folder"),
            ("experiment", "use --output VALUE, the experiment's folder"),
        ],
    },
    Meaning {
        spellings: &["gpu-ids", "gpu-id", "gpu", "gpus", "cuda", "use-cuda", "use-gpu", "accelerator", "cpu"],
        hints: &[
            ("train", DEVICE),
            ("refine", DEVICE),
            ("evaluate", DEVICE),
            ("experiment", DEVICE),
            ("bench", DEVICE),
        ],
    },
    Meaning {
        spellings: &[
            "image-size",
            "img-size",
            "imgsz",
            "imsize",
            "size",
            "load-size",
            "crop-size",
            "fine-size",
            "resolution",
            "width",
            "height",
        ],
        hints: &[
            ("train", "use --set data.size=WIDTHxHEIGHT, in pixels, such as --set data.size=64x64"),
            ("experiment", "use --set data.size=WIDTHxHEIGHT, in pixels, such as --set data.size=64x64"),
            ("refine", "use --size WIDTHxHEIGHT, in pixels; without it every image keeps its size"),
            ("evaluate", "use --size WIDTHxHEIGHT, in pixels; without it the run's size is used"),
            ("render", "use --size WIDTHxHEIGHT, in pixels"),
            ("inspect", "use --size WIDTHxHEIGHT, in pixels, with --sheet"),
        ],
    },
    Meaning {
        spellings: &["workers", "num-workers", "n-workers", "num-threads", "n-threads", "jobs", "j"],
        hints: &[
            (
                "train",
                "use --set data.workers=VALUE for the threads that decode images, --threads N for all others",
            ),
            (
                "experiment",
                "use --set data.workers=VALUE for the threads that decode images, --threads N for all others",
            ),
            ("refine", "use --threads VALUE"),
            ("evaluate", "use --threads VALUE"),
            ("render", "use --threads VALUE"),
            ("bench", "use --threads VALUE"),
        ],
    },
    Meaning {
        spellings: &[
            "data",
            "dataroot",
            "data-root",
            "data-dir",
            "dataset",
            "data-path",
            "input",
            "input-dir",
            "source",
            "src",
            "target",
            "images",
            "train-dir",
            "syn",
            "synth",
        ],
        hints: &[
            (
                "train",
                "there are two sets of images: --synthetic DIR, to be refined, and --real DIR, to look like",
            ),
            (
                "experiment",
                "there are two sets of images: --synthetic DIR, to be refined, and --real DIR, to look like",
            ),
            ("refine", "use --input VALUE"),
            (
                "evaluate",
                "use --test VALUE for labelled real images; --synthetic and --real are the run's own unless given",
            ),
        ],
    },
    Meaning {
        spellings: &["synthetic", "real"],
        hints: &[("refine", "use --input VALUE, the images to refine; the model knows the real ones")],
    },
    Meaning {
        spellings: &[
            "model",
            "checkpoint",
            "ckpt",
            "weights",
            "pretrained",
            "load",
            "load-from",
            "run",
            "resume-from",
            "continue-train",
            "m",
        ],
        hints: &[
            (
                "train",
                "--run RUN --resume goes on with an earlier run; --recipe and --set refiner.… choose the network",
            ),
            ("refine", "use --model VALUE, a run or one of its checkpoints"),
            ("evaluate", "use --model VALUE, a run or one of its checkpoints"),
            ("inspect", "name the run itself: inspect VALUE"),
        ],
    },
    Meaning {
        spellings: &["lambda", "lambda-reg", "lambda-identity", "lambda-l1", "reg"],
        hints: &[("train", "use --set loss.lambda=VALUE"), ("experiment", "use --set loss.lambda=VALUE")],
    },
    Meaning {
        spellings: &["channels", "input-nc", "output-nc", "grayscale", "gray", "rgb", "color", "colour"],
        hints: &[
            ("train", "use --set data.channels=1 for gray, 3 for RGB"),
            ("experiment", "use --set data.channels=1 for gray, 3 for RGB"),
        ],
    },
    Meaning {
        spellings: &["num", "n", "number", "num-images", "n-images", "limit"],
        hints: &[
            ("render", "use --count VALUE"),
            ("refine", "use --count VALUE"),
            ("evaluate", "use --images VALUE"),
        ],
    },
];

const DEVICE: &str = "use --device: auto (a GPU if this build has one), cpu, cuda, cuda:N or metal";

/// Returns an error that names the right option, if `error` is about an option of other programs or about files
/// that the shell made of a pattern.
pub(crate) fn explained(error: &clap::Error, typed: &[OsString]) -> Option<Usage> {
    let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidArg) else { return None };
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let words: Vec<_> = typed.iter().skip(1).map(|word| word.to_string_lossy()).collect();
    let command = Arguments::command();
    let command = words.iter().find(|word| command.find_subcommand(word.as_ref()).is_some())?;
    let message = format!("unexpected argument '{unknown}' found");
    if !unknown.starts_with('-') {
        let hint = "several files where one source belongs: put a pattern in quotes, such as --input 'photos/*.jpg', \
                    or name the folder";
        return Path::new(unknown).exists().then(|| usage(message).hint(hint));
    }
    let hint = hint(command, unknown)?;
    let value = value_of(unknown, &words).unwrap_or_else(|| "VALUE".to_owned());
    Some(usage(message).hint(hint.replace("VALUE", &value)))
}

/// What to type instead of an option; case and the kind of dashes play no part.
fn hint(command: &str, option: &str) -> Option<&'static str> {
    let name = option.split('=').next()?.trim_start_matches('-').to_ascii_lowercase().replace('_', "-");
    let mut meant = MEANINGS.iter().filter(|meaning| meaning.spellings.contains(&name.as_str()));
    meant.find_map(|meaning| meaning.hints.iter().find(|(of, _)| *of == command)).map(|(_, hint)| *hint)
}

/// The value given to an option, as `--option=value` or `--option value`.
fn value_of(option: &str, words: &[impl AsRef<str>]) -> Option<String> {
    let name = option.split('=').next()?;
    words.iter().enumerate().find_map(|(at, word)| match word.as_ref().strip_prefix(name)? {
        "" => words.get(at + 1).map(|next| next.as_ref().to_owned()).filter(|next| !next.starts_with('-')),
        rest => rest.strip_prefix('=').map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    fn told(line: &str) -> Option<String> {
        let typed: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let error = Arguments::try_parse_from(&typed).unwrap_err();
        explained(&error, &typed).map(|usage| usage.hint_text())
    }

    #[test]
    fn options_of_other_programs_lead_to_ours() {
        for (line, hint) in [
            ("simgan train --batch-size 8", "use --set data.batch=8"),
            ("simgan train --batch_size=8", "use --set data.batch=8"),
            ("simgan train --batch-size", "use --set data.batch=VALUE"),
            ("simgan train --lr=1e-4", "--set optim.refiner.lr=1e-4"),
            ("simgan train --learning-rate 1", "--set optim.discriminator.lr=1"),
            ("simgan train --epochs 5", "--steps N"),
            ("simgan train --output here", "use --run here"),
            ("simgan train --out=here", "use --run here"),
            ("simgan train --name eyes", "--run runs/eyes"),
            ("simgan train --gpu-ids 0", "--device"),
            ("simgan -v train --gpu 1", "cuda:N"),
            ("simgan train --image-size 64", "data.size=WIDTHxHEIGHT"),
            ("simgan train --img-size=64", "data.size=WIDTHxHEIGHT"),
            ("simgan train --workers 4", "data.workers=4"),
            ("simgan train --data d", "--synthetic DIR"),
            ("simgan train --model m", "--resume"),
            ("simgan refine --checkpoint c", "use --model c"),
            ("simgan refine --data d", "use --input d"),
            ("simgan evaluate --epochs 3", "--estimator-steps"),
        ] {
            let text = told(line).unwrap_or_else(|| panic!("{line}: no hint"));
            assert!(text.contains(hint), "{line}: {text}");
        }
        assert_eq!(told("simgan train --stpes 3"), None, "clap suggests");
    }

    /// A hint for an option that the command has would never be seen, and one for a command that does not exist
    /// neither.
    #[test]
    fn every_hint_can_be_reached() {
        let command = Arguments::command();
        for (of, _) in MEANINGS.iter().flat_map(|meaning| meaning.hints) {
            assert!(command.find_subcommand(of).is_some(), "{of}");
        }
    }
}
