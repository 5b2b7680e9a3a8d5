//! Reports of evaluations and experiments, served beside their runs.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use candle_core::Device;
use serde_json::json;
use simgan_eval::evaluation::{
    EvaluationConfig, EvaluationData, NetworkSize, OpenedSources, Plan, Watch, evaluate,
};
use simgan_eval::experiment::{Experiment, ExperimentConfig, VariantSet};
use simgan_eval::{EstimatorTraining, report};
use simgan_metrics::RealismTraining;
use simgan_refine::RefineModel;
use simgan_train::TrainConfig;
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

/// Does an experiment of two draws of two variants in a few updates and writes its page.
fn experiment(folder: &Path) {
    let settings = "data.size=\"24x20\" data.batch=4 refiner.features=4 refiner.blocks=1 history.capacity=8 \
        schedule.pretrain_refiner=1 schedule.pretrain_discriminator=1 schedule.steps=4 output.sample_every=4 \
        discriminator.layers=[{conv={kernel=3,stride=2,features=6}}] data.synthetic=[\"builtin:eyes\"] \
        data.real=[\"builtin:camera\"]";
    let settings: Vec<String> = settings.split_whitespace().map(str::to_owned).collect();
    let training = TrainConfig::resolve(None, None, &settings).unwrap();
    let evaluation = EvaluationConfig {
        images: 32,
        seeds: 2,
        network: NetworkSize::Quarter,
        training: EstimatorTraining { steps: 2, batch: 8, ..EstimatorTraining::default() },
        realism: RealismTraining { steps: 2, ..RealismTraining::default() },
        ..EvaluationConfig::default()
    };
    let test = vec!["builtin:camera".to_owned()];
    let config = ExperimentConfig::new(VariantSet::Local, training, test, Some(24), evaluation, 2).unwrap();
    let experiment = Experiment::open(folder, config, registry(), &Device::Cpu).unwrap();
    let found = experiment.run(&mut |_| {}, &AtomicBool::new(false)).unwrap();
    report::write_experiment(folder, "An experiment", &found).unwrap();
}

#[test]
fn an_experiment_is_a_page_beside_its_runs() {
    let Some(_turn) = turn() else { return };
    let around = tempfile::tempdir().unwrap();
    let folder = around.path().join("local");
    experiment(&folder);
    let served = Served::start(&[around.path()], &[]);
    let browser = Browser::start(Look::DESKTOP);
    browser.go(&served.at("/"));
    browser.find("a[href='/runs/local-draw-1-global']");
    browser.find("a[href='/reports/local']").click();
    browser.wait_for("the report", || (browser.count("style") == 1).then_some(()));
    let texts = "return [...document.querySelectorAll('h2')].map(heading => heading.textContent)";
    let headings = ["Verdict", "Every repetition", "Pair by pair", "Samples: local", "Samples: global"];
    assert_eq!(browser.run(texts, &json!([])), json!(headings));
    let pairs =
        "return [...document.querySelectorAll('table')[1].rows[0].cells].map(cell => cell.textContent)";
    let head = ["gaze error in degrees", "draw 1, 1", "draw 1, 2", "draw 2, 1", "draw 2, 2"];
    assert_eq!(browser.run(pairs, &json!([])), json!(head));
    // In the server's sandbox axe-core cannot run; the file is the same page.
    browser.go(&format!("file://{}", folder.join("index.html").display()));
    check(&browser, "experiment");
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
