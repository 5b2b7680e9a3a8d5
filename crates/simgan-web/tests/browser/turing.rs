//! The visual Turing test as subjects and its owner meet it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine;
use candle_core::Device;
use serde_json::{Value, json};
use simgan_data::SourceRequest;
use simgan_refine::RefineModel;
use simgan_web::turing::TestFile;
use simgan_web::turing::design::{Kind, TestOptions, TestSources, prepare};
use simgan_web::turing::statistics::Design;

use crate::checks::{check, quiet};
use crate::driver::{Browser, Look};
use crate::scene::{Served, registry, runs, turn};

const LEFT: &str = "\u{e012}";
const RIGHT: &str = "\u{e014}";

/// Figures of tables of answers, from SciPy.
const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/turing/statistics.json");

/// Makes a small test of the first run's refiner.
fn new_test(folder: &Path, design: Design) -> PathBuf {
    let model = RefineModel::open(&runs().join("first"), &Device::Cpu).unwrap();
    let source = |name: &str| registry().open(&SourceRequest::new(name)).unwrap();
    let (real, synthetic) = (source("builtin:camera"), source("builtin:eyes"));
    let sources = TestSources {
        model: &model,
        device: &Device::Cpu,
        real: &*real,
        synthetic: &*synthetic,
        real_name: "builtin:camera".to_owned(),
        synthetic_name: "builtin:eyes".to_owned(),
    };
    let options = TestOptions { design, per_class: 5, examples: 4, baseline: 0, seed: 1, show_score: true };
    let (design, images) = prepare(&options, &sources, 1_764_403_200_000).unwrap();
    let path = folder.join("eyes.turing");
    TestFile::create(&path, &design, &images).unwrap();
    path
}

/// The kind of each image, by its bytes: what a subject's browser cannot know.
fn kinds(test: &TestFile) -> BTreeMap<Vec<u8>, Kind> {
    let images = test.images().unwrap();
    images.iter().map(|image| (test.png(image.id).unwrap().unwrap(), image.kind)).collect()
}

/// The kinds of the images that the page shows now.
fn shown(browser: &Browser, kinds: &BTreeMap<Vec<u8>, Kind>) -> Vec<Kind> {
    let script = "const done = arguments[0], images = [...document.querySelectorAll('#question img')];
        const bytes = async (image) => {
            const buffer = await (await fetch(image.src)).arrayBuffer();
            return btoa(String.fromCharCode(...new Uint8Array(buffer)));
        };
        Promise.all(images.map(bytes)).then(done, (error) => done(String(error)))";
    let coded = browser.run_async(script, &json!([]));
    let decode = |coded: &Value| base64::engine::general_purpose::STANDARD.decode(coded.as_str().unwrap());
    coded.as_array().unwrap().iter().map(|coded| kinds[&decode(coded).unwrap()]).collect()
}

/// Answers every question; `choose` gets the kinds shown and how many of the first one's kind came before, and
/// returns 0 or 1. After the fifth answer, the page is loaded again.
fn take(
    browser: &Browser,
    kinds: &BTreeMap<Vec<u8>, Kind>,
    by_keyboard: bool,
    choose: impl Fn(&[Kind], usize) -> usize,
) {
    let mut before: Vec<Kind> = Vec::new();
    for number in 1.. {
        let title = format!("Question {number} of ");
        let is_next = || {
            let told = browser.run("return document.title", &json!([])).as_str().unwrap().to_owned();
            (told.starts_with(&title) || told.starts_with("Thank you")).then_some(told)
        };
        if browser.wait_for(&title, is_next).starts_with("Thank you") {
            return;
        }
        if number == 6 {
            browser.reload();
            browser.wait_for("the same question again", is_next);
        }
        let kinds = shown(browser, kinds);
        let choice = choose(&kinds, before.iter().filter(|kind| **kind == kinds[0]).count());
        before.push(kinds[0]);
        if by_keyboard {
            // A key counts only once the image has been painted.
            std::thread::sleep(std::time::Duration::from_millis(150));
            browser.press([LEFT, RIGHT][choice]);
        } else {
            browser.find(&format!("button[name=said][value='{choice}']")).click();
        }
    }
}

/// Opens the test by its link, as somebody who was invited, up to the first question.
fn begin(browser: &Browser, address: &str, is_checked: bool) {
    browser.go(address);
    let looked_at = |name: &str| {
        browser.find("h1");
        if is_checked {
            check(browser, name);
        }
    };
    looked_at("turing-intro");
    browser.find("main a.button").click();
    browser.find(".turing-examples");
    looked_at("turing-examples");
    browser.find("form.turing-start button").click();
    browser.find("#question");
    looked_at("turing-question");
}

/// Real images, then refined ones: what was said of the first `n` of each, and of the others.
fn yes_no(n_real_right: usize) -> impl Fn(&[Kind], usize) -> usize {
    move |kinds, n_before| match kinds[0] {
        Kind::Real => usize::from(n_before >= n_real_right),
        Kind::Refined => usize::from(n_before >= 2),
        Kind::Unrefined => 1,
    }
}

#[test]
fn two_subjects_take_a_test_by_keyboard_and_by_mouse() {
    let Some(_turn) = turn() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = new_test(folder.path(), Design::YesNo);
    let served = Served::start(&[], &[&path]);
    let test = TestFile::open(&path).unwrap();
    let kinds = kinds(&test);
    let link = served.at(&format!("/turing/t/{}", test.design().link));
    let subjects = [Browser::start(Look::DESKTOP), Browser::start(Look::PHONE)];
    begin(&subjects[0], &link, true);
    begin(&subjects[1], &link, false);
    take(&subjects[0], &kinds, true, yes_no(5));
    check(&subjects[0], "turing-end");
    take(&subjects[1], &kinds, false, yes_no(4));
    quiet(&subjects[1], "a subject");
    drop(subjects);

    let owner = Browser::start(Look::DESKTOP);
    owner.go(&served.at("/turing"));
    check(&owner, "turing-list");
    owner.find(".turing-card h2 a").click();
    owner.find("#figures");
    check(&owner, "turing-results");
    let table = owner.text(".turing-tables tbody");
    assert_eq!(
        table.split_whitespace().filter(|word| word.parse::<u64>().is_ok()).collect::<Vec<_>>(),
        ["9", "1", "4", "6"]
    );
    is_as_scipy_says(&results(&served, &test), &json!([[9, 1], [4, 6]]), "yes_no");
    let times: Vec<i64> = test.answers().unwrap().iter().filter_map(|answer| answer.response_ms).collect();
    assert_eq!(times.len(), 22, "the browser measured each response");
    assert!(times.iter().all(|time| (1..60_000).contains(time)), "{times:?}");
}

#[test]
fn a_subject_chooses_the_real_one_of_two() {
    let Some(_turn) = turn() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = new_test(folder.path(), Design::TwoAlternatives);
    let served = Served::start(&[], &[&path]);
    let test = TestFile::open(&path).unwrap();
    let kinds = kinds(&test);
    let browser = Browser::start(Look::DESKTOP);
    begin(&browser, &served.at(&format!("/turing/t/{}", test.design().link)), false);
    check(&browser, "turing-pair");
    // Always the real one.
    take(&browser, &kinds, false, |kinds, _| usize::from(kinds[0] != Kind::Real));
    let results = results(&served, &test);
    let right: u64 = [0, 1].iter().map(|side| results["main"]["table"][side][side].as_u64().unwrap()).sum();
    assert_eq!(right, 5, "{results:#}");
}

/// The results as their file has them.
fn results(served: &Served, test: &TestFile) -> Value {
    let address = served.at(&format!("/turing/results/{}.json", test.design().key));
    let text = ureq::get(&address).call().unwrap().into_body().read_to_string().unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Compares with the figures of the same table.
fn is_as_scipy_says(results: &Value, table: &Value, detection: &str) {
    let golden: Value = serde_json::from_str(&std::fs::read_to_string(GOLDEN).unwrap()).unwrap();
    let cases = golden["tables"].as_array().unwrap();
    let case = cases.iter().find(|case| case["table"] == *table).expect("SciPy was asked about this table");
    let main = &results["main"];
    assert_eq!(main["table"], *table);
    let is_close = |name: &str, own: &Value, other: &Value| {
        let (own, other) = (own.as_f64().expect(name), other.as_f64().unwrap());
        assert!((own - other).abs() < 1e-9, "{name}: {own} and {other}");
    };
    for name in ["p_one_sided", "p_two_sided"] {
        is_close(name, &main[name], &case[name]);
    }
    for name in ["d_prime", "bias"] {
        is_close(name, &main["detection"][name], &case[detection][name]);
    }
    for side in [0, 1] {
        is_close("interval", &main["interval"][side], &case["interval"][side]);
    }
}
