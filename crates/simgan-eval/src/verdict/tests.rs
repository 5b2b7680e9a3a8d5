use serde_json::{Map, Value, json};

use super::*;
use crate::report::evaluation_verdict;

/// An evaluation with these rows and the errors of their repetitions, in degrees.
pub(crate) fn evaluation(rows: &[(&str, &[f64])]) -> Evaluation {
    let row = |errors: &[f64]| {
        let runs = (0..).zip(errors).map(|(seed, error)| {
            json!({"seed": seed, "errors": {"n_images": 30, "error_deg": error, "median_deg": error}})
        });
        json!({"n_images": 40, "error_deg": {"mean": errors[0], "sd": 0.0}, "runs": runs.collect::<Vec<_>>()})
    };
    let mut all: Map<String, Value> =
        rows.iter().map(|(name, errors)| ((*name).to_owned(), row(errors))).collect();
    let training = json!({"steps": 3, "batch": 8, "lr": 0.001, "seed": 0, "augment": false});
    let realism = json!({"steps": 3, "batch": 8, "lr": 0.001, "seed": 0});
    all.insert("format_version".into(), 2.into());
    all.insert(
        "config".into(),
        json!({"images": 40, "fold": 1, "seeds": 2, "network": "quarter", "augment": false, "neighbours": 5,
            "training": training, "fourier_beta": 0.05, "calibration": 9, "realism": realism}),
    );
    all.insert(
        "data".into(),
        json!({"height": 20, "width": 24, "channels": 1, "n_images": 40, "n_probe": 40, "n_test": 30,
            "n_persons": 1, "n_real": 40, "n_labelled_real": 40, "n_repeated": 0}),
    );
    serde_json::from_value(all.into()).unwrap()
}

/// The words on some draws of one refiner.
fn told(draws: &[Evaluation]) -> String {
    let all: Vec<[&Evaluation; 1]> = draws.iter().map(|draw| [draw]).collect();
    let all: Vec<&[&Evaluation]> = all.iter().map(<[_; 1]>::as_slice).collect();
    let verdict = Verdict::of_draws(&[None], &all);
    evaluation_verdict(&Evaluation { verdict, ..draws[0].clone() }, usize::MAX)
}

/// Two repetitions of each row.
fn draw(rows: &[(&str, [f64; 2])]) -> Evaluation {
    evaluation(&rows.iter().map(|(name, errors)| (*name, errors.as_slice())).collect::<Vec<_>>())
}

#[test]
fn one_draw_is_not_enough_to_say() {
    let rows = [("mean", [1.0; 2]), ("synthetic", [9.0, 9.2]), ("synthetic_augmented", [8.0, 8.2])];
    let learned = [("refined", [7.5, 7.7]), ("real", [6.0, 6.0]), ("refined_4x", [5.0; 2])];
    let verdict = Verdict::of(&draw(&[&rows[..], &learned].concat())).unwrap();
    assert_eq!(verdict.worth(), Worth::TooFewDraws);
    assert_eq!(
        (verdict.best.method, verdict.best_free.method.kind),
        (Method::once(MethodKind::Refined), MethodKind::SyntheticAugmented)
    );
    assert!(
        (verdict.refined_less_free.mean + 0.5).abs() < 1e-9 && verdict.refined_less_free.interval.is_none()
    );
    assert!((verdict.share_of_way.unwrap() - 0.5 / 2.1).abs() < 1e-9);
    assert_eq!(verdict.refined_less_toned, None);
    let text = told(&[draw(&[&rows[..], &learned].concat())]);
    for part in [
        "What to use here: not decided. The lowest error is that of `refined` 7.60°, so refine; but whether",
        "`synthetic, augmented` 8.10°, which costs nothing, is open",
        "Was refining worth it: one draw is not enough to say.",
        "-0.50°, lower in 2 of 2 pairs of 1 draw, p = 0.50; 24 % of the way from there to real labels",
    ] {
        assert!(text.contains(part), "`{part}` is not in\n{text}");
    }
    assert!(Verdict::of(&draw(&rows)).is_none(), "nothing was refined");
    assert!(Verdict::of(&draw(&learned)).is_none(), "nothing to compare with");
}

#[test]
fn three_draws_say_yes_no_or_nothing() {
    let draws = |refined: [f64; 3]| -> Vec<Evaluation> {
        let of = |(idx, refined): (usize, f64)| {
            let level = 8.0 + idx as f64;
            draw(&[
                ("synthetic", [level + 1.0; 2]),
                ("synthetic_histogram", [level; 2]),
                ("toned", [level + 0.2; 2]),
                ("refined", [level + refined, level + refined + 0.02]),
                ("refined_augmented", [level + 3.0; 2]),
            ])
        };
        refined.into_iter().enumerate().map(of).collect()
    };
    let yes = told(&draws([-0.5, -0.4, -0.45]));
    assert!(yes.contains("What to use here: refine, with the lowest error: `refined` 8.56° against `synthetic, histogram matched` 9.00°"), "{yes}");
    assert!(
        yes.contains("worth it: yes.")
            && yes.contains("-0.44° (95 %: -0.56° to -0.32°), lower in 6 of 6 pairs of 3 draws, p = 0.03."),
        "{yes}"
    );
    assert!(yes.contains("R itself, over its tone stage alone: -0.64°"), "{yes}");
    assert!(!yes.contains("not enough") && !yes.contains("of the way"), "{yes}");
    let no = told(&draws([0.5, 0.4, 0.45]));
    assert!(
        no.contains(
            "What to use here: match histograms, with the lowest error: `synthetic, histogram matched` 9.00°."
        ),
        "{no}"
    );
    assert!(no.contains("worth it: no.") && no.contains("lower in 0 of 6"), "{no}");
    let open = told(&draws([-0.5, 0.4, -0.2]));
    assert!(open.contains("not decided") && open.contains("worth it: not shown."), "{open}");
    assert!(told(&draws([-0.5, -0.5, -0.5])[..2]).contains("two draws are not enough"));
}

#[test]
fn a_verdict_is_read_as_it_was_written() {
    let mut found = draw(&[("synthetic", [9.0, 9.25]), ("refined", [7.5, 8.0]), ("toned", [8.0, 8.5])]);
    found.verdict = Verdict::of(&found);
    let again: Evaluation = serde_json::from_str(&serde_json::to_string(&found).unwrap()).unwrap();
    assert_eq!(again.verdict, found.verdict);
    assert!(again.verdict.is_some() && again.methods.len() == 3);
}
