//! Tests `simgan serve`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};

use crate::scene::{Scene, fails};

/// A server that ends with the test, however that ends.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn runs_are_served_until_the_program_is_ended() {
    let scene = Scene::new();
    scene.text("runs/demo/config.toml", "seed = 1\n");
    let mut serving =
        scene.simgan("serve --bind 127.0.0.1:0").stdout(Stdio::piped()).spawn().map(Serving).unwrap();
    let mut link = String::new();
    BufReader::new(serving.0.stdout.take().unwrap()).read_line(&mut link).unwrap();
    let address = link.trim().strip_prefix("http://").unwrap().trim_end_matches('/');
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").unwrap();
    let mut page = String::new();
    stream.read_to_string(&mut page).unwrap();
    assert!(page.starts_with("HTTP/1.1 200") && page.contains("href=\"/runs/demo\""), "{page}");
    assert!(serving.0.try_wait().unwrap().is_none());
}

#[test]
fn what_cannot_be_served_is_named_with_the_way_out() {
    let scene = Scene::new();
    scene.text("runs/demo/config.toml", "seed = 1\n");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let in_use = format!("{address}: another program already listens");
    fails(scene.simgan(&format!("serve --bind {address}")), 1, &[&in_use, "hint: ", "--bind 127.0.0.1:0"]);
    fails(scene.simgan("serve none"), 1, &["none: no such folder", "hint: "]);
    fails(scene.simgan("serve --bind nowhere"), 2, &["nowhere", "--bind 127.0.0.1:7878"]);
}
