//! Runs: found, shown, followed, and never left.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::Value;
use simgan_web::ServerOptions;

use crate::scene::{Scene, append, start, steps};
use crate::{Running, local};

fn serve(scene: &Scene) -> Running {
    Running::start(ServerOptions { runs: vec![scene.folder.path().to_owned()], ..local() })
}

/// Waits until a page says something.
fn wait(server: &Running, path: &str, what: &str) -> String {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        let text = server.get(path).text();
        if text.contains(what) {
            return text;
        }
        assert!(Instant::now() < until, "{path} never says {what}: {text}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn curves(server: &Running, run: &str) -> Value {
    serde_json::from_slice(&server.get(&format!("/api/runs/{run}/curves")).body).unwrap()
}

/// Waits until so many lines of steps were read.
fn wait_read(server: &Running, run: &str, n: u64) -> Value {
    let until = Instant::now() + Duration::from_secs(60);
    loop {
        let curves = curves(server, run);
        if curves["read"] == n {
            return curves;
        }
        assert!(Instant::now() < until, "{n} lines are never read: {}", curves["read"]);
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_trained_run_is_shown_with_all_it_has() {
    let scene = Scene::new();
    let server = serve(&scene);
    assert!(server.get("/").text().contains("No runs yet"));
    scene.train("demo");
    let list = server.get("/").text();
    for part in ["href=\"/runs/demo\"", "Finished", "Step 10 of 10", "/runs/demo/samples/step-10.png"] {
        assert!(list.contains(part), "{part}: {list}");
    }
    let page = server.get("/runs/demo").text();
    for part in [
        "data-steps=\"5,10\"",
        "Step 10",
        "<th scope=\"col\">Self-regularization</th>",
        "<dt>λ</dt>",
        "Try step 10",
        "seed = ",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let grid = server.get("/runs/demo/samples/step-5.png");
    assert_eq!(grid.header("content-type"), Some("image/png"));
    assert_eq!(grid.body, fs::read(scene.path("demo/samples/step-00000005.png")).unwrap());
    assert_eq!(server.get("/runs/demo/samples/step-6.png").status, 404);
    let config = server.get("/runs/demo/config.toml");
    assert_eq!(config.body, fs::read(scene.path("demo/config.toml")).unwrap());
    let curves = wait_read(&server, "demo", 10);
    assert_eq!(curves["series"]["refiner/loss"]["step"].as_array().unwrap().len(), 8);
    assert_eq!(curves["phases"][2], serde_json::json!(["adversarial", 5]));
}

/// Whatever a line says, pages are shown.
#[test]
fn odd_figures_break_no_page() {
    let scene = Scene::new();
    let run = scene.write("a", 50);
    let lines = start() + &steps(1, 50);
    let last = lines.lines().last().unwrap();
    let odd = |from: &str, to: &str| {
        assert!(last.contains(from), "{last}");
        last.replace(from, to) + "\n"
    };
    let server = serve(&scene);
    for line in [
        odd("\"step\":50", "\"step\":3"),
        odd("\"images_per_sec\":", "\"images_per_sec\":-"),
        odd("\"step\":50", "\"step\":18446744073709551615"),
    ] {
        let read: u64 = curves(&server, "a")["read"].as_u64().unwrap();
        append(&run, &line);
        let held = fs::File::create(run.join("run.lock")).unwrap();
        held.lock().unwrap();
        wait_read(&server, "a", read.max(50) + 1);
        for page in ["/", "/runs/a", "/compare?a=a&b=a"] {
            assert_eq!(server.get(page).status, 200, "{page} after {line}");
        }
    }
}

#[test]
fn states_are_told_apart() {
    let scene = Scene::new();
    let run = scene.write("a", 7);
    let server = serve(&scene);
    let told = |what| wait(&server, "/runs/a", what);
    told("Interrupted");
    let held = fs::File::create(run.join("run.lock")).unwrap();
    held.lock().unwrap();
    told("Running");
    drop(held);
    append(&run, "{\"event\":\"failed\",\"step\":7,\"error\":\"the loss is not finite (try less)\"}\n");
    assert!(told("Diverged").contains("the loss is not finite (try less)"));
    append(&run, &start().replace("\"step\":0", "\"step\":7"));
    append(&run, "{\"event\":\"failed\",\"step\":7,\"error\":\"no space\"}\n");
    told(">Failed<");
    fs::create_dir(scene.path("b")).unwrap();
    fs::copy(run.join("config.toml"), scene.path("b/config.toml")).unwrap();
    wait(&server, "/", "Not started");
}

#[test]
fn a_run_is_read_as_it_grows_and_anew_when_it_is_cut() {
    let scene = Scene::new();
    let run = scene.write("a", 3);
    let server = serve(&scene);
    wait_read(&server, "a", 3);
    append(&run, &steps(4, 5));
    let grown = wait_read(&server, "a", 5);
    assert_eq!(grown["series"]["refiner/loss"]["mean"], serde_json::json!([1.0, 2.0, 3.0, 4.0, 5.0]));
    // A resumed run cuts its lines and writes others, more than there were.
    let resumed = start() + &steps(1, 2) + &start().replace("\"step\":0", "\"step\":2") + &steps(13, 20);
    fs::write(run.join("metrics.jsonl"), resumed).unwrap();
    let anew = wait_read(&server, "a", 10);
    assert_eq!(anew["series"]["refiner/loss"]["mean"][2], 13.0);
}

#[test]
fn damage_is_said_in_words() {
    let scene = Scene::new();
    let run = scene.write("a", 3);
    append(&run, "not json\n{\"event\":\"step\"}\n\0\0\0\n{\"event\":\"wa");
    fs::write(run.join("config.toml"), "seed = \n").unwrap();
    fs::write(run.join("best.toml"), "version = 99").unwrap();
    let server = serve(&scene);
    let page = wait(&server, "/runs/a", "3 lines of metrics.jsonl are no events");
    assert!(page.contains("config.toml is damaged") && page.contains("best.toml") && page.contains("Step 3"));
    assert_eq!(server.get("/").status, 200);
}

#[test]
fn names_are_shown_and_never_run() {
    let scene = Scene::new();
    let name = "<script>alert(1)</script>".replace('/', "\u{2215}");
    let run = scene.write(&name, 2);
    append(
        &run,
        "{\"event\":\"warning\",\"step\":2,\"kind\":\"skipped-images\",\"message\":\"<img src=x onerror=y>\"}\n",
    );
    let server = serve(&scene);
    let list = server.get("/").text();
    assert!(!list.contains("<script>alert") && list.contains("&#60;script&#62;alert(1)"), "{list}");
    let slug = list.split("href=\"/runs/").nth(1).unwrap().split('"').next().unwrap();
    assert!(slug.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)), "{slug}");
    let page = wait(&server, &format!("/runs/{slug}"), "onerror=y");
    assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "{page}");
    let compared = server.get(&format!("/compare?a={slug}&b={slug}")).text();
    assert!(!compared.contains("<script>alert"), "{compared}");
}

#[test]
fn no_path_leads_out_of_a_run() {
    let scene = Scene::new();
    scene.write("a", 2);
    fs::write(scene.path("secret.png"), "secret").unwrap();
    let server = serve(&scene);
    let up =
        ["..", "%2e%2e", "..%2f", "%2e%2e%2f", "..%2fa", "a%2f..%2fa", "%00", "a%00", "....//", "%252e%252e"];
    for up in up {
        for path in [
            format!("/runs/{up}"),
            format!("/runs/{up}/config.toml"),
            format!("/runs/{up}/try"),
            format!("/runs/a/samples/{up}"),
            format!("/runs/a/samples/{up}secret.png"),
            format!("/runs/a/samples/step-{up}.png"),
            format!("/runs/a/reports/{up}"),
            format!("/reports/{up}"),
            format!("/api/runs/{up}/curves"),
            format!("/api/runs/{up}/news"),
            format!("/compare?a={up}&b={up}"),
            format!("/tried/{up}/file"),
            format!("/assets/{up}"),
            format!("/{up}/{up}/etc/passwd"),
        ] {
            let answer = server.get(&path);
            assert!(matches!(answer.status, 400 | 404), "{path}: {}", answer.status);
            assert!(!answer.text().contains("secret") || path.contains("secret"), "{path}");
        }
    }
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    use std::os::unix::fs::symlink;
    let (scene, outside) = (Scene::new(), Scene::new());
    let other = outside.write("other", 2);
    fs::create_dir(other.join("samples")).unwrap();
    fs::write(other.join("samples/step-00000001.png"), "secret").unwrap();
    symlink(&other, scene.path("linked")).unwrap();
    let run = scene.write("a", 2);
    symlink(other.join("samples"), run.join("samples")).unwrap();
    let replaced = scene.write("b", 2);
    let server = Running::start(ServerOptions {
        runs: vec![scene.folder.path().to_owned(), replaced.clone()],
        ..local()
    });
    assert_eq!(server.get("/runs/linked").status, 404, "a link in a folder of runs is no run");
    assert_ne!(server.get("/runs/a/samples/step-1.png").status, 200);
    assert_eq!(server.get("/runs/b").status, 200);
    fs::rename(&replaced, scene.path("moved")).unwrap();
    symlink(&other, &replaced).unwrap();
    for path in ["/runs/b", "/runs/b/samples/step-1.png", "/runs/b/config.toml", "/api/runs/b/curves"] {
        assert_eq!(server.get(path).status, 404, "{path}: a link took the run's place");
    }
    fs::remove_file(run.join("metrics.jsonl")).unwrap();
    symlink(other.join("metrics.jsonl"), run.join("metrics.jsonl")).unwrap();
    assert_eq!(curves(&server, "a")["read"], 0);
}

#[test]
fn only_reports_of_this_program_are_served_and_can_do_nothing() {
    let scene = Scene::new();
    let run = scene.write("a", 2);
    let page = "<meta name=\"generator\" content=\"simgan evaluate\"><style>p{}</style><script>x</script>";
    for (name, page) in [("report", page), ("other", "<p>mine</p>")] {
        fs::create_dir(run.join(name)).unwrap();
        fs::write(run.join(name).join("index.html"), page).unwrap();
    }
    let apart = scene.path("apart");
    fs::create_dir(&apart).unwrap();
    fs::write(apart.join("index.html"), page).unwrap();
    let server = Running::start(ServerOptions { runs: vec![run, apart], ..local() });
    assert!(server.get("/runs/a").text().contains("/runs/a/reports/report"));
    assert_eq!(server.get("/runs/a/reports/other").status, 404);
    for path in ["/runs/a/reports/report", "/reports/apart"] {
        let report = server.get(path);
        assert_eq!(report.text(), page, "{path}");
        let policy = report.header("content-security-policy").unwrap();
        assert!(policy.contains("sandbox;") && policy.contains("default-src 'none'"), "{policy}");
        assert!(!policy.contains("script-src"), "{policy}");
    }
    assert!(server.get("/").text().contains("/reports/apart"));
}

#[test]
fn two_runs_are_compared() {
    let scene = Scene::new();
    scene.write("a", 4);
    let other = scene.write("b", 4);
    let config = fs::read_to_string(other.join("config.toml")).unwrap();
    fs::write(other.join("config.toml"), config.replace("seed = ", "seed = 9")).unwrap();
    let server = serve(&scene);
    assert!(server.get("/compare").text().contains("<select name=\"a\">"));
    let page = server.get("/compare?a=a&b=b").text();
    assert!(page.contains("<code>seed</code>") && !page.contains("<code>data.size</code>"), "{page}");
    assert!(server.get("/compare?a=a&b=a").text().contains("configurations are equal"));
    assert_eq!(server.get("/compare?a=a&b=none").status, 404);
}
