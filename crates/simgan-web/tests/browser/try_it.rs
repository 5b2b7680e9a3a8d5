//! A refiner tried on an image.

use std::path::{Path, PathBuf};

use base64::Engine;
use candle_core::Device;
use serde_json::json;
use simgan_data::{ImageFile, ImageFormat, SourceRequest, Want};
use simgan_refine::RefineModel;

use crate::checks::{check, quiet};
use crate::driver::{Browser, Look};
use crate::scene::{Served, registry, runs, turn};

/// Writes an eye as PNG.
fn eye(folder: &Path) -> PathBuf {
    let source = registry().open(&SourceRequest::new("builtin:eyes")).unwrap();
    let image = source.sample(3, Want::Image).unwrap().image;
    let path = folder.join("an <eye> & more.png");
    ImageFile::new(image, ImageFormat::Png).save(&path).unwrap();
    path
}

/// The bytes that a link's address gives, as the browser gets them.
fn downloaded(browser: &Browser, selector: &str) -> Vec<u8> {
    let address = browser.find(selector).property("href");
    let script = "const [address, done] = arguments;
        fetch(address).then((answer) => answer.arrayBuffer())
            .then((buffer) => done(btoa(String.fromCharCode(...new Uint8Array(buffer)))))";
    let coded = browser.run_async(script, &json!([address]));
    base64::engine::general_purpose::STANDARD.decode(coded.as_str().unwrap()).unwrap()
}

#[test]
fn an_image_is_chosen_refined_and_downloaded() {
    let Some(_turn) = turn() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = eye(folder.path());
    let served = Served::start(&[runs()], &[]);
    let browser = Browser::start(Look::DESKTOP);
    browser.go(&served.at("/runs/first"));
    browser.find("a[href='/runs/first/try?step=80']").click();
    assert_eq!(browser.find("select[name=step]").property("value"), "80");
    check(&browser, "try");
    browser.find("input[type=file]").type_in(path.to_str().unwrap());
    browser.find("#drop button").click();
    browser.wait_for("the result", || (browser.text("#result") == "an <eye> & more.png").then_some(()));
    let script = "return [...document.querySelectorAll('.results img')].map((it) => it.naturalWidth > 0)";
    browser.wait_for("three pictures", || {
        (browser.run(script, &json!([])) == json!([true, true, true])).then_some(())
    });
    check(&browser, "tried");
    let model = RefineModel::open(&runs().join("first/checkpoints/step-00000080"), &Device::Cpu).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let original = ImageFile::decode(&bytes, &path).unwrap();
    let expected = model.refine_image(original, "an <eye> & more.png").unwrap();
    let refined = ImageFile::decode(&downloaded(&browser, "a[download]"), &path).unwrap();
    assert_eq!(refined.image().pixels(), expected.file.image().pixels());
}

#[test]
fn an_image_is_dropped() {
    let Some(_turn) = turn() else { return };
    let folder = tempfile::tempdir().unwrap();
    let bytes = std::fs::read(eye(folder.path())).unwrap();
    let served = Served::start(&[runs()], &[]);
    let browser = Browser::start(Look::PHONE);
    browser.go(&served.at("/runs/second/try"));
    let script = "const bytes = Uint8Array.from(atob(arguments[0]), (c) => c.charCodeAt(0));
        const dropped = new DataTransfer();
        dropped.items.add(new File([bytes], 'dropped.png', { type: 'image/png' }));
        const event = { dataTransfer: dropped, bubbles: true, cancelable: true };
        document.getElementById('drop').dispatchEvent(new DragEvent('drop', event))";
    let coded = base64::engine::general_purpose::STANDARD.encode(&bytes);
    browser.find("#drop");
    browser.run(script, &json!([coded]));
    browser.wait_for("the result", || (browser.text("#result") == "dropped.png").then_some(()));
    quiet(&browser, "a dropped image");
}

#[test]
fn what_is_no_image_is_refused_in_words() {
    let Some(_turn) = turn() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.png");
    std::fs::write(&path, "no image").unwrap();
    let served = Served::start(&[runs()], &[]);
    let browser = Browser::start(Look::DESKTOP);
    browser.go(&served.at("/runs/first/try"));
    browser.find("input[type=file]").type_in(path.to_str().unwrap());
    browser.find("#drop button").click();
    browser.wait_for("the refusal", || browser.text("main").contains("notes.png").then_some(()));
    browser.console(); // it tells the status
    check(&browser, "refused");
}
