//! What holds for every page.

use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::driver::{Browser, Look};

/// The looks in which pages are checked, with their names in pictures.
const LOOKS: [(&str, Look); 4] = [
    ("phone-light", Look::PHONE),
    ("phone-dark", Look::PHONE.dark()),
    ("desktop-dark", Look::DESKTOP.dark()),
    ("desktop-light", Look::DESKTOP),
];

/// Checks the page that is open, in all looks: axe-core finds nothing, nothing sticks out on a phone, all that
/// can be used is reached with the Tab key and shows it, no other host is asked, and the console is empty.
pub(crate) fn check(browser: &Browser, name: &str) {
    for (look_name, look) in LOOKS {
        browser.look(look);
        let what = format!("{name}, {look_name}");
        keep(name, look_name, &browser.screenshot());
        let too_wide = browser.run("return document.documentElement.scrollWidth - innerWidth", &json!([]));
        assert!(too_wide.as_i64().unwrap() <= 0, "{what}: {too_wide} pixels stick out");
        let violations = axe(browser);
        assert!(violations.is_empty(), "{what}: {violations:#?}");
    }
    keyboard_reaches_everything(browser, name);
    quiet(browser, name);
}

/// Checks that nothing was complained about and no other host was asked for anything.
pub(crate) fn quiet(browser: &Browser, name: &str) {
    let complaints = browser.console();
    assert!(complaints.is_empty(), "{name}: {complaints:#?}");
    let script = "return performance.getEntriesByType('resource').map((entry) => entry.name)
        .filter((address) => !address.startsWith(location.origin) && !address.startsWith('data:'))";
    let foreign = browser.run(script, &json!([]));
    assert_eq!(foreign, json!([]), "{name} asks other hosts");
}

/// What axe-core finds wrong, in words.
fn axe(browser: &Browser) -> Vec<String> {
    static SOURCE: OnceLock<String> = OnceLock::new();
    let source = SOURCE.get_or_init(|| {
        let path = std::env::var_os("SIMGAN_TEST_AXE").expect("SIMGAN_TEST_AXE names axe.min.js of axe-core");
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    });
    browser.run(source, &json!([]));
    let script = "const done = arguments[0];
        axe.run().then(({ violations }) => done(violations.flatMap(({ id, help, nodes }) =>
            nodes.map(({ html, failureSummary }) => `${id}: ${help}: ${html} ${failureSummary}`))),
            (error) => done([String(error)]))";
    let found: Vec<Value> = browser.run_async(script, &json!([])).as_array().unwrap().clone();
    found.iter().map(|found| found.as_str().unwrap().to_owned()).collect()
}

/// Walks through the page with the Tab key.
fn keyboard_reaches_everything(browser: &Browser, name: &str) {
    // Of a group of radio buttons, only the chosen one is on the way.
    let usable = "window.usable = [...document.querySelectorAll(
            'a[href], button, input, select, textarea, summary, [tabindex=\"0\"]')]
        .filter((it) => it.checkVisibility({ visibilityProperty: true }) && !it.disabled && it.tabIndex >= 0
            && !(it.type === 'radio' && !it.checked));
        document.activeElement.blur(); getSelection().removeAllRanges(); scrollTo(0, 0);
        return window.usable.length";
    let n = browser.run(usable, &json!([])).as_u64().unwrap();
    let at = "const it = document.activeElement, style = getComputedStyle(it);
        const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1;
        window.usable = window.usable.filter((other) => other !== it);
        return [window.usable.length, outlined || style.boxShadow !== 'none' || it === document.body,
            it.outerHTML.slice(0, 200)]";
    let mut left = n;
    for _ in 0..n + 2 {
        browser.press(TAB);
        let now = browser.run(at, &json!([]));
        left = now[0].as_u64().unwrap();
        assert!(now[1] == true, "{name}: the focus does not show on {}", now[2]);
    }
    let missed = browser.run("return window.usable.map((it) => it.outerHTML.slice(0, 200))", &json!([]));
    assert_eq!(left, 0, "{name}: the Tab key does not reach {missed:#}");
}

/// WebDriver's code for the Tab key.
const TAB: &str = "\u{e004}";

/// Leaves a picture where it is asked for.
pub(crate) fn keep(name: &str, look: &str, png: &[u8]) {
    let Some(folder) = std::env::var_os("SIMGAN_TEST_SCREENSHOTS").map(PathBuf::from) else { return };
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}-{look}.png")), png).unwrap();
}
