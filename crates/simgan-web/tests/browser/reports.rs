//! Reports of evaluations, served beside their run.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use candle_core::Device;
use serde_json::json;
use simgan_eval::evaluation::{
    EvaluationConfig, EvaluationData, NetworkSize, OpenedSources, Plan, Watch, evaluate,
};
use simgan_eval::{EstimatorTraining, report};
use simgan_metrics::RealismTraining;
use simgan_refine::RefineModel;
use simgan_train::run_dir::config_of_run;

use crate::checks::check;
use crate::driver::{Browser, Look};
use crate::scene::{Served, registry, runs, turn};

/// Evaluates a run's refiner in a few updates and writes the report into the run.
fn report_on(run: &Path) {
    let model = RefineModel::open(run, &Device::Cpu).unwrap();
    let data = config_of_run(run).unwrap().data;
    let camera = ["builtin:camera".to_owned()];
    let images = OpenedSources::open(&data, &camera, Some(32), 0, &registry()).unwrap();
    let config = EvaluationConfig {
        images: 64,
        seeds: 1,
        network: NetworkSize::Quarter,
        training: EstimatorTraining { steps: 2, batch: 8, ..EstimatorTraining::default() },
        realism: RealismTraining { steps: 2, ..RealismTraining::default() },
        ..EvaluationConfig::default()
    };
    let (mut observe, stop) = (|_: &_| {}, AtomicBool::new(false));
    let mut watch = Watch::new(&mut observe, &stop);
    let data = EvaluationData::read(&images.sources(), &config, &Device::Cpu, &mut watch).unwrap();
    let plan = Plan::new(&data, &config).unwrap();
    let (found, _) = evaluate(model.refiner(), &plan, &mut watch).unwrap();
    report::write(&run.join("report"), "A run", &found, &data, model.refiner(), &mut watch).unwrap();
}

#[test]
fn a_report_serves_everyone() {
    let Some(_turn) = turn() else { return };
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("reported");
    copy(&runs().join("first"), &run);
    report_on(&run);
    let served = Served::start(&[folder.path()], &[]);
    let browser = Browser::start(Look::DESKTOP);
    browser.go(&served.at("/runs/reported"));
    browser.find("a[href='/runs/reported/reports/report']").click();
    browser.wait_for("the report", || (browser.count("style") == 1).then_some(()));
    // In the server's sandbox axe-core cannot run; the file is the same page.
    browser.go(&format!("file://{}", run.join("report/index.html").display()));
    check(&browser, "report");
}

#[test]
fn a_report_is_shown_beside_its_run_and_can_do_nothing() {
    let Some(_turn) = turn() else { return };
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("reported");
    copy(&runs().join("first"), &run);
    fs::create_dir(run.join("report")).unwrap();
    let page = "<!doctype html><html lang=en><head><meta charset=utf-8>
        <meta name=\"generator\" content=\"simgan evaluate\"><title>Report</title>
        <style>h1 { color: rgb(1, 2, 3); }</style></head><body><main><h1>Report</h1>
        <script>document.title = 'changed'</script></main></body></html>";
    fs::write(run.join("report/index.html"), page).unwrap();
    let served = Served::start(&[folder.path()], &[]);
    let browser = Browser::start(Look::DESKTOP);
    browser.go(&served.at("/runs/reported"));
    browser.find("a[href='/runs/reported/reports/report']").click();
    browser.wait_for("the report", || (browser.count("style") == 1).then_some(()));
    let seen = "return [document.title, getComputedStyle(document.querySelector('h1')).color]";
    assert_eq!(browser.run(seen, &json!([])), json!(["Report", "rgb(1, 2, 3)"]), "styled, without scripts");
}

/// Copies a folder.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
