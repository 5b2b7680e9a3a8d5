//! Tests `simgan turing`.

use crate::scene::{fails, simgan, succeeds};

#[test]
fn plans_say_how_many_answers_a_claim_needs() {
    let plan = succeeds(simgan("turing plan"));
    assert!(plan.starts_with("654 answers show with 80 % power"), "{plan}");
    assert!(plan.contains("\n888 answers") && plan.contains("±5 points"), "{plan}");
    let other = succeeds(simgan("turing plan --share 0.6 --margin 0.1"));
    assert!(other.starts_with("169 answers") && other.contains("\n227 answers"), "{other}");
    fails(simgan("turing plan --share 55"), 2, &["--share must be", "0.55 is 55 %"]);
    fails(simgan("turing plan --margin 0"), 2, &["--margin must be"]);
}
