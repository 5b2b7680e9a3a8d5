//! Runs: followed, looked at, compared.

use serde_json::json;

use crate::checks::{check, keep, quiet};
use crate::driver::{Browser, Look};
use crate::scene::{Served, Training, runs, turn};

const LEFT: &str = "\u{e012}";
const HOME: &str = "\u{e011}";

#[test]
fn a_run_is_followed_while_it_trains() {
    let Some(_turn) = turn() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("live");
    let training = Training::start(&path, 100_000, &[]);
    let browser = Browser::start(Look::DESKTOP);
    browser.wait_for("a sample grid", || path.join("samples/step-00000010.png").exists().then_some(()));
    let served = Served::start(&[folder.path()], &[]);
    browser.go(&served.at("/"));
    browser.wait_for("the run", || (browser.text(".card .state") == "Running").then_some(()));
    browser.find(".card h2 a").click();
    browser.run("window.isSame = true", &json!([]));
    let seen = || {
        let script = "return [...document.querySelectorAll('[data-chart=refiner] polyline')].map(
            (line) => line.getAttribute('points').split(' ').length)[0] ?? 0";
        browser.run(script, &json!([])).as_u64().unwrap()
    };
    let before = browser.wait_for("a curve", || Some(seen()).filter(|n| *n > 5));
    browser.wait_for("a longer curve", || (seen() > before + 5).then_some(()));
    let steps = |browser: &Browser| browser.text("#status .number");
    let then = steps(&browser);
    browser.wait_for("newer words", || (steps(&browser) != then).then_some(()));
    drop(training);
    browser.wait_for("the end", || (browser.text("#status .state") == "Interrupted").then_some(()));
    assert_eq!(browser.run("return window.isSame", &json!([])), true, "the page was never loaded again");
    quiet(&browser, "a live run");
}

#[test]
fn the_slider_goes_back_to_the_beginning() {
    let Some(_turn) = turn() else { return };
    let served = Served::start(&[runs()], &[]);
    let browser = Browser::start(Look::DESKTOP);
    browser.go(&served.at("/runs/first"));
    let said = || browser.text("#samples output");
    let picture = || browser.find("#samples img").property("src").as_str().unwrap().to_owned();
    browser.wait_for("the newest grid", || (said() == "Step 90").then_some(()));
    assert!(picture().ends_with("/samples/step-90.png"), "{}", picture());
    browser.run("document.querySelector('#step').focus()", &json!([]));
    browser.press(LEFT);
    assert_eq!(said(), "Step 80");
    assert!(picture().ends_with("/samples/step-80.png"), "{}", picture());
    browser.press(HOME);
    assert_eq!(said(), "Before training");
    let height = || browser.find("#samples .crop").property("clientHeight").as_u64().unwrap();
    let synthetic = height();
    browser.press("\u{e010}"); // the End key
    browser.find("input[name=view][value='2']").click();
    let is_loaded = "return document.querySelector('#samples img').complete";
    browser.wait_for("the picture", || browser.run(is_loaded, &json!([])).as_bool().filter(|is| *is));
    assert_eq!(said(), "Step 90");
    assert!(height().abs_diff(synthetic) <= 1, "one row each: {} and {synthetic}", height());
    quiet(&browser, "the slider");
}

#[test]
fn two_runs_are_compared() {
    let Some(_turn) = turn() else { return };
    let served = Served::start(&[runs()], &[]);
    let browser = Browser::start(Look::DESKTOP);
    browser.go(&served.at("/compare?a=first&b=second"));
    let curves = "[data-chart=refiner] polyline";
    browser.wait_for("both runs' curves", || (browser.count(curves) == 6).then_some(()));
    let settings = browser.text("table.settings");
    assert!(settings.contains("loss.lambda") && settings.contains("schedule.steps"), "{settings}");
    assert!(!settings.contains("refiner.features"), "only what differs: {settings}");
    browser.run("document.querySelector('#step').focus()", &json!([]));
    browser.press(HOME);
    let pictures = "return [...document.querySelectorAll('.grid img')].map((it) => it.src.split('/').pop())";
    assert_eq!(browser.run(pictures, &json!([])), json!(["step-10.png", "step-10.png"]));
    check(&browser, "compare");
}

#[test]
fn pages_of_runs_serve_everyone() {
    let Some(_turn) = turn() else { return };
    let served = Served::start(&[runs()], &[]);
    let browser = Browser::start(Look::DESKTOP);
    for (name, path) in
        [("runs", "/"), ("run", "/runs/first"), ("missing", "/runs/none"), ("tests", "/turing")]
    {
        browser.go(&served.at(path));
        browser.find("h1");
        if name == "run" {
            browser.find("[data-chart=change] polyline");
            browser.run("for (const it of document.querySelectorAll('details')) it.open = true", &json!([]));
        }
        if name == "missing" {
            browser.console(); // it says that the page is missing
        }
        check(&browser, name);
    }
}

/// The picture in the README: a run that was trained for longer, if `SIMGAN_TEST_RUN` names one.
#[test]
fn a_run_has_its_picture_taken() {
    let Some(_turn) = turn() else { return };
    let longer = std::env::var_os("SIMGAN_TEST_RUN").map(std::path::PathBuf::from);
    let run = longer.unwrap_or_else(|| runs().join("first"));
    let served = Served::start(&[&run], &[]);
    let browser = Browser::start(Look::DESKTOP);
    browser.go(&served.at("/"));
    browser.find(".card h2 a").click();
    browser.find("[data-chart=change] polyline");
    std::thread::sleep(std::time::Duration::from_millis(500)); // pictures
    let picture = browser.upper_part([1280, 1310]);
    assert!(picture.len() > 10_000, "the picture shows something");
    keep("browser", "readme", &picture);
}
