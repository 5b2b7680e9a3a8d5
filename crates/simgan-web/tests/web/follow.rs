//! Following: many at once, long files, and news in time.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use simgan_web::ServerOptions;

use crate::scene::{Scene, append, steps};
use crate::{Running, local};

/// A follower of a run's news.
struct Follower {
    lines: BufReader<TcpStream>,
}

impl Follower {
    fn start(server: &Running, run: &str) -> Self {
        let mut stream = TcpStream::connect(server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let request = format!("GET /api/runs/{run}/news HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
        stream.write_all(request.as_bytes()).unwrap();
        let mut follower = Self { lines: BufReader::new(stream) };
        follower.wait("text/event-stream");
        follower.wait("event: curves");
        follower
    }

    /// Reads until a line holds `what`, and returns it.
    fn wait(&mut self, what: &str) -> String {
        loop {
            let mut line = String::new();
            assert!(self.lines.read_line(&mut line).unwrap() > 0, "the stream ends before {what}");
            if line.contains(what) {
                return line;
            }
        }
    }
}

#[test]
fn a_hundred_followers_get_every_point() {
    let scene = Scene::new();
    let run = scene.write("a", 5);
    let server = Running::start(ServerOptions { runs: vec![run.clone()], ..local() });
    let is_read = || server.get("/api/runs/a/curves").text().contains("\"read\":5");
    while !is_read() {
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut followers: Vec<_> = (0..100).map(|_| Follower::start(&server, "a")).collect();
    append(&run, &steps(6, 8));
    for follower in &mut followers {
        let points = follower.wait("\"points\"");
        let read: serde_json::Value = serde_json::from_str(points.trim_start_matches("data: ")).unwrap();
        assert_eq!((&read["read"], read["points"].as_array().unwrap().len()), (&5.into(), 3), "{points}");
        assert_eq!(read["points"][2]["values"]["refiner/loss"], 8.0);
    }
    append(&run, "{\"event\":\"failed\",\"step\":8,\"error\":\"no space\"}\n");
    followers.iter_mut().for_each(|follower| drop(follower.wait("event: page")));
    // Pages are served while they follow, and after they have gone.
    assert_eq!(server.get("/runs/a").status, 200);
    drop(followers);
    assert_eq!(server.get("/runs/a").status, 200);
}

#[test]
fn a_long_run_is_thinned_and_keeps_its_ends() {
    let scene = Scene::new();
    let run = scene.write("a", 1);
    append(&run, &steps(2, 100_000));
    let server = Running::start(ServerOptions { runs: vec![run], ..local() });
    assert_eq!(server.get("/runs/a").status, 200, "served before all was read");
    let until = Instant::now() + Duration::from_secs(60);
    let curves = loop {
        let curves: serde_json::Value =
            serde_json::from_slice(&server.get("/api/runs/a/curves").body).unwrap();
        if curves["read"] == 100_000 {
            break curves;
        }
        assert!(Instant::now() < until, "{}", curves["read"]);
    };
    let loss = &curves["series"]["refiner/loss"];
    let list = |name: &str| loss[name].as_array().unwrap().clone();
    assert!((200..=500).contains(&list("step").len()), "{}", list("step").len());
    assert_eq!(list("min")[0], 1.0);
    assert_eq!((list("step").last(), list("max").last()), (Some(&100_000.into()), Some(&100_000.0.into())));
}
